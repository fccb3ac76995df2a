//! The edition for WASI 0.2: an instance serves one HTTP request, or the lines of stdin in turn.

use std::io::{BufRead as _, Read as _, Write as _};

use spin_mcp_protocol::{
    Call, MAX_BODY,
    call::Outcome,
    catalog::Flags,
    http::{self, HttpResponse, Request},
    stdio,
};
use wasip2::{
    exports::{cli::run, http::incoming_handler},
    http::types::{
        Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
    },
    io::streams::StreamError,
    random::random::{get_random_bytes, get_random_u64},
};

use crate::{Component, catalog::catalog, request_id};
use bindings::spin_mcp::{
    framework::control::{self, Channel},
    server::tools,
};

mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.2/deps/wasi-io.wit", "../control/wasi-0.2/deps/wasi-clocks.wit", "../control/wasi-0.2/deps/wasi-http.wit", "../control/wasi-0.2/control.wit"],
        inline: "
            package spin-mcp:hub;
            world server {
                import spin-mcp:framework/control@0.1.0;
                import spin-mcp:server/tools@0.1.0;
            }",
        world: "spin-mcp:hub/server",
        with: {
            "wasi:clocks/monotonic-clock@0.2.4": wasip2::clocks::monotonic_clock,
            "wasi:http/types@0.2.4": wasip2::http::types,
            "wasi:io/error@0.2.4": wasip2::io::error,
            "wasi:io/poll@0.2.4": wasip2::io::poll,
            "wasi:io/streams@0.2.4": wasip2::io::streams,
            "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types,
            "spin-mcp:server/tool-types@0.1.0": spin_mcp_protocol::types::tool_types,
        },
        generate_all,
    });
}

wasip2::http::proxy::export!(Component);
wasip2::cli::command::export!(Component);

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let catalog = catalog();
        let headers = request.headers().entries();
        let method = method_name(request.method());
        let authority = request.authority();
        let head = Request {
            method: &method,
            authority: authority.as_deref(),
            headers: &headers,
        };
        let head = match http::check_head(&head, &catalog) {
            Ok(head) => head,
            Err(refusal) => return respond(out, refusal),
        };
        let body = read_body(&request);
        match http::handle(&catalog, &head, &body, &mut nonce) {
            http::Outcome::Reply(reply) => respond(out, reply),
            http::Outcome::Call(call) => call_over_http(&call, out),
        }
    }
}

fn method_name(method: Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Other(name) => name,
        other => format!("{other:?}"),
    }
}

/// The body, cut off where it is too long.
fn read_body(request: &IncomingRequest) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(body) = request.consume() else {
        return bytes;
    };
    let Ok(stream) = body.stream() else {
        return bytes;
    };
    while bytes.len() <= MAX_BODY {
        match stream.blocking_read(64 * 1024) {
            Ok(mut chunk) if bytes.is_empty() => bytes = std::mem::take(&mut chunk),
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => break,
        }
    }
    bytes
}

fn nonce() -> [u8; 16] {
    get_random_bytes(16)
        .try_into()
        .expect("as many bytes as were asked for")
}

fn call_over_http(call: &Call<'_>, out: ResponseOutparam) {
    if !call.flags().contains(Flags::USES_REQUEST) {
        return respond(
            out,
            call.reply(call_tool(call, request_id(call.slot(), None))),
        );
    }
    let id = request_id(call.slot(), Some(get_random_u64()));
    let (mine, channel) = match call.may_notify() {
        true => (None, Channel::Response(out)),
        false => (Some(out), Channel::Nowhere),
    };
    control::begin(id, &context(call), channel);
    let outcome = call_tool(call, id);
    match mine.or(control::end(id)) {
        Some(out) => respond(out, call.reply(outcome)),
        None => control::final_event(id, &call.event(outcome)),
    }
}

fn call_tool(call: &Call<'_>, id: u64) -> Outcome {
    tools::call_tool(id, call.name(), call.arguments())
}

fn context(call: &Call<'_>) -> control::Context {
    let context = call.context();
    control::Context {
        protocol_version: context.protocol_version,
        client_info: context.client_info,
        client_capabilities: context.client_capabilities,
        session_id: context.session_id,
        meta: context.meta,
        input_responses: context.input_responses,
        request_state: context.request_state,
        progress_token: context.progress_token,
        log_level: context.log_level,
    }
}

/// Sends a whole response. A client that left in the meantime is no error.
fn respond(out: ResponseOutparam, reply: HttpResponse) {
    let headers: Vec<(String, Vec<u8>)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    let headers = Fields::from_list(&headers).expect("the protocol's headers are valid");
    let response = OutgoingResponse::new(headers);
    response
        .set_status_code(reply.status)
        .expect("the protocol's statuses are valid");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken once");
    // The most that a stream takes in one call.
    let sent = reply
        .body
        .chunks(4096)
        .all(|chunk| stream.blocking_write_and_flush(chunk).is_ok());
    drop(stream);
    if sent {
        let _ = OutgoingBody::finish(body, None);
    }
}

impl run::Guest for Component {
    fn run() -> Result<(), ()> {
        let catalog = catalog();
        let mut session = stdio::Session::default();
        let mut stdin = std::io::stdin().lock();
        let mut line = Vec::new();
        while read_line(&mut stdin, &mut line).map_err(drop)? {
            let reply = match session.handle_line(&catalog, &line) {
                stdio::Outcome::Reply(reply) => reply,
                stdio::Outcome::Call(call) => call_over_stdio(&call),
                // Calls are answered in turn, so none is in progress.
                stdio::Outcome::Nothing | stdio::Outcome::Cancel(_) => continue,
            };
            let mut stdout = std::io::stdout().lock();
            stdout
                .write_all(&reply)
                .and_then(|()| stdout.flush())
                .map_err(drop)?;
        }
        Ok(())
    }
}

/// Reads one line and keeps as much of it as a message may be long, and a byte.
fn read_line(stdin: &mut std::io::StdinLock<'_>, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    stdin
        .by_ref()
        .take(MAX_BODY as u64 + 1)
        .read_until(b'\n', line)?;
    if line.len() > MAX_BODY && line.last() != Some(&b'\n') {
        stdin.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}

fn call_over_stdio(call: &Call<'_>) -> Vec<u8> {
    if !call.flags().contains(Flags::USES_REQUEST) {
        return call.line(call_tool(call, request_id(call.slot(), None)));
    }
    let id = request_id(call.slot(), Some(get_random_u64()));
    let channel = if call.may_notify() {
        Channel::Lines
    } else {
        Channel::Nowhere
    };
    control::begin(id, &context(call), channel);
    let outcome = call_tool(call, id);
    control::end(id);
    call.line(outcome)
}
