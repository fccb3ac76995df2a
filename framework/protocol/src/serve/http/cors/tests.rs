use crate::{
    catalog::{self, Access, Catalog},
    serve::http::{HttpRequest, HttpResponse, enter},
    testing::{
        self,
        guarded::{self, header},
        headers,
    },
};

/// The answer to `OPTIONS`; none if the server goes on with the request.
fn options(catalog: &[u8], list: &[(&str, &str)]) -> Option<HttpResponse> {
    let list = headers(list);
    let request = HttpRequest {
        method: "OPTIONS",
        ..testing::post(&list)
    };
    enter(&request, &Catalog::new(catalog).unwrap()).err()
}

#[test]
fn pages_of_allowed_origins_may_send_requests() {
    let catalog = testing::catalog();
    for (origin, host) in [
        ("https://app.example.com", "mcp.example.com"),
        ("http://localhost:5173", "localhost:3000"),
        ("http://[::1]", "127.0.0.1"),
    ] {
        let response = options(&catalog, &[("Origin", origin), ("host", host)]).unwrap();
        assert_eq!((response.status, response.body.len()), (204, 0));
        let said = |name| header(&response, name).unwrap_or_default();
        assert_eq!(said("access-control-allow-origin"), origin);
        assert_eq!(said("access-control-allow-methods"), "POST");
        assert_eq!(said("access-control-allow-headers"), super::ALLOWED);
        assert_eq!(said("access-control-max-age"), super::LIFETIME);
        assert_eq!(said("vary"), "origin");
        assert_eq!(header(&response, "access-control-allow-credentials"), None);
    }
}

#[test]
fn other_pages_may_not() {
    for (origin, host) in [
        ("https://evil.example", "mcp.example.com"),
        ("null", "localhost"),
        ("http://localhost", "evil.example"),
    ] {
        let response = options(&testing::catalog(), &[("origin", origin), ("host", host)]);
        let response = response.unwrap();
        assert_eq!(response.status, 403, "{origin}");
        assert_eq!(header(&response, "access-control-allow-origin"), None);
    }
    // This does not come from a browser.
    assert!(options(&testing::catalog(), &[("host", "localhost")]).is_none());
}

#[test]
fn headers_of_parameters_and_those_that_are_named_are_allowed() {
    let named = Access {
        headers: vec!["authorization".to_owned(), "x-api-key".to_owned()],
        ..guarded::access()
    };
    let asked = "content-type, Mcp-Param-Region,mcp-param-,x-evil, mcp-param-a\"b, mcp-param-é";
    let list = [
        ("origin", "http://localhost"),
        ("access-control-request-headers", asked),
    ];
    let response = options(&guarded::catalog(named), &list).unwrap();
    let allowed = header(&response, "access-control-allow-headers").unwrap();
    let more = allowed.strip_prefix(super::ALLOWED).unwrap();
    assert_eq!(
        more,
        ", authorization, x-api-key, x-tenant, Mcp-Param-Region, mcp-param-"
    );
    let methods = header(&response, "access-control-allow-methods");
    assert_eq!(methods, Some("DELETE, GET, POST"));
}

#[test]
fn responses_name_the_origin_and_what_pages_may_read() {
    let catalog = catalog::build(&testing::input()).unwrap();
    let list = headers(&[("origin", "https://app.example.com")]);
    let request = HttpRequest {
        method: "PUT",
        ..testing::post(&list)
    };
    let catalog = Catalog::new(&catalog).unwrap();
    let entered = enter(&request, &catalog).ok().unwrap();
    let mut response = entered.head(&catalog).err().unwrap();
    response.allow(entered.origin());
    assert_eq!(response.status, 405);
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some("https://app.example.com")
    );
    assert_eq!(
        header(&response, "access-control-expose-headers"),
        Some("mcp-protocol-version, mcp-session-id, www-authenticate")
    );
    assert_eq!(header(&response, "vary"), Some("origin"));
}
