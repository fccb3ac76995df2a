use super::*;

const DISCOVER: &str = "server/discover";

fn status_of(method: &str, list: &List) -> (u16, String) {
    let (status, json, _) = send(
        &testing::catalog(),
        method,
        list,
        &modern_request(DISCOVER, "", ""),
    );
    assert_eq!(json.get("id").is_some(), status == 200);
    (
        status,
        json["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn only_post_is_served() {
    for method in ["GET", "DELETE", "OPTIONS", "PUT", "HEAD", "post"] {
        let (status, json, response) = send(&testing::catalog(), method, &legacy(), "");
        assert_eq!((status, &json["error"]["code"]), (405, &json!(-32600)));
        assert!(response.headers.contains(&("allow", "POST".into())));
    }
}

#[test]
fn the_body_must_be_declared_as_json() {
    let list = modern_headers(DISCOVER, None);
    for media in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json;charset=UTF-8",
    ] {
        let list = with(
            without(list.clone(), "content-type"),
            &[("content-type", media)],
        );
        assert_eq!(status_of("POST", &list).0, 200, "{media}");
    }
    assert_eq!(
        status_of("POST", &without(list.clone(), "content-type")).0,
        415
    );
    for media in [
        "",
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let list = with(
            without(list.clone(), "content-type"),
            &[("content-type", media)],
        );
        assert_eq!(status_of("POST", &list).0, 415, "{media}");
    }
}

#[test]
fn the_client_must_accept_what_may_come() {
    let list = without(modern_headers(DISCOVER, None), "accept");
    assert_eq!(status_of("POST", &list).0, 200);
    assert_eq!(
        status_of("POST", &with(list.clone(), &[("accept", "*/*")])).0,
        200
    );
    let (status, message) = status_of("POST", &with(list, &[("accept", "text/html")]));
    assert_eq!(
        (status, &*message),
        (
            406,
            "`Accept` must list `application/json` and `text/event-stream`"
        )
    );
}

#[test]
fn declared_lengths_over_the_limit_are_refused() {
    let list = modern_headers(DISCOVER, None);
    let length = |length: usize| with(list.clone(), &[("content-length", &length.to_string())]);
    assert_eq!(status_of("POST", &length(MAX_BODY)).0, 200);
    assert_eq!(status_of("POST", &length(MAX_BODY + 1)).0, 413);
    assert_eq!(status_of("POST", &length(usize::MAX)).0, 413);
}

#[test]
fn foreign_origins_are_refused_before_anything_else() {
    for origin in [
        "http://evil.example.com",
        "null",
        "http://localhost.evil.com",
    ] {
        for method in ["POST", "GET"] {
            let list = headers(&[("Origin", origin)]);
            assert_eq!(
                status_of(method, &list),
                (
                    403,
                    "this origin may not call the server; add it to `allowed_origins`".to_owned()
                )
            );
        }
    }
    let list = modern_headers(DISCOVER, None);
    let local = [
        ("Origin", "http://localhost:3000"),
        ("Host", "localhost:3000"),
    ];
    assert_eq!(status_of("POST", &with(list.clone(), &local)).0, 200);
    let rebound = [
        ("Origin", "http://localhost:3000"),
        ("Host", "evil.example.com"),
    ];
    assert_eq!(status_of("POST", &with(list, &rebound)).0, 403);
}

#[test]
fn the_authority_counts_as_host() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let list = with(
        modern_headers(DISCOVER, None),
        &[("Origin", "http://localhost")],
    );
    let status = |authority| {
        let request = HttpRequest {
            authority: Some(authority),
            ..testing::post(&list)
        };
        check_head(&request, &catalog).map_or_else(|response| response.status, |_| 200)
    };
    assert_eq!(status("localhost:3000"), 200);
    assert_eq!(status("evil.example.com"), 403);
}

#[test]
fn headers_that_occur_twice_are_refused() {
    let list = with(modern_headers(DISCOVER, None), &[("mcp-method", DISCOVER)]);
    assert_eq!(
        status_of("POST", &list),
        (400, "header `mcp-method` occurs twice".to_owned())
    );
}
