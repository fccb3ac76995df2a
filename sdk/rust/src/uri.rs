//! URIs and URI templates.

use std::fmt::Write;

/// A URI as RFC 3986 compares it: scheme and host in lower case, and only those characters encoded that
/// must be.
pub(crate) fn normal(uri: &str) -> String {
    let uri = encoded(uri);
    let host = host_end(&uri);
    let mut normal = String::with_capacity(uri.len());
    let mut escaped = 0;
    for (at, character) in uri.char_indices() {
        if character == '%' {
            escaped = 3;
        }
        normal.push(match (at < host, escaped) {
            (true, 0) => character.to_ascii_lowercase(),
            _ => character,
        });
        escaped = usize::saturating_sub(escaped, 1);
    }
    normal
}

/// Where scheme and host end; zero without a scheme.
fn host_end(uri: &str) -> usize {
    let Some(colon) = uri
        .find([':', '/', '?', '#'])
        .filter(|at| uri[*at..].starts_with(':'))
    else {
        return 0;
    };
    match uri[colon + 1..].strip_prefix("//") {
        None => colon + 1,
        Some(rest) => {
            let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            colon + 3 + host
        }
    }
}

/// Encodes what must be, and nothing else.
fn encoded(uri: &str) -> String {
    let mut encoded = String::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = (byte == b'%').then(|| hex(after)).flatten();
        let byte = match escaped {
            Some(byte) => {
                rest = &after[2..];
                byte
            }
            None if (0x21..=0x7e).contains(&byte) => {
                encoded.push(byte.into());
                continue;
            }
            None => byte,
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("a string can be written to");
        }
    }
    encoded
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())?
}

fn decoded(text: &str) -> Option<String> {
    let mut decoded = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte == b'%').then(|| hex(after)).flatten() {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

enum Part<'a> {
    /// As `encoded` has it, and how much of it is scheme and host, which have no case.
    Literal(String, usize),
    /// One segment, or any number.
    Variable(&'a str, bool),
}

/// A URI template: `{name}` is one segment, `{name*}` any number, `{?a,b}` a query.
pub(crate) struct Template<'a> {
    parts: Vec<Part<'a>>,
    query: Vec<&'a str>,
}

impl<'a> Template<'a> {
    pub(crate) fn new(uri: &'a str) -> Self {
        let (mut parts, mut query) = (vec![], vec![]);
        let mut in_host = true;
        for (index, piece) in uri.split('{').enumerate() {
            let literal = match piece.split_once('}') {
                Some((expression, literal)) if index > 0 => {
                    match expression.strip_prefix('?') {
                        Some(names) => query.extend(names.split(',')),
                        None => {
                            let name = expression.trim_start_matches('+').trim_end_matches('*');
                            parts.push(Part::Variable(name, name != expression));
                        }
                    }
                    literal
                }
                _ => piece,
            };
            let literal = encoded(literal);
            let fold = match (in_host, parts.is_empty()) {
                (false, _) => 0,
                (true, true) => host_end(&literal),
                (true, false) => literal.find(['/', '?', '#']).unwrap_or(literal.len()),
            };
            in_host &= fold == literal.len();
            parts.push(Part::Literal(literal, fold));
        }
        Self { parts, query }
    }

    /// What the variables are in a URI, if it fits.
    pub(crate) fn fits(&self, uri: &str) -> Option<Vec<(String, String)>> {
        let uri = encoded(uri);
        let (path, query) = match uri.split_once('?') {
            Some((path, query)) if !self.query.is_empty() => (path, query),
            _ => (uri.as_str(), ""),
        };
        let mut values = vec![];
        if !fit(&self.parts, path, &mut values) || query.contains('#') {
            return None;
        }
        let mut given = vec![];
        for (name, value) in values {
            given.push((name.to_owned(), decoded(value)?));
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if self.query.contains(&name) && given.iter().all(|(known, _)| known != name) {
                given.push((name.to_owned(), decoded(&value.replace('+', " "))?));
            }
        }
        Some(given)
    }
}

/// Fits the parts to a URI. A variable is as long as it can be.
fn fit<'a>(parts: &[Part<'a>], uri: &'a str, values: &mut Vec<(&'a str, &'a str)>) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return uri.is_empty();
    };
    match part {
        Part::Literal(literal, fold) => {
            let (folded, exact) = literal.split_at(*fold);
            let Some((head, after)) = uri.split_at_checked(*fold) else {
                return false;
            };
            head.eq_ignore_ascii_case(folded)
                && after
                    .strip_prefix(exact)
                    .is_some_and(|uri| fit(rest, uri, values))
        }
        Part::Variable(name, many) => {
            let ends: &[char] = if *many { &['?', '#'] } else { &['/', '?', '#'] };
            let longest = uri.find(ends).unwrap_or(uri.len());
            (0..=longest)
                .rev()
                .filter(|end| uri.is_char_boundary(*end))
                .any(|end| {
                    let before = values.len();
                    values.push((name, &uri[..end]));
                    let fits = fit(rest, &uri[end..], values);
                    if !fits {
                        values.truncate(before);
                    }
                    fits
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_uris_are_equal() {
        for (one, other) in [
            ("notes://café/x", "notes://caf%C3%A9/x"),
            ("NOTES://Host/a", "notes://host/a"),
            ("a:b%2dc", "a:b-c"),
            ("a://h/%c3%a9", "a://h/%C3%A9"),
        ] {
            assert_eq!(normal(one), normal(other));
        }
        assert_ne!(normal("notes://h/A"), normal("notes://h/a"));
        assert_ne!(normal("a://h/%2F"), normal("a://h//"));
    }

    fn fitted(template: &str, uri: &str) -> Option<String> {
        let given = Template::new(template).fits(uri)?;
        Some(
            given
                .iter()
                .map(|(name, value)| format!("{name}={value};"))
                .collect(),
        )
    }

    #[test]
    fn templates_fit() {
        for (template, uri, expected) in [
            ("notes://{name}", "notes://travel", Some("name=travel;")),
            ("notes://{name}", "NOTES://Travel", Some("name=Travel;")),
            ("notes://app/{name}", "notes://APP/a%20b", Some("name=a b;")),
            ("notes://app/{name}", "notes://app/a/b", None),
            ("notes://app/{path*}", "notes://app/a/b", Some("path=a/b;")),
            (
                "notes://app/{a}-{b}",
                "notes://app/x-y-z",
                Some("a=x-y;b=z;"),
            ),
            (
                "f://{path*}{?lines,all}",
                "f://a/b?all=true&lines=3",
                Some("path=a/b;all=true;lines=3;"),
            ),
            ("f://{path*}{?lines}", "f://a", Some("path=a;")),
            ("notes://all", "notes://all", Some("")),
            ("notes://all", "notes://all/x", None),
            (
                "notes://café/{name}",
                "notes://caf%C3%A9/x",
                Some("name=x;"),
            ),
            ("notes://app/{name}", "notes://app/%FF", None),
        ] {
            assert_eq!(
                fitted(template, uri).as_deref(),
                expected,
                "{template} {uri}"
            );
        }
    }
}
