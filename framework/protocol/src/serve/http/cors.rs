//! What browsers ask and learn before a page of another origin may use the server
//! (https://fetch.spec.whatwg.org/#http-cors-protocol). Pages never send cookies to it.

use super::{headers::Headers, response::HttpResponse};
use crate::catalog::Catalog;

/// The headers that clients send.
const ALLOWED: &str = "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, \
     mcp-protocol-version, mcp-session-id";
/// How long a browser need not ask again, in seconds.
const LIFETIME: &str = "7200";

/// The headers of each response to a page of this origin.
pub fn cors(origin: &str) -> [(&'static str, &str); 3] {
    [
        ("access-control-allow-origin", origin),
        (
            "access-control-expose-headers",
            "mcp-protocol-version, mcp-session-id, www-authenticate",
        ),
        ("vary", "origin"),
    ]
}

/// The answer to a page of this origin that wants to send a request. `methods` are those that the
/// server knows.
pub fn preflight(
    headers: &Headers<'_>,
    methods: &'static str,
    catalog: &Catalog<'_>,
) -> HttpResponse {
    let mut allowed = ALLOWED.to_owned();
    if let Some(access) = catalog.access() {
        access.headers().for_each(|name| add(&mut allowed, name));
    }
    for name in catalog.request_headers() {
        add(&mut allowed, name);
    }
    for value in headers.named("access-control-request-headers") {
        for name in value.split(|byte| *byte == b',') {
            if let Some(name) = parameter(name.trim_ascii()) {
                add(&mut allowed, name);
            }
        }
    }
    let mut response = HttpResponse::empty(204);
    response.add("access-control-allow-headers", allowed.into());
    response.add("access-control-allow-methods", methods.into());
    response.add("access-control-max-age", LIFETIME.into());
    response.allow(headers.origin());
    response
}

fn add(allowed: &mut String, name: &str) {
    allowed.push_str(", ");
    allowed.push_str(name);
}

/// The name of a header, if it repeats a parameter of a tool.
fn parameter(name: &[u8]) -> Option<&str> {
    const PREFIX: &[u8] = b"mcp-param-";
    let is_parameter = name.get(..PREFIX.len())?.eq_ignore_ascii_case(PREFIX)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    str::from_utf8(name).ok().filter(|_| is_parameter)
}

impl HttpResponse {
    /// Lets a page of this origin read the response.
    pub fn allow(&mut self, origin: Option<&str>) {
        if let Some(origin) = origin {
            for (name, value) in cors(origin) {
                self.add(name, value.to_owned().into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
