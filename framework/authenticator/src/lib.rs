//! The authenticator of the framework: checks access tokens (JWT) and API keys.
//!
//! It exports `authenticator`, and `keys` (WASI 0.2) or `keys-async` (WASI 0.3). Its settings, which
//! compose stores, say where keys come from.

mod authenticator;
#[cfg(target_family = "wasm")]
mod component;
mod discovery;
mod fetched;
mod stored;
mod variable;
mod verified;
#[cfg(target_family = "wasm")]
#[cfg_attr(feature = "wasi-0-2", path = "wasi_0_2.rs")]
#[cfg_attr(feature = "wasi-0-3", path = "wasi_0_3.rs")]
mod wasi;
