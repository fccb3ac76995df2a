use super::*;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

fn meta(meta: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 101, "method": "server/discover", "params": {"_meta": meta}})
        .to_string()
}

#[test]
fn discovery_says_who_the_server_is() {
    let (status, json) = post(
        &modern_headers("server/discover", None),
        &modern_request("server/discover", "", ""),
    );
    assert_eq!(status, 200);
    assert_eq!(
        json,
        json!({"jsonrpc": "2.0", "id": 1, "result": {
            "resultType": "complete",
            "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"],
            "capabilities": {"completions": {}, "logging": {}, "prompts": {}, "resources": {}, "tools": {}},
            "instructions": "be kind",
            "ttlMs": 300000,
            "cacheScope": "public",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
        }})
    );
}

#[test]
fn required_metadata_is_required() {
    let list = modern_headers("server/discover", None);
    for (meta_value, message) in [
        (
            json!({}),
            "`io.modelcontextprotocol/protocolVersion` is missing from `_meta`",
        ),
        (
            json!({CAPABILITIES: {}}),
            "`io.modelcontextprotocol/protocolVersion` is missing from `_meta`",
        ),
        (
            json!({VERSION: "2026-07-28"}),
            "`io.modelcontextprotocol/clientCapabilities` is missing from `_meta`",
        ),
        (
            json!({VERSION: 7, CAPABILITIES: {}}),
            "`io.modelcontextprotocol/protocolVersion` is not a string",
        ),
        (
            json!({VERSION: "2026-07-28", CAPABILITIES: []}),
            "`io.modelcontextprotocol/clientCapabilities` is not an object",
        ),
        (
            json!({VERSION: "2026-07-28", CAPABILITIES: {}, "io.modelcontextprotocol/clientInfo": "me"}),
            "`io.modelcontextprotocol/clientInfo` is not an object",
        ),
        (
            json!({VERSION: "2026-07-28", CAPABILITIES: {}, "io.modelcontextprotocol/logLevel": "loud"}),
            "unknown log level `\"loud\"`",
        ),
        (
            json!({VERSION: "2026-07-28", CAPABILITIES: {}, "progressToken": 1.5}),
            "`progressToken` is not a string or an integer",
        ),
        (json!([]), "`_meta` is not an object"),
    ] {
        assert_eq!(
            error(&list, &meta(&meta_value)),
            (400, -32602, json!(101), message.to_owned()),
            "{meta_value}"
        );
    }
    let bare = r#"{"jsonrpc":"2.0","id":101,"method":"server/discover","params":{}}"#;
    assert_eq!(error(&list, bare).1, -32602);
    let bare = r#"{"jsonrpc":"2.0","id":101,"method":"server/discover"}"#;
    assert_eq!(error(&list, bare).1, -32602);
}

#[test]
fn who_the_client_is_may_stay_unsaid() {
    let list = modern_headers("server/discover", None);
    assert_eq!(
        post(
            &list,
            &meta(&json!({VERSION: "2026-07-28", CAPABILITIES: {}}))
        )
        .0,
        200
    );
}

#[test]
fn unsupported_versions_get_the_list_of_others() {
    let list = with(
        without(
            modern_headers("server/discover", None),
            "mcp-protocol-version",
        ),
        &[("MCP-Protocol-Version", "v999.0.0")],
    );
    let supported = json!([
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26",
        "2024-11-05"
    ]);
    for body in [
        meta(&json!({VERSION: "v999.0.0", CAPABILITIES: {}})),
        legacy_request("tools/list", "{}"),
    ] {
        let (status, json) = post(&list, &body);
        assert_eq!((status, &json["error"]["code"]), (400, &json!(-32022)));
        assert_eq!(
            json["error"]["data"],
            json!({"supported": supported, "requested": "v999.0.0"})
        );
    }
}

#[test]
fn the_version_header_must_say_what_the_body_says() {
    let list = modern_headers("server/discover", None);
    let body = meta(&json!({VERSION: "v999.0.0", CAPABILITIES: {}}));
    let (status, code, id, _) = error(&list, &body);
    assert_eq!((status, code, id), (400, -32020, json!(101)));
    let body = meta(&json!({VERSION: "2026-07-28", CAPABILITIES: {}}));
    let (status, code, _, message) = error(&without(list, "mcp-protocol-version"), &body);
    assert_eq!(
        (status, code, &*message),
        (400, -32020, "header `MCP-Protocol-Version` is missing")
    );
}

#[test]
fn the_method_header_must_say_what_the_body_says() {
    let body = modern_request("tools/list", "", "");
    for method in ["prompts/list", "TOOLS/LIST", ""] {
        let (status, code, id, _) = error(&modern_headers(method, None), &body);
        assert_eq!((status, code, id), (400, -32020, json!(1)), "{method}");
    }
    let list = without(modern_headers("tools/list", None), "mcp-method");
    assert_eq!(error(&list, &body).3, "header `Mcp-Method` is missing");
    assert_eq!(
        post(&with(list, &[("MCP-METHOD", "  tools/list ")]), &body).0,
        200
    );
}

#[test]
fn methods_of_other_revisions_are_unknown() {
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "unknown/method",
        "",
    ] {
        let (status, code, id, _) = error(
            &modern_headers(method, None),
            &modern_request(method, "", ""),
        );
        assert_eq!((status, code, id), (404, -32601, json!(1)), "{method}");
    }
}

#[test]
fn sessions_mean_nothing() {
    let list = with(
        modern_headers("tools/list", None),
        &[("mcp-session-id", "whatever"), ("last-event-id", "7")],
    );
    let (status, _, response) = send(
        &testing::catalog(),
        "POST",
        &list,
        &modern_request("tools/list", "", ""),
    );
    assert_eq!(status, 200);
    assert!(
        !response
            .headers
            .iter()
            .any(|(name, _)| *name == "mcp-session-id")
    );
}

#[test]
fn lists_have_cache_hints_and_pages() {
    let list = modern_headers("tools/list", None);
    let catalog = testing::catalog_with_pages_of(3);
    let (_, first, _) = send(
        &catalog,
        "POST",
        &list,
        &modern_request("tools/list", "", ""),
    );
    let result = &first["result"];
    assert_eq!(
        (
            &result["resultType"],
            &result["ttlMs"],
            &result["cacheScope"]
        ),
        (&json!("complete"), &json!(300000), &json!("public"))
    );
    let names = |json: &Value| {
        json["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["zeta", "alpha", "two.query"]);
    let cursor = result["nextCursor"].as_str().unwrap();
    let params = format!(r#""cursor":"{cursor}","#);
    let (_, second, _) = send(
        &catalog,
        "POST",
        &list,
        &modern_request("tools/list", &params, ""),
    );
    assert_eq!(names(&second), ["two.plain"]);
    assert!(second["result"].get("nextCursor").is_none());

    let other = testing::catalog_with_pages_of(2);
    for (catalog, cursor) in [(&other, cursor), (&catalog, "bogus"), (&catalog, "")] {
        let params = format!(r#""cursor":"{cursor}","#);
        let (status, json, _) = send(
            catalog,
            "POST",
            &list,
            &modern_request("tools/list", &params, ""),
        );
        assert_eq!(
            (status, &json["error"]),
            (200, &json!({"code": -32602, "message": "invalid cursor"}))
        );
    }
    let (status, code, _, message) =
        error(&list, &modern_request("tools/list", r#""cursor":7,"#, ""));
    assert_eq!(
        (status, code, &*message),
        (400, -32602, "`cursor` is not a string")
    );
}

fn call(name: &str, arguments: &str) -> String {
    modern_request(
        "tools/call",
        &format!(r#""name":"{name}","arguments":{arguments},"#),
        "",
    )
}

#[test]
fn calls_go_to_the_feature_without_the_prefix() {
    let list = modern_headers("tools/call", Some("two.plain"));
    assert_eq!(
        post(&list, &call("two.plain", "{}")),
        (200, json!({"call": "plain"}))
    );
    let encoded = modern_headers("tools/call", Some("=?base64?dHdvLnBsYWlu?="));
    assert_eq!(post(&encoded, &call("two.plain", "{}")).0, 200);
}

#[test]
fn the_name_header_must_say_what_the_body_says() {
    for (list, message) in [
        (
            modern_headers("tools/call", None),
            "header `Mcp-Name` is missing",
        ),
        (
            modern_headers("tools/call", Some("alpha")),
            "header `Mcp-Name` is `alpha`, but the body says `zeta`",
        ),
        (
            modern_headers("tools/call", Some("=?base64?A?=")),
            "header `Mcp-Name` is not valid base64 of UTF-8 text",
        ),
    ] {
        assert_eq!(
            error(&list, &call("zeta", "{}")),
            (400, -32020, json!(1), message.to_owned())
        );
    }
}

#[test]
fn parameter_headers_must_say_what_the_arguments_say() {
    let list = modern_headers("tools/call", Some("two.query"));
    let body = call("two.query", r#"{"region":"eu"}"#);
    assert_eq!(
        error(&list, &body),
        (
            400,
            -32020,
            json!(1),
            "header `mcp-param-region` is missing".to_owned()
        )
    );
    assert_eq!(
        error(&with(list.clone(), &[("Mcp-Param-Region", "us")]), &body).1,
        -32020
    );
    assert_eq!(
        post(&with(list, &[("Mcp-Param-Region", "eu")]), &body).0,
        200
    );
}

#[test]
fn calls_that_cannot_be_made_are_refused() {
    let call = |params: &str, name| {
        error(
            &modern_headers("tools/call", name),
            &modern_request("tools/call", params, ""),
        )
    };
    let message = |text: &str| text.to_owned();
    assert_eq!(
        call(r#""name":"nobody","#, Some("nobody")),
        (200, -32602, json!(1), message("unknown tool `nobody`"))
    );
    assert_eq!(
        call(r#""name":"query","#, Some("query")),
        (200, -32602, json!(1), message("unknown tool `query`"))
    );
    assert_eq!(
        call("", None),
        (400, -32602, json!(1), message("`name` is missing"))
    );
    assert_eq!(
        call(r#""name":7,"#, None),
        (400, -32602, json!(1), message("`name` is not a string"))
    );
    for arguments in ["[]", "\"{}\"", "1"] {
        let params = format!(r#""name":"zeta","arguments":{arguments},"#);
        assert_eq!(
            call(&params, Some("zeta")),
            (
                400,
                -32602,
                json!(1),
                message("`arguments` is not an object")
            )
        );
    }
    assert_eq!(
        call(r#""name":"zeta","inputResponses":[],"#, Some("zeta")),
        (
            400,
            -32602,
            json!(1),
            message("`inputResponses` is not an object")
        )
    );
    assert_eq!(
        call(r#""name":"zeta","requestState":"forged","#, Some("zeta")),
        (
            200,
            -32602,
            json!(1),
            message(
                "invalid `requestState`: it does not belong to this request; call again without it"
            )
        )
    );
}

#[test]
fn long_names_do_not_come_back_whole() {
    let name = "x".repeat(100_000);
    let (_, _, _, message) = error(
        &modern_headers("tools/call", Some(&name)),
        &call(&name, "{}"),
    );
    assert!(message.len() < 200);
}

#[test]
fn notifications_are_accepted_and_responses_are_not() {
    let list = modern_headers("notifications/x", None);
    let (status, json, response) = send(
        &testing::catalog(),
        "POST",
        &list,
        r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
    );
    assert_eq!((status, json), (202, Value::Null));
    assert_eq!(response.headers, [("content-length", Cow::Borrowed("0"))]);
    let (status, json) = post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!((status, json.get("id")), (400, None));
}
