//! State that outlives a request: clients carry it, or it lies in the store that all instances
//! share.

pub(crate) mod call_stream;
pub mod keys;
pub mod listen;
pub(crate) mod replies;
pub(crate) mod seal;
pub mod sender;
pub mod senders;
pub mod services;
pub(crate) mod session;
pub mod sweep;
pub mod tasks;
pub mod waits;
