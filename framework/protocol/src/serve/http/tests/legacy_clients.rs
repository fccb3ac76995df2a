use super::*;

const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}"#;

#[test]
fn the_handshake_settles_a_version() {
    for (asked, settled) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("2024-10-07", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let (result, id) = initialize(&INITIALIZE.replace("2025-11-25", asked));
        assert_eq!(
            result,
            json!({
                "protocolVersion": settled,
                "capabilities": {"completions": {}, "logging": {}, "prompts": {}, "resources": {}, "tools": {}},
                "serverInfo": {"name": "test", "version": "1.2.3"},
                "instructions": "be kind",
            })
        );
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
    }
}

#[test]
fn the_handshake_takes_headers_of_any_version() {
    for version in ["2025-11-25", "2024-11-05", "2026-07-28", "2027-01-01", "x"] {
        let list = with(legacy(), &[("MCP-Protocol-Version", version)]);
        assert_eq!(
            post(&list, &legacy_request("initialize", INITIALIZE)).0,
            200,
            "{version}"
        );
    }
    let list = with(legacy(), &[("MCP-Protocol-Version", "2027-01-01")]);
    assert_eq!(error(&list, &legacy_request("ping", "{}")).0, 400);
}

#[test]
fn a_handshake_must_be_complete() {
    for params in [
        "{}",
        r#"{"protocolVersion":7}"#,
        r#"{"protocolVersion":"2025-11-25","capabilities":[]}"#,
    ] {
        let (status, code, id, _) = error(&legacy(), &legacy_request("initialize", params));
        assert_eq!((status, code, id), (200, -32602, json!(1)), "{params}");
    }
}

fn in_session(id: &str, more: &[(&str, &str)]) -> List {
    with(with(legacy(), &[("Mcp-Session-Id", id)]), more)
}

#[test]
fn a_session_is_served() {
    let (_, id) = initialize(INITIALIZE);
    let list = in_session(&id, &[("MCP-Protocol-Version", "2025-11-25")]);
    assert_eq!(
        post(&list, &legacy_request("ping", "{}")),
        (200, json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
    );
    assert_eq!(
        post(&in_session(&id, &[]), &legacy_request("ping", "{}")).0,
        200
    );
    let (status, json) = post(&list, &legacy_request("tools/list", "{}"));
    assert_eq!(status, 200);
    let mut members: Vec<_> = json["result"].as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["tools"]);
    assert_eq!(
        post(&list, &legacy_request("tools/call", r#"{"name":"alpha"}"#)),
        (200, json!({"call": "alpha"}))
    );
    assert_eq!(
        post(
            &list,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        )
        .0,
        202
    );
}

#[test]
fn the_version_of_a_session_stays() {
    let (_, id) = initialize(INITIALIZE);
    for version in ["2025-06-18", "2025-03-26"] {
        let list = in_session(&id, &[("MCP-Protocol-Version", version)]);
        let (status, code, _, message) = error(&list, &legacy_request("ping", "{}"));
        assert_eq!((status, code), (400, -32600));
        assert_eq!(
            message,
            "header `MCP-Protocol-Version` is not `2025-11-25`, the revision of this session"
        );
        assert_eq!(
            post(
                &list,
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            )
            .0,
            400
        );
    }
    let list = in_session(&id, &[("MCP-Protocol-Version", "1999-01-01")]);
    assert_eq!(error(&list, &legacy_request("ping", "{}")).1, -32022);
    assert_eq!(
        post(
            &list,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        )
        .0,
        400
    );
}

#[test]
fn unknown_sessions_are_not_found() {
    for id in ["", "1868a90c", "é", &"A".repeat(5000)] {
        let list = in_session(id, &[]);
        let (status, code, got, _) = error(&list, &legacy_request("tools/list", "{}"));
        assert_eq!((status, code, got), (404, -32600, json!(1)), "{id}");
        assert_eq!(
            post(
                &list,
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            )
            .0,
            404
        );
        assert_eq!(
            post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).0,
            404
        );
    }
}

#[test]
fn without_a_session_requests_are_served_all_the_same() {
    for list in [
        legacy(),
        with(legacy(), &[("MCP-Protocol-Version", "2025-06-18")]),
    ] {
        assert_eq!(post(&list, &legacy_request("tools/list", "{}")).0, 200);
        assert_eq!(post(&list, &legacy_request("ping", "{}")).0, 200);
        assert_eq!(
            post(&list, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).0,
            200
        );
    }
}

#[test]
fn errors_are_answers_of_their_own() {
    for (method, params, code) in [
        ("server/discover", "{}", -32601),
        ("unknown", "{}", -32601),
        ("tools/call", "{}", -32602),
        ("tools/call", r#"{"name":"nobody"}"#, -32602),
        ("tools/call", r#"{"name":"zeta","arguments":[]}"#, -32602),
        ("tools/list", r#"{"cursor":"bogus"}"#, -32602),
        ("logging/setLevel", "{}", -32602),
        ("logging/setLevel", r#"{"level":"loud"}"#, -32602),
    ] {
        let (status, got, id, _) = error(&legacy(), &legacy_request(method, params));
        assert_eq!(
            (status, got, id),
            (200, code, json!(1)),
            "{method} {params}"
        );
    }
}

#[test]
fn log_levels_are_accepted_where_they_are_kept() {
    let level =
        |level: &str| legacy_request("logging/setLevel", &json!({ "level": level }).to_string());
    let body = level("debug");
    let (_, id) = initialize(INITIALIZE);
    assert_eq!(post(&in_session(&id, &[]), &body).1["result"], json!({}));
    // Without a session or a store, it is always `info`.
    assert_eq!(post(&legacy(), &level("info")).1["result"], json!({}));
    let (status, code, _, message) = error(&legacy(), &body);
    assert_eq!((status, code), (200, -32603));
    assert!(message.contains("begin one with `initialize`"), "{message}");
    let bytes = testing::catalog();
    let (catalog, list) = (Catalog::new(&bytes).unwrap(), in_session(&id, &[]));
    let services = &mut TestServices {
        store: None,
        ..TestServices::default()
    };
    for (body, problem) in [(&body, "has no store"), (&level("info"), r#""result":{}"#)] {
        let request = testing::post(&list);
        let head = check_head(&request, &catalog).unwrap();
        let outcome = handle(&catalog, &head, body.as_bytes(), services);
        let HttpOutcome::Reply(response) = outcome else {
            panic!("{body}");
        };
        let text = String::from_utf8(response.body).unwrap();
        assert!(text.contains(problem), "{text}");
    }
    let mut input = testing::input();
    input.features.remove(0);
    let quiet = crate::catalog::build(&input).unwrap();
    let (status, json, _) = send(&quiet, "POST", &legacy(), &body);
    assert_eq!((status, &json["error"]["code"]), (200, &json!(-32601)));
}

#[test]
fn answers_to_requests_are_accepted() {
    let (_, id) = initialize(INITIALIZE);
    for list in [legacy(), in_session(&id, &[])] {
        assert_eq!(
            post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            (202, Value::Null)
        );
        assert_eq!(
            post(
                &list,
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
            )
            .0,
            202
        );
    }
}

#[test]
fn a_legacy_version_in_the_metadata_is_legacy() {
    let body = modern_request("tools/list", "", "").replace("2026-07-28", "2025-11-25");
    let list = with(legacy(), &[("MCP-Protocol-Version", "2025-11-25")]);
    let (status, json) = post(&list, &body);
    assert_eq!(status, 200);
    assert!(json["result"].get("resultType").is_none());
}
