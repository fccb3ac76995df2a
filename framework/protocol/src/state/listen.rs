//! Changes of lists and of resources, and the clients that listen for them
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
//!
//! Instances share nothing but a store in which the last write wins. So an event is a random
//! stamp under a name that a publisher and a listener compute from what changed and from the
//! hour; `watch` says why none is missed. Events in quick succession may become one
//! notification: each says no more than that the client should look again.

mod change;
mod filter;
mod listener;
mod notice;
mod publish;
mod subscriptions;
#[cfg(test)]
mod tests;
mod watch;

pub use change::Change;
pub use filter::{LONGEST_NAME, MOST_RESOURCES, MOST_TASKS, Offer};
pub use listener::Listener;
pub use publish::publish;
pub use subscriptions::{Refused, confirmed, subscribe, subscriptions, unsubscribe};
