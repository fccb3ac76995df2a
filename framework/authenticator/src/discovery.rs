//! Fetches the keys of an issuer: its metadata names their address.

use std::{borrow::Cow, ops::RangeInclusive};

use spin_mcp_auth::{
    jwk::{MAX_SET, Set},
    metadata::split,
};
use spin_mcp_protocol::json::Value;

use crate::{
    authenticator::Host,
    stored::{LONGEST, Stored},
};

/// The longest time for all requests together.
const DEADLINE_MS: u64 = 5000;

/// For how many seconds keys are fresh if the response does not say, and how much it can say.
const FRESH: u64 = 10 * 60;
const MAX_AGE: RangeInclusive<u64> = 60..=LONGEST;

const MAX_REDIRECTS: usize = 3;

/// An HTTP response.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub location: Option<String>,
    pub cache_control: Option<String>,
    pub body: Vec<u8>,
}

/// The longest body of a response that is read.
pub const MAX_BODY: usize = MAX_SET;

impl Response {
    pub fn too_late() -> String {
        format!("it took longer than {} s", DEADLINE_MS / 1000)
    }

    pub fn too_large() -> String {
        format!("it is larger than {} KiB", MAX_BODY / 1024)
    }

    pub fn denied() -> String {
        "the host does not allow it; add its origin to `allowed_outbound_hosts` of the component in spin.toml".to_owned()
    }
}

/// Fetches the keys of an issuer. The error is for the log.
pub async fn fetch<H: Host>(host: &H, issuer: &str) -> Result<Stored, String> {
    let until = host.milliseconds() + DEADLINE_MS;
    let mut problems = Vec::new();
    let mut address = None;
    for url in locations(issuer) {
        match metadata(host, issuer, &url, until).await {
            Ok(found) => {
                address = Some(found);
                break;
            }
            Err(problem) => problems.push(problem),
        }
    }
    let address = address.ok_or_else(|| problems.join("; "))?;
    let response = get(host, issuer, &address, until).await?;
    let set = str::from_utf8(&response.body).ok();
    let set = set.filter(|set| Set::read(set).is_some());
    let set =
        set.ok_or_else(|| format!("`{address}` is not a JWK set of at most 64 KiB and 64 keys"))?;
    let fetched = host.now();
    Ok(Stored {
        set: set.to_owned(),
        fetched,
        fresh_until: fetched + fresh_for(response.cache_control.as_deref()),
    })
}

/// Where the metadata of an issuer can be: RFC 8414, section 3.1, and OpenID Connect Discovery with
/// the path of the issuer after and before the well-known part.
pub fn locations(issuer: &str) -> Vec<String> {
    let (origin, path) = split(issuer);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut locations = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ];
    locations.dedup();
    locations
}

/// The address of the keys, as this metadata names it.
async fn metadata<H: Host>(
    host: &H,
    issuer: &str,
    url: &str,
    until: u64,
) -> Result<String, String> {
    let response = get(host, issuer, url, until).await?;
    let text = str::from_utf8(&response.body).ok();
    let metadata = text.and_then(|text| Value::parse(text).ok());
    let metadata = metadata.filter(|metadata| metadata.is_object() && metadata.names_once());
    let metadata = metadata.ok_or_else(|| format!("`{url}` is not metadata of an issuer"))?;
    let member = |name| metadata.member(name).and_then(|value| value.as_str());
    let named = member("issuer").unwrap_or_default();
    if named != issuer {
        return Err(format!(
            "`{url}` is the metadata of `{}`, not of `{issuer}`",
            shown(&named)
        ));
    }
    let address = member("jwks_uri");
    Ok(address
        .ok_or_else(|| format!("`{url}` has no `jwks_uri`"))?
        .into())
}

/// Gets a document. Redirects lead to the same host only.
async fn get<H: Host>(host: &H, issuer: &str, url: &str, until: u64) -> Result<Response, String> {
    let mut url = url.to_owned();
    for _ in 0..=MAX_REDIRECTS {
        let Some(target) = Target::of(&url).filter(|target| target.may_serve(issuer)) else {
            return Err(format!(
                "`{}` must begin with `https://`; `http://` is only for issuers on loopback hosts",
                shown(&url)
            ));
        };
        let response = host
            .get(&target, until.saturating_sub(host.milliseconds()))
            .await
            .map_err(|problem| format!("cannot fetch `{url}`: {problem}"))?;
        if response.status == 200 {
            return Ok(response);
        }
        let next = response.location.filter(|_| response.status / 100 == 3);
        let next = next.ok_or_else(|| format!("`{url}` answers {}", response.status))?;
        let (origin, _) = split(&url);
        let next = match next.starts_with('/') && !next.starts_with("//") {
            true => format!("{origin}{next}"),
            false => next,
        };
        if split(&next).0 != origin {
            return Err(format!(
                "`{url}` redirects to another host: `{}`",
                shown(&next)
            ));
        }
        url = next;
    }
    Err(format!("`{url}` redirects too often"))
}

/// A text from elsewhere, for the log.
fn shown(text: &str) -> String {
    let shown = text.chars().take(256);
    shown
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect()
}

/// An address that can be asked.
#[derive(Debug, PartialEq)]
pub struct Target<'a> {
    pub is_tls: bool,
    pub authority: &'a str,
    path_and_query: &'a str,
}

impl<'a> Target<'a> {
    /// None if the address is malformed.
    pub fn of(url: &'a str) -> Option<Target<'a>> {
        let (is_tls, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(end);
        let valid = url.bytes().all(|byte| byte.is_ascii_graphic())
            && !url.contains(['#', '\\'])
            && !authority.is_empty()
            && !authority.contains('@');
        valid.then_some(Target {
            is_tls,
            authority,
            path_and_query,
        })
    }

    pub fn path_and_query(&self) -> Cow<'a, str> {
        match self.path_and_query.starts_with('/') {
            true => self.path_and_query.into(),
            false => format!("/{}", self.path_and_query).into(),
        }
    }

    fn is_loopback(&self) -> bool {
        let name = match self.authority.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => self.authority,
        };
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }

    /// Whether keys of this issuer may come from here. An issuer elsewhere must not make the server
    /// send requests to its own host.
    fn may_serve(&self, issuer: &str) -> bool {
        let local = Target::of(issuer).is_some_and(|issuer| issuer.is_loopback());
        match self.is_loopback() {
            true => local,
            false => self.is_tls,
        }
    }
}

/// For how many seconds keys are fresh, by the `cache-control` of their response.
pub fn fresh_for(cache_control: Option<&str>) -> u64 {
    let mut directives = cache_control.unwrap_or_default().split(',').map(str::trim);
    let is = |directive: &str, name: &str| directive.eq_ignore_ascii_case(name);
    if directives
        .clone()
        .any(|one| is(one, "no-store") || is(one, "no-cache"))
    {
        return *MAX_AGE.start();
    }
    let age = directives.find_map(|one| {
        let (name, age) = one.split_once('=')?;
        let age: u64 = age.trim_matches('"').parse().ok()?;
        is(name, "max-age").then_some(age)
    });
    age.map_or(FRESH, |age| age.clamp(*MAX_AGE.start(), *MAX_AGE.end()))
}
