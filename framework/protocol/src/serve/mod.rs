//! What becomes of a message: transports, and the two ends of a chain.

pub mod chain;
pub(crate) mod dispatch;
pub mod http;
pub mod router;
pub mod stdio;
pub mod watched;
