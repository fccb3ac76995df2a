//! Changes of lists and of resources, and the clients that listen for them
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
//!
//! Instances share nothing but a store in which the last write wins. So an event is a random
//! stamp under a name that a publisher and a listener compute from what changed and from the
//! hour; `watch` says why none is missed. Events in quick succession may become one
//! notification: each says no more than that the client should look again.

mod filter;
mod listener;
mod notice;
mod subscriptions;
#[cfg(test)]
mod tests;
mod watch;

use std::{borrow::Cow, collections::BTreeSet};

use crate::state::{
    keys,
    services::{Services, Unavailable},
};

pub use filter::Offer;
pub use listener::Listener;
pub use subscriptions::{Refused, confirmed, subscribe, subscriptions, unsubscribe};

/// How long to wait before a listener looks at the store again, in milliseconds. A transport
/// may wait longer the longer nothing changes.
pub const POLL_MS: u64 = 500;
/// How long a stream may be silent, in milliseconds: then a comment tells proxies and clients
/// that it is alive.
pub const KEEP_ALIVE_MS: u64 = 15_000;
/// How long a stream stays open unless the server was composed with something else, in
/// milliseconds. Fermyon Wasm Functions ends requests after 30 seconds.
pub const LONGEST_STREAM_MS: u64 = 25_000;

/// How many resources one listener or session may watch.
pub const MOST_RESOURCES: usize = 256;
/// How many tasks one listener may watch.
pub const MOST_TASKS: usize = 64;
/// The longest URI or task id that can be watched, in bytes.
pub const LONGEST_NAME: usize = 2048;

/// Something that clients can listen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of resources or the list of resource templates.
    Resources,
    /// The list of prompts.
    Prompts,
    /// The resource of this URI.
    Resource(String),
}

impl Change {
    /// What names of events are computed from: it differs for any two changes.
    fn topic(&self) -> Cow<'static, [u8]> {
        match self {
            Change::Tools => b"tools".into(),
            Change::Resources => b"resources".into(),
            Change::Prompts => b"prompts".into(),
            Change::Resource(uri) => format!("resource:{uri}").into_bytes().into(),
        }
    }
}

/// Tells the listeners of all instances. Without a store there are none to tell.
///
/// Each change costs one write however often it is given. All are tried; the error is that of
/// the first one that failed.
pub fn publish<S: Services>(services: &mut S, changes: &[Change]) -> Result<(), Unavailable> {
    if changes.is_empty() {
        return Ok(());
    }
    let window = watch::window(services.now());
    let stamp = services.random();
    let Some(store) = services.store() else {
        return Ok(());
    };
    let names: BTreeSet<String> = changes
        .iter()
        .map(|change| watch::name(&change.topic(), window))
        .collect();
    let mut outcome = Ok(());
    for name in names {
        outcome = outcome.and(store.set(&name, &stamp));
    }
    keys::sweep_sometimes(services);
    outcome
}
