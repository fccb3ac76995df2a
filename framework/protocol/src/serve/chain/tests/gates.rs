//! Requests that the transport handles itself, unless middleware refuses them.

use super::*;
use crate::serve::stdio::StdioSession;

const NEED: &str = r#"{"resultType":"input_required","requestState":"s"}"#;
const TASK: &str = r#"{"resultType":"task","state":"s"}"#;
const LISTEN: (&str, &str) = (
    "subscriptions/listen",
    r#"{"notifications":{"toolsListChanged":true}}"#,
);
const SUBSCRIBE: &str = r#"{"uri":"test://library/readme"}"#;

/// Answers of a gate that do not let the request go on.
fn refusals() -> Vec<Handled> {
    let broken = [
        "",
        "[]",
        "{\"a\":1,\"a\":2}",
        NEED,
        TASK,
        r#"{"resultType":1}"#,
    ];
    let broken = broken.into_iter().map(|answer| Ok(answer.to_owned()));
    std::iter::once(refusal()).chain(broken).collect()
}

/// Checks that each refusal refuses a request, and that the request changes nothing.
fn refused(mut chain: impl FnMut() -> Chain<'static>, method: &str, params: &str) {
    for refusal in refusals() {
        let mut chain = chain();
        chain.seen.clear();
        let before = (chain.stored(), level(&mut chain), chain.session.clone());
        chain.seen.clear();
        let answer = refusal.clone();
        chain.middleware = Box::new(move |_, _| Some(answer.clone()));
        let (code, message) = chain.error(method, params);
        match &refusal {
            Err(error) => assert_eq!((code, &message), (-31999, &error.message)),
            Ok(_) => assert_eq!(code, -32603),
        }
        assert_eq!(chain.handed().len(), 1, "{method}");
        chain.middleware = Box::new(|_, _| None);
        let after = (chain.stored(), level(&mut chain), chain.session.clone());
        assert_eq!(before, after, "{method} {refusal:?}");
    }
}

/// What a call knows of its client.
fn level(chain: &mut Chain<'_>) -> (Option<u8>, String) {
    chain.answer("tools/call", r#"{"name":"zeta"}"#);
    let context = &chain.seen.last().unwrap().2;
    (context.log_level, context.client_capabilities.clone())
}

#[test]
fn refused_handshakes_begin_no_session() {
    let params = r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}"#;
    for via in TRANSPORTS {
        refused(|| Chain::without_session(via, LEGACY), "initialize", params);
        refused(|| Chain::new(via, "2025-06-18"), "initialize", params);
    }
}

#[test]
fn handshakes_pass_the_chain() {
    for via in TRANSPORTS {
        for version in [LEGACY, "2025-06-18", "2025-03-26"] {
            let mut chain = Chain::without_session(via, version);
            let answer = chain.initialize();
            assert_eq!(answer["result"]["protocolVersion"], version);
            assert_eq!(answer["result"]["serverInfo"]["name"], "test");
            assert_eq!(chain.session.is_some(), via == Via::Http);
            let (method, params, context) = &chain.seen[0];
            assert_eq!(method, "initialize");
            assert!(params.starts_with(r#"{"protocolVersion":"#), "{params}");
            assert_eq!(context.protocol_version, version);
            assert_eq!(context.client_capabilities, LEGACY_CAPABILITIES);
            assert_eq!(level(&mut chain).1, LEGACY_CAPABILITIES);
        }
    }
}

#[test]
fn middleware_may_change_the_handshake_but_not_its_revision() {
    for via in TRANSPORTS {
        let answer =
            r#"{ "instructions": "x", "protocolVersion": "2025-11-25", "resultType": "complete" }"#;
        let mut chain = Chain::without_session(via, LEGACY).answering(answer);
        let expected = json!({"instructions": "x", "protocolVersion": "2025-11-25"});
        assert_eq!(chain.initialize()["result"], expected);
        for answer in [
            "{}",
            r#"{"protocolVersion":"2025-06-18"}"#,
            r#"{"protocolVersion":1}"#,
        ] {
            let mut chain = Chain::without_session(via, LEGACY).answering(answer);
            let error = chain.initialize()["error"].clone();
            assert_eq!(
                error["message"],
                "method `initialize` answered with a `protocolVersion` that is not `2025-11-25`"
            );
            chain.middleware = Box::new(|_, _| None);
            assert_eq!(
                (chain.session.clone(), level(&mut chain).1),
                (None, "{}".to_owned())
            );
        }
    }
}

#[test]
fn middleware_may_change_what_is_discovered() {
    for via in TRANSPORTS {
        let mut chain = Chain::new(via, MODERN);
        let discovered = chain.answer("server/discover", "{}")["result"].clone();
        assert_eq!(discovered["supportedVersions"][0], MODERN);
        let mut chain = Chain::new(via, MODERN).answering(r#"{"capabilities":{}}"#);
        let result = chain.result("server/discover", "{}");
        assert_eq!(
            result,
            r#"{"resultType":"complete","capabilities":{},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1.2.3"}}}"#
        );
        let mut chain = Chain::new(via, LEGACY).answering(r#"{"a":1}"#);
        assert_eq!(chain.result("ping", "{}"), r#"{"a":1}"#);
        chain.middleware = Box::new(|_, _| None);
        assert_eq!(chain.result("ping", "{}"), "{}");
        refused(|| Chain::new(via, MODERN), "server/discover", "{}");
        refused(|| Chain::new(via, LEGACY), "ping", "{}");
    }
}

#[test]
fn levels_are_set_if_no_middleware_objects() {
    let loud = r#"{"level":"error"}"#;
    for via in TRANSPORTS {
        refused(|| Chain::new(via, LEGACY), "logging/setLevel", loud);
        let mut chain = Chain::new(via, LEGACY).answering(r#"{"anything":1}"#);
        assert_eq!(chain.result("logging/setLevel", loud), "{}");
        assert_eq!(chain.handed(), [("logging/setLevel", loud)]);
        chain.middleware = Box::new(|_, _| None);
        assert_eq!(level(&mut chain).0, Some(4));
    }
}

#[test]
fn what_cannot_be_done_is_refused_as_without_a_chain() {
    for (version, method, params, status, code) in [
        (
            LEGACY,
            "logging/setLevel",
            r#"{"level":"loud"}"#,
            200,
            -32602,
        ),
        (LEGACY, "logging/setLevel", "{}", 200, -32602),
        (LEGACY, "resources/subscribe", "{}", 200, -32602),
        (LEGACY, "server/discover", "{}", 200, -32601),
        (LEGACY, "tasks/get", r#"{"taskId":"a"}"#, 200, -32601),
        (LEGACY, "subscriptions/listen", "{}", 200, -32601),
        (
            MODERN,
            "logging/setLevel",
            r#"{"level":"info"}"#,
            404,
            -32601,
        ),
        (MODERN, "ping", "{}", 404, -32601),
        (MODERN, "initialize", "{}", 404, -32601),
        (MODERN, "resources/subscribe", SUBSCRIBE, 404, -32601),
        (MODERN, "subscriptions/listen", "{}", 400, -32602),
        (MODERN, "tasks/get", r#"{"taskId":"a"}"#, 200, -32602),
        (MODERN, "tasks/cancel", "{}", 400, -32602),
    ] {
        let mut chain = Chain::new(Via::Http, version).answering("{}");
        let Got::Reply(response) = chain.send(method, params) else {
            panic!("{method} is answered");
        };
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            (
                response.status,
                &json["error"]["code"],
                chain.handed().len()
            ),
            (status, &json!(code), 1),
            "{version} {method} {params}"
        );
        assert_eq!(
            Chain::new(Via::Stdio, version).error(method, params).0,
            code
        );
    }
}

#[test]
fn subscriptions_pass_the_chain() {
    for via in TRANSPORTS {
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            refused(|| Chain::new(via, LEGACY), method, SUBSCRIBE);
            let subscribed = || {
                let mut chain = Chain::new(via, LEGACY);
                chain.answer("resources/subscribe", SUBSCRIBE);
                chain
            };
            refused(subscribed, method, SUBSCRIBE);
        }
        let mut chain = Chain::new(via, LEGACY);
        let before = chain.stored();
        assert_eq!(chain.result("resources/subscribe", SUBSCRIBE), "{}");
        assert_ne!(chain.stored(), before);
        let handed = ("resources/subscribe", SUBSCRIBE);
        assert_eq!(chain.handed(), [handed]);
    }
}

#[test]
fn streams_open_if_no_middleware_objects() {
    for via in TRANSPORTS {
        refused(|| Chain::new(via, MODERN), LISTEN.0, LISTEN.1);
        let mut chain = Chain::new(via, MODERN);
        assert!(matches!(chain.send(LISTEN.0, LISTEN.1), Got::Stream));
        assert_eq!(chain.handed()[0].0, LISTEN.0);
    }
    let bytes = features::catalog();
    let ends =
        |session: &mut StdioSession| session.end::<Transport>(&Catalog::new(&bytes).unwrap());
    let mut chain = Chain::new(Via::Stdio, MODERN).with_middleware(|_, _| Some(refusal()));
    chain.error(LISTEN.0, LISTEN.1);
    assert_eq!(ends(&mut chain.stdio), b"");
    chain.middleware = Box::new(|_, _| None);
    chain.send(LISTEN.0, LISTEN.1);
    assert_ne!(ends(&mut chain.stdio), b"");
}

/// A chain that keeps a task whose tool asks for something, and the task's id.
fn with_task(via: Via) -> (Chain<'static>, String) {
    let mut chain = Chain::new(via, MODERN);
    chain.answers.0.push_back(format!("extension {TASK}"));
    let begun = chain.answer("tools/call", r#"{"name":"zeta"}"#);
    let id = begun["result"]["taskId"].as_str().unwrap().to_owned();
    chain
        .answers
        .0
        .push_back("input s|k roots/list {}".to_owned());
    let asks = chain.answer("tasks/get", &format!(r#"{{"taskId":"{id}"}}"#));
    assert_eq!(asks["result"]["status"], "input_required", "{asks}");
    chain.seen.clear();
    (chain, id)
}

#[test]
fn tasks_pass_the_chain() {
    for via in TRANSPORTS {
        let (_, id) = with_task(via);
        // Times and chance are the same each time.
        let named = format!(r#"{{"taskId":"{id}","inputResponses":{{"k":{{"roots":[]}}}}}}"#);
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            refused(|| with_task(via).0, method, &named);
        }
        let (mut chain, _) = with_task(via);
        assert!(
            chain
                .result("tasks/update", &named)
                .starts_with(r#"{"resultType":"complete""#)
        );
        let (method, params, context) = &chain.seen[0];
        assert_eq!(method, "tasks/update");
        assert!(
            params.starts_with(&format!(r#"{{"taskId":"{id}","_meta":"#)),
            "{params}"
        );
        let responses = [("k".to_owned(), r#"{"roots":[]}"#.to_owned())];
        assert_eq!(context.input_responses, responses);
        let got = chain.answer("tasks/get", &named);
        assert_eq!(got["result"]["status"], "completed", "{got}");
        let methods: Vec<_> = chain.handed().iter().map(|(method, _)| *method).collect();
        assert_eq!(methods, ["tasks/update", "tasks/get", "tools/call"]);
        let (mut chain, _) = with_task(via);
        chain.result("tasks/cancel", &named);
        let got = chain.answer("tasks/get", &named);
        assert_eq!(got["result"]["status"], "cancelled");
    }
}

#[test]
fn middleware_see_every_response_to_a_task() {
    let (mut chain, id) = with_task(Via::Http);
    let twice = format!(r#"{{"taskId":"{id}","inputResponses":{{"k":1,"\u006b":2}}}}"#);
    let error = chain.error("tasks/update", &twice);
    assert_eq!(
        error,
        (-32602, "`inputResponses` names a member twice".to_owned())
    );
    assert_eq!(chain.handed(), []);
}
