//! Message handling: the transports, the methods, and both ends of a chain.

pub mod chain;
mod dispatch;
mod dispatched;
mod gate;
mod handshake;
pub mod http;
mod own;
mod params;
pub mod router;
mod stateful;
pub mod stdio;
mod task_call;
pub mod watched;
