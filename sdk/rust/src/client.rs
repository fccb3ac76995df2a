//! The client of a request: in a component, the framework's; in native tests, one with answers that
//! the test chose.

#[cfg(target_family = "wasm")]
mod imported;
#[cfg(not(target_family = "wasm"))]
mod test;

#[cfg(target_family = "wasm")]
pub(crate) use imported::Client;
#[cfg(not(target_family = "wasm"))]
pub(crate) use test::Client;
#[cfg(not(target_family = "wasm"))]
pub use test::{Sent, block_on};
