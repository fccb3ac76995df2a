//! Server-sent events, for Streamable HTTP
//! (https://html.spec.whatwg.org/multipage/server-sent-events.html).

/// The headers of a stream of events.
pub const HEADERS: [(&str, &str); 3] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
];

/// A comment, which clients ignore. It shows that the stream is alive.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

const BEFORE: &[u8] = b"event: message\ndata: ";
const AFTER: &[u8] = b"\n\n";

/// An event with a JSON-RPC message of this crate: such messages do not contain line breaks.
pub fn event(message: &[u8]) -> Vec<u8> {
    [BEFORE, message, AFTER].concat()
}
