//! Streamable HTTP
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http and
//! https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http).

use std::borrow::Cow;

use crate::{
    MAX_BODY, bridge,
    call::{Call, Response},
    catalog::Catalog,
    chain::{self, Gate, Then},
    client::{self, Client},
    dispatch::{self, Answer},
    failure::{Failure, INVALID_PARAMS, INVALID_REQUEST, excerpt},
    headers::{self, Headers},
    listen::Listener,
    message::{self, Message},
    notify::LogLevel,
    origin,
    services::{ServerPart, Services},
    session::{self, Session},
    target::Target,
    version::Version,
    watched::Watched,
};

/// What can be known of a request before its body is read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'h> {
    pub method: &'h str,
    /// The authority that the host reports, if any: some hosts take the `Host` header away.
    pub authority: Option<&'h str>,
    /// Names in any case.
    pub headers: &'h headers::List,
}

/// A head that passed.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    method: Method,
    headers: Headers<'h>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Method {
    /// A message.
    Post,
    /// A stream of what is no answer
    /// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server).
    Get,
    /// The end of a session.
    Delete,
}

/// A whole response.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpResponse {
    pub status: u16,
    /// Names in lower case. `content-length` is among them.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Vec<u8>,
}

/// What became of a request.
pub enum Outcome<'a> {
    Reply(HttpResponse),
    Call(Box<Call<'a>>),
    /// A stream that stays open.
    Listen(Box<Listening<'a>>),
    /// Its call is made first; what came of it goes to [`pass`].
    Gate(Box<Gate<'a>>),
    /// The chain is told of it; then the response is [`accepted`].
    Notify(Box<Call<'a>>),
}

/// What goes out on a stream that stays open.
pub struct Listening<'a> {
    pub listener: Listener,
    /// The message that comes first.
    pub first: Option<Vec<u8>>,
    pub watched: Option<Watched<'a>>,
}

impl HttpResponse {
    pub(crate) fn json(status: u16, body: Vec<u8>) -> HttpResponse {
        let length = Cow::Owned(body.len().to_string());
        let headers = vec![
            ("content-type", Cow::Borrowed("application/json")),
            ("content-length", length),
        ];
        HttpResponse {
            status,
            headers,
            body,
        }
    }

    fn empty(status: u16) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![("content-length", Cow::Borrowed("0"))],
            body: Vec::new(),
        }
    }

    fn failure(failure: &Failure, id: Option<&str>) -> HttpResponse {
        HttpResponse::json(failure.status, failure.to_json(id))
    }
}

/// Refuses what can be refused without the body.
pub fn check_head<'h>(
    request: &Request<'h>,
    catalog: &Catalog<'_>,
) -> Result<Head<'h>, HttpResponse> {
    read_head(request, catalog).map_err(|failure| {
        let mut response = HttpResponse::failure(&failure, None);
        if failure.status == 405 {
            let allow = if catalog.store().is_some() {
                "DELETE, GET, POST"
            } else {
                "POST"
            };
            response.headers.push(("allow", Cow::Borrowed(allow)));
        }
        response
    })
}

fn read_head<'h>(request: &Request<'h>, catalog: &Catalog<'_>) -> Result<Head<'h>, Failure> {
    let headers = Headers::read(request.headers)?;
    let refuse =
        |status, message: Cow<'static, str>| Err(Failure::new(status, INVALID_REQUEST, message));
    let hosts = headers
        .host
        .into_iter()
        .chain(request.authority.map(str::as_bytes));
    if let Some(reason) = origin::refusal(catalog, headers.origin, hosts) {
        return refuse(403, reason.into());
    }
    let method = match request.method {
        "POST" => Method::Post,
        "GET" if catalog.store().is_some() => Method::Get,
        "DELETE" if catalog.store().is_some() => Method::Delete,
        method => {
            let method = excerpt(method);
            return refuse(
                405,
                format!("method `{method}` is not supported; send each message with `POST`").into(),
            );
        }
    };
    if method != Method::Post {
        if method == Method::Get && !headers.accepts_events() {
            return refuse(406, "`Accept` must list `text/event-stream`".into());
        }
        return Ok(Head { method, headers });
    }
    let length = headers
        .content_length
        .and_then(|value| str::from_utf8(value).ok());
    // A length that is no number, or too large for one, is for the host to refuse.
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > MAX_BODY as u64)
    {
        return Err(message::too_large());
    }
    let media = headers
        .content_type
        .map(|value| value.split(|&byte| byte == b';').next().unwrap_or_default());
    if !media.is_some_and(|media| media.trim_ascii().eq_ignore_ascii_case(b"application/json")) {
        return refuse(
            415,
            "the body is not declared as `Content-Type: application/json`".into(),
        );
    }
    if !headers.accepts_answers() {
        return refuse(
            406,
            "`Accept` must list both `application/json` and `text/event-stream`".into(),
        );
    }
    Ok(Head { method, headers })
}

impl Head<'_> {
    /// Whether the request carries a message.
    pub fn has_body(&self) -> bool {
        self.method == Method::Post
    }

    /// The length of the message, if the client declared it.
    pub fn content_length(&self) -> Option<usize> {
        str::from_utf8(self.headers.content_length?)
            .ok()?
            .parse()
            .ok()
    }
}

/// Answers a request whose head passed, or says what to do. A transport may stop reading a
/// body that is longer than `MAX_BODY`: what it has read by then, one byte more at least, gets
/// the refusal.
pub fn handle<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    body: &'a [u8],
    services: &mut S,
) -> Outcome<'a> {
    let (id, outcome) = match head.method {
        Method::Get if S::WHOLE => (None, listen(catalog, head, services)),
        Method::Delete if S::WHOLE => (None, end_session(head, services)),
        _ => match message::read(body) {
            Err((id, failure)) => (id, Err(failure)),
            Ok(Message::Request(request)) => (
                Some(request.id),
                handle_request(catalog, head, request, services),
            ),
            Ok(Message::Notification(notification)) => {
                let named = client::named_version(&notification.params.meta);
                let named = named.ok().flatten();
                let named = named.as_deref().and_then(Version::parse);
                (None, accept(catalog, head, notification, named, services))
            }
            Ok(Message::Response(response)) => (None, accept_response(head, &response, services)),
        },
    };
    outcome.unwrap_or_else(|failure| Outcome::Reply(HttpResponse::failure(&failure, id)))
}

/// Opens the stream on which a session hears of changes.
fn listen<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    services: &mut S,
) -> Result<Outcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let client = find_client(head, version, services)?;
    let Some(session) = client.session_key else {
        return Err(Failure::invalid_request(
            "header `Mcp-Session-Id` is missing; begin a session with `initialize`",
        ));
    };
    let offer = dispatch::offer(catalog, services);
    open(
        Listener::session(&session, client.session_expires, offer),
        None,
        services,
    )
}

fn open<'a, S: Services>(
    mut listener: Listener,
    watched: Option<Watched<'a>>,
    services: &mut S,
) -> Result<Outcome<'a>, Failure> {
    let first = listener.begin(services)?;
    Ok(Outcome::Listen(Box::new(Listening {
        listener,
        first,
        watched,
    })))
}

fn end_session<'a, S: Services>(head: &Head<'a>, services: &mut S) -> Result<Outcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let client = find_client(head, version, services)?;
    let Some(session) = client.session_key else {
        return Err(Failure::invalid_request(
            "header `Mcp-Session-Id` is missing",
        ));
    };
    session::end(services, &session, client.session_expires).map_err(bridge::unavailable)?;
    Ok(Outcome::Reply(HttpResponse::empty(204)))
}

fn handle_request<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    services: &mut S,
) -> Result<Outcome<'a>, Failure> {
    client::check_params(&request.params)?;
    let named = client::named_version(&request.params.meta)?;
    let header = head.headers.version()?;
    let version = settle_version(named.as_deref(), header)?;
    // Whoever asks for a handshake gets one, unless it speaks for itself.
    let handshake = request.method == "initialize" && named.is_none();
    if let Some(version) = version.filter(|version| version.is_modern() && !handshake) {
        return handle_modern(catalog, head, request, version, services);
    }
    handle_legacy(catalog, head, request, version, handshake, services).map_err(of_legacy)
}

/// A failure as legacy clients get it.
fn of_legacy(failure: Failure) -> Failure {
    match failure.code {
        // They take any other status for a broken transport.
        INVALID_PARAMS => Failure {
            status: 200,
            ..failure
        },
        _ => failure,
    }
}

/// The revision of a request, from what its `_meta` and its header name.
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
) -> Result<Outcome<'a>, Failure> {
    let client = Client::modern(version, &request.params.meta)?;
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
    let answer = dispatch::dispatch(catalog, request, client, services)?;
    if let Answer::Call(call) = &answer
        && let Target::Tool {
            tool: Some(tool), ..
        } = &call.target
        && call.task.is_none()
    {
        head.headers
            .check_parameters(tool, &call.argument_object())?;
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
) -> Result<Outcome<'a>, Failure> {
    if handshake {
        let session = client::handshake(&request.params, services.now())?;
        if services.part() == ServerPart::Transport {
            let gate = chain::handshake(catalog, request, session, LogLevel::Info, services);
            return proceed(gate, services);
        }
        let body = dispatch::initialized(catalog, request.id, &session, services);
        return Ok(Outcome::Reply(greet(body, &session, services)));
    }
    let client = find_client(head, version, services)?;
    let session = (client.session_key.clone(), client.session_expires);
    let answer = dispatch::dispatch(catalog, request, client, services)?;
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

/// Keeps the level that a session asked for.
fn keep_level<S: Services>(
    answer: &Answer<'_>,
    session: &(Option<Vec<u8>>, u64),
    services: &mut S,
) -> Result<(), Failure> {
    if S::WHOLE
        && let (Answer::SetLevel(level, _), (Some(session), expires)) = (answer, session)
        && services.store().is_some()
    {
        session::set_level(services, session, *expires, *level).map_err(bridge::unavailable)?;
    }
    Ok(())
}

/// Goes on with a request that the chain let pass, or did not: `response` is what became of its
/// call.
pub fn pass<'a, S: Services>(
    catalog: &Catalog<'a>,
    gate: Gate<'a>,
    response: Response,
    services: &mut S,
) -> Outcome<'a> {
    if response.failure.is_some() {
        return Outcome::Reply(response.http());
    }
    let (id, modern) = (gate.request.id, gate.client.version.is_modern());
    let act = |services: &mut S| {
        let session = (gate.client.session_key.clone(), gate.client.session_expires);
        let answer = dispatch::own(catalog, gate.request, gate.client, services)?;
        keep_level(&answer, &session, services)?;
        proceed(answer, services)
    };
    match gate.then {
        Then::Reply => Outcome::Reply(response.http()),
        Then::Handshake(session) => Outcome::Reply(greet(response.body, &session, services)),
        Then::Act => act(services).unwrap_or_else(|failure| {
            let failure = if modern { failure } else { of_legacy(failure) };
            Outcome::Reply(HttpResponse::failure(&failure, Some(id)))
        }),
    }
}

/// The response to a message that needs none.
pub fn accepted() -> HttpResponse {
    HttpResponse::empty(202)
}

/// The client of a legacy request: of the session that the headers name, if they do. It must
/// agree with the version that they name.
fn find_client<'a, S: Services>(
    head: &Head<'a>,
    version: Option<Version>,
    services: &mut S,
) -> Result<Client<'a>, Failure> {
    let Some(id) = head.headers.session_id else {
        return Ok(Client::legacy(
            version.unwrap_or(Version::ASSUMED),
            LogLevel::Info,
        ));
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
            "header `MCP-Protocol-Version` is not `{}`, which this session settled on",
            session.version.as_str()
        );
        return Err(Failure::invalid_request(message));
    }
    let key = if S::WHOLE {
        session::digest(id).to_vec()
    } else {
        Vec::new()
    };
    let mut level = None;
    if S::WHOLE && services.store().is_some() {
        let kept = session::kept(services, &key, session.expires()).map_err(bridge::unavailable)?;
        if kept.ended {
            return Err(unknown());
        }
        level = kept.level;
    }
    Ok(Client {
        session_id: str::from_utf8(id).ok(),
        ..Client::of_session(session, key, level.unwrap_or(LogLevel::Info))
    })
}

/// What becomes of a notification.
fn accept<'a, S: Services>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    notification: message::Notification<'a>,
    named: Option<Version>,
    services: &mut S,
) -> Result<Outcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    let version = named.or(version);
    let client = if let Some(version) = version.filter(|version| version.is_modern()) {
        Client::modern_sender(version, &notification.params.meta)
    } else {
        let client = find_client(head, version, services)?;
        let request = notification.params.request_id.filter(message::is_id);
        if S::WHOLE
            && notification.method == "notifications/cancelled"
            && let (Some(session), Some(request)) = (&client.session_key, request)
        {
            bridge::cancel(services, session, request.text)?;
        }
        client
    };
    if services.part() == ServerPart::Transport {
        let call = chain::notification(catalog, notification, client);
        return Ok(Outcome::Notify(call));
    }
    Ok(Outcome::Reply(accepted()))
}

fn accept_response<'a, S: Services>(
    head: &Head<'a>,
    response: &message::Response<'a>,
    services: &mut S,
) -> Result<Outcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    if version.is_some_and(Version::is_modern) {
        return Err(Failure::invalid_request(
            "clients of this revision send no responses",
        ));
    }
    let client = find_client(head, version, services)?;
    if S::WHOLE
        && let Some(session) = &client.session_key
    {
        bridge::accept(services, session, response)?;
    }
    Ok(Outcome::Reply(accepted()))
}

fn proceed<'a, S: Services>(answer: Answer<'a>, services: &mut S) -> Result<Outcome<'a>, Failure> {
    Ok(match answer {
        Answer::Ready(body) | Answer::SetLevel(_, body) => {
            Outcome::Reply(HttpResponse::json(200, body))
        }
        Answer::Call(call) => Outcome::Call(call),
        Answer::Gate(gate) => Outcome::Gate(gate),
        Answer::Listen(listening) if S::WHOLE => {
            let (listener, watched) = *listening;
            open(listener, Some(watched), services)?
        }
        Answer::Listen(_) => return Err(Failure::internal("the server is too small for this")),
    })
}

#[cfg(test)]
mod tests;
