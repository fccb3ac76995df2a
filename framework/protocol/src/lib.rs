//! MCP over JSON-RPC without input or output: what the framework components share.
//!
//! A transport reads bytes and asks [`http`] or [`stdio`] what to do with them. The answer is
//! either ready to be sent, or a [`Call`] of a tool; the transport makes the call, and the
//! `Call` turns its outcome into the answer. What a server offers comes from a [`Catalog`],
//! which compose bakes and an instance uses without parsing.

mod answer;
pub mod call;
pub mod catalog;
mod serve;
mod state;
mod wire;

#[cfg(test)]
#[path = "../fuzz/mod.rs"]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod testing;

pub use call::{Call, Context};
pub use catalog::{Catalog, schema};
pub use serve::{chain, http, router, stdio, watched};
pub use state::{keys, listen, services, tasks, waits};
pub use wire::{
    MAX_BODY, MAX_DEPTH, MAX_RESULT, failure::excerpt, json, notify, sse, time, types, version,
    version::Version,
};
