//! MCP over JSON-RPC without input or output: what the framework components share.
//!
//! A transport reads bytes and asks [`http`] or [`stdio`] what to do with them. The answer is
//! either ready to be sent, or a [`Call`] of a tool; the transport makes the call, and the
//! `Call` turns its outcome into the answer. What a server offers comes from a [`Catalog`],
//! which compose bakes and an instance uses without parsing.

mod answer;
mod bridge;
pub mod call;
pub mod catalog;
pub mod chain;
mod client;
mod content;
mod dispatch;
mod extension;
mod failure;
#[cfg(test)]
mod fuzz;
mod headers;
pub mod http;
pub mod hub;
mod input;
pub mod json;
mod lines;
pub mod listen;
mod lists;
mod message;
pub mod notify;
mod origin;
#[cfg(test)]
mod property_tests;
mod ready;
pub mod request_id;
pub mod schema;
mod seal;
pub mod services;
mod session;
pub mod sse;
pub mod state;
pub mod stdio;
mod target;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod time;
pub mod types;
mod uri_template;
pub mod version;
pub mod waits;
pub mod watched;

pub use call::{Call, Context};
pub use catalog::Catalog;
pub use failure::excerpt;
pub use ready::ready;
pub use version::Version;

/// The largest message that is read, in bytes.
pub const MAX_BODY: usize = 4 << 20;
/// How deep JSON may nest, in messages and in what features answer.
pub const MAX_DEPTH: usize = 64;
/// The largest answer that is sent, in bytes.
pub const MAX_RESULT: usize = 16 << 20;
/// The most bytes that an output stream of WASI 0.2 takes in one call.
pub const MAX_WRITE: usize = 4096;
