//! Streamable HTTP
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http and
//! https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http).

use std::borrow::Cow;

use crate::{
    MAX_BODY,
    call::Call,
    catalog::Catalog,
    client::{self, Client},
    dispatch::{self, Answer},
    failure::{Failure, INVALID_PARAMS, INVALID_REQUEST, excerpt},
    headers::{self, Headers},
    message::{self, Message},
    notify::LogLevel,
    origin,
    session::Session,
    version::Version,
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
    headers: Headers<'h>,
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
    Call(Call<'a>),
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

    fn accepted() -> HttpResponse {
        HttpResponse {
            status: 202,
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
            response.headers.push(("allow", Cow::Borrowed("POST")));
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
    if request.method != "POST" {
        let method = excerpt(request.method);
        return refuse(
            405,
            format!("method `{method}` is not supported; send each message with `POST`").into(),
        );
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
    Ok(Head { headers })
}

/// Answers a request whose head passed, or says what to call. `nonce` is asked for 16 random
/// bytes where a session begins; `now` is in milliseconds since 1970. A transport may stop
/// reading a body that is longer than `MAX_BODY`: what it has read by then, one byte more at
/// least, gets the refusal.
pub fn handle<'a>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    body: &'a [u8],
    nonce: &mut dyn FnMut() -> [u8; 16],
    now: u64,
) -> Outcome<'a> {
    let (id, outcome) = match message::read(body) {
        Err((id, failure)) => (id, Err(failure)),
        Ok(Message::Request(request)) => (
            Some(request.id),
            handle_request(catalog, head, request, nonce, now),
        ),
        Ok(Message::Notification(notification)) => {
            let named = client::named_version(&notification.params.meta)
                .ok()
                .flatten();
            (None, accept(head, named.is_some(), now))
        }
        Ok(Message::Response) => (None, accept_response(head, now)),
    };
    outcome.unwrap_or_else(|failure| Outcome::Reply(HttpResponse::failure(&failure, id)))
}

fn handle_request<'a>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    nonce: &mut dyn FnMut() -> [u8; 16],
    now: u64,
) -> Result<Outcome<'a>, Failure> {
    client::check_params(&request.params)?;
    let named = client::named_version(&request.params.meta)?;
    let header = head.headers.version()?;
    let version = settle_version(named.as_deref(), header)?;
    // Whoever asks for a handshake gets one, unless it speaks for itself.
    let handshake = request.method == "initialize" && named.is_none();
    if let Some(version) = version.filter(|version| version.is_modern() && !handshake) {
        return handle_modern(catalog, head, request, version);
    }
    handle_legacy(catalog, head, request, version, handshake, nonce, now).map_err(|failure| {
        match failure.code {
            // Legacy clients take any other status for a broken transport.
            INVALID_PARAMS => Failure {
                status: 200,
                ..failure
            },
            _ => failure,
        }
    })
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

fn handle_modern<'a>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    version: Version,
) -> Result<Outcome<'a>, Failure> {
    let client = Client::modern(version, &request.params.meta)?;
    head.headers.check_method(&request.method)?;
    let named = match &*request.method {
        "tools/call" | "prompts/get" => request.params.name,
        "resources/read" => request.params.uri,
        _ => None,
    };
    if let Some(name) = named.and_then(|name| name.as_str()) {
        head.headers.check_name(&name)?;
    }
    let answer = dispatch::dispatch(catalog, request, client)?;
    if let Answer::Call(call) = &answer {
        head.headers
            .check_parameters(call.tool(), call.argument_object())?;
    }
    Ok(answer.into())
}

fn handle_legacy<'a>(
    catalog: &Catalog<'a>,
    head: &Head<'a>,
    request: message::Request<'a>,
    version: Option<Version>,
    handshake: bool,
    nonce: &mut dyn FnMut() -> [u8; 16],
    now: u64,
) -> Result<Outcome<'a>, Failure> {
    if handshake {
        let session = client::handshake(&request.params, now)?;
        let mut response =
            HttpResponse::json(200, dispatch::initialized(catalog, request.id, &session));
        response
            .headers
            .push(("mcp-session-id", Cow::Owned(session.to_id(nonce()))));
        return Ok(Outcome::Reply(response));
    }
    let (session, id) = find_session(head, version, now)?;
    let version = session
        .as_ref()
        .map(|session| session.version)
        .or(version)
        .unwrap_or(Version::ASSUMED);
    // A level that the client set is not known here: sessions are not stored.
    let client = Client::legacy(version, session, id, LogLevel::Info);
    dispatch::dispatch(catalog, request, client).map(Outcome::from)
}

/// The session that the headers name, if they do. It must agree with the version they name.
fn find_session<'a>(
    head: &Head<'a>,
    version: Option<Version>,
    now: u64,
) -> Result<(Option<Session>, Option<&'a str>), Failure> {
    let Some(id) = head.headers.session_id else {
        return Ok((None, None));
    };
    let unknown = || {
        Failure::new(
            404,
            INVALID_REQUEST,
            "unknown session; begin another one with `initialize`",
        )
    };
    let session = Session::from_id(id, now).ok_or_else(unknown)?;
    if version.is_some_and(|version| version != session.version) {
        let message = format!(
            "header `MCP-Protocol-Version` is not `{}`, which this session settled on",
            session.version.as_str()
        );
        return Err(Failure::invalid_request(message));
    }
    Ok((Some(session), str::from_utf8(id).ok()))
}

/// What becomes of a message that has no answer.
fn accept<'a>(head: &Head<'a>, modern: bool, now: u64) -> Result<Outcome<'a>, Failure> {
    let version = settle_version(None, head.headers.version()?)?;
    if !modern && !version.is_some_and(Version::is_modern) {
        find_session(head, version, now)?;
    }
    Ok(Outcome::Reply(HttpResponse::accepted()))
}

fn accept_response<'a>(head: &Head<'a>, now: u64) -> Result<Outcome<'a>, Failure> {
    if settle_version(None, head.headers.version()?)?.is_some_and(Version::is_modern) {
        return Err(Failure::invalid_request(
            "clients of this revision send no responses",
        ));
    }
    accept(head, false, now)
}

impl<'a> From<Answer<'a>> for Outcome<'a> {
    fn from(answer: Answer<'a>) -> Self {
        match answer {
            Answer::Ready(body) | Answer::SetLevel(_, body) => {
                Outcome::Reply(HttpResponse::json(200, body))
            }
            Answer::Call(call) => Outcome::Call(call),
        }
    }
}

#[cfg(test)]
mod tests;
