//! The outcome of a request.

use super::{gate::Gate, watched::Watched};
use crate::{call::Call, state::listen::Listener, wire::notify::LogLevel};

/// The outcome of a request that did not fail.
pub enum Dispatched<'a> {
    /// A JSON-RPC response.
    Ready(Vec<u8>),
    /// The client wants logs from this level on. A JSON-RPC response.
    SetLevel(LogLevel, Vec<u8>),
    /// The messages of a stream on which nothing can happen, the response last.
    Unheard([Vec<u8>; 2]),
    Call(Box<Call<'a>>),
    /// The response follows when the client or the server ends the stream.
    Listen(Box<(Listener, Watched<'a>)>),
    /// The chain must let the request pass first.
    Gate(Box<Gate<'a>>),
}
