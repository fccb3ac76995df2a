//! The edition for WASI 0.3: an instance serves many requests, over HTTP or stdio, at a time.

use std::{cell::RefCell, collections::BTreeMap, io::Write as _, rc::Rc};

use futures::{
    channel::oneshot,
    future::{AbortHandle, Abortable, join},
};
use spin_mcp_protocol::{
    Call, MAX_BODY,
    call::Outcome,
    catalog::Flags,
    http::{self, HttpResponse, Request},
    sse, stdio,
};
use wasip3::{
    exports::{cli::run, http::handler},
    http::types::{ErrorCode, Fields, Method, Request as IncomingRequest, Response, Trailers},
    random::random::{get_random_bytes, get_random_u64},
    wit_bindgen::{StreamReader, StreamResult, spawn_local},
    wit_future, wit_stream,
};

use crate::{Component, catalog::catalog, request_id};
use bindings::spin_mcp::{
    framework::control::{self, Channel},
    server::{tools, tools_async},
};

mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.3/control.wit"],
        inline: "
            package spin-mcp:hub;
            world server {
                import spin-mcp:framework/control@0.1.0;
                import spin-mcp:server/tools@0.1.0;
                import spin-mcp:server/tools-async@0.1.0;
            }",
        world: "spin-mcp:hub/server",
        with: {
            "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types,
            "spin-mcp:server/tool-types@0.1.0": spin_mcp_protocol::types::tool_types,
        },
        generate_all,
    });
}

wasip3::http::service::export!(Component);
wasip3::cli::command::export!(Component);

type Respond = oneshot::Sender<Response>;

impl handler::Guest for Component {
    async fn handle(request: IncomingRequest) -> Result<Response, ErrorCode> {
        let (respond, response) = oneshot::channel();
        // Bodies are written after the response was returned.
        spawn_local(serve(request, respond));
        response.await.map_err(|_| ErrorCode::InternalError(None))
    }
}

async fn serve(request: IncomingRequest, respond: Respond) {
    let catalog = catalog();
    let headers = request.get_headers().copy_all();
    let method = method_name(request.get_method());
    let authority = request.get_authority();
    let head = Request {
        method: &method,
        authority: authority.as_deref(),
        headers: &headers,
    };
    let head = match http::check_head(&head, &catalog) {
        Ok(head) => head,
        Err(refusal) => return send(respond, refusal).await,
    };
    let (_, done) = wit_future::new(|| Ok(()));
    let (stream, _trailers) = IncomingRequest::consume_body(request, done);
    let body = read_body(stream, content_length(&headers)).await;
    match http::handle(&catalog, &head, &body, &mut nonce) {
        http::Outcome::Reply(reply) => send(respond, reply).await,
        http::Outcome::Call(call) => call_over_http(&call, respond).await,
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

/// What the client said of the length. Hosts hold it to that.
fn content_length(headers: &[(String, Vec<u8>)]) -> Option<usize> {
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    str::from_utf8(value).ok()?.parse().ok()
}

/// The body, cut off where it is too long. One of known length costs no read to find its end.
async fn read_body(mut stream: StreamReader<u8>, length: Option<usize>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length.unwrap_or(4096).min(MAX_BODY + 1));
    while length != Some(bytes.len()) {
        if bytes.len() == bytes.capacity() {
            bytes.reserve(bytes.len().max(4096));
        }
        let (result, read) = stream.read(bytes).await;
        bytes = read;
        if bytes.len() > MAX_BODY || !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    bytes
}

fn nonce() -> [u8; 16] {
    get_random_bytes(16)
        .try_into()
        .expect("as many bytes as were asked for")
}

async fn call_over_http(call: &Call<'_>, respond: Respond) {
    if !call.flags().contains(Flags::USES_REQUEST) {
        let outcome = call_tool(call, request_id(call.slot(), None)).await;
        return send(respond, call.reply(outcome)).await;
    }
    let id = request_id(call.slot(), Some(get_random_u64()));
    if !call.may_notify() {
        control::begin(id, &context(call), Channel::Nowhere);
        let outcome = call_tool(call, id).await;
        control::end(id, &[]);
        return send(respond, call.reply(outcome)).await;
    }
    control::begin(id, &context(call), Channel::Events);
    let headers = sse::HEADERS.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let response = response(200, &headers, Some(control::events(id)));
    if respond.send(response).is_ok() {
        // A synchronous tool keeps this instance to itself until it is done: by then the
        // response must be out and its stream be read.
        control::open(id).await;
        let work = async {
            let outcome = call_tool(call, id).await;
            control::end(id, &call.event(outcome));
        };
        join(control::pump(id), work).await;
    }
}

async fn call_tool(call: &Call<'_>, id: u64) -> Outcome {
    if call.flags().contains(Flags::ASYNC) {
        tools_async::call_tool(id, call.name().to_owned(), call.arguments().to_owned()).await
    } else {
        tools::call_tool(id, call.name(), call.arguments())
    }
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

/// Sends a whole response: in one chunk, which hosts send with its head.
async fn send(respond: Respond, reply: HttpResponse) {
    let headers: Vec<(String, Vec<u8>)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    if reply.body.is_empty() {
        let _ = respond.send(response(reply.status, &headers, None));
        return;
    }
    let (mut writer, reader) = wit_stream::new();
    // Without the task that waits for the response, nobody reads.
    if respond
        .send(response(reply.status, &headers, Some(reader)))
        .is_ok()
    {
        writer.write_all(reply.body).await;
    }
}

fn response(
    status: u16,
    headers: &[(String, Vec<u8>)],
    body: Option<StreamReader<u8>>,
) -> Response {
    let headers = Fields::from_list(headers).expect("the protocol's headers are valid");
    let (_, trailers) = wit_future::new::<Result<Option<Trailers>, ErrorCode>>(|| Ok(None));
    let (response, _sent) = Response::new(headers, body, trailers);
    response
        .set_status_code(status)
        .expect("the protocol's statuses are valid");
    response
}

impl run::Guest for Component {
    async fn run() -> Result<(), ()> {
        let (mut stdin, _) = wasip3::cli::stdin::read_via_stream();
        let stdio = Rc::new(Stdio::default());
        let mut lines = Lines::default();
        loop {
            let (result, chunk) = stdin.read(Vec::with_capacity(64 * 1024)).await;
            lines.push(&chunk, |line| {
                spawn_local(stdio.clone().serve(line));
            });
            if !matches!(result, StreamResult::Complete(_)) {
                break;
            }
        }
        if let Some(line) = lines.last() {
            spawn_local(stdio.serve(line));
        }
        Ok(())
    }
}

/// Cuts what arrives into lines.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    fn push(&mut self, mut chunk: &[u8], mut line: impl FnMut(Vec<u8>)) {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            self.keep(&chunk[..end]);
            line(std::mem::take(&mut self.rest));
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
    }

    /// Keeps as much of a line as a message may be long, and a byte.
    fn keep(&mut self, part: &[u8]) {
        let room = (MAX_BODY + 1).saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// What stdin ended with instead of a line break.
    fn last(self) -> Option<Vec<u8>> {
        Some(self.rest).filter(|rest| !rest.is_empty())
    }
}

#[derive(Default)]
struct Stdio {
    session: RefCell<stdio::Session>,
    /// The calls in progress, by the id that the client gave them.
    calls: RefCell<BTreeMap<String, AbortHandle>>,
}

impl Stdio {
    async fn serve(self: Rc<Self>, line: Vec<u8>) {
        let catalog = catalog();
        let outcome = self.session.borrow_mut().handle_line(&catalog, &line);
        match outcome {
            stdio::Outcome::Nothing => {}
            stdio::Outcome::Reply(reply) => write_line(&reply),
            stdio::Outcome::Cancel(id) => {
                if let Some(call) = self.calls.borrow_mut().remove(id) {
                    call.abort();
                }
            }
            stdio::Outcome::Call(call) => {
                let (abort, registration) = AbortHandle::new_pair();
                self.calls.borrow_mut().insert(call.id().to_owned(), abort);
                let reply = Abortable::new(call_over_stdio(&call), registration).await;
                if let Ok(reply) = reply {
                    self.calls.borrow_mut().remove(call.id());
                    write_line(&reply);
                }
            }
        }
    }
}

/// Writes through WASI 0.2, as the component behind `request` does: no line is written into
/// the middle of another. A client that is gone reads nothing; stdin has ended then, too.
fn write_line(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

async fn call_over_stdio(call: &Call<'_>) -> Vec<u8> {
    if !call.flags().contains(Flags::USES_REQUEST) {
        return call.line(call_tool(call, request_id(call.slot(), None)).await);
    }
    let channel = if call.may_notify() {
        Channel::Lines
    } else {
        Channel::Nowhere
    };
    let request = BegunRequest::new(call, channel);
    call.line(call_tool(call, request.0).await)
}

/// A request that `control` knows of until this is dropped, by cancellation for instance.
struct BegunRequest(u64);

impl BegunRequest {
    fn new(call: &Call<'_>, channel: Channel) -> BegunRequest {
        let id = request_id(call.slot(), Some(get_random_u64()));
        control::begin(id, &context(call), channel);
        BegunRequest(id)
    }
}

impl Drop for BegunRequest {
    fn drop(&mut self) {
        control::end(self.0, &[]);
    }
}
