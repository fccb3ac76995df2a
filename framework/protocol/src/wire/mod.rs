//! What goes over the wire: JSON, the messages made of it, and their parts.

pub(crate) mod content;
pub(crate) mod failure;
pub mod json;
pub(crate) mod message;
pub mod notify;
pub mod sse;
pub mod time;
pub mod types;
pub mod version;

/// The largest message that is read, in bytes.
pub const MAX_BODY: usize = 4 << 20;
/// How deep JSON may nest, in messages and in what features answer.
pub const MAX_DEPTH: usize = 64;
/// The largest answer that is sent, in bytes.
pub const MAX_RESULT: usize = 16 << 20;
