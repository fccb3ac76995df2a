//! What comes of a request.

use super::{gate::Gate, watched::Watched};
use crate::{call::Call, state::listen::Listener, wire::notify::LogLevel};

/// What became of a request that did not fail.
pub enum Dispatched<'a> {
    /// A whole JSON-RPC response.
    Ready(Vec<u8>),
    /// The client wants logs from this level on. A whole JSON-RPC response.
    SetLevel(LogLevel, Vec<u8>),
    Call(Box<Call<'a>>),
    /// The response comes when the client or the server ends it.
    Listen(Box<(Listener, Watched<'a>)>),
    /// The chain is asked before the transport does it.
    Gate(Box<Gate<'a>>),
}
