//! A transport that speaks newline-delimited JSON over HTTP: a POST holds a JSON-RPC message on
//! each line, and so does its answer, with what tools tell of their progress as they tell it.
//!
//! It has no sessions: what a client says of itself is in `_meta` of each request, as in the
//! revision 2026-07-28. It asks clients nothing.
#![cfg(target_family = "wasm")]

mod body;
mod message;

use std::sync::atomic::{AtomicU64, Ordering};

use bindings::spin_mcp::{
    framework::control::{self, Channel, Context, Output},
    server::handler,
};
use wasip2::{
    http::types::{IncomingRequest, Method, ResponseOutparam},
    io::streams::OutputStream,
};

use body::{Answer, refuse};
use message::{Failure, Message, Request};

mod bindings {
    wit_bindgen::generate!({
        path: ["../../framework/wit", "../../framework/wit-internal"],
        inline: "
            package example:ndjson;
            world transport {
                import spin-mcp:framework/control@0.1.0;
                import spin-mcp:server/handler@0.1.0;
            }",
        world: "example:ndjson/transport",
        features: ["wasip2"],
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

struct Ndjson;
wasip2::http::proxy::export!(Ndjson);

impl wasip2::exports::http::incoming_handler::Guest for Ndjson {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if !matches!(request.method(), Method::Post) {
            return refuse(out, 405);
        }
        let Some(lines) = body::read(&request) else {
            return refuse(out, 413);
        };
        let (answer, mut stream) = Answer::begin(out);
        for line in lines.split(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match pass(line, stream) {
                Some(kept) => stream = kept,
                // The client left.
                None => return,
            }
        }
        answer.end(stream);
    }
}

/// Hands a message to the chain, and writes what comes of it. None: nobody reads any more.
fn pass(line: &[u8], stream: OutputStream) -> Option<OutputStream> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let request = match Message::read(line) {
        Err(failure) => return body::write(&stream, &failure.line("null")).then_some(stream),
        Ok(Message::Notification { method, params }) => {
            control::begin(id, &Request::nobody(), Channel::Nowhere);
            handler::notify(id, &method, &params);
            control::end(id, &[]);
            return Some(stream);
        }
        Ok(Message::Request(request)) => request,
    };
    control::begin(id, &request.context(), Channel::Nowhere);
    control::give(id, Output::Stream(stream));
    let line = match handler::handle(id, &request.method, &request.params) {
        Ok(result) => request.result(&result),
        Err(error) => Failure::from(error).line(&request.id),
    };
    let open = control::send(id, &line);
    let taken = control::take(id);
    control::end(id, &[]);
    match taken {
        Some(Output::Stream(stream)) if open => Some(stream),
        _ => None,
    }
}
