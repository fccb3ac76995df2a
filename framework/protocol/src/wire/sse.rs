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

/// How soon a client may open a stream again that has ended.
const RETRY: &str = "retry: 1000\n";

/// An event with a JSON-RPC message of this crate: such messages do not contain line breaks.
pub fn event(message: &[u8]) -> Vec<u8> {
    [BEFORE, message, AFTER].concat()
}

/// The same with an id, by which a client can resume the stream.
pub fn event_with_id(id: Option<&str>, message: &[u8]) -> Vec<u8> {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n{RETRY}"));
    [id.as_bytes(), BEFORE, message, AFTER].concat()
}

/// An event without a message, whose id is that of the beginning of the stream.
pub fn opening(id: &str) -> Vec<u8> {
    format!("id: {id}\n{RETRY}data: \n\n").into_bytes()
}

/// Opens a stream and says how soon it may be opened again.
pub fn reopening() -> Vec<u8> {
    format!("{RETRY}\n").into_bytes()
}
