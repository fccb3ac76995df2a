//! MCP over JSON-RPC without I/O: the code that the framework components share.
//!
//! A transport reads bytes and passes them to [`http`] or [`stdio`]. Either the answer is ready
//! to send, or a feature must be called: the transport makes the [`Call`], and the `Call` turns
//! the outcome into the answer. A [`Catalog`] holds what a server offers. Compose bakes it, and
//! an instance reads it without parsing.
//!
//! The folders are layers: `wire`, `state`, `catalog`, `call`, `answer`, `serve`. Each imports
//! only from those before it, which a test checks. Their public modules are exported here.

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

pub use call::access::refuse_late;
pub use call::{Call, Context};
pub use catalog::{Catalog, schema};
pub use serve::{chain, http, router, stdio, watched};
pub use state::{
    keys, listen, replies::is_cancelled, sender, senders, services, sweep, tasks, waits,
};
pub use wire::{
    MAX_BODY, MAX_DEPTH, MAX_RESULT, MAX_WRITE, failure::excerpt, json, lines::Lines,
    message::mend, notify, pattern, ready::ready, request_id, sse, time, types, uri, version,
    version::Version,
};
