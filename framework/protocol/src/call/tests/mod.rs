mod context;
mod input;
mod results;
mod targets;

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    catalog::Catalog,
    serve::{
        http::{self, handle},
        stdio,
    },
    testing::{
        self, LEGACY_HEADERS, TestServices, headers, legacy_request, modern_headers, modern_request,
    },
    wire::{
        MAX_RESULT,
        types::{
            tool_types::ToolResult,
            types::{ContentBlock, InputRequest, InputRequired, TextContent},
        },
    },
};

/// What a call of a tool of feature `one` gives, by HTTP.
fn answer(version: &str, meta: &str, outcome: Answered<ToolOutcome>) -> (u16, Json) {
    with_call(version, meta, |call| {
        read(call.settle(FeatureOutcome::Tool(outcome), &mut TestServices::default()))
    })
}

fn read(step: CallStep) -> (u16, Json) {
    let CallStep::Done(response) = step else {
        panic!("{step:?} is not an answer");
    };
    let (line, event) = (response.clone().line(), response.event());
    assert_eq!(line, [&response.body[..], b"\n"].concat());
    assert_eq!(
        event,
        [b"event: message\ndata: ", &response.body[..], b"\n\n"].concat()
    );
    assert!(!response.body.contains(&b'\n'));
    let http = response.http();
    (http.status, serde_json::from_slice(&http.body).unwrap())
}

fn with_call<T>(version: &str, meta: &str, then: impl FnOnce(&mut Call<'_>) -> T) -> T {
    with_call_of(&testing::catalog(), version, meta, then)
}

fn with_call_of<T>(
    catalog: &[u8],
    version: &str,
    meta: &str,
    then: impl FnOnce(&mut Call<'_>) -> T,
) -> T {
    let catalog = Catalog::new(catalog).unwrap();
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
    let request = testing::post(&list);
    let head = http::check_head(&request, &catalog).unwrap();
    match handle(
        &catalog,
        &head,
        body.as_bytes(),
        &mut TestServices::default(),
    ) {
        http::HttpOutcome::Call(mut call) => then(&mut call),
        http::HttpOutcome::Reply(response) => panic!("{}", String::from_utf8_lossy(&response.body)),
        _ => panic!("a call does not listen"),
    }
}

/// The arguments that a tool is called with.
fn arguments<'c>(call: &'c Call<'_>) -> &'c str {
    match call.ask() {
        Ask::Tool { arguments, .. } => arguments,
        other => panic!("{other:?} is not a tool"),
    }
}

fn complete(result: ToolResult) -> Answered<ToolOutcome> {
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
