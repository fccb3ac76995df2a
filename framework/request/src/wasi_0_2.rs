//! WASI 0.2: a request's response becomes a stream of events at the first notification.

use std::io::Write as _;

use spin_mcp_protocol::sse;
use wasip2::{
    http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam},
    io::streams::OutputStream,
};

use crate::Component;
use bindings::exports::spin_mcp::framework::control;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.2/deps/wasi-io.wit", "../control/wasi-0.2/deps/wasi-clocks.wit", "../control/wasi-0.2/deps/wasi-http.wit", "../control/wasi-0.2/control.wit"],
        world: "spin-mcp:framework/request",
        with: {
            "wasi:clocks/monotonic-clock@0.2.4": wasip2::clocks::monotonic_clock,
            "wasi:http/types@0.2.4": wasip2::http::types,
            "wasi:io/error@0.2.4": wasip2::io::error,
            "wasi:io/poll@0.2.4": wasip2::io::poll,
            "wasi:io/streams@0.2.4": wasip2::io::streams,
        },
        generate_all,
    });
}

/// Where the notifications of one request go.
#[derive(Default)]
pub enum Channel {
    #[default]
    Nowhere,
    Lines,
    /// Nothing was sent yet.
    Response(ResponseOutparam),
    Events(EventStream),
    Stream(OutputStream),
    /// The client went away.
    Closed,
}

impl Channel {
    pub fn is_closed(&self) -> bool {
        matches!(self, Channel::Closed)
    }

    /// Sends one notification, a JSON-RPC message, at once.
    pub fn send(&mut self, notification: &[u8]) {
        match self {
            Channel::Lines | Channel::Stream(_) => self.write(&[notification, b"\n"].concat()),
            _ => self.write(&sse::event(notification)),
        }
    }

    /// Sends bytes as they are, at once.
    pub fn write(&mut self, bytes: &[u8]) {
        *self = match std::mem::take(self) {
            Channel::Lines => match write(bytes) {
                Ok(()) => Channel::Lines,
                Err(_) => Channel::Closed,
            },
            Channel::Response(out) => EventStream::open(out).send(bytes),
            Channel::Events(stream) => stream.send(bytes),
            Channel::Stream(stream) => match send(&stream, bytes) {
                true => Channel::Stream(stream),
                false => Channel::Closed,
            },
            other => other,
        };
    }
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// A response of server-sent events. Fields drop in this order: a stream before its body.
pub struct EventStream {
    stream: OutputStream,
    body: OutgoingBody,
}

impl EventStream {
    fn open(out: ResponseOutparam) -> EventStream {
        let headers: Vec<(String, Vec<u8>)> = sse::HEADERS
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        let headers = Fields::from_list(&headers).expect("the headers of a stream are valid");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("the body is taken once");
        let stream = body.write().expect("the stream is taken once");
        ResponseOutparam::set(out, Ok(response));
        EventStream { stream, body }
    }

    fn send(self, event: &[u8]) -> Channel {
        match send(&self.stream, event) {
            true => Channel::Events(self),
            false => Channel::Closed,
        }
    }
}

/// False: nobody reads it any more.
fn send(stream: &OutputStream, bytes: &[u8]) -> bool {
    // The most that a stream takes in one call.
    let mut chunks = bytes.chunks(4096);
    chunks.all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
}

impl control::Guest for Component {
    fn begin(id: u64, context: control::Context, channel: control::Channel) {
        let channel = match channel {
            control::Channel::Nowhere => Channel::Nowhere,
            control::Channel::Lines => Channel::Lines,
            control::Channel::Response(out) => Channel::Response(out),
            control::Channel::Stream(stream) => Channel::Stream(stream),
        };
        crate::begin(id, context, channel);
    }

    fn again(id: u64, input_responses: Vec<(String, String)>, request_state: Option<String>) {
        crate::again(id, input_responses, request_state);
    }

    fn send(id: u64, bytes: Vec<u8>) -> bool {
        crate::with(id, |request| {
            request.channel.write(&bytes);
            !request.channel.is_closed()
        })
    }

    fn changes(id: u64) -> Vec<control::Change> {
        crate::changes(id)
    }

    fn end(id: u64) -> control::Channel {
        let request = crate::remove(id);
        match request.map_or(Channel::Nowhere, |request| request.channel) {
            Channel::Response(out) => control::Channel::Response(out),
            Channel::Stream(stream) => control::Channel::Stream(stream),
            Channel::Lines => control::Channel::Lines,
            channel => {
                ENDED.set(channel);
                control::Channel::Nowhere
            }
        }
    }

    fn final_event(_id: u64, event: Vec<u8>) {
        if let Channel::Events(stream) = ENDED.take()
            && let Channel::Events(EventStream { stream, body }) = stream.send(&event)
        {
            drop(stream);
            // A client that left does not read the end.
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

thread_local! {
    /// The channel of the request that ended and still owes its last event.
    static ENDED: std::cell::Cell<Channel> = const { std::cell::Cell::new(Channel::Nowhere) };
}
