//! The WASI 0.3 build: an instance serves many requests at a time, over HTTP or stdio.

use std::{cell::Cell, pin::pin, rc::Rc, time::Duration};

use futures::{
    channel::oneshot,
    future::{Either, join, select},
};
use spin_mcp_protocol::{
    Lines, MAX_BODY,
    call::CallResponse as Answer,
    http::{self, HttpRequest, HttpResponse, cors},
    sse,
};
use wasip3::{
    clocks::monotonic_clock::wait_for,
    exports::{cli::run, http::handler},
    http::types::{ErrorCode, Fields, Method, Request as IncomingRequest, Response, Trailers},
    wit_bindgen::{StreamReader, StreamResult, spawn_local},
    wit_future, wit_stream,
};

use crate::{
    Component,
    drive::{self, Stdio, write},
};
use bindings::spin_mcp::framework::control;

pub use wasip3::random::random::get_random_bytes;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/server",
        features: ["wasip3"],
        with: {
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
wasip3::http::service::export!(Component);
#[cfg(not(feature = "router"))]
wasip3::cli::command::export!(Component);

/// Calls on stdio do not hold up each other.
pub const MAX_NESTED: Option<usize> = None;

/// Sends nothing, but is dropped when the client waits for nothing more.
pub type Running = Rc<oneshot::Sender<()>>;

pub async fn sleep(pause: Duration) {
    wait_for(pause.as_nanos() as u64).await;
}

/// Does something else while a feature waits.
pub async fn beside<T>(work: impl Future<Output = T>, watch: impl Future<Output = ()>) -> T {
    match select(pin!(work), pin!(watch)).await {
        Either::Left((done, _)) => done,
        Either::Right((_, work)) => work.await,
    }
}

impl handler::Guest for Component {
    async fn handle(request: IncomingRequest) -> Result<Response, ErrorCode> {
        let (respond, response) = oneshot::channel();
        // Bodies are written after the response was returned.
        let out = Out {
            to: respond,
            events: false,
            origin: None,
        };
        spawn_local(serve(request, out));
        response.await.map_err(|_| ErrorCode::InternalError(None))
    }
}

async fn serve(request: IncomingRequest, response: Out) {
    let headers = request.get_headers().copy_all();
    let method = method_name!(request.get_method());
    let authority = request.get_authority();
    let path = request.get_path_with_query().unwrap_or_default();
    let head = HttpRequest {
        method: &method,
        path: &path,
        authority: authority.as_deref(),
        headers: &headers,
    };
    let body = async |length| {
        let (_, done) = wit_future::new(|| Ok(()));
        let (stream, _trailers) = IncomingRequest::consume_body(request, done);
        read_body(stream, length).await
    };
    drive::serve(&head, body, response).await;
}

/// The body, cut off where it is too long. A declared length saves the read that finds the end.
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

/// Where the response to an HTTP request goes.
pub struct Out {
    to: oneshot::Sender<Response>,
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

    /// Sends a whole response: its body in one chunk, which hosts send with the head. A client
    /// that left in the meantime is not an error.
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
        if response.body.is_empty() {
            let _ = self.to.send(to_host(response.status, &headers, None));
            return;
        }
        let (mut writer, reader) = wit_stream::new();
        // Without the task that waits for the response, nothing reads.
        let outgoing = to_host(response.status, &headers, Some(reader));
        if self.to.send(outgoing).is_ok() {
            writer.write_all(response.body).await;
        }
    }

    /// Sends what `work` sends, and its answer: a whole response if nothing was sent before it.
    /// None: the client waits for nothing.
    pub async fn stream(self, id: u64, work: impl Future<Output = Option<Answer>>) {
        let (mut work, mut sent) = (pin!(work), pin!(control::sent(id)));
        let answer = match select(&mut work, &mut sent).await {
            Either::Left((answer, _)) => {
                let is_open = control::is_streaming(id);
                if !is_open {
                    control::end(id, &[]);
                }
                sent.await;
                if !is_open {
                    return self.send(http::response(answer)).await;
                }
                Some(answer)
            }
            Either::Right(_) => None,
        };
        let cors = self.origin.as_deref().map(cors).into_iter().flatten();
        let headers = sse::HEADERS.into_iter().chain(cors);
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let outgoing = to_host(200, &headers, Some(control::events(id)));
        if self.to.send(outgoing).is_err() {
            // The feature works on: most toolchains make code that traps if its task is cancelled.
            control::close(id);
        }
        let work = async {
            let answer = match answer {
                Some(answer) => answer,
                None => work.await,
            };
            let last = answer.map(|answer| answer.event());
            control::end(id, &last.unwrap_or_default());
        };
        join(control::pump(id), work).await;
    }
}

fn to_host(status: u16, headers: &[(String, Vec<u8>)], body: Option<StreamReader<u8>>) -> Response {
    let headers = Fields::from_list(headers).expect("the protocol's headers are valid");
    let (_, trailers) = wit_future::new::<Result<Option<Trailers>, ErrorCode>>(|| Ok(None));
    let (response, _sent) = Response::new(headers, body, trailers);
    if status != 200 {
        response
            .set_status_code(status)
            .expect("the protocol's statuses are valid");
    }
    response
}

impl run::Guest for Component {
    async fn run() -> Result<(), ()> {
        let (mut stdin, _) = wasip3::cli::stdin::read_via_stream();
        let (running, idle) = oneshot::channel();
        let running = Running::new(running);
        let stdio = Rc::new(Stdio::new(Stdin::default()));
        #[cfg(feature = "auth")]
        stdio.identify().await?;
        let serve = |line: Vec<u8>| {
            let (stdio, running) = (stdio.clone(), running.clone());
            spawn_local(async move {
                // A client that is gone reads nothing; stdin has ended then, too.
                let _ = write(&stdio.serve(line, running).await);
            });
        };
        let mut lines = Lines::default();
        loop {
            let (result, chunk) = stdin.read(Vec::with_capacity(64 * 1024)).await;
            lines.push(&chunk, serve);
            if !matches!(result, StreamResult::Complete(_)) {
                break;
            }
        }
        lines.last().map(serve);
        // After the tasks of the last lines have begun.
        spawn_local(async move {
            stdio.stdin.has_ended.set(true);
            let _ = write(&stdio.end());
            drop(running);
        });
        // Hosts drop the tasks that are left when this returns.
        let _ = idle.await;
        Ok(())
    }
}

#[derive(Default)]
pub struct Stdin {
    has_ended: Cell<bool>,
}

impl Stdin {
    /// Waits while other tasks serve the next lines. False: the client is gone.
    pub async fn wait(&self, _stdio: &Stdio, pause: Duration) -> bool {
        sleep(pause).await;
        !self.has_ended.get()
    }
}
