//! The credentials of a request (RFC 6750, section 2).

use crate::MAX_TOKEN;

/// What a request brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credentials<'a> {
    /// None, or those of a scheme that this server does not know.
    Absent,
    Bearer(&'a str),
    /// Credentials that cannot be read, or that come twice: the answer is 400.
    Malformed,
}

/// Finds the credentials in the values of all `authorization` headers, and checks that the query
/// holds no token: MCP forbids it there, since URLs end up in logs.
pub fn credentials<'a>(
    mut headers: impl Iterator<Item = &'a [u8]>,
    query: Option<&str>,
) -> Credentials<'a> {
    let in_query = query.is_some_and(|query| {
        query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("access_token")
        })
    });
    let header = headers.next();
    if in_query || headers.next().is_some() {
        return Credentials::Malformed;
    }
    let Some(header) = header else {
        return Credentials::Absent;
    };
    let Ok(header) = str::from_utf8(header) else {
        return Credentials::Malformed;
    };
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credentials::Absent;
    }
    let token = rest.trim_matches(' ');
    if is_token(token) {
        Credentials::Bearer(token)
    } else {
        Credentials::Malformed
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

    fn of<'a>(headers: &[&'a str], query: Option<&str>) -> Credentials<'a> {
        credentials(headers.iter().map(|header| header.as_bytes()), query)
    }

    #[test]
    fn one_bearer_token_is_read() {
        for header in [
            "Bearer a.b-c_~+/d==",
            "bearer a.b-c_~+/d==",
            "BEARER  a.b-c_~+/d== ",
        ] {
            assert_eq!(of(&[header], None), Bearer("a.b-c_~+/d=="), "{header}");
        }
        assert_eq!(of(&["Bearer x"], Some("a=1&token=2")), Bearer("x"));
    }

    #[test]
    fn other_schemes_are_no_credentials() {
        assert_eq!(of(&[], None), Absent);
        for header in ["Basic dTpw", "DPoP a.b.c", "Bearerx y", "", "a.b.c"] {
            assert_eq!(of(&[header], None), Absent, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for header in [
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
            assert_eq!(of(&[header], None), Malformed, "{header:.40}");
        }
        assert_eq!(of(&["Bearer a", "Bearer a"], None), Malformed);
        assert_eq!(of(&["Basic a", "Bearer b"], None), Malformed);
        assert_eq!(
            credentials([&b"Bearer \xff"[..]].into_iter(), None),
            Malformed
        );
        for query in ["access_token=a", "b=1&ACCESS_TOKEN", "access_token"] {
            assert_eq!(of(&[], Some(query)), Malformed, "{query}");
            assert_eq!(of(&["Bearer a"], Some(query)), Malformed, "{query}");
        }
    }
}
