//! Checks of `Origin` and `Host` against DNS rebinding
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security--endpoint).
//!
//! - A request without an `Origin` does not come from a web page. Any `Host` is accepted, unless
//!   the catalog lists hosts.
//! - An `Origin` must be a loopback address, or be listed. With a loopback `Origin`, the `Host`
//!   must also be a loopback address or listed: otherwise a page from another machine's server
//!   could call this one.

use crate::catalog::Catalog;

/// The reason to refuse a request; none if it passes. `hosts` are all hosts that the request
/// names.
pub fn refusal<'h>(
    catalog: &Catalog<'_>,
    origin: Option<&[u8]>,
    hosts: impl Iterator<Item = &'h [u8]>,
) -> Option<&'static str> {
    let listed_only = catalog.allowed_hosts().len() > 0;
    let mut loopback_origin = false;
    if let Some(origin) = origin {
        loopback_origin = is_loopback_origin(origin);
        if !loopback_origin
            && !catalog
                .allowed_origins()
                .any(|allowed| allowed.as_bytes() == origin)
        {
            return Some("this origin may not call the server; add it to `allowed_origins`");
        }
    }
    let known = |host: &[u8]| {
        is_loopback_host(host)
            || catalog
                .allowed_hosts()
                .any(|allowed| is_host(host, allowed.as_bytes()))
    };
    let mut hosts = hosts.peekable();
    if listed_only && hosts.peek().is_none() {
        return Some("the host of this request is unknown, but `allowed_hosts` needs it");
    }
    ((listed_only || loopback_origin) && !hosts.all(known))
        .then_some("this host is not allowed; add it to `allowed_hosts`")
}

/// Whether `host` is the allowed one. If `allowed` has no port, `host` may have any. Clients
/// leave out the usual ports.
pub fn is_host(host: &[u8], allowed: &[u8]) -> bool {
    let usual = split_port(allowed).filter(|(_, port)| matches!(*port, b"80" | b"443"));
    host.eq_ignore_ascii_case(allowed)
        || split_port(host).is_some_and(|(name, _)| name.eq_ignore_ascii_case(allowed))
        || usual.is_some_and(|(name, _)| name.eq_ignore_ascii_case(host))
}

fn is_loopback_origin(origin: &[u8]) -> bool {
    let host = origin
        .strip_prefix(b"http://")
        .or_else(|| origin.strip_prefix(b"https://"));
    host.is_some_and(is_loopback_host)
}

pub fn is_loopback_host(host: &[u8]) -> bool {
    let name = split_port(host).map_or(host, |(name, _)| name);
    [&b"localhost"[..], b"127.0.0.1", b"[::1]"]
        .iter()
        .any(|loopback| name.eq_ignore_ascii_case(loopback))
}

/// The name and the port of a host with a port.
fn split_port(host: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = host.iter().rposition(|&byte| byte == b':')?;
    let (name, port) = (&host[..colon], &host[colon + 1..]);
    let is_port = (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    is_port.then_some((name, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn refused(catalog: &[u8], origin: Option<&str>, hosts: &[&str]) -> bool {
        let catalog = Catalog::new(catalog).unwrap();
        refusal(
            &catalog,
            origin.map(str::as_bytes),
            hosts.iter().map(|host| host.as_bytes()),
        )
        .is_some()
    }

    #[test]
    fn loopback_origins_are_exact() {
        let catalog = testing::catalog();
        for origin in [
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:1",
            "http://127.0.0.1:65535",
            "http://[::1]",
            "http://[::1]:8080",
        ] {
            assert!(
                !refused(&catalog, Some(origin), &["localhost:3000"]),
                "{origin}"
            );
        }
        for origin in [
            "",
            "null",
            "localhost",
            "http://localhost.evil.com",
            "http://evil.com",
            "http://evil.com:3000",
            "http://localhost@evil.com",
            "http://evil.com#localhost",
            "http://localhost:3000.evil.com",
            "http://localhost:",
            "http://localhost:123456",
            "http://localhost/",
            "http://xlocalhost",
            "http://127.0.0.1.evil.com",
            "http://127.0.0.2",
            "http://::1",
            "ftp://localhost",
            "HTTP://localhost",
            "http://http://localhost",
        ] {
            assert!(
                refused(&catalog, Some(origin), &["localhost:3000"]),
                "{origin}"
            );
        }
    }

    #[test]
    fn listed_origins_are_exact_and_take_any_host() {
        let catalog = testing::catalog();
        assert!(!refused(
            &catalog,
            Some("https://app.example.com"),
            &["mcp.example.com"]
        ));
        for origin in [
            "https://app.example.com:443",
            "http://app.example.com",
            "https://app.example.com.evil.com",
            "https://APP.example.com",
        ] {
            assert!(
                refused(&catalog, Some(origin), &["mcp.example.com"]),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_loopback_origin_needs_a_loopback_host() {
        let catalog = testing::catalog();
        let origin = Some("http://localhost:3000");
        assert!(!refused(&catalog, origin, &[]));
        assert!(!refused(&catalog, origin, &["LOCALHOST:3000", "127.0.0.1"]));
        assert!(refused(&catalog, origin, &["evil.com"]));
        assert!(refused(&catalog, origin, &["localhost:3000", "evil.com"]));
        assert!(refused(&catalog, origin, &["localhost.evil.com"]));
        assert!(refused(&catalog, origin, &[""]));
    }

    #[test]
    fn without_an_origin_any_host_will_do_unless_some_are_listed() {
        let catalog = testing::catalog();
        assert!(!refused(&catalog, None, &["anything.example"]));
        let listed = testing::catalog_for_hosts(&["mcp.example.com", "other.example.com:8443"]);
        for host in [
            "mcp.example.com",
            "MCP.example.com:443",
            "other.example.com:8443",
            "localhost:3000",
            "[::1]",
        ] {
            assert!(!refused(&listed, None, &[host]), "{host}");
        }
        for host in [
            "example.com",
            "mcp.example.com.evil.com",
            "other.example.com",
            "other.example.com:443",
            "other.example.com:80",
            "mcp.example.com:x",
            "",
        ] {
            assert!(refused(&listed, None, &[host]), "{host}");
        }
        assert!(!refused(
            &listed,
            Some("http://localhost"),
            &["mcp.example.com"]
        ));
        assert!(!refused(
            &testing::catalog_for_hosts(&["mcp.example.com:443"]),
            None,
            &["mcp.example.com"]
        ));
        assert!(refused(&listed, None, &[]), "no host is known");
    }
}
