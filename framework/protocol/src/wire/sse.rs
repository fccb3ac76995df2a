//! Server-sent events, as responses of Streamable HTTP use them
//! (https://html.spec.whatwg.org/multipage/server-sent-events.html).

/// The headers of a response that is a stream of events.
pub const HEADERS: [(&str, &str); 3] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
];

/// A comment, which clients ignore: the stream is alive.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

const BEFORE: &[u8] = b"event: message\ndata: ";
const AFTER: &[u8] = b"\n\n";

/// One event that carries a JSON-RPC message of this crate, which never contains a line break.
pub fn event(message: &[u8]) -> Vec<u8> {
    [BEFORE, message, AFTER].concat()
}
