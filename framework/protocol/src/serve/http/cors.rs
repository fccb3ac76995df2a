//! What browsers ask and learn before a page of another origin may use the server
//! (https://fetch.spec.whatwg.org/#http-cors-protocol). Pages never send cookies to it.

use std::borrow::Cow;

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
    let access = catalog.access();
    let named = access.iter().flat_map(|access| access.headers());
    let named = named.chain(catalog.request_headers());
    named.for_each(|name| add(&mut allowed, name));
    for value in headers.named("access-control-request-headers") {
        let names = str::from_utf8(value).unwrap_or_default().split(',');
        let names = names.map(str::trim).filter(|name| is_parameter(name));
        names.for_each(|name| add(&mut allowed, name));
    }
    let mut response = HttpResponse::empty(204);
    response.headers.extend([
        ("access-control-allow-headers", Cow::Owned(allowed)),
        ("access-control-allow-methods", Cow::Borrowed(methods)),
        ("access-control-max-age", Cow::Borrowed(LIFETIME)),
    ]);
    response.allow(headers.origin());
    response
}

fn add(allowed: &mut String, name: &str) {
    allowed.push_str(", ");
    allowed.push_str(name);
}

/// Whether a header repeats a parameter of a tool.
fn is_parameter(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let prefix = name.get(.."mcp-param-".len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("mcp-param-"))
        && name.bytes().all(is_token)
}

impl HttpResponse {
    /// Lets a page of this origin read the response.
    pub fn allow(&mut self, origin: Option<&str>) {
        for (name, value) in origin.map(cors).into_iter().flatten() {
            self.headers.push((name, Cow::Owned(value.to_owned())));
        }
    }
}

#[cfg(test)]
mod tests;
