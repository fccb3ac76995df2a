//! The claims of a token: who it is about, for which server, and for how long (RFC 9068,
//! section 4).

use std::borrow::Cow;

use spin_mcp_protocol::json::{Kind, Value};

use crate::{Caller, Invalid, encoding::Object, metadata, settings::Issuer};

/// The longest subject, in bytes.
const MAX_SUBJECT: usize = 1024;

/// The issuer that the claims name. Nothing is checked yet: it only selects the keys.
pub fn issuer<'a>(claims: &Object<'a>) -> Option<Cow<'a, str>> {
    claims.member("iss")?.as_str()
}

/// Checks the claims of a token that this issuer signed for the server at `resource`. `now` is in
/// seconds since 1970.
pub fn check(
    claims: &Object<'_>,
    issuer: &Issuer,
    resource: &str,
    now: u64,
) -> Result<Caller, Invalid> {
    let expires = valid_at(claims, issuer.leeway, now)?;
    let anybodys = issuer.audience.as_ref().is_some_and(Vec::is_empty);
    if !anybodys {
        let is_ours = |name: &Cow<'_, str>| match &issuer.audience {
            Some(accepted) => accepted.iter().any(|one| one == name),
            None => is_resource(name, resource),
        };
        let named = strings(claims.member("aud")).ok_or(Invalid::Audience)?;
        if !named.iter().any(is_ours) {
            return Err(Invalid::Audience);
        }
    }
    // Who presents the token must prove that it has a key (RFC 9449, RFC 8705). A bearer does not.
    if claims.member("cnf").is_some() {
        return Err(Invalid::Claim);
    }
    for (claim, accepted) in &issuer.require {
        let values = strings(claims.member(claim)).ok_or(Invalid::Claim)?;
        if !values
            .iter()
            .any(|value| accepted.iter().any(|one| one == value))
        {
            return Err(Invalid::Claim);
        }
    }
    let subject = match (claims.member(&issuer.subject), claims.member("client_id")) {
        (Some(subject), _) => subject,
        // A client that acts for itself (RFC 9068, section 2.2).
        (None, Some(client)) => client,
        (None, None) => return Err(Invalid::Claim),
    };
    let subject = subject.as_str().ok_or(Invalid::Claim)?;
    if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.contains('\0') {
        return Err(Invalid::Claim);
    }
    Ok(Caller {
        subject: subject.into_owned(),
        issuer: issuer.issuer.clone(),
        scopes: scopes(claims, issuer),
        claims: claims.text.to_owned(),
        expires: Some(expires),
    })
}

/// Whether an audience is the server at `resource`. A lone `/` is the same as no path. A server
/// without an address is nobody's audience.
fn is_resource(name: &str, resource: &str) -> bool {
    !resource.is_empty() && metadata::split(name) == metadata::split(resource)
}

/// Checks the times (RFC 7519, section 4.1); returns when the token expires, in seconds.
fn valid_at(claims: &Object<'_>, leeway: u64, now: u64) -> Result<u64, Invalid> {
    let expires = claims.member("exp").and_then(date).ok_or(Invalid::Claim)?;
    if now >= expires.saturating_add(leeway) {
        return Err(Invalid::Expired);
    }
    for claim in ["nbf", "iat"] {
        if let Some(value) = claims.member(claim) {
            let time = date(value).ok_or(Invalid::Claim)?;
            if time > now.saturating_add(leeway) {
                return Err(Invalid::NotYetValid);
            }
        }
    }
    Ok(expires)
}

/// Seconds since 1970, rounded up. A string is not a date: readers that skip what they cannot read
/// would not check it. Nor is a number with an exponent, which rounds.
fn date(value: Value<'_>) -> Option<u64> {
    const LAST: u64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let (seconds, fraction) = value.text.split_once('.').unwrap_or((value.text, "0"));
    let seconds: u64 = seconds.parse().ok()?;
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    let valid = seconds <= LAST && fraction.bytes().all(|digit| digit.is_ascii_digit());
    valid.then_some(seconds + u64::from(!is_whole))
}

/// A string, or the strings of an array. None if anything else is there.
fn strings<'a>(value: Option<Value<'a>>) -> Option<Vec<Cow<'a, str>>> {
    let value = value?;
    match value.kind {
        Kind::Array => value.elements().map(|one| one.as_str()).collect(),
        _ => Some(vec![value.as_str()?]),
    }
}

/// The scopes of a token, in order. They are in a string, separated by spaces
/// (RFC 8693, section 4.2), or in an array, as some issuers write them.
fn scopes(claims: &Object<'_>, issuer: &Issuer) -> Vec<String> {
    let mut scopes = Vec::new();
    for claim in &issuer.scope_claims {
        for text in strings(claims.member(claim)).into_iter().flatten() {
            for scope in text.split(' ').filter(|scope| is_scope(scope)) {
                insert(&mut scopes, scope);
            }
        }
    }
    scopes
}

/// Adds a scope to scopes in order. Returns whether it is new.
pub fn insert(scopes: &mut Vec<String>, scope: &str) -> bool {
    let at = scopes.binary_search_by(|known| (**known).cmp(scope));
    let Err(at) = at else { return false };
    scopes.insert(at, scope.to_owned());
    true
}

/// Whether a text is a `scope-token` (RFC 6749, section 3.3). It needs no escape in a challenge.
pub fn is_scope(text: &str) -> bool {
    let allowed = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !text.is_empty() && text.bytes().all(allowed)
}
