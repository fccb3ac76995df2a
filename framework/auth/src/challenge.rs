//! The `www-authenticate` header (RFC 6750, section 3; RFC 9728, section 5.1).

use std::fmt::Write as _;

/// Why a client is challenged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Challenge<'a> {
    /// None if the request had no credentials (RFC 6750, section 3.1).
    pub error: Option<&'a str>,
    pub description: Option<&'a str>,
    /// Where the metadata is. None: the server has no authorization server.
    pub resource_metadata: Option<&'a str>,
    /// What to ask for.
    pub scopes: &'a [String],
}

impl Challenge<'_> {
    /// The value of the header: one challenge, with parameters in the order in which clients were
    /// seen to read them.
    pub fn header(&self) -> String {
        let scope = (!self.scopes.is_empty()).then(|| self.scopes.join(" "));
        let parameters = [
            ("error", self.error),
            ("error_description", self.description),
            ("resource_metadata", self.resource_metadata),
            ("scope", scope.as_deref()),
        ];
        let mut header = "Bearer".to_owned();
        let mut separator = " ";
        for (name, value) in parameters {
            let Some(value) = value else { continue };
            _ = write!(header, "{separator}{name}=\"");
            for c in value.chars() {
                match c {
                    '"' | '\\' => header.extend(['\\', c]),
                    ' '..='~' => header.push(c),
                    _ => header.push('?'),
                }
            }
            header.push('"');
            separator = ", ";
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_follow_the_scheme_after_one_space() {
        assert_eq!(Challenge::default().header(), "Bearer");
        let scopes = ["mcp:read".to_owned(), "mcp:write".to_owned()];
        let challenge = Challenge {
            error: Some("insufficient_scope"),
            description: None,
            resource_metadata: Some("https://a/.well-known/oauth-protected-resource/mcp"),
            scopes: &scopes,
        };
        assert_eq!(
            challenge.header(),
            "Bearer error=\"insufficient_scope\", \
             resource_metadata=\"https://a/.well-known/oauth-protected-resource/mcp\", \
             scope=\"mcp:read mcp:write\""
        );
    }

    #[test]
    fn a_value_cannot_add_a_parameter_or_a_line() {
        let challenge = Challenge {
            description: Some("a \"b\", c=\\d\r\nx: é"),
            ..Challenge::default()
        };
        let expected = "Bearer error_description=\"a \\\"b\\\", c=\\\\d??x: ?\"";
        assert_eq!(challenge.header(), expected);
    }
}
