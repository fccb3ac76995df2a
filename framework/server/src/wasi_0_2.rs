//! The edition for WASI 0.2: an instance serves one HTTP request, or the lines of stdin in turn.

use std::io::{BufRead as _, Read as _, StdinLock, Write as _};

use spin_mcp_protocol::{
    Call, Catalog, Context, MAX_BODY,
    call::{Asking, CallResponse, CallStep, Polled},
    catalog::Flags,
    http::{self, HttpRequest, HttpResponse, Listening},
    listen::{self, Change},
    services::Services,
    sse, stdio,
    waits::Waits,
};
use wasip2::{
    exports::{cli::run, http::incoming_handler},
    http::types::{
        Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
    },
    io::streams::StreamError,
    random::random::get_random_bytes,
};

#[cfg(not(feature = "transport"))]
use crate::in_slot;
use crate::{Component, catalog::catalog, random_id, request_id, services};
use bindings::spin_mcp::framework::control::{self, Channel};
#[cfg(not(feature = "transport"))]
use bindings::spin_mcp::server::tools;
#[cfg(not(feature = "transport"))]
use spin_mcp_protocol::call::{Ask, FeatureOutcome};

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.2/deps/wasi-io.wit", "../control/wasi-0.2/deps/wasi-clocks.wit", "../control/wasi-0.2/deps/wasi-http.wit", "../control/wasi-0.2/control.wit"],
        inline: "
            package spin-mcp:hub;
            world server {
                import spin-mcp:framework/control@0.1.0;
                import spin-mcp:framework/prepared@0.1.0;
                import spin-mcp:server/request@0.1.0;
                import spin-mcp:server/handler@0.1.0;
                import spin-mcp:server/tools@0.1.0;
                import spin-mcp:server/resources@0.1.0;
                import spin-mcp:server/prompts@0.1.0;
                import spin-mcp:server/completions@0.1.0;
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
            "spin-mcp:server/resource-types@0.1.0": spin_mcp_protocol::types::resource_types,
            "spin-mcp:server/prompt-types@0.1.0": spin_mcp_protocol::types::prompt_types,
            "spin-mcp:server/completion-types@0.1.0": spin_mcp_protocol::types::completion_types,
        },
        generate_all,
    });
}

#[cfg(not(feature = "hub"))]
wasip2::http::proxy::export!(Component);
#[cfg(not(feature = "hub"))]
wasip2::cli::command::export!(Component);

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let catalog = catalog();
        let headers = request.headers().entries();
        let method = method_name(request.method());
        let authority = request.authority();
        let head = HttpRequest {
            method: &method,
            authority: authority.as_deref(),
            headers: &headers,
        };
        let head = match http::check_head(&head, &catalog) {
            Ok(head) => head,
            Err(refusal) => return respond(out, refusal),
        };
        let body = if head.has_body() {
            read_body(&request)
        } else {
            Vec::new()
        };
        let mut services = services::Http::default();
        let outcome = http::handle(&catalog, &head, &body, &mut services);
        serve(&catalog, outcome, out, &mut services);
    }
}

fn serve(
    catalog: &Catalog<'_>,
    outcome: http::HttpOutcome<'_>,
    out: ResponseOutparam,
    services: &mut services::Http,
) {
    match outcome {
        http::HttpOutcome::Reply(reply) => respond(out, reply),
        http::HttpOutcome::Call(call) => call_over_http(*call, out, services),
        http::HttpOutcome::Listen(listening) if cfg!(feature = "whole") => {
            listen(*listening, out, services)
        }
        http::HttpOutcome::Listen(_) => unreachable!("the small server has no streams"),
        #[cfg(feature = "transport")]
        http::HttpOutcome::Gate(gate) => {
            let (gate, response) = link::pass(*gate, services);
            let outcome = http::pass(catalog, gate, response, services);
            serve(catalog, outcome, out, services)
        }
        #[cfg(feature = "transport")]
        http::HttpOutcome::Notify(call) => {
            link::notify(&call);
            respond(out, http::accepted())
        }
        #[cfg(not(feature = "transport"))]
        http::HttpOutcome::Gate(_) | http::HttpOutcome::Notify(_) => {
            let _ = catalog;
            unreachable!("there is no chain")
        }
    }
}

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
        server::handler,
    };
    use super::{context, request_id};

    pub fn handle(call: &Call<'_>, id: u64) -> FeatureOutcome {
        let Ask::Handle { method, params } = call.ask() else {
            unreachable!("a transport asks nothing but the next link");
        };
        FeatureOutcome::Handled(handler::handle(id, method, params))
    }

    pub fn pass<'a, S: Services>(mut gate: Gate<'a>, services: &mut S) -> (Gate<'a>, CallResponse) {
        let id = request_id(&gate.call);
        let outcome = begun(&gate.call, id, || handle(&gate.call, id));
        let response = gate.settle(outcome, services);
        (gate, response)
    }

    pub fn notify(call: &Call<'_>) {
        let id = request_id(call);
        if let Ask::Handle { method, params } = call.ask() {
            begun(call, id, || handler::notify(id, method, params));
        }
    }

    /// Does it while `request` answers for the id, if that can be asked.
    fn begun<T>(call: &Call<'_>, id: u64, act: impl FnOnce() -> T) -> T {
        if !call.may_be_asked_about() {
            return act();
        }
        control::begin(id, &context(call), Channel::Nowhere);
        let done = act();
        control::end(id);
        done
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

pub fn random() -> [u8; 16] {
    get_random_bytes(16)
        .try_into()
        .expect("as many bytes as were asked for")
}

fn call_over_http(mut call: Call<'_>, out: ResponseOutparam, services: &mut services::Http) {
    if !call.flags().contains(Flags::USES_REQUEST) {
        return respond(out, run_call(&mut call, services).http());
    }
    let (mine, channel) = match call.may_stream() {
        true => (None, Channel::Response(out)),
        false => (Some(out), Channel::Nowhere),
    };
    let id = request_id(&call);
    control::begin(id, &context(&call), channel);
    let response = loop {
        let outcome = invoke(&call, id);
        let mut step = call.settle(outcome, services);
        if cfg!(feature = "whole")
            && let CallStep::Ask(asking) = step
        {
            let Some(next) = ask(&mut call, id, &asking, services) else {
                control::end(id);
                return control::final_event(id, b"");
            };
            step = next;
        }
        if let CallStep::Done(response) = step {
            break response;
        }
    };
    // Those who listen must not wait for the client to have read the answer. A store that
    // fails has said so on stderr.
    let _ = listen::publish(services, &changes(&call, id));
    let given_back = match control::end(id) {
        Channel::Response(out) => Some(out),
        _ => None,
    };
    match mine.or(given_back) {
        Some(out) => respond(out, response.http()),
        None => control::final_event(id, &response.event()),
    }
}

/// Makes a call whose features know nothing of `request`.
fn run_call<S: Services>(call: &mut Call<'_>, services: &mut S) -> CallResponse {
    let id = request_id(call);
    loop {
        let outcome = invoke(call, id);
        if let CallStep::Done(response) = call.settle(outcome, services) {
            return response;
        }
    }
}

/// Asks the client, and waits for what it replies. None: it is gone, or gave up.
fn ask(
    call: &mut Call<'_>,
    id: u64,
    asking: &Asking,
    services: &mut services::Http,
) -> Option<CallStep> {
    for message in asking.messages() {
        if !control::send(id, &sse::event(message)) {
            return None;
        }
    }
    let mut waits = Waits::for_replies(services.now(), catalog().stream_limits());
    loop {
        match asking.poll(services) {
            Err(failure) => return Some(CallStep::Done(call.fail(&failure))),
            Ok(Polled::Answered(input)) => {
                control::again(id, &input.responses, input.state.as_deref());
                return Some(call.resume(input));
            }
            Ok(Polled::Cancelled) => return None,
            Ok(Polled::Waiting) => std::thread::sleep(waits.pause()),
        }
        if waits.is_quiet(services.now()) && !control::send(id, sse::KEEP_ALIVE) {
            return None;
        }
    }
}

/// Sends what changes until the client leaves, or a host might end the stream.
fn listen(mut listening: Listening<'_>, out: ResponseOutparam, services: &mut services::Http) {
    let id = random_id();
    control::begin(id, &nobody(), Channel::Response(out));
    let first = listening.first.take();
    let first = first.map_or(sse::KEEP_ALIVE.to_vec(), |first| sse::event(&first));
    let mut open = control::send(id, &first);
    let mut waits = Waits::for_changes(services.now(), catalog().stream_limits());
    while open && !waits.is_over(services.now()) {
        std::thread::sleep(waits.pause());
        // The store says itself, on stderr, why it failed; the client listens again.
        let Ok(mut messages) = listening.listener.poll(services) else {
            break;
        };
        if let Some(watched) = &mut listening.watched {
            for index in 0..watched.len() {
                if let Some(call) = watched.due(index, services) {
                    advance(call, services);
                }
            }
            messages.extend(watched.news(services));
        }
        for message in messages {
            open = open && control::send(id, &sse::event(&message));
        }
        if waits.is_quiet(services.now()) {
            open = open && control::send(id, sse::KEEP_ALIVE);
        }
    }
    control::end(id);
    let last = listening.listener.end(catalog().server_info());
    control::final_event(id, &last.map_or(Vec::new(), |last| sse::event(&last)));
}

/// Advances a task that somebody listens to.
fn advance(mut call: Call<'_>, services: &mut services::Http) {
    let id = request_id(&call);
    control::begin(id, &context(&call), Channel::Nowhere);
    loop {
        let outcome = invoke(&call, id);
        if let CallStep::Done(_) = call.settle(outcome, services) {
            break;
        }
    }
    let _ = listen::publish(services, &changes(&call, id));
    control::end(id);
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

#[cfg(not(feature = "transport"))]
pub fn invoke(call: &Call<'_>, id: u64) -> FeatureOutcome {
    let id = in_slot(call, id);
    match call.ask() {
        Ask::Tool { name, arguments } => {
            FeatureOutcome::Tool(tools::call_tool(id, name, arguments))
        }
        #[cfg(feature = "whole")]
        ask => whole::invoke(id, ask),
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

    use super::bindings::spin_mcp::server::{completions, prompts, resources, tools};

    pub fn invoke(id: u64, ask: Ask<'_>) -> FeatureOutcome {
        match ask {
            Ask::Tool { name, arguments } => {
                FeatureOutcome::Tool(tools::call_tool(id, name, arguments))
            }
            Ask::Prompt { name, arguments } => {
                FeatureOutcome::Prompt(prompts::get_prompt(id, name, arguments))
            }
            Ask::Resource { uri } => FeatureOutcome::Resource(resources::read_resource(id, uri)),
            Ask::Completion {
                reference,
                argument,
                context,
            } => {
                FeatureOutcome::Completion(completions::complete(id, reference, argument, context))
            }
            Ask::List { kind, cursor } => FeatureOutcome::List(match kind {
                ListKind::Tools => tools::list_tools(id, cursor).map(Listed::Tools),
                ListKind::Resources => resources::list_resources(id, cursor).map(Listed::Resources),
                ListKind::ResourceTemplates => {
                    resources::list_resource_templates(id, cursor).map(Listed::ResourceTemplates)
                }
                ListKind::Prompts => prompts::list_prompts(id, cursor).map(Listed::Prompts),
            }),
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
        let mut stdio = Stdio {
            catalog: catalog(),
            session: stdio::StdioSession::default(),
            services: services::Stdio::default(),
            stdin: std::io::stdin().lock(),
            waiting: Vec::new(),
        };
        while let Some(line) = stdio.read().map_err(drop)? {
            let reply = stdio.handle(&line).map_err(drop)?;
            write(&reply).map_err(drop)?;
        }
        write(&stdio.session.end::<services::Stdio>(&stdio.catalog)).map_err(drop)
    }
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

struct Stdio {
    catalog: Catalog<'static>,
    session: stdio::StdioSession,
    services: services::Stdio,
    stdin: StdinLock<'static>,
    /// The calls that wait for the client, each within the one before it.
    waiting: Vec<Waiting>,
}

struct Waiting {
    id: String,
    cancelled: bool,
}

/// The most calls that wait for the client at a time: each holds the ones after it.
const MAX_WAITING: usize = 16;

impl Stdio {
    /// Reads one line and keeps as much of it as a message may be long, and a byte.
    fn read(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.stdin
            .by_ref()
            .take(MAX_BODY as u64 + 1)
            .read_until(b'\n', &mut line)?;
        if line.len() > MAX_BODY && line.last() != Some(&b'\n') {
            self.stdin.skip_until(b'\n')?;
        }
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// Does what a line asks for; gives what is to be written.
    fn handle(&mut self, line: &[u8]) -> std::io::Result<Vec<u8>> {
        let outcome = self
            .session
            .handle_line(&self.catalog, line, &mut self.services);
        self.proceed(outcome)
    }

    fn proceed(&mut self, outcome: stdio::StdioOutcome<'_>) -> std::io::Result<Vec<u8>> {
        match outcome {
            stdio::StdioOutcome::Nothing => Ok(Vec::new()),
            stdio::StdioOutcome::Reply(reply) => Ok(reply),
            stdio::StdioOutcome::Call(call) => self.call(*call),
            #[cfg(feature = "transport")]
            stdio::StdioOutcome::Gate(gate) => {
                let (gate, response) = link::pass(*gate, &mut self.services);
                let catalog = self.catalog;
                let outcome = self
                    .session
                    .pass(&catalog, gate, response, &mut self.services);
                self.proceed(outcome)
            }
            #[cfg(feature = "transport")]
            stdio::StdioOutcome::Notify(call, cancelled) => {
                link::notify(&call);
                self.proceed(
                    cancelled.map_or(stdio::StdioOutcome::Nothing, stdio::StdioOutcome::Cancel),
                )
            }
            #[cfg(not(feature = "transport"))]
            stdio::StdioOutcome::Gate(_) | stdio::StdioOutcome::Notify(..) => {
                unreachable!("there is no chain")
            }
            stdio::StdioOutcome::Cancel(id) => {
                // Calls are answered in turn, so only those that wait can be cancelled.
                for call in self.waiting.iter_mut().filter(|call| call.id == id) {
                    call.cancelled = true;
                }
                Ok(Vec::new())
            }
        }
    }

    /// Makes a call; gives what is to be written, its answer last.
    fn call(&mut self, mut call: Call<'_>) -> std::io::Result<Vec<u8>> {
        if !call.flags().contains(Flags::USES_REQUEST) {
            return Ok(run_call(&mut call, &mut self.services).line());
        }
        let channel = if call.may_stream() {
            Channel::Lines
        } else {
            Channel::Nowhere
        };
        let id = request_id(&call);
        control::begin(id, &context(&call), channel);
        let response = loop {
            let outcome = invoke(&call, id);
            let mut step = call.settle(outcome, &mut self.services);
            if cfg!(feature = "whole")
                && let CallStep::Ask(asking) = step
            {
                let Some(next) = self.ask(&mut call, id, &asking)? else {
                    break None;
                };
                step = next;
            }
            if let CallStep::Done(response) = step {
                break Some(response);
            }
        };
        let changes = changes(&call, id);
        control::end(id);
        let mut lines = self
            .session
            .changed(&self.catalog, &changes, &mut self.services);
        if let Some(response) = response {
            lines.extend(response.line());
        }
        Ok(lines)
    }

    /// Asks the client, and does meanwhile what else it wants. None: it cancelled the call, or
    /// is gone.
    fn ask(
        &mut self,
        call: &mut Call<'_>,
        id: u64,
        asking: &Asking,
    ) -> std::io::Result<Option<CallStep>> {
        if self.waiting.len() == MAX_WAITING {
            return Ok(Some(CallStep::Done(
                call.fail(&stdio::too_many_waiting(MAX_WAITING)),
            )));
        }
        for message in asking.messages() {
            control::send(id, &[message, &b"\n"[..]].concat());
        }
        self.waiting.push(Waiting {
            id: call.id().to_owned(),
            cancelled: false,
        });
        let next = self.wait(call, id, asking);
        self.waiting.pop();
        next
    }

    fn wait(
        &mut self,
        call: &mut Call<'_>,
        id: u64,
        asking: &Asking,
    ) -> std::io::Result<Option<CallStep>> {
        loop {
            match asking.poll(&mut self.services) {
                Err(failure) => return Ok(Some(CallStep::Done(call.fail(&failure)))),
                Ok(Polled::Answered(input)) => {
                    control::again(id, &input.responses, input.state.as_deref());
                    return Ok(Some(call.resume(input)));
                }
                Ok(Polled::Cancelled) => return Ok(None),
                Ok(Polled::Waiting) => {}
            }
            let Some(line) = self.read()? else {
                return Ok(None);
            };
            let reply = self.handle(&line)?;
            write(&reply)?;
            if self.waiting.last().is_some_and(|call| call.cancelled) {
                return Ok(None);
            }
        }
    }
}
