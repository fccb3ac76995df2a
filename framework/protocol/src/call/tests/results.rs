use super::*;

#[test]
fn results_say_what_they_are_to_modern_clients_only() {
    let info = json!({"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}});
    let content = json!([{"type": "text", "text": "line\nbreak"}]);
    assert_eq!(
        answer(MODERN, "", complete(text("line\nbreak"))),
        (
            200,
            json!({"jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", "content": content, "_meta": info}})
        )
    );
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        assert_eq!(
            answer(version, "", complete(text("line\nbreak"))),
            (
                200,
                json!({"jsonrpc": "2.0", "id": 1, "result": {"content": content}})
            )
        );
    }
}

#[test]
fn errors_of_tools_are_results() {
    let failed = ToolResult {
        is_error: true,
        ..text("no")
    };
    let (status, json) = answer(MODERN, "", complete(failed));
    assert_eq!((status, &json["result"]["isError"]), (200, &json!(true)));
    let empty = ToolResult {
        content: Vec::new(),
        ..text("")
    };
    assert_eq!(
        answer(MODERN, "", complete(empty)).1["result"]["content"],
        json!([])
    );
}

#[test]
fn metadata_is_merged() {
    let meta = "{ \"a\": {\n\"b\": 1}, \"io.modelcontextprotocol/serverInfo\": 7 }";
    let with_meta = ToolResult {
        meta: Some(meta.to_owned()),
        ..text("")
    };
    let (_, json) = answer(MODERN, "", complete(with_meta.clone()));
    let info = json!({"name": "test", "version": "1.2.3"});
    assert_eq!(
        json["result"]["_meta"],
        json!({"a": {"b": 1}, "io.modelcontextprotocol/serverInfo": info})
    );
    let (_, json) = answer("2025-11-25", "", complete(with_meta));
    assert_eq!(json["result"]["_meta"]["a"], json!({"b": 1}));
}

#[test]
fn structured_content_is_an_object_to_legacy_clients() {
    let structured = |structured: &str| ToolResult {
        structured_content: Some(structured.to_owned()),
        ..text("")
    };
    for value in ["{ \"a\" :\n1 }", "[1, 2]", "null", "\"s\"", "1.50"] {
        let (_, json) = answer(MODERN, "", complete(structured(value)));
        assert_eq!(
            json["result"]["structuredContent"],
            serde_json::from_str::<Json>(value).unwrap()
        );
        let (_, json) = answer("2025-11-25", "", complete(structured(value)));
        assert_eq!(
            json["result"].get("structuredContent").is_some(),
            value.starts_with('{'),
            "{value}"
        );
    }
}

#[test]
fn broken_json_of_a_feature_is_an_internal_error() {
    for broken in ["", "{", "{} {}", "nul", "[1,]", "\"\u{0}\""] {
        let result = ToolResult {
            structured_content: Some(broken.to_owned()),
            ..text("")
        };
        for version in [MODERN, "2025-11-25"] {
            let (status, json) = answer(version, "", complete(result.clone()));
            assert_eq!((status, &json["id"]), (200, &json!(1)));
            let message = "tool `zeta` answered with structured content that is not valid JSON";
            assert_eq!(json["error"], json!({"code": -32603, "message": message}));
        }
    }
    for broken in ["", "[]", "{", "null"] {
        let result = ToolResult {
            meta: Some(broken.to_owned()),
            ..text("")
        };
        let (_, json) = answer(MODERN, "", complete(result));
        assert_eq!(
            json["error"]["message"],
            "tool `zeta` answered with metadata that is not a JSON object"
        );
    }
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    let result = ToolResult {
        structured_content: Some(deep),
        ..text("")
    };
    assert_eq!(
        answer(MODERN, "", complete(result)).1["error"]["code"],
        -32603
    );
}

#[test]
fn large_results_are_refused() {
    let limit = "tool `zeta` answered with more than 16777216 bytes; let it return less at a time";
    for length in [MAX_RESULT - 10, MAX_RESULT + 1] {
        let (status, json) = answer(MODERN, "", complete(text(&"x".repeat(length))));
        assert_eq!((status, &json["error"]["message"]), (200, &json!(limit)));
    }
    // Twice as long once it is escaped.
    let (_, json) = answer(MODERN, "", complete(text(&"\n".repeat(MAX_RESULT / 2 + 1))));
    assert_eq!(json["error"]["message"], limit);
    let (_, json) = answer(MODERN, "", complete(text(&"x".repeat(MAX_RESULT - 1000))));
    assert!(json.get("result").is_some());
    let error = Error {
        code: 1,
        message: "x".repeat(MAX_RESULT),
        data: None,
    };
    assert_eq!(answer(MODERN, "", Err(error)).1["error"]["message"], limit);
}

#[test]
fn errors_of_features_have_a_status() {
    let error = |code, version| {
        let (status, json) = answer(
            version,
            "",
            Err(Error {
                code,
                message: "why".to_owned(),
                data: None,
            }),
        );
        assert_eq!(
            (&json["id"], &json["error"]["message"]),
            (&json!(1), &json!("why"))
        );
        (status, json["error"]["code"].as_i64().unwrap())
    };
    assert_eq!(error(-32602, MODERN), (200, -32602));
    assert_eq!(error(-32603, MODERN), (200, -32603));
    assert_eq!(error(-32021, MODERN), (200, -32603));
    assert_eq!(error(-32601, MODERN), (200, -32601));
    assert_eq!(error(-32077, MODERN), (200, -32603));
    assert_eq!(error(-32002, "2025-11-25"), (200, -32002));
}

#[test]
fn a_tool_that_the_feature_does_not_know_is_unknown() {
    let (status, json) = answer(MODERN, "", Ok(None));
    assert_eq!(
        (status, &json["error"]),
        (
            200,
            &json!({"code": -32602, "message": "unknown tool `zeta`"})
        )
    );
}
