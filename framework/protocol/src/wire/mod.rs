//! The wire format: JSON, JSON-RPC messages, and their parts.

pub(crate) mod challenge;
pub(crate) mod content;
pub(crate) mod failure;
pub mod json;
pub(crate) mod lines;
pub(crate) mod message;
pub mod notify;
pub mod pattern;
pub(crate) mod ready;
pub mod request_id;
pub mod sse;
pub mod time;
pub mod types;
pub mod uri;
pub mod version;

/// The largest message that the server reads, in bytes.
pub const MAX_BODY: usize = 4 << 20;
/// The greatest nesting depth of JSON, in messages and in answers of features.
pub const MAX_DEPTH: usize = 64;
/// The largest answer that the server sends, in bytes.
pub const MAX_RESULT: usize = 16 << 20;
/// The most bytes that an output stream of WASI 0.2 takes in one call.
pub const MAX_WRITE: usize = 4096;
