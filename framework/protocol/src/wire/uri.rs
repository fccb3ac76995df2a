//! URIs (RFC 3986): which texts are some, and which of them are equal.

/// Why a text is not a URI.
pub enum UriFault {
    NoScheme,
    /// A `%` without two digits.
    Escape,
    /// This character must be encoded.
    Character(char),
}

/// Checks a text that clients must be able to read. Letters beyond ASCII need not be encoded.
pub fn check_uri(uri: &str) -> Result<(), UriFault> {
    let scheme = uri.find(':').unwrap_or(0);
    let is_scheme = uri.starts_with(|c: char| c.is_ascii_alphabetic())
        && uri[..scheme]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || scheme == 0 {
        return Err(UriFault::NoScheme);
    }
    let authority = match uri[scheme + 1..].starts_with("//") {
        true => path(uri, scheme + 3),
        false => 0,
    };
    let mut in_fragment = false;
    for (at, c) in uri.char_indices() {
        let is_out_of_place = match c {
            '%' if hex(&uri.as_bytes()[at..]).is_none() => return Err(UriFault::Escape),
            '"'
            | '<'
            | '>'
            | '\\'
            | '^'
            | '`'
            | '{'
            | '|'
            | '}'
            | '\0'..=' '
            | '\x7f'..='\u{a0}' => true,
            '#' => std::mem::replace(&mut in_fragment, true),
            // Only an address in the authority has them.
            '[' | ']' => at >= authority,
            '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if is_out_of_place {
            return Err(UriFault::Character(c));
        }
    }
    Ok(())
}

pub fn is_uri(uri: &str) -> bool {
    check_uri(uri).is_ok()
}

/// Where the authority that begins at `start` ends.
fn path(uri: &str, start: usize) -> usize {
    let end = uri[start..].find(['/', '?', '#']);
    end.map_or(uri.len(), |end| start + end)
}

/// The byte that `%` and two digits at the start stand for.
fn hex(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// The form that all URIs equal to this one share (RFC 3986, section 6.2.2): letter case of
/// scheme and host, percent-encoding, and dots in the path make no difference. What a URI cannot
/// contain is encoded, so that the same goes for URI templates and for letters beyond ASCII.
pub fn normal(uri: &str) -> String {
    let scheme = uri.find(':').unwrap_or(0);
    let rest = if scheme == 0 { 0 } else { scheme + 1 };
    let after = if uri[rest..].starts_with("//") {
        path(uri, rest + 2)
    } else {
        rest
    };
    let mut out = uri[..rest].to_ascii_lowercase();
    let authority = &uri[rest..after];
    let (user, host) = authority.split_at(authority.rfind('@').unwrap_or(0));
    encode(&mut out, user);
    encode(&mut out, &host.to_ascii_lowercase());
    let end = uri[after..]
        .find(['?', '#'])
        .map_or(uri.len(), |end| after + end);
    let mut path = String::new();
    encode(&mut path, &uri[after..end]);
    out.push_str(&without_dots(&path));
    encode(&mut out, &uri[end..]);
    out
}

/// Appends a part of a URI in which only what must be encoded is, with capital letters.
fn encode(out: &mut String, part: &str) {
    let mut rest = part.as_bytes();
    while let Some(&first) = rest.first() {
        let encoded = hex(rest);
        rest = &rest[if encoded.is_some() { 3 } else { 1 }..];
        let byte = encoded.unwrap_or(first);
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let reserved = b":/?#[]@!$&'()*+,;=%".contains(&byte);
        if plain || reserved && encoded.is_none() {
            out.push(char::from(byte));
        } else {
            let digit = |byte: u8| char::from(b"0123456789ABCDEF"[usize::from(byte)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// The text with all percent-encoded bytes decoded.
pub fn decoded(uri: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), uri.as_bytes());
    while let Some(&first) = rest.first() {
        let byte = hex(rest);
        out.push(byte.unwrap_or(first));
        rest = &rest[if byte.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A path without the segments `.` and `..`, if it begins with a slash.
fn without_dots(path: &str) -> String {
    if !path.starts_with('/') || !path.contains("/.") {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_uris_have_one_form() {
        for (a, b) in [
            ("notes://café/x", "notes://caf%C3%A9/x"),
            ("notes://café/x", "NOTES://caf%c3%a9/x"),
            ("http://Example.COM/a", "http://example.com/%61"),
            ("http://u@Host/", "http://u@host/"),
            ("test://a/./b/../c", "test://a/c"),
            ("test://a/b/..", "test://a/"),
            ("test://a/{id}", "test://a/%7Bid%7D"),
            ("urn:a:b", "URN:a:b"),
            ("file:///a%7Eb", "file:///a~b"),
        ] {
            assert_eq!(normal(a), normal(b), "{a} {b}");
            assert_eq!(normal(&normal(a)), normal(a), "{a}");
        }
        for (a, b) in [
            ("test://a/b", "test://a/B"),
            ("test://a/%2F", "test://a//"),
            ("test://a/b", "test://a/b/"),
            ("urn:A", "urn:a"),
            ("http://U@host/", "http://u@host/"),
            ("test://a/?x=/../y", "test://a/?x=/y"),
        ] {
            assert_ne!(normal(a), normal(b), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for uri in [
            "a:",
            "file:///a",
            "notes://café/x",
            "http://[::1]:80/a?b#c",
            "data:image/png;base64,iVBORw0KGgo=",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for uri in [
            "", "a", "/a", ":a", "1a:b", "a b:", "a:%", "a:%4", "a:%zz", "a:[", "a://h/]",
            "a:#b#c", "a:\n", "a:{b}",
        ] {
            assert!(!is_uri(uri), "{uri}");
        }
    }
}
