use serde_json::{Value as Json, json};

use super::*;
use crate::{
    MAX_RESULT,
    catalog::Catalog,
    http::{self, handle},
    testing::{self, LEGACY_HEADERS, headers, legacy_request, modern_headers, modern_request},
    types::{
        tool_types::ToolResult,
        types::{ContentBlock, InputRequest, InputRequired, TextContent},
    },
};

/// What a call of a tool of feature `one` gives, by HTTP.
fn answer(version: &str, meta: &str, outcome: Outcome) -> (u16, Json) {
    with_call(version, meta, |call| {
        let response = call.reply(outcome.clone());
        let line = call.line(outcome.clone());
        assert_eq!(line, [&response.body[..], b"\n"].concat());
        let event = call.event(outcome);
        assert_eq!(
            event,
            [b"event: message\ndata: ", &response.body[..], b"\n\n"].concat()
        );
        assert!(!response.body.contains(&b'\n'));
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap(),
        )
    })
}

fn with_call<T>(version: &str, meta: &str, then: impl FnOnce(&Call<'_>) -> T) -> T {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let modern = version == "2026-07-28";
    let list = if modern {
        modern_headers("tools/call", Some("zeta"))
    } else {
        let version = ("MCP-Protocol-Version", version);
        headers(&[LEGACY_HEADERS.as_slice(), &[version]].concat())
    };
    let body = if modern {
        let inputs = r#""name":"zeta","arguments":{ "a": 1 },"inputResponses":{"k":{ "action":"accept"},"l\u0061":1},"#;
        modern_request("tools/call", inputs, meta)
    } else {
        legacy_request(
            "tools/call",
            &format!(r#"{{"name":"zeta","_meta":{{"x":1{meta}}}}}"#),
        )
    };
    let request = http::Request {
        method: "POST",
        authority: None,
        headers: &list,
    };
    let head = http::check_head(&request, &catalog).unwrap();
    match handle(&catalog, &head, body.as_bytes(), &mut || [0; 16]) {
        http::Outcome::Call(call) => then(&call),
        http::Outcome::Reply(response) => panic!("{}", String::from_utf8_lossy(&response.body)),
    }
}

fn complete(result: ToolResult) -> Outcome {
    Ok(Some(ToolOutcome::Complete(result)))
}

fn text(text: &str) -> ToolResult {
    let block = ContentBlock::Text(TextContent {
        text: text.to_owned(),
        annotations: None,
        meta: None,
    });
    ToolResult {
        content: vec![block],
        structured_content: None,
        is_error: false,
        meta: None,
    }
}

const MODERN: &str = "2026-07-28";

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
    assert_eq!(error(-32021, MODERN), (400, -32021));
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

fn required(requests: &[(&str, &str, &str)]) -> Outcome {
    let requests = requests.iter().map(|(key, method, params)| InputRequest {
        key: key.to_string(),
        method: method.to_string(),
        params: params.to_string(),
    });
    Ok(Some(ToolOutcome::InputRequired(InputRequired {
        requests: requests.collect(),
        state: None,
    })))
}

fn with_capabilities(capabilities: &str, outcome: Outcome) -> (u16, Json) {
    with_call(MODERN, "", |call| {
        let client = Client {
            capabilities: capabilities.to_owned().into(),
            ..call.client().clone()
        };
        let call = Call {
            client,
            ..call.clone()
        };
        let response = call.reply(outcome);
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap(),
        )
    })
}

#[test]
fn input_is_asked_for_what_the_client_can_give() {
    let outcome = required(&[
        ("name", "elicitation/create", "{ \"message\": \"Who?\" }"),
        ("text", "sampling/createMessage", "{}"),
        ("roots", "roots/list", "{}"),
    ]);
    let (status, json) =
        with_capabilities(r#"{"elicitation":{},"sampling":{},"roots":{}}"#, outcome);
    assert_eq!(status, 200);
    assert_eq!(
        json["result"],
        json!({
            "resultType": "input_required",
            "inputRequests": {
                "name": {"method": "elicitation/create", "params": {"message": "Who?"}},
                "text": {"method": "sampling/createMessage", "params": {}},
                "roots": {"method": "roots/list", "params": {}},
            },
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
        })
    );
}

#[test]
fn input_is_not_asked_for_what_the_client_cannot_give() {
    let (form, url) = (
        ("elicitation/create", "{}"),
        ("elicitation/create", r#"{"mode":"url"}"#),
    );
    let (sampling, roots) = (("sampling/createMessage", "{}"), ("roots/list", "{}"));
    let tools = ("sampling/createMessage", r#"{"tools":[]}"#);
    for (capabilities, asked, missing) in [
        ("{}", vec![sampling], json!({"sampling": {}})),
        ("{}", vec![roots], json!({"roots": {}})),
        ("{}", vec![form], json!({"elicitation": {"form": {}}})),
        (
            "{}",
            vec![url, roots],
            json!({"elicitation": {"url": {}}, "roots": {}}),
        ),
        ("{}", vec![tools], json!({"sampling": {"tools": {}}})),
        (
            r#"{"sampling":{}}"#,
            vec![sampling, tools],
            json!({"sampling": {"tools": {}}}),
        ),
        (
            r#"{"elicitation":{}}"#,
            vec![form, url],
            json!({"elicitation": {"url": {}}}),
        ),
        (
            r#"{"elicitation":{"url":{}}}"#,
            vec![form, url],
            json!({"elicitation": {"form": {}}}),
        ),
        (
            r#"{"sampling":true}"#,
            vec![sampling],
            json!({"sampling": {}}),
        ),
        (
            r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}}}"#,
            vec![form, url, tools, roots],
            json!({"roots": {}}),
        ),
    ] {
        let keys: Vec<_> = (0..asked.len()).map(|index| index.to_string()).collect();
        let requests: Vec<_> = asked
            .iter()
            .zip(&keys)
            .map(|((method, params), key)| (key.as_str(), *method, *params))
            .collect();
        let (status, json) = with_capabilities(capabilities, required(&requests));
        assert_eq!(
            (status, &json["error"]["code"]),
            (400, &json!(-32021)),
            "{capabilities} {asked:?}"
        );
        assert_eq!(
            json["error"]["data"],
            json!({"requiredCapabilities": missing}),
            "{capabilities} {asked:?}"
        );
    }
}

#[test]
fn broken_needs_for_input_are_internal_errors() {
    let all = r#"{"elicitation":{},"sampling":{},"roots":{}}"#;
    for (outcome, message) in [
        (
            required(&[]),
            "tool `zeta` answered with a need for input but no requests for it",
        ),
        (
            required(&[("a", "roots/list", "{}"), ("a", "roots/list", "{}")]),
            "tool `zeta` answered with two requests for input under one key",
        ),
        (
            required(&[("a", "roots/delete", "{}")]),
            "tool `zeta` answered with a request for input by an unknown method",
        ),
        (
            required(&[("a", "roots/list", "[]")]),
            "tool `zeta` answered with a request for input whose parameters are not a JSON object",
        ),
        (
            required(&[("a", "elicitation/create", r#"{"mode":"mime"}"#)]),
            "tool `zeta` answered with a request for elicitation in an unknown mode",
        ),
        (
            Ok(Some(ToolOutcome::InputRequired(InputRequired {
                requests: Vec::new(),
                state: Some("s".to_owned()),
            }))),
            "request state is not supported by this version of the framework",
        ),
    ] {
        let (status, json) = with_capabilities(all, outcome);
        assert_eq!(
            (status, &json["error"]),
            (200, &json!({"code": -32603, "message": message}))
        );
    }
}

#[test]
fn legacy_clients_are_told_what_they_lack() {
    let (status, json) = answer("2025-11-25", "", required(&[("a", "roots/list", "{}")]));
    assert_eq!((status, &json["error"]["code"]), (200, &json!(-32603)));
    assert_eq!(
        json["error"]["message"],
        "tool `zeta` needs input from the user, which this server cannot ask for in revision `2025-11-25`; \
         use a client of revision `2026-07-28` or later"
    );
}

#[test]
fn extensions_need_a_client_that_declared_one() {
    let extension = |text: &str| Ok(Some(ToolOutcome::Extension(text.to_owned())));
    let task = "{ \"resultType\": \"task\", \"taskId\": \"t\" }";
    let declared = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
    assert_eq!(
        with_capabilities(declared, extension(task)).1["result"],
        json!({"resultType": "task", "taskId": "t"})
    );
    for capabilities in ["{}", r#"{"extensions":{}}"#] {
        assert_eq!(
            with_capabilities(capabilities, extension(task)).1["error"]["code"],
            -32603
        );
    }
    for broken in [
        "",
        "[]",
        "{}",
        r#"{"resultType":"complete"}"#,
        r#"{"resultType":7}"#,
    ] {
        assert_eq!(
            with_capabilities(declared, extension(broken)).1["error"]["code"],
            -32603,
            "{broken}"
        );
    }
    assert_eq!(
        answer("2025-11-25", "", extension(task)).1["error"]["code"],
        -32603
    );
}

#[test]
fn the_context_holds_what_the_request_said() {
    let meta = r#","progressToken":"t","io.modelcontextprotocol/logLevel":"warning","io.modelcontextprotocol/clientInfo":{"name":"c"},"traceparent":"00""#;
    let context = with_call(MODERN, meta, |call| {
        assert_eq!(
            (call.arguments(), call.id(), call.slot()),
            (r#"{ "a": 1 }"#, "1", 0)
        );
        call.context()
    });
    let expected_meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}{meta}}}"#
    );
    assert_eq!(
        context,
        Context {
            protocol_version: MODERN.to_owned(),
            client_info: Some(r#"{"name":"c"}"#.to_owned()),
            client_capabilities: "{}".to_owned(),
            session_id: None,
            meta: Some(expected_meta),
            input_responses: vec![
                ("k".to_owned(), r#"{ "action":"accept"}"#.to_owned()),
                ("la".to_owned(), "1".to_owned())
            ],
            request_state: None,
            progress_token: Some("\"t\"".to_owned()),
            log_level: Some(3),
        }
    );
}

#[test]
fn the_context_of_a_session_holds_what_it_settled() {
    let session = crate::session::Session {
        version: crate::Version::V2025_06_18,
        capabilities: r#"{"roots":{}}"#.to_owned(),
        client_info: Some(r#"{"name":"c"}"#.to_owned()),
    };
    let id = session.to_id([1; 16]);
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let list = headers(&[LEGACY_HEADERS.as_slice(), &[("Mcp-Session-Id", &id)]].concat());
    let head = http::check_head(
        &http::Request {
            method: "POST",
            authority: None,
            headers: &list,
        },
        &catalog,
    )
    .unwrap();
    let body = legacy_request("tools/call", r#"{"name":"zeta"}"#);
    let http::Outcome::Call(call) = handle(&catalog, &head, body.as_bytes(), &mut || [0; 16])
    else {
        panic!("no call");
    };
    assert_eq!(call.arguments(), "{}");
    let context = call.context();
    assert_eq!(context.protocol_version, "2025-06-18");
    assert_eq!(context.client_capabilities, r#"{"roots":{}}"#);
    assert_eq!(context.client_info.unwrap(), r#"{"name":"c"}"#);
    assert_eq!(context.session_id.unwrap(), id);
    assert_eq!(
        (context.meta, context.progress_token, context.log_level),
        (None, None, Some(1))
    );
}

#[test]
fn notifications_are_possible_where_somebody_wants_them() {
    let may = |version, meta: &str| with_call(version, meta, |call| call.may_notify());
    assert!(!may(MODERN, ""));
    assert!(may(MODERN, r#","progressToken":1"#));
    assert!(may(
        MODERN,
        r#","io.modelcontextprotocol/logLevel":"debug""#
    ));
    assert!(may("2025-11-25", ""));
}
