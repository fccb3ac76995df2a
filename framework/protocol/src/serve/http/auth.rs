//! Who sends a request over HTTP, and where clients learn how to get credentials
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization).

use std::{borrow::Cow, rc::Rc};

use super::{
    head::{Entered, is_well_known},
    origin::is_loopback_host,
    response::HttpResponse,
};
use crate::{
    call::access,
    catalog::{BakedAccess, Catalog},
    state::{sender::Sender, senders, services::Services},
    wire::{
        challenge::{METADATA, metadata_path, printable},
        failure::{Failure, INTERNAL_ERROR, INVALID_REQUEST, UNAUTHORIZED},
        json::{self, Object},
        types::{Credentials, Verdict},
        uri,
    },
};

/// The variable with the URI of the server, if the catalog does not have it.
pub const RESOURCE: &str = "mcp_auth_resource";

/// What is known of the sender of a request.
pub enum Judged {
    Passed(Rc<Sender>),
    Refused(HttpResponse),
    /// The authenticator needs something first. If it cannot get it, the answer is [`unready`].
    Unready,
}

/// The response if it cannot be known now whether a request may be served.
pub fn unready() -> HttpResponse {
    let mut response = HttpResponse::failure(&access::unready(), None);
    response.headers.push(("retry-after", Cow::Borrowed("5")));
    response
}

/// The sender of a request that nobody authenticates.
pub fn sender(entered: &Entered<'_>, catalog: &Catalog<'_>) -> Sender {
    let mut sender = Sender::default();
    for name in catalog.request_headers() {
        for value in entered.headers.named(name) {
            // What is not text is left out.
            if let Ok(value) = str::from_utf8(value) {
                sender.headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    sender
}

/// Asks the authenticator who sends a request. This does not need its body.
pub fn judge<S: Services>(
    entered: &Entered<'_>,
    catalog: &Catalog<'_>,
    services: &mut S,
) -> Judged {
    let Some((access, resource)) = settings(entered, catalog, services) else {
        let reason = "the server cannot read its settings, or does not know its own URI";
        let failure = Failure::new(503, INTERNAL_ERROR, reason);
        access::log(
            services,
            &failure,
            &Sender::default(),
            entered.request.method,
            "",
        );
        return Judged::Refused(unready());
    };
    let misplaced = misplaced(entered);
    let headers = || {
        let named = |name| entered.headers.named(name).map(move |value| (name, value));
        access.headers().flat_map(named)
    };
    let kept = services.senders().filter(|_| misplaced.is_none());
    let kept = kept.map(|senders| (senders, senders::key(&resource, headers())));
    let of_features = |known: Rc<Sender>| match catalog.request_headers().next() {
        None => Judged::Passed(known),
        Some(_) => Judged::Passed(Rc::new(Sender {
            headers: sender(entered, catalog).headers,
            ..Rc::unwrap_or_clone(known)
        })),
    };
    if let Some((senders, key)) = &kept
        && let Some(known) = senders.get(key, services.now() / 1000)
    {
        return of_features(known);
    }
    let verdict = match misplaced {
        Some(reason) => Verdict::Malformed(reason.to_owned()),
        None => services.authenticate(&Credentials {
            headers: headers()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()))
                .collect(),
            resource: resource.clone(),
        }),
    };
    let anonymous = Sender {
        resource,
        ..sender(entered, catalog)
    };
    let (status, error, reason) = match verdict {
        Verdict::Unready => return Judged::Unready,
        Verdict::Missing if access.anonymous() => return Judged::Passed(Rc::new(anonymous)),
        Verdict::Missing => (401, None, String::new()),
        Verdict::Invalid(reason) => (401, Some("invalid_token"), reason),
        Verdict::Malformed(reason) => (400, Some("invalid_request"), reason),
        Verdict::Known(known) => match (known.keep_until, Sender::known(known)) {
            (until, Some(known)) => {
                let known = Rc::new(Sender {
                    resource: anonymous.resource,
                    ..known
                });
                if let (Some((senders, key)), Some(until)) = (kept, until) {
                    senders.put(key, &known, until);
                }
                return of_features(known);
            }
            (_, None) => (401, Some("invalid_token"), NO_NAME.to_owned()),
        },
    };
    let message = match &*printable(&reason) {
        "" if error.is_none() => "this server needs credentials".to_owned(),
        "" => "the credentials are not valid".to_owned(),
        reason => reason.to_owned(),
    };
    let (code, scopes) = match status {
        400 => (INVALID_REQUEST, Vec::new()),
        _ => (UNAUTHORIZED, access.scopes().map(str::to_owned).collect()),
    };
    let challenge = access::challenge_for(&anonymous, error, &reason, &scopes, services);
    let failure = Failure {
        challenge: Some(challenge),
        ..Failure::new(status, code, message)
    };
    // Clients begin without credentials, to learn from the challenge where to obtain some.
    if error.is_some() {
        access::log(services, &failure, &anonymous, entered.request.method, "");
    }
    Judged::Refused(HttpResponse::failure(&failure, None))
}

pub const NO_NAME: &str = "the name of the caller contains a zero";

/// What is wrong with where credentials are.
fn misplaced(entered: &Entered<'_>) -> Option<&'static str> {
    if entered.headers.named("authorization").count() > 1 {
        return Some("the header `authorization` occurs twice");
    }
    // Logs and histories keep queries.
    let query = entered.request.path.split_once('?');
    let mut parameters = query.iter().flat_map(|(_, query)| query.split('&'));
    let is_token = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or_default();
        uri::decoded(name) == "access_token"
    };
    parameters
        .any(is_token)
        .then_some("a token in the query is not accepted")
}

/// The access of the server, and its URI. Without them, it serves nobody.
fn settings<'a, S: Services>(
    entered: &Entered<'_>,
    catalog: &Catalog<'a>,
    services: &mut S,
) -> Option<(BakedAccess<'a>, String)> {
    let access = catalog.access()?;
    // Compose checked it.
    if let Some(resource) = access.resource() {
        return Some((access, resource.to_owned()));
    }
    let resource = match services.variable(RESOURCE) {
        Some(resource) => resource,
        // The client's word counts only where it cannot be about another machine.
        None => {
            let mut hosts = entered.hosts();
            let host = hosts.next().filter(|host| is_loopback_host(host))?;
            let host = str::from_utf8(host).ok()?.to_ascii_lowercase();
            hosts.all(is_loopback_host).then_some(())?;
            format!("http://{host}/mcp")
        }
    };
    let is_web = resource.starts_with("https://") || resource.starts_with("http://");
    let is_usable = is_web && uri::is_uri(&resource) && !resource.contains('#');
    is_usable.then_some((access, resource))
}

/// The answer to a request for a well-known URI. None: the request is for the server itself.
pub fn metadata<S: Services>(
    entered: &Entered<'_>,
    catalog: &Catalog<'_>,
    services: &mut S,
) -> Option<HttpResponse> {
    if !is_well_known(entered.path()) {
        return None;
    }
    let found = described(entered, catalog, services);
    let mut response = found.unwrap_or_else(|| HttpResponse::empty(404));
    let any = ("access-control-allow-origin", Cow::Borrowed("*"));
    response.headers.push(any);
    Some(response)
}

/// The metadata of the server (RFC 9728). None: it is not there.
fn described<S: Services>(
    entered: &Entered<'_>,
    catalog: &Catalog<'_>,
    services: &mut S,
) -> Option<HttpResponse> {
    const METHODS: &str = "GET, HEAD, OPTIONS";
    let path = entered.path();
    if !path.starts_with(METADATA) {
        return None;
    }
    let Some((access, resource)) = settings(entered, catalog, services) else {
        return Some(unready());
    };
    let is_here = path == metadata_path(&resource) || path == METADATA && access.root_metadata();
    let servers = services.authorization_servers();
    if !is_here || servers.is_empty() {
        return None;
    }
    let mut response = match entered.request.method {
        "GET" | "HEAD" => {
            let mut out = Vec::new();
            let mut object = Object::begin(&mut out);
            object.string("resource", &resource);
            json::strings(object.key("authorization_servers"), &servers);
            let scopes: Vec<_> = access.scopes().map(str::to_owned).collect();
            if !scopes.is_empty() {
                json::strings(object.key("scopes_supported"), &scopes);
            }
            object.json("bearer_methods_supported", b"[\"header\"]");
            object.string("resource_name", catalog.name());
            object.optional("resource_documentation", access.documentation());
            object.end();
            let mut response = HttpResponse::json(200, out);
            let lifetime = Cow::Borrowed("max-age=3600");
            response.headers.push(("cache-control", lifetime));
            if entered.request.method == "HEAD" {
                // A body of no bytes would not be as long as the header says.
                response.body = Vec::new();
                response
                    .headers
                    .retain(|(name, _)| *name != "content-length");
            }
            response
        }
        "OPTIONS" => {
            let mut response = HttpResponse::empty(204);
            response.headers.extend([
                ("access-control-allow-headers", Cow::Borrowed("*")),
                ("access-control-allow-methods", Cow::Borrowed(METHODS)),
                ("access-control-max-age", Cow::Borrowed("7200")),
            ]);
            response
        }
        _ => HttpResponse::empty(405),
    };
    response.headers.push(("allow", Cow::Borrowed(METHODS)));
    Some(response)
}

#[cfg(test)]
mod tests;
