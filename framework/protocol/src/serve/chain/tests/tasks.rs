//! Tasks that tools begin, and what middleware does with them.

use super::*;
use crate::catalog::{self, Flags};

const CALL: (&str, &str) = ("tools/call", r#"{"name":"zeta","arguments":{ "a": 1 }}"#);
const TASK: &str = r#"{"resultType":"task","state":"s","pollIntervalMs":100}"#;

/// A chain whose middleware begins a task of this tool, and gives this answer from then on.
/// Gives the parameters that name the task, too.
fn begun(via: Via, tool: &str, then: &'static str) -> (Chain<'static>, String) {
    let mut first = true;
    let mut chain = Chain::new(via, MODERN).with_middleware(move |method, _| {
        let answer = if std::mem::take(&mut first) {
            TASK
        } else {
            then
        };
        (method == "tools/call").then(|| Ok(answer.to_owned()))
    });
    let call = CALL.1.replace("zeta", tool);
    let begun = chain.answer(CALL.0, &call)["result"].clone();
    assert_eq!(begun["resultType"], "task");
    assert_eq!(begun["status"], "working");
    assert!(!begun.to_string().contains("\"s\""), "{begun}");
    let named = json!({"taskId": begun["taskId"]}).to_string();
    (chain, named)
}

#[test]
fn a_task_that_goes_on_calls_its_tool_again() {
    for via in TRANSPORTS {
        let (mut chain, named) = begun(via, "zeta", r#"{ "content": [ ] }"#);
        let got = chain.answer("tasks/get", &named)["result"].clone();
        assert_eq!(got["status"], "completed");
        // The result of a call, as clients get it without a task.
        assert_eq!(
            got["result"],
            json!({
                "resultType": "complete",
                "content": [],
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
            })
        );
        let (method, params, context) = chain.seen.last().unwrap();
        assert_eq!(method, "tools/call");
        assert_eq!(params, r#"{"name":"zeta","arguments":{ "a": 1 }}"#);
        assert_eq!(context.request_state.as_deref(), Some("s"));
    }
}

#[test]
fn tools_keep_their_tasks_under_the_names_that_links_gave_them() {
    // Features with lists of their own might have any tool.
    let mut input = testing::input();
    input.server.store = Some("default".to_owned());
    input.features[0].flags = input.features[0].flags.with(Flags::TASKS);
    let catalog = catalog::build(&input).unwrap();
    for via in TRANSPORTS {
        let mut first = true;
        let mut chain = Chain::new(via, MODERN).with_middleware(move |method, _| {
            let answer = if std::mem::take(&mut first) {
                TASK
            } else {
                "{}"
            };
            (method == "tools/call").then(|| Ok(answer.to_owned()))
        });
        chain.catalog = catalog.clone();
        let begun = chain.answer(CALL.0, &CALL.1.replace("zeta", "renamed"));
        let named = json!({"taskId": begun["result"]["taskId"]}).to_string();
        let got = chain.answer("tasks/get", &named);
        assert_eq!(got["result"]["status"], "completed", "{got}");
        assert!(chain.handed().last().unwrap().1.contains("renamed"));
    }
}

#[test]
fn only_tools_begin_tasks() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            for (method, params, what) in [
                ("prompts/get", r#"{"name":"zeta"}"#, "prompt `zeta`"),
                ("resources/read", r#"{"uri":"zeta"}"#, "resource `zeta`"),
                ("x", "{}", "method `x`"),
                ("tools/list", "{}", "method `tools/list`"),
                ("server/discover", "{}", "method `server/discover`"),
            ] {
                let mut chain = Chain::new(via, version).answering(TASK);
                let before = chain.stored();
                let message = format!("{what} answered with a task, which only tools may begin");
                assert_eq!(chain.error(method, params), (-32603, message));
                assert_eq!(chain.stored(), before);
            }
        }
    }
}

#[test]
fn tasks_are_for_clients_that_know_them() {
    for via in TRANSPORTS {
        let mut chain = Chain::new(via, LEGACY).answering(TASK);
        assert_eq!(chain.error(CALL.0, CALL.1).0, -32021);
        let mut chain = Chain::new(via, MODERN).answering(TASK);
        chain.capabilities = "{}";
        assert_eq!(chain.error(CALL.0, CALL.1).0, -32021);
        assert_eq!(chain.stored(), Vec::<String>::new());
    }
}

#[test]
fn middleware_cannot_name_tasks() {
    for forged in [
        r#"{"resultType":"task","taskId":"mine","status":"completed"}"#,
        r#"{"resultType":"task","state":"s","taskId":"mine"}"#,
        r#"{"resultType":"task","state":"s","result":{}}"#,
        r#"{"resultType":"task","state":1}"#,
        r#"{"resultType":"task","state":"s","ttlMs":-1}"#,
        r#"{"resultType":"task"}"#,
    ] {
        let mut chain = Chain::new(Via::Http, MODERN).answering(forged);
        assert_eq!(chain.error(CALL.0, CALL.1).0, -32603, "{forged}");
        assert_eq!(chain.stored(), Vec::<String>::new());
    }
}

#[test]
fn what_breaks_a_task_says_so() {
    for (answer, message) in [
        (
            "[]",
            "tool `zeta` answered with something that is not a JSON object",
        ),
        (
            r#"{"content":[],"content":[]}"#,
            "tool `zeta` answered with a result that names a member twice",
        ),
        (
            r#"{"resultType":"com.example/report"}"#,
            "tool `zeta` answered with the result of an extension instead of a task",
        ),
        (
            r#"{"resultType":1}"#,
            "tool `zeta` answered with an extension's result that has no `resultType` of its own",
        ),
        (
            r#"{"resultType":"input_required","inputRequests":1,"requestState":"s"}"#,
            "tool `zeta` answered with a malformed request for input",
        ),
    ] {
        let (mut chain, named) = begun(Via::Stdio, "zeta", answer);
        let got = chain.answer("tasks/get", &named)["result"].clone();
        assert_eq!(
            (&got["status"], &got["error"]["message"]),
            (&json!("failed"), &json!(message))
        );
    }
}

#[test]
fn tasks_go_on_while_somebody_listens() {
    let (mut chain, named) = begun(Via::Http, "zeta", r#"{"content":[]}"#);
    let id: Json = serde_json::from_str(&named).unwrap();
    let bytes = chain.catalog.clone();
    let catalog = Catalog::new(&bytes).unwrap();
    let params = json!({"notifications": {"taskIds": [id["taskId"]]}}).to_string();
    let body = body(MODERN, CAPABILITIES, "subscriptions/listen", &params);
    let headers = modern_headers("subscriptions/listen", None);
    let request = testing::post(&headers);
    let head = http::check_head(&request, &catalog).unwrap();
    let http::HttpOutcome::Gate(mut gate) =
        http::handle(&catalog, &head, body.as_bytes(), &mut chain.services)
    else {
        panic!("no gate");
    };
    let outcome = chain.hand(&gate.call);
    let response = gate.settle(outcome, &mut chain.services);
    let http::HttpOutcome::Listen(mut listening) =
        http::pass(&catalog, &head, *gate, response, &mut chain.services)
    else {
        panic!("no stream");
    };
    let watched = listening.watched.as_mut().unwrap();
    let mut call = watched.due(0, &mut chain.services).unwrap();
    let outcome = chain.hand(&call);
    call.settle(outcome, &mut chain.services);
    let news = watched.news(&mut chain.services);
    let news: Json = serde_json::from_slice(&news[0]).unwrap();
    assert_eq!(news["params"]["status"], "completed", "{news}");
    assert_eq!(chain.handed().last().unwrap().0, "tools/call");
}
