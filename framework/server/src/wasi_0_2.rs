//! The WASI 0.2 build: an instance serves one HTTP request, or the lines of stdin in turn.

use std::{
    cell::RefCell,
    io::{BufRead as _, Read as _, StdinLock},
    time::Duration,
};

use spin_mcp_protocol::{
    MAX_BODY, MAX_WRITE,
    call::CallResponse as Answer,
    http::{self, HttpRequest, HttpResponse},
    ready,
};
use wasip2::{
    exports::{cli::run, http::incoming_handler},
    http::types::{
        Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
    },
    io::streams::StreamError,
};

use crate::{
    Component,
    drive::{self, Stdio, write},
};
use bindings::spin_mcp::framework::control::{self, Output};

pub use wasip2::random::random::get_random_bytes;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/server",
        features: ["wasip2"],
        with: {
            "wasi:clocks/monotonic-clock@0.2.4": wasip2::clocks::monotonic_clock,
            "wasi:http/types@0.2.4": wasip2::http::types,
            "wasi:io/error@0.2.4": wasip2::io::error,
            "wasi:io/poll@0.2.4": wasip2::io::poll,
            "wasi:io/streams@0.2.4": wasip2::io::streams,
            "spin-mcp:framework/control@0.1.0/change": spin_mcp_protocol::listen::Change,
            "spin-mcp:framework/control@0.1.0/context": spin_mcp_protocol::Context,
            "spin-mcp:server/request@0.1.0/caller": spin_mcp_protocol::types::Caller,
            "spin-mcp:server/authenticator@0.1.0/credentials": spin_mcp_protocol::types::Credentials,
            "spin-mcp:server/authenticator@0.1.0/known": spin_mcp_protocol::types::Known,
            "spin-mcp:server/authenticator@0.1.0/verdict": spin_mcp_protocol::types::Verdict,
            "spin-mcp:server/authorizer@0.1.0/question": spin_mcp_protocol::types::Question,
            "spin-mcp:server/authorizer@0.1.0/decision": spin_mcp_protocol::types::Decision,
            "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types,
            "spin-mcp:server/tool-types@0.1.0": spin_mcp_protocol::types::tool_types,
            "spin-mcp:server/resource-types@0.1.0": spin_mcp_protocol::types::resource_types,
            "spin-mcp:server/prompt-types@0.1.0": spin_mcp_protocol::types::prompt_types,
            "spin-mcp:server/completion-types@0.1.0": spin_mcp_protocol::types::completion_types,
        },
        generate_all,
    });
}

#[cfg(not(feature = "router"))]
wasip2::http::proxy::export!(Component);
#[cfg(not(feature = "router"))]
wasip2::cli::command::export!(Component);

/// The most calls on stdio that are in progress when one asks the client: each holds up the ones
/// before it, since a call that waits serves the lines after it.
pub const MAX_NESTED: Option<usize> = Some(16);

/// Lines are served in turn.
pub type Running = ();

pub async fn sleep(pause: Duration) {
    std::thread::sleep(pause);
}

/// Nothing else happens while a feature works.
pub async fn beside<T>(work: impl Future<Output = T>, _watch: impl Future<Output = ()>) -> T {
    work.await
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let headers = request.headers().entries();
        let method = method_name!(request.method());
        let authority = request.authority();
        let path = request.path_with_query().unwrap_or_default();
        let head = HttpRequest {
            method: &method,
            path: &path,
            authority: authority.as_deref(),
            headers: &headers,
        };
        let body = async |_| read_body(&request);
        let out = Out {
            to: out,
            events: false,
            origin: None,
        };
        ready(drive::serve(&head, body, out));
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
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => break,
        }
    }
    bytes
}

/// Where the response to an HTTP request goes.
pub struct Out {
    to: ResponseOutparam,
    /// Whether the client accepts nothing but events.
    events: bool,
    /// The origin of the page that reads it.
    origin: Option<String>,
}

impl Out {
    pub fn only_events(self, events: bool) -> Out {
        Out { events, ..self }
    }

    /// Lets a page of this origin read what is sent.
    pub fn allow(self, origin: Option<&str>) -> Out {
        let origin = origin.map(str::to_owned);
        Out { origin, ..self }
    }

    /// Sends a whole response. A client that left in the meantime is not an error.
    pub async fn send(self, response: HttpResponse) {
        let mut response = match self.events {
            true => response.into_events(),
            false => response,
        };
        response.allow(self.origin.as_deref());
        let headers: Vec<(String, Vec<u8>)> = response
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        let headers = Fields::from_list(&headers).expect("the protocol's headers are valid");
        let outgoing = OutgoingResponse::new(headers);
        if response.status != 200 {
            outgoing
                .set_status_code(response.status)
                .expect("the protocol's statuses are valid");
        }
        let body = outgoing.body().expect("the body is taken once");
        ResponseOutparam::set(self.to, Ok(outgoing));
        let stream = body.write().expect("the stream is taken once");
        let sent = response
            .body
            .chunks(MAX_WRITE)
            .all(|chunk| stream.blocking_write_and_flush(chunk).is_ok());
        drop(stream);
        if sent {
            let _ = OutgoingBody::finish(body, None);
        }
    }

    /// Sends what `work` sends, and its answer: a whole response if nothing was sent before it.
    /// None: the client waits for nothing.
    pub async fn stream(self, id: u64, work: impl Future<Output = Option<Answer>>) {
        let (events, origin) = (self.events, self.origin);
        if let Some(origin) = &origin {
            control::allow(id, origin);
        }
        control::give(id, Output::Response(self.to));
        let answer = work.await;
        match (control::take(id), answer) {
            (Some(Output::Response(out)), answer) => {
                control::end(id, &[]);
                let out = Out {
                    to: out,
                    events,
                    origin,
                };
                out.send(http::response(answer)).await;
            }
            (_, answer) => {
                let last = answer.map(|answer| answer.event());
                control::end(id, &last.unwrap_or_default());
            }
        }
    }
}

impl run::Guest for Component {
    fn run() -> Result<(), ()> {
        let stdio = Stdio::new(Stdin(RefCell::new(std::io::stdin().lock())));
        #[cfg(feature = "auth")]
        ready(stdio.identify())?;
        while let Some(line) = stdio.stdin.read().map_err(drop)? {
            write(&ready(stdio.serve(line, ()))).map_err(drop)?;
        }
        write(&stdio.end()).map_err(drop)
    }
}

pub struct Stdin(RefCell<StdinLock<'static>>);

impl Stdin {
    /// Reads one line, and keeps as much of it as a message may be long, and a byte.
    fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        let (mut line, mut stdin) = (Vec::new(), self.0.borrow_mut());
        stdin
            .by_ref()
            .take(MAX_BODY as u64 + 1)
            .read_until(b'\n', &mut line)?;
        if line.len() > MAX_BODY && line.last() != Some(&b'\n') {
            stdin.skip_until(b'\n')?;
        }
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// Serves the next line while a call waits. False: the client is gone.
    pub async fn wait(&self, stdio: &Stdio, _pause: Duration) -> bool {
        match self.read() {
            Ok(Some(line)) => write(&ready(stdio.serve(line, ()))).is_ok(),
            Ok(None) | Err(_) => false,
        }
    }
}
