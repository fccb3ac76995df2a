//! Drives what clients ask for, in both WASI builds. Nothing waits in the WASI 0.2 build, which
//! polls it once.

use std::{
    cell::{RefCell, RefMut},
    collections::BTreeMap,
    io::Write as _,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use spin_mcp_protocol::{
    Call, Context,
    call::{Asking, CallResponse as Answer, CallStep as Step, Polled},
    catalog::Flags,
    chain::Gate,
    http::{self, Head, HttpOutcome, HttpRequest, HttpResponse, Listening, ResumptionStep},
    listen::{self, Change},
    mend, refuse_late, request_id, router,
    services::Services,
    sse,
    stdio::{self, StdioOutcome},
    waits::Waits,
};

use crate::{
    catalog::catalog,
    features,
    services::Host,
    waiting::Waiting,
    wasi::{
        self, Out,
        bindings::spin_mcp::framework::control::{self, Channel},
    },
};

/// Serves one HTTP request. `body` reads its body, of this length if the client declared one.
pub async fn serve(
    head: &HttpRequest<'_>,
    body: impl AsyncFnOnce(Option<usize>) -> Vec<u8>,
    response: Out,
) {
    let catalog = catalog();
    let client = Client {
        host: &RefCell::new(Host::default()),
        stdio: None,
    };
    let (origin, admitted) = admit(head, client).await;
    let response = response.allow(origin);
    let head = match admitted {
        Ok(head) => head,
        Err(refusal) => return response.send(refusal).await,
    };
    let response = response.only_events(head.needs_events());
    let mut body = match head.has_body() {
        true => body(head.content_length()).await,
        false => http::resumed_body(&head, &mut *client.host()),
    };
    mend(&mut body);
    let mut outcome = http::handle(&catalog, &head, &body, &mut *client.host());
    loop {
        outcome = match outcome {
            HttpOutcome::Reply(reply) => return response.send(reply).await,
            HttpOutcome::Call(call) => return call_over_http(*call, response, client).await,
            HttpOutcome::Listen(listening) => {
                if_whole(|| listen(*listening, response, client)).await;
                return;
            }
            HttpOutcome::Resume(resumption) => {
                if_whole(|| resume(*resumption, response, client)).await;
                return;
            }
            HttpOutcome::Gate(gate) => match if_whole(|| pass(*gate, client)).await {
                Some((gate, answer)) => {
                    http::pass(&catalog, &head, gate, answer, &mut *client.host())
                }
                None => return,
            },
            HttpOutcome::Notify(call) => {
                if_whole(|| notify(&call, client)).await;
                HttpOutcome::Reply(http::accepted())
            }
        };
    }
}

/// Checks a head, and finds out who sent it. Returns the origin of the page that may read the response.
async fn admit<'h>(
    head: &HttpRequest<'h>,
    client: Client<'_>,
) -> (Option<&'h str>, Result<Head<'h>, HttpResponse>) {
    let catalog = catalog();
    let entered = match http::enter(head, &catalog) {
        Ok(entered) => entered,
        Err(refusal) => return (None, Err(refusal)),
    };
    let origin = entered.origin();
    #[cfg(feature = "auth")]
    if let Err(refusal) = crate::auth::identify(&entered, || client.host()).await {
        return (origin, Err(refusal));
    }
    if !cfg!(feature = "auth") && catalog.flags().contains(Flags::HEADERS) {
        client.host().sender = Some(Rc::new(http::sender(&entered, &catalog)));
    }
    (origin, entered.head(&catalog))
}

/// Does what only the whole server can do. Few requests ask for it, so its state is on the heap: on
/// the stack, it would be part of the state of all.
#[cfg(feature = "whole")]
async fn if_whole<F: Future>(work: impl FnOnce() -> F) -> Option<F::Output> {
    Some(Box::pin(work()).await)
}

/// Does nothing: the protocol asks for nothing of the kind, as this is the small server. Not to
/// name `work` here keeps its code out of the component.
#[cfg(not(feature = "whole"))]
async fn if_whole<F: Future>(_work: impl FnOnce() -> F) -> Option<F::Output> {
    None
}

async fn call_over_http(mut call: Call<'_>, response: Out, client: Client<'_>) {
    let (id, context, streams) = (request_id(&call), context(&call, client), call.may_stream());
    let opening = if cfg!(feature = "whole") {
        call.opening()
    } else {
        Vec::new()
    };
    let work = run_and_publish(&mut call, id, client);
    if streams && let Some(context) = &context {
        begin(id, context, Channel::Events);
        control::opens_with(id, &opening);
        return response.stream(id, work).await;
    }
    let answer = in_context(id, context, work).await;
    response.send(http::response(answer)).await;
}

/// Goes on with a call whose stream broke, until a host might end this one, too.
async fn resume(mut resumption: http::Resumption<'_>, response: Out, client: Client<'_>) {
    let call = resumption.call.as_deref();
    let id = call.map_or_else(random_id, request_id);
    let context = call.and_then(|call| context(call, client));
    let context = context.unwrap_or_default();
    begin(id, &context, Channel::Events);
    control::opens_with(id, &sse::reopening());
    let work = async {
        let mut is_open = control::send(id, sse::KEEP_ALIVE);
        let mut waits = client.waits();
        while is_open && !waits.is_over(client.host().now()) {
            let step = resumption.look(&mut *client.host());
            let call = resumption.call.as_mut();
            match (step, call) {
                (ResumptionStep::Send(events), _) => {
                    is_open = events.iter().all(|event| control::send(id, event));
                    continue;
                }
                (ResumptionStep::Last(event), _) => {
                    control::send(id, &event);
                    return None;
                }
                (ResumptionStep::Call(input), Some(call)) => {
                    control::again(id, &input.responses, input.state.as_deref());
                    call.resume(input);
                    return run_and_publish(call, id, client).await;
                }
                (ResumptionStep::Fail(failure), Some(call)) => {
                    let answer = call.fail(&failure);
                    return Some(call.finish(answer, true, &mut *client.host()));
                }
                (ResumptionStep::Wait, _) => wasi::sleep(waits.pause()).await,
                _ => return None,
            }
            if waits.is_quiet(client.host().now()) {
                is_open = is_open && control::send(id, sse::KEEP_ALIVE);
            }
        }
        None
    };
    response.stream(id, work).await;
}

/// Sends changes until the client leaves, or until a host might end the stream.
async fn listen(mut listening: Listening<'_>, response: Out, client: Client<'_>) {
    let id = random_id();
    begin(id, &Context::default(), Channel::Events);
    control::opens_with(id, &listening.listener.opening());
    let work = async {
        let first = listening.first.take();
        let first = first.map_or(sse::KEEP_ALIVE.to_vec(), |first| sse::event(&first));
        let mut is_open = control::send(id, &first);
        let mut waits = client.waits();
        while is_open && !waits.is_over(client.host().now()) {
            wasi::sleep(waits.pause()).await;
            // A store that fails has written the reason to stderr; the client listens again.
            let polled = listening.poll(&catalog(), &mut *client.host());
            let Ok(mut messages) = polled else {
                break;
            };
            if let Some(watched) = &mut listening.watched {
                for index in 0..watched.len() {
                    let due = watched.due(index, &mut *client.host());
                    if let Some(call) = due {
                        advance(call, client).await;
                    }
                }
                messages.extend(watched.news(&mut *client.host()));
            }
            for message in messages {
                is_open = is_open && control::send(id, &listening.listener.event(&message));
            }
            if waits.is_quiet(client.host().now()) {
                is_open = is_open && control::send(id, sse::KEEP_ALIVE);
            }
        }
        let last = listening.listener.end(catalog().server_info());
        last.map(|body| Answer {
            status: 200,
            body,
            failure: None,
            event_id: None,
        })
    };
    response.stream(id, work).await;
}

/// Advances a task that a client listens to. The task keeps the result.
async fn advance(mut call: Call<'_>, client: Client<'_>) {
    let (id, context) = (request_id(&call), context(&call, client));
    in_context(id, context, run_and_publish(&mut call, id, client)).await;
}

/// Makes a call, and sends listeners what features reported: they must not wait until the client
/// has read the answer.
async fn run_and_publish(call: &mut Call<'_>, id: u64, client: Client<'_>) -> Option<Answer> {
    let waiting = Waiting::begin(call, id, &mut client.host());
    // A client that can resume the call may leave and come back.
    let streams = call.is_async() && call.may_stream() && !call.is_resumable();
    let looks = call.may_be_cancelled();
    let watch = watch(&waiting, id, (streams, looks), client);
    let mut answer = wasi::beside(run(call, id, client), watch).await;
    if cfg!(feature = "auth")
        && let Some(answer) = &mut answer
    {
        refuse_late(call, answer, &mut *client.host());
    }
    // A store that fails has written the reason to stderr.
    let _ = listen::publish(&mut *client.host(), &changes(call, id));
    if waiting.is_cancelled(&mut client.host()) {
        return None;
    }
    let is_open = cfg!(feature = "whole") && call.is_resumable() && control::is_streaming(id);
    answer.map(|answer| call.finish(answer, is_open, &mut *client.host()))
}

/// Keeps the stream of a call open while its feature waits, and looks whether the client still waits.
async fn watch(waiting: &Waiting, id: u64, (streams, looks): (bool, bool), client: Client<'_>) {
    if streams || looks {
        let mut waits = client.waits();
        loop {
            wasi::sleep(waits.pause()).await;
            if looks && waiting.is_cancelled(&mut client.host()) {
                return control::close(id);
            }
            if waits.is_quiet(client.host().now()) && !control::send(id, sse::KEEP_ALIVE) {
                return;
            }
        }
    }
}

/// Asks the middleware whether it lets a request pass that the transport answers itself.
async fn pass<'a>(mut gate: Gate<'a>, client: Client<'_>) -> (Gate<'a>, Answer) {
    let id = request_id(&gate.call);
    let work = features::invoke(&gate.call, id);
    let outcome = in_context(id, context(&gate.call, client), work).await;
    let answer = gate.settle(outcome, &mut *client.host());
    (gate, answer)
}

async fn notify(call: &Call<'_>, client: Client<'_>) {
    let id = request_id(call);
    in_context(id, context(call, client), features::notify(call, id)).await;
}

/// The client that waits for a call.
#[derive(Clone, Copy)]
struct Client<'s> {
    host: &'s RefCell<Host>,
    /// The id of the call, if it came over stdio.
    stdio: Option<(&'s Stdio, u64)>,
}

impl<'s> Client<'s> {
    fn host(self) -> RefMut<'s, Host> {
        self.host.borrow_mut()
    }

    /// The waits of a stream. It ends with the credentials of the client.
    fn waits(self) -> Waits {
        let mut host = self.host();
        let expires = host.sender.as_ref().and_then(|sender| sender.expires);
        let now = host.now();
        Waits::for_changes(now, catalog().stream_limits()).until(expires)
    }

    /// Waits before the next look for a reply. False: the client is gone, or has cancelled.
    async fn wait(self, pause: Duration) -> bool {
        match self.stdio {
            Some((stdio, id)) => {
                stdio.stdin.wait(stdio, pause).await && stdio.calls.borrow().contains_key(&id)
            }
            None => {
                wasi::sleep(pause).await;
                true
            }
        }
    }
}

/// Makes a call. None: the client left, or cancelled the call, before there was an answer.
async fn run(call: &mut Call<'_>, id: u64, client: Client<'_>) -> Option<Answer> {
    loop {
        let outcome = features::invoke(call, id).await;
        let mut step = call.settle(outcome, &mut *client.host());
        if let Step::Ask(asking) = step {
            step = if_whole(|| ask(call, id, &asking, client)).await??;
        }
        if let Step::Done(answer) = step {
            return Some(answer);
        }
    }
}

/// Asks the client for input, and waits for its replies. None: as in `run`.
async fn ask(call: &mut Call<'_>, id: u64, asking: &Asking, client: Client<'_>) -> Option<Step> {
    if let (Some((stdio, _)), Some(most)) = (client.stdio, wasi::MAX_NESTED)
        && stdio.calls.borrow().len() > most
    {
        return Some(Step::Done(call.fail(&stdio::too_many_waiting(most))));
    }
    let is_sent = match client.stdio {
        Some(_) => asking
            .messages()
            .all(|message| control::send(id, &[message, b"\n"].concat())),
        None => asking.events().all(|event| control::send(id, &event)),
    };
    is_sent.then_some(())?;
    let mut waits = Waits::for_replies(client.host().now(), catalog().stream_limits());
    loop {
        let polled = asking.poll(&mut *client.host());
        match polled {
            Err(failure) => return Some(Step::Done(call.fail(&failure))),
            Ok(Polled::Answered(input)) => {
                control::again(id, &input.responses, input.state.as_deref());
                return Some(call.resume(input));
            }
            Ok(Polled::Cancelled) => return None,
            Ok(Polled::Waiting) => client.wait(waits.pause()).await.then_some(())?,
        }
        if client.stdio.is_none() && waits.is_quiet(client.host().now()) {
            control::send(id, sse::KEEP_ALIVE).then_some(())?;
        }
    }
}

/// The client on stdio.
pub struct Stdio {
    session: RefCell<stdio::StdioSession>,
    host: RefCell<Host>,
    /// The calls that the client waits for, by their request ids.
    calls: RefCell<BTreeMap<u64, InProgress>>,
    pub stdin: wasi::Stdin,
}

struct InProgress {
    /// The id that the client gave it.
    id: String,
    /// Whether the context knows it.
    is_begun: bool,
    _running: wasi::Running,
}

impl Stdio {
    pub fn new(stdin: wasi::Stdin) -> Stdio {
        Stdio {
            session: RefCell::default(),
            host: RefCell::new(Host::stdio()),
            calls: RefCell::default(),
            stdin,
        }
    }

    /// Finds out who the client is. The error is for the user of the process.
    #[cfg(feature = "auth")]
    pub async fn identify(&self) -> Result<(), ()> {
        let identified = crate::auth::identify_user(|| self.host.borrow_mut()).await;
        identified.map_err(|problem| eprintln!("error: {problem}"))
    }

    /// Does what a line asks for. Returns what to write, the answer last. Drops `running` as soon
    /// as the client does not wait for it.
    pub async fn serve(&self, mut line: Vec<u8>, running: wasi::Running) -> Vec<u8> {
        let catalog = catalog();
        let session = || self.session.borrow_mut();
        mend(&mut line);
        let mut outcome = session().handle_line(&catalog, &line, &mut *self.host.borrow_mut());
        loop {
            outcome = match outcome {
                StdioOutcome::Nothing => return Vec::new(),
                StdioOutcome::Reply(reply) => return reply,
                StdioOutcome::Call(call) => return self.call(*call, running).await,
                StdioOutcome::Cancel(id) => {
                    self.cancel(id);
                    return Vec::new();
                }
                StdioOutcome::Gate(gate) => match if_whole(|| pass(*gate, self.client(0))).await {
                    Some((gate, answer)) => {
                        session().pass(&catalog, gate, answer, &mut *self.host.borrow_mut())
                    }
                    None => return Vec::new(),
                },
                StdioOutcome::Notify(call, cancelled) => {
                    if_whole(|| notify(&call, self.client(0))).await;
                    cancelled.map_or(StdioOutcome::Nothing, StdioOutcome::Cancel)
                }
            };
        }
    }

    /// Makes a call. Its answer is left out if it was cancelled.
    async fn call(&self, mut call: Call<'_>, running: wasi::Running) -> Vec<u8> {
        let id = request_id(&call);
        let context = context(&call, self.client(id));
        let in_progress = InProgress {
            id: call.id().to_owned(),
            is_begun: context.is_some(),
            _running: running,
        };
        self.calls.borrow_mut().insert(id, in_progress);
        if let Some(context) = &context {
            let channel = match call.may_stream() {
                true => Channel::Lines,
                false => Channel::Nowhere,
            };
            begin(id, context, channel);
        }
        let answer = run(&mut call, id, self.client(id)).await;
        let changes = changes(&call, id);
        if context.is_some() {
            control::end(id, &[]);
        }
        let session = self.session.borrow();
        let mut lines = session.changed(&catalog(), &changes, &mut *self.host.borrow_mut());
        let is_waited_for = self.calls.borrow_mut().remove(&id).is_some();
        let answer = answer.filter(|_| is_waited_for);
        lines.extend(answer.map_or(Vec::new(), Answer::line));
        lines
    }

    fn client(&self, id: u64) -> Client<'_> {
        Client {
            host: &self.host,
            stdio: Some((self, id)),
        }
    }

    /// Forgets the calls of this id. Their features run on, and learn from `is-cancelled` that
    /// the client no longer waits: most toolchains make code that traps if its task is cancelled,
    /// which would end all other calls, too.
    fn cancel(&self, id: &str) {
        let mut calls = self.calls.borrow_mut();
        for (request, call) in calls.extract_if(.., |_, call| call.id == id) {
            if call.is_begun {
                control::close(request);
            }
        }
    }

    /// What to write once stdin has ended.
    pub fn end(&self) -> Vec<u8> {
        self.session.borrow_mut().end::<Host>(&catalog())
    }
}

/// Writes through WASI 0.2 in both builds, as the context does, so that no line is written into the
/// middle of another.
pub fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Names a request. A part that knows an id can ask the context about it, so ids are random where
/// that matters.
fn request_id(call: &Call<'_>) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if call.may_be_asked_about() {
        return random_id();
    }
    let id = router::id::of(call, NEXT.fetch_add(1, Ordering::Relaxed));
    request_id::request(id).max(1)
}

fn random_id() -> u64 {
    let random = Host::default().random();
    let id = u64::from_le_bytes(*random.first_chunk().expect("there are 16 bytes"));
    request_id::request(id).max(1)
}

/// Does something while the context answers for this id. None: no part of the server asks it.
async fn in_context<T>(id: u64, context: Option<Context>, work: impl Future<Output = T>) -> T {
    if let Some(context) = &context {
        begin(id, context, Channel::Nowhere);
    }
    let done = work.await;
    if context.is_some() {
        control::end(id, &[]);
    }
    done
}

/// Makes the context answer for this id. Each copy of this would pass all of the context on by itself.
#[inline(never)]
fn begin(id: u64, context: &Context, channel: Channel) {
    control::begin(id, context, channel);
}

/// What the context must know. None: no part of the server asks about this call.
fn context(call: &Call<'_>, client: Client<'_>) -> Option<Context> {
    let is_asked = call.may_be_asked_about();
    let sender = &client.host().sender;
    is_asked.then(|| call.context().sent_by::<Host>(sender.as_deref()))
}

/// What features reported during a call.
fn changes(call: &Call<'_>, id: u64) -> Vec<Change> {
    match call.may_tell_of_changes() {
        true => control::changes(id),
        false => Vec::new(),
    }
}
