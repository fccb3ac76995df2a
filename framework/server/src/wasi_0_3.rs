//! The edition for WASI 0.3: an instance serves many requests, over HTTP or stdio, at a time.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::Write as _,
    rc::Rc,
};

use futures::{channel::oneshot, future::join};
use spin_mcp_protocol::{
    Call, Context, MAX_BODY,
    call::{Asking, CallResponse as Answer, CallStep, Polled},
    catalog::Flags,
    http::{self, HttpRequest, HttpResponse, Listening},
    listen::{self, Change},
    services::Services,
    sse, stdio,
    waits::Waits,
};
use wasip3::{
    clocks::monotonic_clock::wait_for,
    exports::{cli::run, http::handler},
    http::types::{ErrorCode, Fields, Method, Request as IncomingRequest, Response, Trailers},
    random::random::get_random_bytes,
    wit_bindgen::{StreamReader, StreamResult, spawn_local},
    wit_future, wit_stream,
};

#[cfg(not(feature = "transport"))]
use crate::in_slot;
use crate::{Component, catalog::catalog, random_id, request_id, services};
use bindings::spin_mcp::framework::control::{self, Channel};
#[cfg(not(feature = "transport"))]
use bindings::spin_mcp::server::{tools, tools_async};
#[cfg(not(feature = "transport"))]
use spin_mcp_protocol::call::{Ask, FeatureOutcome};

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.3/control.wit"],
        inline: "
            package spin-mcp:hub;
            world server {
                import spin-mcp:framework/control@0.1.0;
                import spin-mcp:framework/prepared@0.1.0;
                import spin-mcp:server/request@0.1.0;
                import spin-mcp:server/handler@0.1.0;
                import spin-mcp:server/handler-async@0.1.0;
                import spin-mcp:server/tools@0.1.0;
                import spin-mcp:server/tools-async@0.1.0;
                import spin-mcp:server/resources@0.1.0;
                import spin-mcp:server/resources-async@0.1.0;
                import spin-mcp:server/prompts@0.1.0;
                import spin-mcp:server/prompts-async@0.1.0;
                import spin-mcp:server/completions@0.1.0;
                import spin-mcp:server/completions-async@0.1.0;
            }",
        world: "spin-mcp:hub/server",
        with: {
            "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types,
            "spin-mcp:server/tool-types@0.1.0": spin_mcp_protocol::types::tool_types,
            "spin-mcp:server/resource-types@0.1.0": spin_mcp_protocol::types::resource_types,
            "spin-mcp:server/prompt-types@0.1.0": spin_mcp_protocol::types::prompt_types,
            "spin-mcp:server/completion-types@0.1.0": spin_mcp_protocol::types::completion_types,
        },
        generate_all,
    });
}

#[cfg(not(feature = "hub"))]
wasip3::http::service::export!(Component);
#[cfg(not(feature = "hub"))]
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
    let head = HttpRequest {
        method: &method,
        authority: authority.as_deref(),
        headers: &headers,
    };
    let head = match http::check_head(&head, &catalog) {
        Ok(head) => head,
        Err(refusal) => return send(respond, refusal).await,
    };
    let body = if head.has_body() {
        let (_, done) = wit_future::new(|| Ok(()));
        let (stream, _trailers) = IncomingRequest::consume_body(request, done);
        read_body(stream, content_length(&headers)).await
    } else {
        Vec::new()
    };
    let mut services = services::Http::default();
    let outcome = http::handle(&catalog, &head, &body, &mut services);
    #[cfg(feature = "transport")]
    let outcome = match outcome {
        http::HttpOutcome::Gate(gate) => {
            let (gate, answer) = link::pass(*gate, &mut services).await;
            http::pass(&catalog, gate, answer, &mut services)
        }
        http::HttpOutcome::Notify(call) => {
            link::notify(&call).await;
            http::HttpOutcome::Reply(http::accepted())
        }
        outcome => outcome,
    };
    match outcome {
        http::HttpOutcome::Reply(reply) => send(respond, reply).await,
        http::HttpOutcome::Call(call) => call_over_http(*call, respond, services).await,
        http::HttpOutcome::Listen(listening) if cfg!(feature = "whole") => {
            listen(*listening, respond, services).await
        }
        http::HttpOutcome::Listen(_) => unreachable!("the small server has no streams"),
        http::HttpOutcome::Gate(_) | http::HttpOutcome::Notify(_) => {
            unreachable!("there is no chain")
        }
    }
}

fn method_name(method: Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Other(name) => name,
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

pub fn random() -> [u8; 16] {
    get_random_bytes(16)
        .try_into()
        .expect("as many bytes as were asked for")
}

async fn call_over_http(mut call: Call<'_>, respond: Respond, services: services::Http) {
    let services = RefCell::new(services);
    let stream = Stream {
        services: &services,
        frame: sse::event,
        keep_alive: sse::KEEP_ALIVE,
        is_gone: &|| false,
    };
    let id = request_id(&call);
    if !call.flags().contains(Flags::USES_REQUEST) {
        // Without `request` nobody can be asked, so there is an answer.
        if let Some(answer) = stream.run(&mut call, id).await {
            send(respond, answer.http()).await;
        }
        return;
    }
    if !call.may_stream() {
        control::begin(id, &context(&call), Channel::Nowhere);
        let answer = stream.run(&mut call, id).await;
        let _ = listen::publish(&mut *services.borrow_mut(), &changes(&call, id));
        control::end(id, &[]);
        if let Some(answer) = answer {
            send(respond, answer.http()).await;
        }
        return;
    }
    control::begin(id, &context(&call), Channel::Events);
    // A synchronous tool keeps this instance to itself until it is done: by then the response
    // must be out and its stream be read.
    if open(id, respond).await {
        let work = async {
            let answer = stream.run(&mut call, id).await;
            // Those who listen must not wait for the client to have read the answer. A store
            // that fails has said so on stderr.
            let _ = listen::publish(&mut *services.borrow_mut(), &changes(&call, id));
            control::end(id, &answer.map_or(Vec::new(), |answer| answer.event()));
        };
        join(control::pump(id), work).await;
    }
}

/// Sends the head of a response that is a stream of events.
async fn open(id: u64, respond: Respond) -> bool {
    let headers = sse::HEADERS.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let response = response(200, &headers, Some(control::events(id)));
    let sent = respond.send(response).is_ok();
    if sent {
        control::open(id).await;
    }
    sent
}

/// Where the messages of a call go beside its answer.
struct Stream<'s, S> {
    services: &'s RefCell<S>,
    frame: fn(&[u8]) -> Vec<u8>,
    keep_alive: &'static [u8],
    /// Whether the client is known to be gone.
    is_gone: &'s dyn Fn() -> bool,
}

impl<S: Services> Stream<'_, S> {
    /// Makes a call. None: the client left before there was an answer.
    async fn run(&self, call: &mut Call<'_>, id: u64) -> Option<Answer> {
        loop {
            let outcome = invoke(call, id).await;
            let mut step = call.settle(outcome, &mut *self.services.borrow_mut());
            if cfg!(feature = "whole")
                && let CallStep::Ask(asking) = step
            {
                step = self.ask(call, id, &asking).await?;
            }
            if let CallStep::Done(answer) = step {
                return Some(answer);
            }
        }
    }

    /// Asks the client, and waits for what it replies. None: it is gone, or gave up.
    async fn ask(&self, call: &mut Call<'_>, id: u64, asking: &Asking) -> Option<CallStep> {
        for message in asking.messages() {
            control::send(id, &(self.frame)(message)).then_some(())?;
        }
        let mut waits = Waits::for_replies(self.now(), catalog().stream_limits());
        loop {
            let polled = asking.poll(&mut *self.services.borrow_mut());
            match polled {
                Err(failure) => return Some(CallStep::Done(call.fail(&failure))),
                Ok(Polled::Answered(input)) => {
                    control::again(id, &input.responses, input.state.as_deref());
                    return Some(call.resume(input));
                }
                Ok(Polled::Cancelled) => return None,
                Ok(Polled::Waiting) => wait_for(waits.pause().as_nanos() as u64).await,
            }
            let quiet = waits.is_quiet(self.now());
            if (self.is_gone)() || quiet && !control::send(id, self.keep_alive) {
                return None;
            }
        }
    }

    fn now(&self) -> u64 {
        self.services.borrow_mut().now()
    }
}

/// Sends what changes until the client leaves, or a host might end the stream.
async fn listen(mut listening: Listening<'_>, respond: Respond, services: services::Http) {
    let id = random_id();
    control::begin(id, &nobody(), Channel::Events);
    if !open(id, respond).await {
        return;
    }
    let services = RefCell::new(services);
    let now = || services.borrow_mut().now();
    let work = async {
        let first = listening.first.take();
        let mut open = first.is_none_or(|first| control::send(id, &sse::event(&first)));
        let mut waits = Waits::for_changes(now(), catalog().stream_limits());
        while open && !waits.is_over(now()) {
            wait_for(waits.pause().as_nanos() as u64).await;
            let polled = listening.listener.poll(&mut *services.borrow_mut());
            // The store says itself, on stderr, why it failed; the client listens again.
            let Ok(mut messages) = polled else {
                break;
            };
            if let Some(watched) = &mut listening.watched {
                for index in 0..watched.len() {
                    let due = watched.due(index, &mut *services.borrow_mut());
                    if let Some(call) = due {
                        advance(call, &services).await;
                    }
                }
                messages.extend(watched.news(&mut *services.borrow_mut()));
            }
            for message in messages {
                open = open && control::send(id, &sse::event(&message));
            }
            if waits.is_quiet(now()) {
                open = open && control::send(id, sse::KEEP_ALIVE);
            }
        }
        let last = listening.listener.end(catalog().server_info());
        control::end(id, &last.map_or(Vec::new(), |last| sse::event(&last)));
    };
    join(control::pump(id), work).await;
}

/// Advances a task that somebody listens to.
async fn advance(mut call: Call<'_>, services: &RefCell<services::Http>) {
    let stream = Stream {
        services,
        frame: sse::event,
        keep_alive: sse::KEEP_ALIVE,
        is_gone: &|| false,
    };
    let id = request_id(&call);
    control::begin(id, &context(&call), Channel::Nowhere);
    // The task keeps what came of it.
    let _ = stream.run(&mut call, id).await;
    let _ = listen::publish(&mut *services.borrow_mut(), &changes(&call, id));
    control::end(id, &[]);
}

/// The context of a stream that no feature knows of.
fn nobody() -> control::Context {
    from_context(Context::default())
}

fn changes(call: &Call<'_>, id: u64) -> Vec<Change> {
    if !call.may_tell_of_changes() {
        return Vec::new();
    }
    let changes = control::changes(id).into_iter();
    changes
        .map(|change| match change {
            control::Change::Tools => Change::Tools,
            control::Change::Resources => Change::Resources,
            control::Change::Prompts => Change::Prompts,
            control::Change::Resource(uri) => Change::Resource(uri),
        })
        .collect()
}

#[cfg(feature = "transport")]
use link::handle as invoke;

/// The next link of the chain.
#[cfg(feature = "transport")]
mod link {
    use spin_mcp_protocol::{
        Call,
        call::{Ask, CallResponse, FeatureOutcome},
        chain::Gate,
        services::Services,
    };

    use super::bindings::spin_mcp::{
        framework::control::{self, Channel},
        server::{handler, handler_async},
    };
    use super::{context, request_id};

    pub async fn handle(call: &Call<'_>, id: u64) -> FeatureOutcome {
        let Ask::Handle { method, params } = call.ask() else {
            unreachable!("a transport asks nothing but the next link");
        };
        FeatureOutcome::Handled(if call.is_async() {
            handler_async::handle(id, method.to_owned(), params.to_owned()).await
        } else {
            handler::handle(id, method, params)
        })
    }

    pub async fn pass<'a, S: Services>(
        mut gate: Gate<'a>,
        services: &mut S,
    ) -> (Gate<'a>, CallResponse) {
        let id = request_id(&gate.call);
        let outcome = begun(&gate.call, id, handle(&gate.call, id)).await;
        let response = gate.settle(outcome, services);
        (gate, response)
    }

    pub async fn notify(call: &Call<'_>) {
        let Ask::Handle { method, params } = call.ask() else {
            return;
        };
        let id = request_id(call);
        begun(call, id, async {
            if call.is_async() {
                handler_async::notify(id, method.to_owned(), params.to_owned()).await
            } else {
                handler::notify(id, method, params)
            }
        })
        .await;
    }

    /// Does it while `request` answers for the id, if that can be asked.
    async fn begun<T>(call: &Call<'_>, id: u64, act: impl Future<Output = T>) -> T {
        if !call.may_be_asked_about() {
            return act.await;
        }
        control::begin(id, &context(call), Channel::Nowhere);
        let done = act.await;
        control::end(id, &[]);
        done
    }
}

#[cfg(not(feature = "transport"))]
pub async fn invoke(call: &Call<'_>, id: u64) -> FeatureOutcome {
    let id = in_slot(call, id);
    match call.ask() {
        Ask::Tool { name, arguments } => FeatureOutcome::Tool(if call.is_async() {
            tools_async::call_tool(id, name.to_owned(), arguments.to_owned()).await
        } else {
            tools::call_tool(id, name, arguments)
        }),
        #[cfg(feature = "whole")]
        ask => whole::invoke(id, ask, call.is_async()).await,
        #[cfg(not(feature = "whole"))]
        _ => unreachable!("the small server has tools alone"),
    }
}

/// What the small server does not call.
#[cfg(all(feature = "whole", not(feature = "transport")))]
mod whole {
    use spin_mcp_protocol::{
        call::{Ask, FeatureOutcome, Listed},
        catalog::ListKind,
    };

    use super::bindings::spin_mcp::server::{
        completions, completions_async, prompts, prompts_async, resources, resources_async, tools,
        tools_async,
    };

    /// `waits`: the feature's functions are the asynchronous ones.
    pub async fn invoke(id: u64, ask: Ask<'_>, waits: bool) -> FeatureOutcome {
        match ask {
            Ask::Tool { name, arguments } => FeatureOutcome::Tool(if waits {
                tools_async::call_tool(id, name.to_owned(), arguments.to_owned()).await
            } else {
                tools::call_tool(id, name, arguments)
            }),
            Ask::Prompt { name, arguments } => FeatureOutcome::Prompt(if waits {
                prompts_async::get_prompt(id, name.to_owned(), arguments.to_vec()).await
            } else {
                prompts::get_prompt(id, name, arguments)
            }),
            Ask::Resource { uri } => FeatureOutcome::Resource(if waits {
                resources_async::read_resource(id, uri.to_owned()).await
            } else {
                resources::read_resource(id, uri)
            }),
            Ask::Completion {
                reference,
                argument,
                context,
            } => FeatureOutcome::Completion(if waits {
                let (reference, argument) = (reference.clone(), argument.clone());
                completions_async::complete(id, reference, argument, context.to_vec()).await
            } else {
                completions::complete(id, reference, argument, context)
            }),
            Ask::List { kind, cursor } => {
                let owned = cursor.map(str::to_owned);
                FeatureOutcome::List(match (kind, waits) {
                    (ListKind::Tools, false) => tools::list_tools(id, cursor).map(Listed::Tools),
                    (ListKind::Tools, true) => {
                        let listed = tools_async::list_tools(id, owned).await;
                        listed.map(Listed::Tools)
                    }
                    (ListKind::Resources, false) => {
                        resources::list_resources(id, cursor).map(Listed::Resources)
                    }
                    (ListKind::Resources, true) => {
                        let listed = resources_async::list_resources(id, owned).await;
                        listed.map(Listed::Resources)
                    }
                    (ListKind::ResourceTemplates, false) => {
                        let listed = resources::list_resource_templates(id, cursor);
                        listed.map(Listed::ResourceTemplates)
                    }
                    (ListKind::ResourceTemplates, true) => {
                        let listed = resources_async::list_resource_templates(id, owned).await;
                        listed.map(Listed::ResourceTemplates)
                    }
                    (ListKind::Prompts, false) => {
                        prompts::list_prompts(id, cursor).map(Listed::Prompts)
                    }
                    (ListKind::Prompts, true) => {
                        let listed = prompts_async::list_prompts(id, owned).await;
                        listed.map(Listed::Prompts)
                    }
                })
            }
            Ask::Handle { .. } => unreachable!("there is no chain"),
        }
    }
}

fn context(call: &Call<'_>) -> control::Context {
    from_context(call.context())
}

fn from_context(context: Context) -> control::Context {
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
        prepared: context.prepared,
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
        let (running, idle) = oneshot::channel();
        let running = Rc::new(running);
        let stdio = Rc::new(Stdio::default());
        let serve = |line| spawn_local(stdio.clone().serve(line, running.clone()));
        let mut lines = Lines::default();
        loop {
            let (result, chunk) = stdin.read(Vec::with_capacity(64 * 1024)).await;
            lines.push(&chunk, |line| drop(serve(line)));
            if !matches!(result, StreamResult::Complete(_)) {
                break;
            }
        }
        lines.last().map(serve);
        // After what the last lines began.
        spawn_local(async move {
            stdio.end();
            drop(running);
        });
        // Hosts drop what still runs when this returns.
        let _ = idle.await;
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
    session: RefCell<stdio::StdioSession>,
    services: RefCell<services::Stdio>,
    /// The calls that somebody waits for, by their request ids.
    calls: RefCell<BTreeMap<u64, InProgress>>,
    /// Stdin has ended.
    ended: Cell<bool>,
}

struct InProgress {
    /// The id that the client gave it.
    id: String,
    /// Whether `control` knows of it.
    is_begun: bool,
    _running: Running,
}

/// Sends nothing, but is dropped when nobody waits for anything any more.
type Running = Rc<oneshot::Sender<()>>;

impl Stdio {
    async fn serve(self: Rc<Self>, line: Vec<u8>, running: Running) {
        let catalog = catalog();
        let outcome = self.session.borrow_mut().handle_line(
            &catalog,
            &line,
            &mut *self.services.borrow_mut(),
        );
        #[cfg(feature = "transport")]
        let outcome = match outcome {
            stdio::StdioOutcome::Gate(gate) => {
                let mut services = services::Stdio::default();
                let (gate, answer) = link::pass(*gate, &mut services).await;
                let services = &mut *self.services.borrow_mut();
                self.session
                    .borrow_mut()
                    .pass(&catalog, gate, answer, services)
            }
            stdio::StdioOutcome::Notify(call, cancelled) => {
                link::notify(&call).await;
                cancelled.map_or(stdio::StdioOutcome::Nothing, stdio::StdioOutcome::Cancel)
            }
            outcome => outcome,
        };
        match outcome {
            stdio::StdioOutcome::Nothing => {}
            stdio::StdioOutcome::Gate(_) | stdio::StdioOutcome::Notify(..) => {
                unreachable!("there is no chain")
            }
            stdio::StdioOutcome::Reply(reply) => write(&reply),
            stdio::StdioOutcome::Cancel(id) => self.cancel(id),
            stdio::StdioOutcome::Call(call) => self.call(*call, running).await,
        }
    }

    /// Makes a call and writes its answer, unless it is cancelled.
    async fn call(&self, mut call: Call<'_>, running: Running) {
        let id = request_id(&call);
        let is_begun = call.flags().contains(Flags::USES_REQUEST);
        let in_progress = InProgress {
            id: call.id().to_owned(),
            is_begun,
            _running: running,
        };
        self.calls.borrow_mut().insert(id, in_progress);
        let stream = Stream {
            services: &self.services,
            frame: |message| [message, &b"\n"[..]].concat(),
            keep_alive: b"",
            is_gone: &|| self.ended.get() || !self.calls.borrow().contains_key(&id),
        };
        let mut lines = Vec::new();
        let answer = if is_begun {
            let channel = if call.may_stream() {
                Channel::Lines
            } else {
                Channel::Nowhere
            };
            control::begin(id, &context(&call), channel);
            let answer = stream.run(&mut call, id).await;
            let changes = changes(&call, id);
            control::end(id, &[]);
            let services = &mut *self.services.borrow_mut();
            lines = self
                .session
                .borrow()
                .changed(&catalog(), &changes, services);
            answer
        } else {
            stream.run(&mut call, id).await
        };
        let is_waited_for = self.calls.borrow_mut().remove(&id).is_some();
        lines.extend(
            answer
                .filter(|_| is_waited_for)
                .map_or(Vec::new(), Answer::line),
        );
        write(&lines);
    }

    /// Forgets the calls of this id. Their features run on, and learn by `is-cancelled` that
    /// nobody waits: what most toolchains make traps if its task is cancelled, and would end
    /// all other calls, too.
    fn cancel(&self, id: &str) {
        let mut calls = self.calls.borrow_mut();
        for (request, call) in calls.extract_if(.., |_, call| call.id == id) {
            if call.is_begun {
                control::close(request);
            }
        }
    }

    /// Ends what waits for the client.
    fn end(&self) {
        self.ended.set(true);
        write(&self.session.borrow_mut().end::<services::Stdio>(&catalog()));
    }
}

/// Writes through WASI 0.2, as the component behind `request` does: no line is written into
/// the middle of another. A client that is gone reads nothing; stdin has ended then, too.
fn write(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}
