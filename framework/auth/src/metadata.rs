//! The metadata of the server as a protected resource (RFC 9728).

/// What comes before the path of the resource.
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Splits a resource into its origin and its path. A lone `/` is no path.
pub fn split(resource: &str) -> (&str, &str) {
    let start = resource.find("://").map_or(0, |at| at + 3);
    let path = resource[start..]
        .find('/')
        .map_or(resource.len(), |at| start + at);
    let (origin, path) = resource.split_at(path);
    (
        origin,
        path.strip_suffix('/')
            .filter(|path| path.is_empty())
            .unwrap_or(path),
    )
}

/// Where the metadata of a resource is (section 3.1).
pub fn location(resource: &str) -> String {
    let (origin, path) = split(resource);
    format!("{origin}{WELL_KNOWN}{path}")
}

/// Why a resource is not a canonical URI of an MCP server; none if it is.
pub fn problem(resource: &str) -> Option<&'static str> {
    let (origin, path) = split(resource);
    let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    if !resource.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("it must be a URI of ASCII characters")
    } else if scheme != "https" && !(scheme == "http" && loopback) {
        Some("it must begin with `https://`; `http://` is only for loopback hosts")
    } else if name.is_empty() || host.contains('@') || host != host.to_ascii_lowercase() {
        Some("it must name a host in lower case, without a user")
    } else if resource.contains(['#', '?']) {
        Some("it must not have a query or a fragment")
    } else if path.ends_with('/') {
        Some("it must not end with `/`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_comes_after_the_well_known_part() {
        for (resource, location) in [
            (
                "https://a.example/mcp",
                "https://a.example/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://a.example",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "http://127.0.0.1:3000/a/b",
                "http://127.0.0.1:3000/.well-known/oauth-protected-resource/a/b",
            ),
        ] {
            assert_eq!(super::location(resource), location);
        }
    }

    #[test]
    fn a_resource_is_a_canonical_uri() {
        for resource in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com",
            "https://mcp.example.com/",
            "https://mcp.example.com:8443/a/b",
            "http://localhost:3000/mcp",
            "http://127.0.0.1:3000/mcp",
            "http://[::1]:3000/mcp",
        ] {
            assert_eq!(problem(resource), None, "{resource}");
        }
        for resource in [
            "",
            "mcp",
            "/mcp",
            "mcp.example.com/mcp",
            "http://mcp.example.com/mcp",
            "ftp://a/b",
            "https://",
            "https:///mcp",
            "https://u@a/mcp",
            "https://A.example/mcp",
            "https://a/mcp/",
            "https://a/mcp#x",
            "https://a/mcp?x",
            "https://a/m cp",
            "https://é/mcp",
            "http://localhost.evil.example/mcp",
        ] {
            assert!(problem(resource).is_some(), "{resource}");
        }
    }
}
