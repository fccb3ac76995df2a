//! The WASI 0.2 build: the first notification turns the response of a request into a stream.

use std::mem;

use spin_mcp_protocol::{MAX_WRITE, http::cors, sse};
use wasip2::{
    http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam},
    io::streams::OutputStream,
};

use bindings::exports::spin_mcp::framework::control::Output;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/context",
        features: ["wasip2"],
        with: {
            "wasi:clocks/monotonic-clock@0.2.4": wasip2::clocks::monotonic_clock,
            "wasi:http/types@0.2.4": wasip2::http::types,
            "wasi:io/error@0.2.4": wasip2::io::error,
            "wasi:io/poll@0.2.4": wasip2::io::poll,
            "wasi:io/streams@0.2.4": wasip2::io::streams,
        },
        generate_all,
        additional_derives: [PartialEq],
        additional_derives_ignore: ["output"],
    });
}

/// What a request sends on.
#[derive(Default)]
pub enum Stream {
    /// The transport has not given it yet, or has taken it back.
    #[default]
    Absent,
    /// With the bytes that a stream of events begins with, and the origin of the page that reads it.
    Given(Output, Vec<u8>, Option<String>),
    /// A response of server-sent events. Fields drop in this order: a stream before its body.
    Events(OutputStream, OutgoingBody),
}

impl Stream {
    /// A notification as it is sent. None: it is left out.
    pub fn frame(&self, notification: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Stream::Given(Output::Stream(_), ..) => [notification, b"\n"].concat(),
            _ => sse::event(notification),
        })
    }

    /// Sends bytes at once. False: nobody reads them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        match mem::take(self) {
            Stream::Given(Output::Response(out), opening, origin) => {
                *self = open(out, origin.as_deref());
                self.write(&[&opening, bytes].concat())
            }
            other => {
                *self = other;
                self.write(bytes)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        match self {
            Stream::Events(stream, _) | Stream::Given(Output::Stream(stream), ..) => {
                let mut chunks = bytes.chunks(MAX_WRITE);
                chunks.all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
            }
            _ => true,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self, Stream::Events(..))
    }

    /// Sends the last bytes. Returns whether more is left to do.
    pub fn end(&mut self, last: &[u8]) -> bool {
        if self.send(last)
            && let Stream::Events(stream, body) = mem::take(self)
        {
            drop(stream);
            // A client that left does not read the end.
            let _ = OutgoingBody::finish(body, None);
        }
        false
    }

    pub fn take(&mut self) -> Option<Output> {
        match mem::take(self) {
            Stream::Given(output, ..) => Some(output),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// Makes a stream of events of a response.
fn open(out: ResponseOutparam, origin: Option<&str>) -> Stream {
    let cors = origin.map(cors).into_iter().flatten();
    let headers = sse::HEADERS.into_iter().chain(cors);
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let headers = Fields::from_list(&headers).expect("the headers of a stream are valid");
    let response = OutgoingResponse::new(headers);
    let body = response.body().expect("the body is taken once");
    let stream = body.write().expect("the stream is taken once");
    ResponseOutparam::set(out, Ok(response));
    Stream::Events(stream, body)
}
