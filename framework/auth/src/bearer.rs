//! The credentials of a request (RFC 6750, section 2).

use crate::MAX_TOKEN;

/// What a request brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credentials<'a> {
    /// None, or those of a scheme that this server does not know.
    Absent,
    Bearer(&'a str),
    /// An API key in a header of its own.
    ApiKey(&'a str),
    /// Credentials that cannot be read, or several: the answer is 400.
    Malformed,
}

/// Finds the credentials in `authorization` and `x-api-key`. Names of headers are in lower case.
pub fn credentials(headers: &[(String, Vec<u8>)]) -> Credentials<'_> {
    let mut found = headers
        .iter()
        .filter(|(name, _)| name == "authorization" || name == "x-api-key");
    match (found.next(), found.next()) {
        (None, _) => Credentials::Absent,
        (Some((name, value)), None) => match str::from_utf8(value) {
            Ok(value) if name == "authorization" => authorization(value),
            Ok(value) if is_token(value) => Credentials::ApiKey(value),
            _ => Credentials::Malformed,
        },
        (Some(_), Some(_)) => Credentials::Malformed,
    }
}

fn authorization(value: &str) -> Credentials<'_> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credentials::Absent;
    }
    let token = rest.trim_matches(' ');
    match is_token(token) {
        true => Credentials::Bearer(token),
        false => Credentials::Malformed,
    }
}

/// Whether a text is a `b64token` (RFC 6750, section 2.1).
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    text.len() <= MAX_TOKEN && !body.is_empty() && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{Credentials::*, *};

    fn is(headers: &[(&str, &str)], expected: Credentials<'_>) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        assert_eq!(credentials(&headers), expected, "{headers:.60?}");
    }

    fn header(value: &str, expected: Credentials<'_>) {
        is(&[("authorization", value)], expected);
    }

    #[test]
    fn one_bearer_token_is_read() {
        for value in [
            "Bearer a.b-c_~+/d==",
            "bearer a.b-c_~+/d==",
            "BEARER  a.b-c_~+/d== ",
        ] {
            header(value, Bearer("a.b-c_~+/d=="));
        }
        let others = [("accept", "Bearer a"), ("authorization", "Bearer x")];
        is(&others, Bearer("x"));
    }

    #[test]
    fn other_schemes_are_no_credentials() {
        is(&[], Absent);
        for value in ["Basic dTpw", "DPoP a.b.c", "Bearerx y", "", "a.b.c"] {
            header(value, Absent);
        }
    }

    #[test]
    fn an_api_key_has_a_header_of_its_own() {
        is(&[("x-api-key", "smcp_x")], ApiKey("smcp_x"));
        is(&[("x-api-key", "")], Malformed);
        is(&[("x-api-key", "a b")], Malformed);
        is(
            &[("x-api-key", "a"), ("authorization", "Bearer b")],
            Malformed,
        );
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer \ta",
            "Bearer a\tb",
            "Bearer ==",
            "Bearer a=b",
            "Bearer \"a\"",
            "Bearer é",
            &long,
        ] {
            header(value, Malformed);
        }
        for first in ["Bearer a", "Basic a"] {
            is(
                &[("authorization", first), ("authorization", "Bearer a")],
                Malformed,
            );
        }
        let latin = [("authorization".to_owned(), b"Bearer \xff".to_vec())];
        assert_eq!(credentials(&latin), Malformed);
    }
}
