//! What a client learns about the credentials that it needs
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#scope-challenge-handling).

/// Where the metadata of a server is, unless the URI of the server has a path (RFC 9728, section
/// 3.1).
pub const METADATA: &str = "/.well-known/oauth-protected-resource";

/// The value of `www-authenticate`. `metadata` is the URL of the metadata, for a server whose clients
/// can get tokens. Clients read a space after `Bearer`, and commas between the parameters.
pub fn challenge(
    error: Option<&str>,
    description: &str,
    metadata: Option<&str>,
    scopes: &[String],
) -> String {
    let scopes = scopes.join(" ");
    let description = printable(description);
    let parameters = [
        ("error", error),
        ("error_description", Some(&*description)),
        ("resource_metadata", metadata),
        ("scope", Some(&*scopes)),
    ];
    let parameters = parameters.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(format!("{name}=\"{}\"", escaped(value)))
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    match parameters.is_empty() {
        true => "Bearer".to_owned(),
        false => format!("Bearer {parameters}"),
    }
}

/// A text of an authenticator, an authorizer or a feature, as a client may see it: without characters
/// that control a terminal or the direction of a text.
pub fn printable(text: &str) -> String {
    let controls = |c: &char| {
        let directs = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || directs
    };
    let printable = text.chars().filter(|c| !controls(c));
    printable.take(200).collect()
}

fn escaped(text: &str) -> String {
    let printable = text.chars().filter(|c| matches!(c, ' '..='~'));
    let mut out = String::with_capacity(text.len());
    for c in printable {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether a text is a scope (RFC 6749, section 3.3).
pub fn is_scope(text: &str) -> bool {
    let is_allowed = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// The URL of the metadata of a server with this URI.
pub fn metadata_url(resource: &str) -> String {
    let (origin, path) = split(resource);
    format!("{origin}{METADATA}{path}")
}

/// The path at which the metadata of a server with this URI is.
pub fn metadata_path(resource: &str) -> String {
    let (_, path) = split(resource);
    let path = path.split('?').next().unwrap_or_default();
    format!("{METADATA}{path}")
}

/// The origin of a URI, and its path and query. A path that is only a slash counts as none.
fn split(resource: &str) -> (&str, &str) {
    let authority = resource.find("://").map_or(0, |at| at + 3);
    let end = resource[authority..].find(['/', '?']);
    let (origin, path) = resource.split_at(end.map_or(resource.len(), |end| authority + end));
    (origin, if path == "/" { "" } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_quoted_and_printable() {
        assert_eq!(challenge(None, "", None, &[]), "Bearer");
        assert_eq!(
            challenge(None, "", Some("https://h/x"), &["a".into(), "b".into()]),
            r#"Bearer resource_metadata="https://h/x", scope="a b""#
        );
        assert_eq!(
            challenge(Some("invalid_token"), "a \"b\\\r\né", None, &[]),
            r#"Bearer error="invalid_token", error_description="a \"b\\""#
        );
        let long = challenge(Some("e"), &"x".repeat(1000), None, &[]);
        assert_eq!(long.matches('x').count(), 200);
    }

    #[test]
    fn texts_keep_their_language() {
        let hostile = "darf\u{202e} keine\u{7} Tür\u{1b}[1m öffnen";
        assert_eq!(printable(hostile), "darf keine Tür[1m öffnen");
    }

    #[test]
    fn metadata_is_before_the_path() {
        for (resource, url, path) in [
            (
                "https://h/mcp",
                "https://h/.well-known/oauth-protected-resource/mcp",
                "/mcp",
            ),
            (
                "https://h:8/a/b?c=/d",
                "https://h:8/.well-known/oauth-protected-resource/a/b?c=/d",
                "/a/b",
            ),
            (
                "https://h",
                "https://h/.well-known/oauth-protected-resource",
                "",
            ),
            (
                "https://h/",
                "https://h/.well-known/oauth-protected-resource",
                "",
            ),
            (
                "https://h?a",
                "https://h/.well-known/oauth-protected-resource?a",
                "",
            ),
        ] {
            assert_eq!(metadata_url(resource), url);
            assert_eq!(metadata_path(resource), format!("{METADATA}{path}"));
        }
    }

    #[test]
    fn scopes_have_no_spaces_or_quotes() {
        for scope in ["a", "mcp:read", "https://x/y", "!"] {
            assert!(is_scope(scope), "{scope}");
        }
        for scope in ["", "a b", "\"", "\\", "é", "a\n"] {
            assert!(!is_scope(scope), "{scope}");
        }
    }
}
