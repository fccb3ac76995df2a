//! Changes of lists and resources, and the clients that subscribe to them
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
//!
//! Instances share only a store in which the last write wins. So an event is a random stamp
//! under a name that publisher and listener both compute, from what changed and from the hour;
//! `watch` explains why no event is missed. Several events in quick succession may become one
//! notification: it only tells the client to look again.

mod change;
mod filter;
mod heard;
mod listener;
mod notice;
mod publish;
mod subscriptions;
#[cfg(test)]
mod tests;
mod watch;

pub use change::Change;
pub use filter::{LONGEST_NAME, MOST_RESOURCES, MOST_TASKS, Offer, named};
pub use listener::{Listener, unheard};
pub use publish::publish;
pub use subscriptions::{Refused, confirmed, subscribe, subscriptions, unsubscribe};
