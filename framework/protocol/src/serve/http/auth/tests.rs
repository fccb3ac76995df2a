use serde_json::{Value as Json, json};

use super::*;
use crate::{
    catalog::{Access, StdioCaller},
    serve::{
        http::{HttpRequest, enter},
        stdio,
    },
    state::services::ServerPart,
    testing::{
        self, LEGACY_HEADERS,
        guarded::{self, Guarded, access, header, send},
        headers, legacy_request, modern_headers, modern_request,
    },
};

const POST: (&str, &str) = ("POST", "/mcp");
const METADATA_URL: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;

fn body(response: &HttpResponse) -> Json {
    serde_json::from_slice(&response.body).unwrap_or(Json::Null)
}

/// A legacy `tools/call` with these headers besides the usual ones.
fn call_with(services: &mut Guarded, catalog: &[u8], more: &[(&str, &str)]) -> HttpResponse {
    let mut all = headers(&LEGACY_HEADERS);
    all.extend(headers(more));
    let body = legacy_request("tools/call", r#"{"name":"zeta"}"#);
    send(services, catalog, POST, &all, &body)
}

fn read_scope() -> Access {
    Access {
        scopes: vec!["mcp:read".to_owned()],
        ..access()
    }
}

#[test]
fn credentials_decide_about_the_status() {
    let challenge = |error: &str| format!("Bearer {error}{METADATA_URL}, scope=\"mcp:read\"");
    let invalid =
        challenge(r#"error="invalid_token", error_description="the token \"expired\"", "#);
    let malformed = |why: &str| {
        format!(r#"Bearer error="invalid_request", error_description="{why}", {METADATA_URL}"#)
    };
    let twice = [("authorization", "Bearer u"), ("Authorization", "Bearer u")];
    let nul = challenge(&format!(
        r#"error="invalid_token", error_description="{NO_NAME}", "#
    ));
    for (more, status, code, expected) in [
        (&[][..], 401, -32010, challenge("")),
        (
            &[("authorization", "Basic eA==")],
            401,
            -32010,
            challenge(""),
        ),
        (&[("cookie", "token=u")], 401, -32010, challenge("")),
        (&[("authorization", "Bearer wrong")], 401, -32010, invalid),
        (&[("authorization", "Bearer nul")], 401, -32010, nul),
        (
            &[("authorization", "Bearer unreadable")],
            400,
            -32600,
            malformed("the token is not base64url"),
        ),
        (
            &twice,
            400,
            -32600,
            malformed("the header `authorization` occurs twice"),
        ),
    ] {
        let services = &mut Guarded::default();
        let response = call_with(services, &guarded::catalog(read_scope()), more);
        assert_eq!(response.status, status, "{more:?}");
        assert_eq!(header(&response, "www-authenticate"), Some(&*expected));
        let answer = body(&response);
        assert_eq!(answer["error"]["code"], code);
        assert_eq!(answer.get("id"), None);
        let has_credentials = expected.contains("error=");
        assert_eq!(services.log.len(), usize::from(has_credentials));
        assert!(!services.log.concat().contains("Bearer"));
    }
    let services = &mut Guarded::default();
    let early = [("authorization", "Bearer early")];
    let response = call_with(services, &guarded::catalog(read_scope()), &early);
    assert_eq!(response.status, 503);
    assert_eq!(header(&response, "retry-after"), Some("5"));
    assert_eq!(header(&response, "www-authenticate"), None);
    let known = [("authorization", "Bearer u:a,b")];
    let response = call_with(services, &guarded::catalog(access()), &known);
    assert_eq!(response.status, 200);
    assert_eq!(body(&response)["subject"], "u");
}

#[test]
fn every_kind_of_message_is_authenticated() {
    let catalog = guarded::catalog(read_scope());
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let reply = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    for (request, body) in [
        (POST, notification),
        (POST, reply),
        (POST, "{"),
        (("GET", "/mcp"), ""),
        (("DELETE", "/mcp"), ""),
        (("OPTIONS", "/mcp"), ""),
        (("PUT", "/mcp"), ""),
        (("POST", "/admin"), ""),
        (("POST", "//.well-known/oauth-protected-resource/mcp"), ""),
    ] {
        let services = &mut Guarded::default();
        let response = send(services, &catalog, request, &headers(&LEGACY_HEADERS), body);
        assert_eq!(response.status, 401, "{request:?} {body}");
    }
    // Known, but without the scope of the server.
    for (request, body) in [
        (POST, notification),
        (POST, reply),
        (POST, &*legacy_request("ping", "{}")),
        (POST, &*legacy_request("nothing/known", "{}")),
        (
            POST,
            &*legacy_request("initialize", r#"{"protocolVersion":"2025-11-25"}"#),
        ),
        (("GET", "/mcp"), ""),
        (("DELETE", "/mcp"), ""),
    ] {
        let services = &mut Guarded::default();
        let mut all = headers(&LEGACY_HEADERS);
        all.extend(headers(&[("authorization", "Bearer u:mine")]));
        let response = send(services, &catalog, request, &all, body);
        assert_eq!(response.status, 403, "{request:?} {body}");
        let challenge = header(&response, "www-authenticate").unwrap();
        // A client of this time asks for nothing but these.
        assert!(
            challenge.contains(r#"scope="mcp:read mine""#),
            "{challenge}"
        );
    }
}

#[test]
fn a_token_in_the_query_is_refused() {
    let catalog = guarded::catalog(access());
    for path in [
        "/mcp?access_token=u",
        "/mcp?a=b&access_token=u",
        "/mcp?access%5ftoken=u",
        "/mcp?access_token",
    ] {
        let services = &mut Guarded::default();
        let all = [
            headers(&LEGACY_HEADERS),
            headers(&[("authorization", "Bearer u")]),
        ]
        .concat();
        let response = send(services, &catalog, ("POST", path), &all, "{}");
        assert_eq!(response.status, 400, "{path}");
        let challenge = header(&response, "www-authenticate").unwrap();
        assert!(challenge.starts_with(r#"Bearer error="invalid_request""#));
        assert!(services.credentials.is_empty());
    }
}

#[test]
fn a_bad_origin_comes_before_credentials() {
    let services = &mut Guarded::default();
    let evil = [("origin", "https://evil.example")];
    let response = call_with(services, &guarded::catalog(access()), &evil);
    assert_eq!(response.status, 403);
    assert_eq!(header(&response, "www-authenticate"), None);
    assert!(services.credentials.is_empty());
}

#[test]
fn without_authorization_servers_clients_begin_no_login() {
    let services = &mut Guarded {
        servers: Vec::new(),
        ..Guarded::default()
    };
    let catalog = guarded::catalog(read_scope());
    let challenge = |services: &mut Guarded, more: &[(&str, &str)]| {
        let response = call_with(services, &catalog, more);
        header(&response, "www-authenticate").unwrap().to_owned()
    };
    assert_eq!(challenge(services, &[]), "Bearer");
    assert_eq!(
        challenge(services, &[("authorization", "Bearer wrong")]),
        r#"Bearer error="invalid_token", error_description="the token \"expired\"""#
    );
    let path = "/.well-known/oauth-protected-resource/mcp";
    let response = send(services, &catalog, ("GET", path), &[], "");
    assert_eq!((response.status, response.body.len()), (404, 0));
}

#[test]
fn an_authenticator_sees_the_headers_that_are_named() {
    let services = &mut Guarded::default();
    let named = Access {
        headers: vec!["authorization".to_owned(), "x-api-key".to_owned()],
        ..access()
    };
    let more = [
        ("Authorization", " Bearer u "),
        ("X-Api-Key", "k"),
        ("x-api-key", "l"),
        ("cookie", "c"),
        ("x-forwarded-host", "evil.example"),
        ("x-tenant", "acme"),
    ];
    let response = call_with(services, &guarded::catalog(named), &more);
    let said = body(&response);
    assert_eq!(said["headers"], json!([["x-tenant", "acme"]]));
    let seen = &services.credentials[0];
    let all: Vec<_> = (seen.headers.iter())
        .map(|(name, value)| (&**name, str::from_utf8(value).unwrap()))
        .collect();
    assert_eq!(
        all,
        [
            ("authorization", "Bearer u"),
            ("x-api-key", "k"),
            ("x-api-key", "l")
        ]
    );
    assert_eq!(seen.resource, guarded::RESOURCE);
}

#[test]
fn metadata_is_where_the_uri_of_the_server_says() {
    let documented = Access {
        documentation: Some("https://docs.example".to_owned()),
        ..read_scope()
    };
    let at_root = Access {
        root_metadata: true,
        ..read_scope()
    };
    let of_host = |resource: &str| Access {
        resource: Some(resource.to_owned()),
        ..access()
    };
    let get = |access: &Access, method: &str, path: &str| {
        let path = format!("/.well-known/{path}");
        let evil = headers(&[("origin", "https://any.example"), ("host", "evil.example")]);
        let catalog = guarded::catalog(access.clone());
        send(
            &mut Guarded::default(),
            &catalog,
            (method, &path),
            &evil,
            "",
        )
    };
    let response = get(&documented, "GET", "oauth-protected-resource/mcp");
    assert_eq!(
        body(&response),
        json!({
            "resource": "https://mcp.example.com/mcp",
            "authorization_servers": ["https://as.example.com"],
            "scopes_supported": ["mcp:read"],
            "bearer_methods_supported": ["header"],
            "resource_name": "test",
            "resource_documentation": "https://docs.example",
        })
    );
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
    assert_eq!(header(&response, "cache-control"), Some("max-age=3600"));
    assert_eq!(
        body(&get(&access(), "GET", "oauth-protected-resource/mcp")).get("scopes_supported"),
        None
    );
    for (access, method, path, status) in [
        (&documented, "GET", "oauth-protected-resource/mcp?x=y", 200),
        (&documented, "HEAD", "oauth-protected-resource/mcp", 200),
        (&documented, "OPTIONS", "oauth-protected-resource/mcp", 204),
        (&documented, "POST", "oauth-protected-resource/mcp", 405),
        (&documented, "GET", "oauth-protected-resource/mcp/", 404),
        (&documented, "GET", "oauth-protected-resource//mcp", 404),
        (
            &documented,
            "GET",
            "oauth-protected-resource/mcp/../admin",
            404,
        ),
        (&documented, "GET", "oauth-protected-resource/%6dcp", 404),
        (&documented, "GET", "%2e%2e/mcp", 404),
        (&documented, "GET", "oauth-protected-resource", 404),
        (&documented, "GET", "oauth-authorization-server", 404),
        (&documented, "POST", "mcp", 404),
        (&at_root, "GET", "oauth-protected-resource", 200),
        (&at_root, "GET", "oauth-protected-resource/mcp", 200),
        (
            &of_host("https://h"),
            "GET",
            "oauth-protected-resource",
            200,
        ),
        (
            &of_host("https://h/"),
            "GET",
            "oauth-protected-resource",
            200,
        ),
        (
            &of_host("https://h"),
            "GET",
            "oauth-protected-resource/mcp",
            404,
        ),
        (
            &of_host("https://h/a?b=c"),
            "GET",
            "oauth-protected-resource/a",
            200,
        ),
    ] {
        let response = get(access, method, path);
        assert_eq!(response.status, status, "{method} {path}");
        let is_empty = response.body.is_empty();
        assert_eq!(
            is_empty,
            status != 200 || method == "HEAD",
            "{method} {path}"
        );
        assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
        let text = format!("{response:?}");
        assert!(!text.contains("evil"), "{text}");
    }
}

#[test]
fn the_uri_of_the_server_is_never_that_of_a_client() {
    let unknown = guarded::catalog(Access {
        resource: None,
        ..access()
    });
    let with = |hosts: &[&str], variable: Option<&str>| {
        let services = &mut Guarded::default();
        let variable = variable.map(|value| ("mcp_auth_resource".to_owned(), value.to_owned()));
        services.inner.variables.extend(variable);
        let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let forged = [
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example"),
        ];
        let response = call_with(services, &unknown, &[&hosts[..], &forged].concat());
        let resource = services
            .credentials
            .first()
            .map(|seen| seen.resource.clone());
        let challenge = header(&response, "www-authenticate").unwrap_or_default();
        assert!(!challenge.contains("evil"));
        (response.status, resource)
    };
    for (hosts, variable, resource) in [
        (
            &["localhost:3000"][..],
            None,
            Some("http://localhost:3000/mcp"),
        ),
        (&["LOCALHOST"], None, Some("http://localhost/mcp")),
        (&["[::1]:8"], None, Some("http://[::1]:8/mcp")),
        (&["evil.example"], None, None),
        (&["localhost.evil.example"], None, None),
        (&[], None, None),
        (
            &["evil.example"],
            Some("https://real.example/mcp"),
            Some("https://real.example/mcp"),
        ),
        (&["localhost"], Some("not a uri"), None),
        (&["localhost"], Some("https://h/#f"), None),
        (&["localhost"], Some("https://h/\"x"), None),
    ] {
        let (status, found) = with(hosts, variable);
        assert_eq!(found.as_deref(), resource, "{hosts:?} {variable:?}");
        assert_eq!(status, if resource.is_some() { 401 } else { 503 });
    }
}

#[test]
fn all_hosts_of_a_request_must_be_this_machine() {
    let catalog = guarded::catalog(Access {
        resource: None,
        anonymous: true,
        ..access()
    });
    let catalog = Catalog::new(&catalog).unwrap();
    let serves = |host, authority| {
        let list = headers(&[("host", host)]);
        let request = HttpRequest {
            authority: Some(authority),
            ..testing::post(&list)
        };
        let entered = enter(&request, &catalog).ok().unwrap();
        matches!(
            judge(&entered, &catalog, &mut Guarded::default()),
            Judged::Passed(_)
        )
    };
    assert!(serves("localhost:3000", "localhost:3000"));
    assert!(!serves("localhost:3000", "mcp.example.com"));
    assert!(!serves("mcp.example.com", "localhost:3000"));
}

#[test]
fn what_cannot_be_read_serves_nobody() {
    let open = testing::catalog();
    let known = [("authorization", "Bearer u")];
    let response = call_with(&mut Guarded::default(), &open, &known);
    assert_eq!(response.status, 503);
    // The last word is the place of the record.
    let mut damaged = guarded::catalog(access());
    let last = damaged.len() - 4;
    damaged[last..].fill(0xFF);
    let response = call_with(&mut Guarded::default(), &damaged, &known);
    assert_eq!(response.status, 503);
}

#[test]
fn anonymous_requests_are_served_if_nothing_is_needed() {
    let anonymous = Access {
        anonymous: true,
        ..access()
    };
    let services = &mut Guarded::default();
    let response = call_with(services, &guarded::catalog(anonymous.clone()), &[]);
    assert_eq!(
        (response.status, &body(&response)["subject"]),
        (200, &Json::Null)
    );
    // A wrong token is not no token.
    let wrong = [("authorization", "Bearer wrong")];
    let response = call_with(services, &guarded::catalog(anonymous.clone()), &wrong);
    assert_eq!(response.status, 401);
    let scoped = Access {
        scopes: vec!["mcp:read".to_owned()],
        ..anonymous
    };
    let response = call_with(services, &guarded::catalog(scoped), &[]);
    assert_eq!(response.status, 401);
    let challenge = header(&response, "www-authenticate").unwrap();
    assert_eq!(
        challenge,
        format!("Bearer {METADATA_URL}, scope=\"mcp:read\"")
    );
}

#[test]
fn a_session_is_another_one_for_another_principal() {
    let catalog = guarded::catalog(access());
    let services = &mut Guarded::default();
    let as_user = |token: &str, session: &str| {
        let token = format!("Bearer {token}");
        let mut all = headers(&LEGACY_HEADERS);
        all.extend(headers(&[("authorization", &token)]));
        if !session.is_empty() {
            all.extend(headers(&[("mcp-session-id", session)]));
        }
        all
    };
    let begin = legacy_request(
        "initialize",
        r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
    );
    let response = send(services, &catalog, POST, &as_user("alice", ""), &begin);
    let id = header(&response, "mcp-session-id").unwrap().to_owned();
    // Whoever stole the id ends nothing, and subscribes to nothing, of Alice's session.
    let of_mallory = as_user("mallory", &id);
    let response = send(services, &catalog, ("DELETE", "/mcp"), &of_mallory, "");
    assert_eq!(response.status, 204);
    let subscribe = legacy_request("resources/subscribe", r#"{"uri":"test://library/readme"}"#);
    let response = send(
        services,
        &catalog,
        POST,
        &as_user("mallory", &id),
        &subscribe,
    );
    assert_eq!(response.status, 404, "ended for Mallory");
    let keys = |services: &Guarded| testing::keys(services.inner.store.as_ref().unwrap());
    let before = keys(services);
    let response = send(services, &catalog, POST, &as_user("alice", &id), &subscribe);
    assert_eq!(response.status, 200);
    assert_ne!(keys(services), before);
    // What features keep for the session is not there for a thief.
    let call = legacy_request("tools/call", r#"{"name":"zeta"}"#);
    let mut session = |token: &str, id: &str| {
        let response = send(services, &catalog, POST, &as_user(token, id), &call);
        body(&response)["session"].as_str().map(str::to_owned)
    };
    let of_alice = session("alice:more", &id).expect("there is a session");
    assert_ne!(of_alice, id);
    assert_eq!(session("alice:more", &id), Some(of_alice.clone()));
    let of_thief = session("trudy", &id).expect("there is a session");
    assert!(of_thief != of_alice && of_thief != id);
    // A newer token of the same principal goes on.
    let response = send(
        services,
        &catalog,
        ("GET", "/mcp"),
        &as_user("alice:more", &id),
        "",
    );
    assert_eq!(body(&response), json!({"listens": true}));
}

#[test]
fn identity_and_headers_reach_everything_that_is_called() {
    let catalog = guarded::catalog(access());
    let services = &mut Guarded {
        part: ServerPart::Transport,
        ..Guarded::default()
    };
    let more = [
        ("authorization", "Bearer u"),
        ("x-tenant", "a"),
        ("X-Tenant", "b"),
    ];
    let legacy = [headers(&LEGACY_HEADERS), headers(&more)].concat();
    let begin = legacy_request("initialize", r#"{"protocolVersion":"2025-11-25"}"#);
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let modern = |method: &str| [modern_headers(method, None), headers(&more)].concat();
    for (headers, body) in [
        (&legacy, begin),
        (&legacy, legacy_request("ping", "{}")),
        (&legacy, legacy_request("tools/list", "{}")),
        (&legacy, notification.to_owned()),
        (
            &modern("server/discover"),
            modern_request("server/discover", "", ""),
        ),
        (
            &modern("com.example/x"),
            modern_request("com.example/x", "", ""),
        ),
    ] {
        let response = send(services, &catalog, POST, headers, &body);
        let said = super::tests::body(&response);
        assert_eq!(said["subject"], "u", "{body} {said}");
        assert_eq!(
            said["headers"],
            json!([["x-tenant", "a"], ["x-tenant", "b"]])
        );
    }
}

#[test]
fn on_stdio_the_user_is_trusted_or_has_a_token() {
    let of = |stdio, token: Option<&str>, services: &mut Guarded| {
        let catalog = guarded::catalog(Access { stdio, ..access() });
        let catalog = Catalog::new(&catalog).unwrap();
        stdio::sender(&catalog, token.map(str::to_owned), services)
    };
    let services = &mut Guarded::default();
    let trusted = of(StdioCaller::Trusted, Some("wrong"), services)
        .unwrap()
        .unwrap();
    assert!(trusted.is_stdio && trusted.caller().is_none());
    assert!(services.credentials.is_empty());
    let known = of(StdioCaller::Environment, Some("u:a"), services)
        .unwrap()
        .unwrap();
    assert_eq!(known.caller().unwrap().subject, "u");
    assert_eq!(services.credentials[0].resource, guarded::RESOURCE);
    assert!(
        of(StdioCaller::Environment, Some("early"), services)
            .unwrap()
            .is_none()
    );
    for (token, expected) in [
        (
            None,
            "`MCP_TOKEN` is missing; set it to a token for this server",
        ),
        (
            Some("wrong"),
            "`MCP_TOKEN` is refused: the token \"expired\"",
        ),
        (
            Some("unreadable"),
            "`MCP_TOKEN` is refused: the token is not base64url",
        ),
        (
            Some("nul"),
            "`MCP_TOKEN` is refused: the name of the caller contains a zero",
        ),
    ] {
        assert_eq!(
            of(StdioCaller::Environment, token, services).unwrap_err(),
            expected
        );
    }
    let open = testing::catalog();
    let open = Catalog::new(&open).unwrap();
    assert!(stdio::sender(&open, None, services).is_err());
}

#[test]
fn senders_are_kept_as_long_as_the_authenticator_says() {
    let now = Guarded::default().inner.now / 1000;
    let catalog = guarded::catalog(Access {
        headers: vec!["authorization".to_owned(), "x-group".to_owned()],
        resource: None,
        ..access()
    });
    let asked = |services: &mut Guarded, host: &str, token: &str, more: &[(&str, &str)]| {
        let before = services.credentials.len();
        let bearer = format!("Bearer {token}");
        let mut all = vec![("host", host), ("authorization", &bearer)];
        all.extend(more);
        let response = call_with(services, &catalog, &all);
        let subject = body(&response)["subject"].clone();
        (
            response.status,
            subject,
            services.credentials.len() - before,
        )
    };
    let services = &mut Guarded {
        senders: Some(Rc::default()),
        ..Guarded::default()
    };
    let long = format!("u:a:{}:{}", now + 90, now + 60);
    let here = "localhost:1";
    let u = || Json::from("u");
    assert_eq!(asked(services, here, &long, &[]), (200, u(), 1));
    assert_eq!(asked(services, here, &long, &[]), (200, u(), 0));
    // Another token, resource, or header.
    assert_eq!(
        asked(services, here, &format!("{long}0"), &[]),
        (200, u(), 1)
    );
    assert_eq!(asked(services, "localhost:2", &long, &[]), (200, u(), 1));
    let group = [("x-group", "b")];
    assert_eq!(asked(services, here, &long, &group), (200, u(), 1));
    assert_eq!(asked(services, here, &long, &group), (200, u(), 0));
    // Two of them are still two, and what features read is that of the request.
    let twice = [("authorization", "Bearer u")];
    assert_eq!(asked(services, here, &long, &twice).0, 400);
    let tenant = [("x-tenant", "acme"), ("host", here)];
    let bearer = format!("Bearer {long}");
    let all = [&tenant[..], &[("authorization", &bearer)]].concat();
    let answer = body(&call_with(services, &catalog, &all));
    assert_eq!(answer["headers"], json!([["x-tenant", "acme"]]));
    // It is over, or the authenticator has other keys.
    services.inner.now += 59_999;
    assert_eq!(asked(services, here, &long, &[]), (200, u(), 0));
    services.inner.now += 1;
    assert_eq!(asked(services, here, &long, &[]), (200, u(), 1));
    let later = format!("u:a:{}:{}", now + 90, now + 900);
    assert_eq!(asked(services, here, &later, &[]), (200, u(), 1));
    assert_eq!(asked(services, here, &later, &[]), (200, u(), 0));
    services.inner.now += 30_000;
    assert_eq!(asked(services, here, &later, &[]).2, 1);
    let lasting = format!("u:a:{}:{}", now + 900, now + 900);
    assert_eq!(asked(services, here, &lasting, &[]).2, 1);
    services.senders.as_ref().unwrap().forget();
    assert_eq!(asked(services, here, &lasting, &[]).2, 1);
    // Neither refusals nor what must be asked about is kept, and instances of one request keep nothing.
    for token in [
        "wrong",
        "unreadable",
        "nul",
        "u:a",
        &format!("u:a:{}", now + 900),
    ] {
        assert_eq!(asked(services, here, token, &[]).2, 1, "{token}");
        assert_eq!(asked(services, here, token, &[]).2, 1, "{token}");
    }
    let services = &mut Guarded::default();
    assert_eq!(asked(services, here, &lasting, &[]).2, 1);
    assert_eq!(asked(services, here, &lasting, &[]).2, 1);
}
