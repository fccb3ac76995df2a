//! Streamable HTTP
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http and
//! https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http).

mod auth;
mod cors;
mod head;
pub(crate) mod headers;
mod origin;
mod response;
mod resumption;

use std::borrow::Cow;

use super::{
    chain,
    dispatch::dispatch,
    dispatched::Dispatched,
    gate::{Gate, Then},
    handshake,
    own::own,
    stateful,
    watched::Watched,
};
use crate::{
    answer::response::ready,
    call::{
        Call, CallResponse, access,
        caller::{self, Caller},
        target::Target,
    },
    catalog::{Catalog, Flags},
    state::{
        call_stream::EventId,
        listen::Listener,
        replies,
        services::{ServerPart, Services, Unavailable, unavailable},
        session::{self, Session},
    },
    wire::{
        failure::{Failure, INVALID_PARAMS, INVALID_REQUEST, excerpt},
        message::{self, Message},
        notify::LogLevel,
        sse,
        version::Version,
    },
};
pub(crate) use auth::NO_NAME;
pub use auth::{Judged, RESOURCE, judge, metadata, sender, unready};
pub use cors::cors;
use head::Method;
pub use head::{Entered, Head, HttpRequest, check_head, enter};
pub use origin::is_host;
pub use response::{HttpResponse, response};
pub use resumption::{Resumption, ResumptionStep, resumed_body};

/// The outcome of an HTTP request.
pub enum HttpOutcome<'a> {
    Reply(HttpResponse),
    Call(Box<Call<'a>>),
    /// A stream that stays open.
    Listen(Box<Listening<'a>>),
    /// A stream that goes on with a call.
    Resume(Box<Resumption<'a>>),
    /// The transport must make its call first, and pass the response to [`pass`].
    Gate(Box<Gate<'a>>),
    /// The transport must pass this notification to the chain, then respond [`accepted`].
    Notify(Box<Call<'a>>),
}

/// A stream that stays open.
pub struct Listening<'a> {
    pub listener: Listener,
    /// The first message of the stream.
    pub first: Option<Vec<u8>>,
    pub watched: Option<Watched<'a>>,
    /// Of the session whose stream it is.
    session: Option<Caller<'a>>,
}

impl Listening<'_> {
    /// The messages to send since the stream began, or since the last call: of the resources that a
    /// session is subscribed to, those about which the credentials of its stream let it know.
    pub fn poll<S: Services>(
        &mut self,
        catalog: &Catalog<'_>,
        services: &mut S,
    ) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.listener.poll(services, |uri, services| {
            let session = self.session.as_ref();
            session.is_none_or(|client| access::may_watch(catalog, uri, client, services))
        })
    }
}

/// Handles a request whose head passed. A transport may stop reading a body at `MAX_BODY` bytes
/// plus one: that much is enough to refuse it. For a request without one, it passes what
/// [`resumed_body`] returns.
pub fn handle<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    body: &'a [u8],
    services: &mut S,
) -> HttpOutcome<'a> {
    let (id, outcome) = match head.method {
        Method::Get if S::WHOLE => (None, listen(catalog, head, body, services)),
        Method::Delete if S::WHOLE => (None, end_session(catalog, head, services)),
        _ => match message::read(body) {
            Err((id, failure)) => (id, Err(failure)),
            Ok(Message::Request(request)) => {
                let id = request.id;
                let mut outcome = handle_request(catalog, head, request, services);
                if let Ok(HttpOutcome::Call(call)) = &mut outcome
                    && head.accepts_events()
                {
                    call.keep(body, services);
                }
                (Some(Cow::Borrowed(id)), outcome)
            }
            Ok(Message::Notification(notification)) => {
                let named = caller::named_version(&notification.params.meta);
                let named = named.ok().flatten();
                let named = named.as_deref().and_then(Version::parse);
                (None, accept(catalog, head, notification, named, services))
            }
            Ok(Message::Response(response)) => {
                (None, accept_response(catalog, head, &response, services))
            }
        },
    };
    let outcome = outcome.unwrap_or_else(|failure| {
        HttpOutcome::Reply(HttpResponse::failure(&failure, id.as_deref()))
    });
    fitting(head, outcome, id.as_deref())
}

/// The same outcome for a client that does not accept events: it gets only the answer. `id` is
/// that of its request.
fn fitting<'a>(head: &Head<'_>, mut outcome: HttpOutcome<'a>, id: Option<&str>) -> HttpOutcome<'a> {
    match &mut outcome {
        HttpOutcome::Call(call) if !head.accepts_events() => call.send_no_events(),
        HttpOutcome::Listen(_)
        | HttpOutcome::Reply(HttpResponse {
            is_stream: true, ..
        }) if !head.accepts_events() => {
            let message = "`Accept` must list `text/event-stream`";
            let failure = Failure::new(406, INVALID_REQUEST, message);
            return HttpOutcome::Reply(HttpResponse::failure(&failure, id));
        }
        _ => {}
    }
    outcome
}

/// Opens the stream of changes of a session, or goes on with the stream of a call.
fn listen<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    body: &'a [u8],
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let last_event = head.headers.last_event_id;
    let event = last_event.and_then(EventId::parse);
    let has_level = event.is_some() && catalog.flags().contains(Flags::LOG);
    let client = find_client(head, version, has_level, services)?;
    access::check_sender(catalog, "GET", &client, services)?;
    let Some(session) = client.session_key.clone() else {
        return Err(Failure::invalid_request(
            "header `Mcp-Session-Id` is missing; begin a session with `initialize`",
        ));
    };
    if let Some(event) = event {
        let resumption = resumption::resume(catalog, body, client, event, services)?;
        return Ok(match resumption {
            Some(resumption) => HttpOutcome::Resume(Box::new(resumption)),
            // With this status, a client does not come again.
            None => HttpOutcome::Reply(HttpResponse::empty(204)),
        });
    }
    let offer = stateful::offer(catalog, services);
    let listener = Listener::session(&session, client.session_expires, last_event, offer);
    open(listener, None, Some(client), services)
}

fn open<'a, S: Services>(
    mut listener: Listener,
    watched: Option<Watched<'a>>,
    session: Option<Caller<'a>>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let first = listener.begin(services)?;
    Ok(HttpOutcome::Listen(Box::new(Listening {
        listener,
        first,
        watched,
        session,
    })))
}

fn end_session<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let client = find_client(head, version, false, services)?;
    access::check_sender(catalog, "DELETE", &client, services)?;
    let Some(session) = client.session_key else {
        return Err(Failure::invalid_request(
            "header `Mcp-Session-Id` is missing",
        ));
    };
    session::end(services, &session, client.session_expires).map_err(unavailable)?;
    Ok(HttpOutcome::Reply(HttpResponse::empty(204)))
}

fn handle_request<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    caller::check_params(&request.params)?;
    let named = caller::named_version(&request.params.meta)?;
    // A client may always ask for a handshake, unless its request names a revision itself. Its
    // header may already say what it hopes to agree on.
    let handshake = request.method == "initialize" && named.is_none();
    let version = match handshake {
        true => None,
        false => settle_version(named.as_deref(), head.headers.version()?)?,
    };
    if let Some(version) = version.filter(|version| version.is_modern()) {
        return handle_modern(catalog, head, request, version, services);
    }
    handle_legacy(catalog, head, request, version, handshake, services).map_err(of_legacy)
}

/// Makes a failure one that legacy clients understand.
fn of_legacy(failure: Failure) -> Failure {
    match failure.code {
        // With any other status, they assume that the connection is broken.
        INVALID_PARAMS => Failure {
            status: 200,
            ..failure
        },
        _ => failure,
    }
}

/// The revision of a request, from `_meta` and from the header. Both must agree.
fn settle_version(named: Option<&str>, header: Option<&str>) -> Result<Option<Version>, Failure> {
    let name = match (named, header) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(Failure::header_mismatch(
                "header `MCP-Protocol-Version` is missing",
            ));
        }
        (Some(named), Some(header)) if named != header => {
            return Err(Failure::header_mismatch(format!(
                "header `MCP-Protocol-Version` is `{}`, but the body says `{}`",
                excerpt(header),
                excerpt(named)
            )));
        }
        (_, Some(header)) => header,
    };
    Version::parse(name)
        .map(Some)
        .ok_or_else(|| Failure::unsupported_version(name))
}

fn handle_modern<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    version: Version,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let client = Caller::modern(version, &request.params.meta)?;
    head.headers.check_method(&request.method)?;
    let named = match &*request.method {
        "tools/call" | "prompts/get" => request.params.name,
        "resources/read" => request.params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => request.params.task_id,
        _ => None,
    };
    if let Some(name) = named.and_then(|name| name.as_str()) {
        head.headers.check_name(&name)?;
    }
    let mut answer = dispatch(catalog, request, client, services)?;
    if let Dispatched::Call(call) = &mut answer
        && let Target::Tool { tool, .. } = &call.target
        && call.task.is_none()
    {
        match tool {
            Some(tool) => head
                .headers
                .check_parameters(tool, &call.argument_object())?,
            None if S::WHOLE && services.part() == ServerPart::Server => {
                call.compare(head.headers.all);
            }
            None => {}
        }
    }
    proceed(answer, services)
}

fn handle_legacy<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    version: Option<Version>,
    handshake: bool,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    if handshake {
        let session = caller::handshake(&request.params, services)?;
        let client = Caller::legacy(session.version, LogLevel::Info);
        access::check(catalog, "initialize", &request.params, &client, services)?;
        if services.part() == ServerPart::Transport {
            let gate = chain::handshake(catalog, request, session, LogLevel::Info, services);
            return proceed(gate, services);
        }
        let shared = services.store().is_some();
        let result = handshake::result(catalog, session.version, shared);
        let body = ready(request.id, &[&result]);
        return Ok(HttpOutcome::Reply(greet(body, &session, services)));
    }
    let has_level = catalog.flags().contains(Flags::LOG);
    let client = find_client(head, version, has_level, services)?;
    let session = (client.session_key.clone(), client.session_expires);
    let answer = dispatch(catalog, request, client, services)?;
    keep_level(&answer, &session, services)?;
    proceed(answer, services)
}

/// The response that begins a session.
fn greet<S: Services>(body: Vec<u8>, session: &Session, services: &mut S) -> HttpResponse {
    let mut response = HttpResponse::json(200, body);
    let id = session.to_id(services.random());
    response.headers.push(("mcp-session-id", Cow::Owned(id)));
    response
}

/// Stores the log level of a session.
fn keep_level<S: Services>(
    answer: &Dispatched<'_>,
    session: &(Option<Vec<u8>>, u64),
    services: &mut S,
) -> Result<(), Failure> {
    let Dispatched::SetLevel(level, _) = answer else {
        return Ok(());
    };
    match session {
        (Some(session), expires) if S::WHOLE && services.store().is_some() => {
            session::set_level(services, session, *expires, *level).map_err(unavailable)
        }
        _ if *level == LogLevel::Info => Ok(()),
        (None, _) => Err(Failure::internal(
            "only a session has a log level of its own; begin one with `initialize`",
        )),
        _ => Err(Failure::internal(
            "the log level stays `info`: this server has no store to keep another one in",
        )),
    }
}

/// Continues with a request after its call. `response` is what the chain answered.
pub fn pass<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'_>,
    gate: Gate<'a>,
    response: CallResponse,
    services: &mut S,
) -> HttpOutcome<'a> {
    if response.failure.is_some() {
        return HttpOutcome::Reply(response.http());
    }
    let (id, modern) = (gate.request.id, gate.client.version.is_modern());
    let act = |services: &mut S| {
        let session = (gate.client.session_key.clone(), gate.client.session_expires);
        let answer = own(catalog, gate.request, gate.client, services)?;
        keep_level(&answer, &session, services)?;
        proceed(answer, services)
    };
    match gate.then {
        Then::Reply => HttpOutcome::Reply(response.http()),
        Then::Handshake(session) => HttpOutcome::Reply(greet(response.body, &session, services)),
        Then::Act => {
            let outcome = act(services).unwrap_or_else(|failure| {
                let failure = if modern { failure } else { of_legacy(failure) };
                HttpOutcome::Reply(HttpResponse::failure(&failure, Some(id)))
            });
            fitting(head, outcome, Some(id))
        }
    }
}

/// The response to a message that needs no answer.
pub fn accepted() -> HttpResponse {
    HttpResponse::empty(202)
}

/// The caller of a legacy request, from the session that the headers name. The session must have
/// the revision that the headers name. Its log level is read only if it matters.
fn find_client<'a, S: Services>(
    head: &Head<'a>,
    version: Option<Version>,
    has_level: bool,
    services: &mut S,
) -> Result<Caller<'a>, Failure> {
    let Some(id) = head.headers.session_id else {
        let version = version.unwrap_or(Version::ASSUMED);
        return Ok(Caller::legacy(version, LogLevel::Info));
    };
    let unknown = || {
        Failure::new(
            404,
            INVALID_REQUEST,
            "unknown session; begin another one with `initialize`",
        )
    };
    let session = Session::from_id(id, services.now()).ok_or_else(unknown)?;
    if version.is_some_and(|version| version != session.version) {
        let message = format!(
            "header `MCP-Protocol-Version` is not `{}`, the revision of this session",
            session.version.as_str()
        );
        return Err(Failure::invalid_request(message));
    }
    let key = if S::WHOLE {
        session::digest(id, &services.principal()).to_vec()
    } else {
        id.to_vec()
    };
    let mut level = None;
    if S::WHOLE && services.store().is_some() {
        let kept = session::kept(services, &key, session.expires(), has_level);
        let kept = kept.map_err(unavailable)?;
        if kept.ended {
            return Err(unknown());
        }
        level = kept.level;
    }
    Ok(Caller {
        session_id: str::from_utf8(id).ok(),
        ..Caller::of_session(session, key, level.unwrap_or(LogLevel::Info))
    })
}

/// Handles a notification.
fn accept<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    notification: message::Notification<'a>,
    named: Option<Version>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let version = named.or(version);
    let client = if let Some(version) = version.filter(|version| version.is_modern()) {
        let client = Caller::modern_sender(version, &notification.params.meta);
        access::check_sender(catalog, &notification.method, &client, services)?;
        client
    } else {
        let client = find_client(head, version, false, services)?;
        access::check_sender(catalog, &notification.method, &client, services)?;
        let request = notification.params.request_id.filter(message::is_id);
        if notification.method == "notifications/cancelled"
            && let (Some(session), Some(request)) = (&client.session_key, request)
        {
            services.cancel(session, request.text);
            if S::WHOLE {
                replies::cancel(services, session, request.text)?;
            }
        }
        client
    };
    if services.part() == ServerPart::Transport {
        let call = chain::notification(catalog, notification, client);
        return Ok(HttpOutcome::Notify(call));
    }
    Ok(HttpOutcome::Reply(accepted()))
}

fn accept_response<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    response: &message::ClientReply<'a>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    if version.is_some_and(Version::is_modern) {
        return Err(Failure::invalid_request(
            "clients of this revision do not send responses",
        ));
    }
    let client = find_client(head, version, false, services)?;
    access::check_sender(catalog, "", &client, services)?;
    if S::WHOLE
        && let Some(session) = &client.session_key
    {
        replies::accept(services, session, response)?;
    }
    Ok(HttpOutcome::Reply(accepted()))
}

fn proceed<'a, S: Services>(
    answer: Dispatched<'a>,
    services: &mut S,
) -> Result<HttpOutcome<'a>, Failure> {
    Ok(match answer {
        Dispatched::Ready(body) | Dispatched::SetLevel(_, body) => {
            HttpOutcome::Reply(HttpResponse::json(200, body))
        }
        Dispatched::Unheard(messages) => {
            let events = messages.map(|message| sse::event(&message));
            HttpOutcome::Reply(HttpResponse::events(events.concat()))
        }
        Dispatched::Call(call) => HttpOutcome::Call(call),
        Dispatched::Gate(gate) => HttpOutcome::Gate(gate),
        Dispatched::Listen(listening) if S::WHOLE => {
            let (listener, watched) = *listening;
            open(listener, Some(watched), None, services)?
        }
        Dispatched::Listen(_) => {
            return Err(Failure::internal(
                "this build of the server handles only tools",
            ));
        }
    })
}

#[cfg(test)]
mod tests;
