//! The head of a request: checks that do not need the body.

use std::borrow::Cow;

use super::{
    cors,
    headers::{self, Headers},
    origin,
    response::HttpResponse,
};
use crate::{
    catalog::{Catalog, Flags},
    wire::{
        MAX_BODY,
        failure::{Failure, INVALID_REQUEST, excerpt},
        message,
    },
};

/// A request without its body.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'h> {
    pub method: &'h str,
    /// The path, perhaps with a query.
    pub path: &'h str,
    /// The authority, if the host reports it: some hosts remove the `Host` header.
    pub authority: Option<&'h str>,
    /// Names may be in upper or lower case.
    pub headers: &'h headers::List,
}

/// A head that passed all checks.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    pub(super) method: Method,
    pub(super) headers: Headers<'h>,
    /// Whether the client accepts a JSON message, and a stream of events.
    json: bool,
    events: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    /// The request carries a message.
    Post,
    /// The client opens a stream
    /// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server).
    Get,
    /// The client ends its session.
    Delete,
}

/// A request that may come from where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Entered<'h> {
    pub(super) request: HttpRequest<'h>,
    pub(super) headers: Headers<'h>,
}

/// Checks where a request comes from, and answers what browsers ask before they send one.
pub fn enter<'h>(
    request: &HttpRequest<'h>,
    catalog: &Catalog<'_>,
) -> Result<Entered<'h>, HttpResponse> {
    let refuse = |failure| Err(HttpResponse::failure(&failure, None));
    let headers = match Headers::read(request.headers) {
        Ok(headers) => headers,
        Err(failure) => return refuse(failure),
    };
    let entered = Entered {
        request: *request,
        headers,
    };
    // Anybody may read the metadata of a server.
    let is_public = catalog.flags().contains(Flags::ACCESS) && is_well_known(entered.path());
    let origin = headers.origin.filter(|_| !is_public);
    if let Some(reason) = origin::refusal(catalog, origin, entered.hosts()) {
        return refuse(Failure::new(403, INVALID_REQUEST, reason));
    }
    if request.method == "OPTIONS" && origin.is_some() {
        return Err(cors::preflight(&headers, methods(catalog), catalog));
    }
    Ok(entered)
}

/// Checks a head, so that a bad request is refused before its body is read.
pub fn check_head<'h>(
    request: &HttpRequest<'h>,
    catalog: &Catalog<'_>,
) -> Result<Head<'h>, HttpResponse> {
    enter(request, catalog)?.head(catalog)
}

/// The methods that a server knows.
fn methods(catalog: &Catalog<'_>) -> &'static str {
    match catalog.store() {
        Some(_) => "DELETE, GET, POST",
        None => "POST",
    }
}

pub(super) fn is_well_known(path: &str) -> bool {
    path.starts_with("/.well-known/")
}

impl<'h> Entered<'h> {
    /// The origin of the page that sends the request. It may read the response.
    pub fn origin(&self) -> Option<&'h str> {
        self.headers.origin()
    }

    pub(super) fn path(&self) -> &'h str {
        self.request.path.split('?').next().unwrap_or_default()
    }

    /// All hosts that the request names.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        let authority = self.request.authority.map(str::as_bytes);
        self.headers.host.into_iter().chain(authority)
    }

    /// Checks the rest of the head.
    pub fn head(&self, catalog: &Catalog<'_>) -> Result<Head<'h>, HttpResponse> {
        read_head(self, catalog).map_err(|failure| {
            let mut response = HttpResponse::failure(&failure, None);
            if failure.status == 405 {
                let allow = Cow::Borrowed(methods(catalog));
                response.headers.push(("allow", allow));
            }
            response
        })
    }
}

fn read_head<'h>(entered: &Entered<'h>, catalog: &Catalog<'_>) -> Result<Head<'h>, Failure> {
    let Entered { request, headers } = *entered;
    let refuse =
        |status, message: Cow<'static, str>| Err(Failure::new(status, INVALID_REQUEST, message));
    if !is_endpoint(request.path, &headers) {
        let path = request.path.split('?').next().unwrap_or_default();
        let path = excerpt(path);
        return refuse(
            404,
            format!("`{path}` is not found; the MCP endpoint is `/mcp`").into(),
        );
    }
    let (json, events) = headers.accepted();
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
        if method == Method::Get && !events {
            return refuse(406, "`Accept` must list `text/event-stream`".into());
        }
        return Ok(Head {
            method,
            headers,
            json,
            events,
        });
    }
    let length = headers
        .content_length
        .and_then(|value| str::from_utf8(value).ok());
    // The host must refuse a length that is not a number, or too large for one.
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
        return refuse(415, "`Content-Type` must be `application/json`".into());
    }
    if !(json || events) {
        return refuse(
            406,
            "`Accept` must list `application/json` and `text/event-stream`".into(),
        );
    }
    Ok(Head {
        method,
        headers,
        json,
        events,
    })
}

/// Whether a path is that of the server. Spin names the part of it that follows the route of the
/// component; any route will do.
fn is_endpoint(path: &str, headers: &Headers<'_>) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let rest = headers.named("spin-path-info").next();
    let rest = rest.map_or(Ok(path), str::from_utf8).unwrap_or(path);
    let last = rest.rsplit('/').find(|segment| !segment.is_empty());
    last.is_none_or(|last| last == "mcp")
}

impl Head<'_> {
    /// Whether the request carries a message.
    pub fn has_body(&self) -> bool {
        self.method == Method::Post
    }

    /// Whether the client accepts a stream of events.
    pub fn accepts_events(&self) -> bool {
        self.events
    }

    /// Whether the client accepts nothing but a stream of events.
    pub fn needs_events(&self) -> bool {
        !self.json
    }

    /// The length of the message, if the client declared it.
    pub fn content_length(&self) -> Option<usize> {
        str::from_utf8(self.headers.content_length?)
            .ok()?
            .parse()
            .ok()
    }
}
