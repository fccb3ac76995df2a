//! Any input gets a well-formed answer.

use proptest::prelude::*;

use crate::{
    call::{Ask, Call, CallStep, FeatureOutcome},
    catalog::Catalog,
    fuzz::messages,
    serve::{
        http::{self, check_head, handle},
        stdio,
    },
    testing::{self, TestServices, legacy_request, modern_request},
    wire::{
        json::{self, Value},
        types::{
            tool_types::{ToolOutcome, ToolResult},
            types::{ContentBlock, TextContent},
        },
    },
};

fn is_response(body: &[u8]) {
    messages::response(body, None);
}

fn call_back(call: &mut Call<'_>) {
    let Ask::Tool { arguments, .. } = call.ask() else {
        return;
    };
    let echo = arguments.to_owned();
    let block = ContentBlock::Text(TextContent {
        text: echo.clone(),
        annotations: None,
        meta: Some(echo.clone()),
    });
    let result = ToolResult {
        content: vec![block],
        structured_content: Some(echo),
        is_error: false,
        meta: None,
    };
    let outcome = FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(result))));
    match call.settle(outcome, &mut TestServices::default()) {
        CallStep::Done(response) => is_response(&response.body),
        other => panic!("{other:?} is not an answer"),
    }
    let _ = call.context();
}

fn serve(headers: &[(String, Vec<u8>)], body: &[u8]) {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let request = testing::post(headers);
    match check_head(&request, &catalog) {
        Err(response) => is_response(&response.body),
        Ok(head) => match handle(&catalog, &head, body, &mut TestServices::default()) {
            http::HttpOutcome::Reply(response) if response.status == 202 => {
                assert_eq!(response.body, b"")
            }
            http::HttpOutcome::Reply(response) => is_response(&response.body),
            http::HttpOutcome::Call(mut call) => call_back(&mut call),
            http::HttpOutcome::Listen(_)
            | http::HttpOutcome::Resume(_)
            | http::HttpOutcome::Gate(_)
            | http::HttpOutcome::Notify(_) => {}
        },
    }
    match stdio::StdioSession::default().handle_line(&catalog, body, &mut TestServices::default()) {
        stdio::StdioOutcome::Reply(line) => is_response(line.trim_ascii_end()),
        stdio::StdioOutcome::Call(mut call) => call_back(&mut call),
        _ => {}
    }
}

fn valid_requests() -> Vec<String> {
    let call = r#""name":"two.query","arguments":{"region":"eu","deep":{"count":1.0},"x":[1,null,"\u00e9\ud83d\ude00"]},"#;
    vec![
        modern_request("server/discover", "", ""),
        modern_request("tools/list", r#""cursor":"AAAAAAAAAAAAAAAA","#, ""),
        modern_request(
            "tools/call",
            call,
            r#","progressToken":"t","io.modelcontextprotocol/logLevel":"info""#,
        ),
        modern_request(
            "tools/call",
            r#""name":"zeta","inputResponses":{"k":{}},"#,
            "",
        ),
        legacy_request(
            "initialize",
            r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c"}}"#,
        ),
        legacy_request("tools/call", r#"{"name":"zeta","arguments":{"a":"b"}}"#),
        legacy_request("ping", "{}"),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
            .to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
    ]
}

fn header_sets() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "Host",
        "Origin",
        "Content-Type",
        "Accept",
        "Content-Length",
        "Mcp-Session-Id",
        "MCP-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Param-Region",
        "Mcp-Param-Count",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "2026-07-28",
            "2025-11-25",
            "tools/call",
            "tools/list",
            "two.query",
            "eu",
            "1",
            "localhost:1"
        ])
        .prop_map(|value| value.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let odd = prop::collection::vec((name.prop_map(str::to_owned), value), 0..3);
    let sets = prop::sample::select(vec![
        testing::headers(&testing::LEGACY_HEADERS),
        testing::modern_headers("server/discover", None),
        testing::modern_headers("tools/list", None),
        testing::modern_headers("tools/call", Some("zeta")),
        testing::modern_headers("tools/call", Some("two.query")),
    ]);
    (sets, odd).prop_map(|(set, odd)| [set, odd].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(headers in header_sets(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        serve(&headers, &body);
    }

    #[test]
    fn any_json_is_answered(headers in header_sets(), body in r#"[{}\[\]",:0-9a-z\\ u.eE+-]{0,60}"#) {
        serve(&headers, body.as_bytes());
    }

    #[test]
    fn damaged_requests_are_answered(
        headers in header_sets(),
        request in prop::sample::select(valid_requests()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 0..4),
    ) {
        let mut body = request.into_bytes();
        for (at, to, kind, byte) in edits {
            if body.is_empty() {
                break;
            }
            let (at, to) = (at.index(body.len()), to.index(body.len()));
            match kind {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                2 => drop(body.drain(at.min(to)..at.max(to))),
                _ => {
                    let copy = body[at.min(to)..at.max(to)].to_vec();
                    body.splice(at..at, copy);
                }
            }
        }
        serve(&headers, &body);
    }

    #[test]
    fn the_reader_agrees_with_serde_json(text in r#"[{}\[\]",:0-9a-z\\ \nu.eE+-]{0,40}|(\[|\{"a":){0,5}(1|-0.5e7|"\\u00e9x"|true|null|\{\}|\[\])?[\]},]{0,5}"#) {
        let expected = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        match Value::parse(&text) {
            Ok(value) => prop_assert_eq!(value.text, expected.unwrap().get()),
            // The other parser accepts lone surrogates.
            Err(_) => prop_assert!(expected.is_err() || text.contains("\\u")),
        }
    }

    #[test]
    fn strings_survive(text in any::<String>()) {
        let mut out = Vec::new();
        json::string(&mut out, &text);
        let written = String::from_utf8(out).unwrap();
        prop_assert_eq!(&serde_json::from_str::<String>(&written).unwrap(), &text);
        prop_assert_eq!(Value::parse(&written).unwrap().as_str().unwrap(), text.as_str());
        prop_assert!(Value::parse(&written).unwrap().is_str(&text));
    }
}
