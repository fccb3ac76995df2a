//! Saved sequences behind the transport.

use std::collections::VecDeque;

use super::*;
use crate::testing::chain::{own, through};

/// A server whose chain begins with a saved sequence of the whole catalog, under another name.
/// Its features give these answers in turn; behind it is a router with only the tool `behind`.
fn saved(via: Via, version: &'static str, answers: &[&str]) -> Chain<'static> {
    let mut input = testing::input();
    input.server.name = "inner".to_owned();
    let sequence = [crate::catalog::build(&input).unwrap()];
    let mut last = testing::input();
    last.server.name = "last".to_owned();
    last.features.truncate(1);
    last.features[0].tools = vec![testing::tool("behind", r#"{"type":"object"}"#)];
    let last = crate::catalog::build(&last).unwrap();
    let answers: VecDeque<_> = answers.iter().map(|answer| answer.to_string()).collect();
    let (mut features, mut others) = (Answers(answers), Answers::default());
    Chain::new(via, version).with_middleware(move |method, params| {
        let client = (version, CAPABILITIES);
        let last = &mut |method: &str, params: &str| {
            if method.starts_with("tasks/") {
                // As the transport prepared it.
                return Ok("{}".to_owned());
            }
            let catalog = Catalog::new(&last).unwrap();
            let outcome = |ask: &Ask<'_>| others.outcome(ask);
            own(&catalog, client, (method, params), outcome).settled()
        };
        let outcome = &mut |_: &Catalog<'_>, ask: &Ask<'_>| features.outcome(ask);
        let request = (method, params);
        Some(through(&sequence, client, request, outcome, last))
    })
}

#[test]
fn clients_know_one_server() {
    for via in TRANSPORTS {
        for (method, params) in [
            ("tools/list", "{}"),
            ("tools/call", r#"{"name":"zeta"}"#),
            ("tools/call", r#"{"name":"behind"}"#),
            ("prompts/get", r#"{"name":"lib.greet"}"#),
            ("resources/read", r#"{"uri":"test://library/readme"}"#),
            ("server/discover", "{}"),
        ] {
            let text = saved(via, MODERN, &[]).result(method, params);
            assert!(text.contains(r#""name":"test""#), "{text}");
            assert!(
                !text.contains(r#""inner""#) && !text.contains(r#""last""#),
                "{text}"
            );
        }
    }
}

#[test]
fn what_is_behind_a_sequence_is_there_for_clients() {
    for via in TRANSPORTS {
        for version in VERSIONS {
            let tools = saved(via, version, &[]).answer("tools/list", "{}")["result"].clone();
            let tools = tools["tools"].as_array().unwrap().iter();
            let names: Vec<_> = tools.map(|tool| tool["name"].clone()).collect();
            assert_eq!(names, ["zeta", "alpha", "two.query", "two.plain", "behind"]);
            let mut chain = saved(via, version, &[]);
            let nobody = chain.error("tools/call", r#"{"name":"nobody"}"#);
            assert_eq!(nobody, (-32602, "unknown tool `nobody`".to_owned()));
        }
    }
}

#[test]
fn tools_of_a_sequence_ask_the_client() {
    let need = "input s|k elicitation/create {\"message\":\"m\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}}}";
    for via in TRANSPORTS {
        let mut chain = saved(via, MODERN, &[need, "text done"]);
        let asked = chain.answer("tools/call", r#"{"name":"zeta"}"#)["result"].clone();
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let again = json!({
            "name": "zeta",
            "inputResponses": {"k": {"action": "accept"}},
            "requestState": asked["requestState"],
        });
        let done = chain.answer("tools/call", &again.to_string())["result"].clone();
        assert_eq!(done["content"][0]["text"], "done");
        let (_, params, context) = chain.seen.last().unwrap();
        assert!(params.starts_with(r#"{"name":"zeta""#) && !params.contains("requestState"));
        assert_eq!(context.request_state.as_deref(), Some("s"));
    }
}

#[test]
fn tools_of_a_sequence_run_tasks() {
    let task = r#"extension {"resultType":"task","state":"s"}"#;
    for via in TRANSPORTS {
        let mut chain = saved(via, MODERN, &[task, "text done"]);
        let begun = chain.answer("tools/call", r#"{"name":"zeta"}"#)["result"].clone();
        assert_eq!(begun["status"], "working", "{begun}");
        let named = json!({"taskId": begun["taskId"]}).to_string();
        let got = chain.answer("tasks/get", &named)["result"].clone();
        assert_eq!(got["status"], "completed", "{got}");
        let result = &got["result"];
        assert_eq!(result["content"][0]["text"], "done");
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(server["name"], "test");
    }
}

#[test]
fn sessions_begin_through_a_sequence() {
    for via in TRANSPORTS {
        for version in &VERSIONS[1..] {
            let mut chain = saved(via, version, &[]);
            let result = chain.initialize()["result"].clone();
            assert_eq!(result["protocolVersion"], *version);
        }
    }
}
