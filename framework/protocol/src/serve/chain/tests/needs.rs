//! Requests for input, and what middleware sees once it was given.

use super::*;

const CALL: (&str, &str) = ("tools/call", r#"{"name":"zeta","arguments":{ "a": 1 }}"#);
const NEED: &str = r#"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{ "message": "?" },"x":1}},"requestState":"plain","_meta":{"x":1}}"#;

/// Asks once, then says what it was handed.
fn asks_once(need: &str) -> impl FnMut(&str, &str) -> Option<Handled> {
    let mut need = Some(need.to_owned());
    move |_, params| {
        let again = || format!(r#"{{"content":[],"handed":{params}}}"#);
        Some(Ok(need.take().unwrap_or_else(again)))
    }
}

#[test]
fn modern_clients_come_back_with_input() {
    for via in TRANSPORTS {
        for (method, subject) in [
            ("tools/call", r#""name":"zeta","arguments":{ "a": 1 }"#),
            ("prompts/get", r#""name":"lib.greet","arguments":{}"#),
            ("resources/read", r#""uri":"test://library/readme""#),
        ] {
            let mut chain = Chain::new(via, MODERN).with_middleware(asks_once(NEED));
            let asked = chain.answer(method, &format!("{{{subject}}}"))["result"].clone();
            let state = asked["requestState"].as_str().unwrap();
            assert!(!state.contains("plain"), "{state}");
            assert_eq!(
                asked,
                json!({
                    "resultType": "input_required",
                    "inputRequests": {"k": {"method": "elicitation/create", "params": {"message": "?"}}},
                    "requestState": state,
                    "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
                })
            );
            let again = format!(
                r#"{{"inputResponses":{{"k":{{ "action":"accept"}}}},{subject},"x":[ 1 ],"requestState":"{state}"}}"#
            );
            let answer = chain.answer(method, &again);
            assert_eq!(answer["result"]["handed"]["x"], json!([1]), "{answer}");
            let (_, params, context) = &chain.seen[1];
            assert!(
                params.starts_with(&format!(r#"{{{subject},"x":[ 1 ],"_meta":"#)),
                "{params}"
            );
            assert!(!params.contains("inputResponses") && !params.contains("requestState"));
            assert_eq!(context.request_state.as_deref(), Some("plain"));
            let responses = [("k".to_owned(), r#"{ "action":"accept"}"#.to_owned())];
            assert_eq!(context.input_responses, responses);
        }
    }
}

#[test]
fn state_is_for_the_call_that_it_was_given_to() {
    let mut chain = Chain::new(Via::Http, MODERN).answering(NEED);
    let state = chain.answer(CALL.0, CALL.1)["result"]["requestState"].clone();
    chain.seen.clear();
    for (method, params) in [
        (
            "tools/call",
            r#"{"name":"alpha","arguments":{ "a": 1 },"requestState":$}"#,
        ),
        (
            "tools/call",
            r#"{"name":"zeta","arguments":{ "a": 2 },"requestState":$}"#,
        ),
        (
            "prompts/get",
            r#"{"name":"zeta","arguments":{ "a": 1 },"requestState":$}"#,
        ),
        ("resources/read", r#"{"uri":"zeta","requestState":$}"#),
        (
            "tools/call",
            r#"{"name":"zeta","arguments":{ "a": 1 },"requestState":"plain"}"#,
        ),
        ("tools/call", r#"{"name":"zeta","requestState":1}"#),
        ("tools/call", r#"{"name":"zeta","inputResponses":[]}"#),
        (
            "tools/call",
            r#"{"name":"zeta","inputResponses":{"a":1,"\u0061":2}}"#,
        ),
    ] {
        let params = params.replace('$', &state.to_string());
        let (code, _) = chain.error(method, &params);
        assert_eq!(
            (code, chain.handed()),
            (-32602, vec![]),
            "{method} {params}"
        );
    }
}

#[test]
fn state_of_a_prompt_is_for_its_arguments() {
    let mut chain = Chain::new(Via::Stdio, MODERN).answering(NEED);
    let with = |argument: &str, state: &str| {
        format!(r#"{{"name":"lib.review","arguments":{{"book":"{argument}"}}{state}}}"#)
    };
    let asked = chain.answer("prompts/get", &with("a", ""));
    let state = format!(r#","requestState":{}"#, asked["result"]["requestState"]);
    chain.middleware = Box::new(|_, _| Some(Ok("{}".to_owned())));
    chain.result("prompts/get", &with("a", &state));
    let error = chain.error("prompts/get", &with("b", &state));
    assert_eq!(error.0, -32602);
}

#[test]
fn older_clients_are_asked() {
    for via in TRANSPORTS {
        for version in [LEGACY, "2025-06-18", "2025-03-26"] {
            let mut chain = Chain::new(via, version).with_middleware(asks_once(NEED));
            let answer = chain.answer(CALL.0, CALL.1);
            let handed = json!({"name": "zeta", "arguments": {"a": 1}});
            assert_eq!(answer["result"], json!({"content": [], "handed": handed}));
            assert_eq!(chain.asked.len(), 1);
            assert_eq!(chain.asked[0]["method"], "elicitation/create");
            assert_eq!(chain.asked[0]["params"], json!({"message": "?"}));
            assert_eq!(chain.seen[0].1, chain.seen[1].1);
            assert_eq!(chain.seen[0].2.request_state, None);
            let context = &chain.seen[1].2;
            assert_eq!(context.request_state.as_deref(), Some("plain"));
            let responses = [("k".to_owned(), r#"{"action":"accept"}"#.to_owned())];
            assert_eq!(context.input_responses, responses);
        }
    }
}

#[test]
fn older_clients_are_not_asked_for_ever() {
    let mut chain = Chain::new(Via::Http, LEGACY).answering(NEED);
    let error = chain.error(CALL.0, CALL.1);
    let message = "tool `zeta` asked for input 32 times and is still not done";
    assert_eq!(error, (-32603, message.to_owned()));
    assert_eq!(chain.asked.len(), 32);
}

#[test]
fn clients_without_a_session_cannot_be_asked() {
    for via in TRANSPORTS {
        let mut chain = Chain::without_session(via, LEGACY);
        chain.middleware =
            Box::new(|_, _| Some(Ok(NEED.replace("elicitation/create", "roots/list"))));
        let (code, _) = chain.error(CALL.0, CALL.1);
        assert_eq!((code, chain.asked.len()), (-32021, 0));
    }
}

#[test]
fn clients_are_asked_for_what_they_declared() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            let need = NEED.replace("elicitation/create", "sampling/createMessage");
            let mut chain = Chain::new(via, version).answering(&need);
            let error = chain.answer(CALL.0, CALL.1)["error"].clone();
            assert_eq!(error["code"], -32021);
            assert_eq!(
                error["data"],
                json!({"requiredCapabilities": {"sampling": {}}})
            );
            let url = NEED.replace(
                r#""message": "?""#,
                r#""mode":"url","message":"?","url":"https://example.com""#,
            );
            let error = Chain::new(via, version)
                .answering(&url)
                .error(CALL.0, CALL.1);
            assert_eq!(error.0, -32021);
            assert_eq!(chain.asked.len(), 0);
        }
    }
}

#[test]
fn needs_have_a_shape() {
    let with = |member: &str| format!(r#"{{"resultType":"input_required",{member}}}"#);
    let request = |request: &str| with(&format!(r#""inputRequests":{{"k":{request}}}"#));
    let misshapen = "a malformed request for input";
    let no_object = "a request for input whose parameters are not a JSON object";
    for (need, problem) in [
        (
            r#"{"resultType":"input_required"}"#.to_owned(),
            "an empty request for input: it has neither requests nor state",
        ),
        (with(r#""requestState":1"#), misshapen),
        (with(r#""requestState":null"#), misshapen),
        (with(r#""inputRequests":[],"requestState":"s""#), misshapen),
        (
            with(r#""inputRequests":null,"requestState":"s""#),
            misshapen,
        ),
        (request("1"), misshapen),
        (request("{}"), misshapen),
        (request(r#"{"method":1}"#), misshapen),
        (request(r#"{"method":"roots/list","params":[]}"#), no_object),
        (
            request(r#"{"method":"roots/list","params":"{}"}"#),
            no_object,
        ),
        (
            request(r#"{"method":"roots/delete"}"#),
            "a request for input by an unknown method",
        ),
        (
            request(r#"{"method":"elicitation/create","params":{"mode":"x"}}"#),
            "a request for elicitation in an unknown mode",
        ),
        (
            request(r#"{"method":"elicitation/create","params":{"mode":"form","mode":"url"}}"#),
            "a request for input whose parameters name a member twice",
        ),
        (
            with(
                r#""inputRequests":{"k":{"method":"roots/list"},"\u006b":{"method":"roots/list"}}"#,
            ),
            "two requests for input under one key",
        ),
    ] {
        for version in [MODERN, LEGACY] {
            let mut chain = Chain::new(Via::Stdio, version).answering(&need);
            let message = format!("tool `zeta` answered with {problem}");
            assert_eq!(chain.error(CALL.0, CALL.1), (-32603, message), "{need}");
            assert_eq!(chain.asked.len(), 0);
        }
    }
    let many = |count: usize| {
        let requests = (0..count).map(|key| format!(r#""{key}":{{"method":"roots/list"}}"#));
        let requests: Vec<_> = requests.collect();
        let need = with(&format!(r#""inputRequests":{{{}}}"#, requests.join(",")));
        Chain::new(Via::Http, MODERN).answering(&need)
    };
    let message = "tool `zeta` answered with more than 256 requests for input at once";
    assert_eq!(
        many(257).error(CALL.0, CALL.1),
        (-32603, message.to_owned())
    );
    assert!(many(256).result(CALL.0, CALL.1).contains(r#""255":{"#));
    let state = with(&format!(r#""requestState":"{}""#, "a".repeat(33 << 10)));
    let mut chain = Chain::new(Via::Http, MODERN).answering(&state);
    assert_eq!(chain.error(CALL.0, CALL.1).0, -32603);
}

#[test]
fn requests_are_written_anew() {
    let need = r#"{"resultType":"input_required","inputRequests":{"k\n":{"method":"roots/list","method":"x"}}}"#;
    let mut chain = Chain::new(Via::Stdio, MODERN).answering(need);
    assert!(
        chain
            .result(CALL.0, CALL.1)
            .contains(r#""inputRequests":{"k\n":{"method":"roots/list","params":{}}}"#)
    );
}

#[test]
fn nothing_else_needs_input() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            for (method, params) in [
                ("tools/list", "{}"),
                ("completion/complete", "{}"),
                ("x", "{}"),
                ("ping", "{}"),
                ("server/discover", "{}"),
                ("logging/setLevel", r#"{"level":"error"}"#),
                ("tasks/cancel", r#"{"taskId":"a"}"#),
            ] {
                let mut chain = Chain::new(via, version).answering(NEED);
                let message = format!(
                    "method `{method}` answered with a request for input, which only tools, prompts and resources may make"
                );
                assert_eq!(chain.error(method, params), (-32603, message));
                assert_eq!(chain.asked.len(), 0);
            }
        }
    }
}

#[test]
fn what_nobody_asked_for_stays_in_the_parameters() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            for method in ["x", "tools/list", "ping", "tasks/get"] {
                let mut chain = Chain::new(via, version).with_middleware(|_, _| Some(refusal()));
                let params = r#"{"inputResponses":{"a":1,"a":2},"requestState":"s"}"#;
                assert_eq!(chain.error(method, params).0, -31999);
                let (_, handed, context) = &chain.seen[0];
                assert!(handed.starts_with(&params[..params.len() - 1]), "{handed}");
                assert_eq!(
                    (&context.request_state, context.input_responses.len()),
                    (&None, 0)
                );
            }
        }
    }
}

#[test]
fn parameters_are_handed_on_as_they_were_sent() {
    for via in TRANSPORTS {
        for (text, handed) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#, "{}"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{}}"#, "{}"),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"x","params": { "\u0061" : [ 1e999, "\n" ] } }"#,
                r#"{ "\u0061" : [ 1e999, "\n" ] }"#,
            ),
        ] {
            let mut chain = Chain::new(via, LEGACY).with_middleware(|_, _| Some(refusal()));
            let headers = chain.legacy_headers(true);
            chain.deliver(&headers, text);
            assert_eq!(chain.handed(), [("x", handed)]);
        }
    }
}
