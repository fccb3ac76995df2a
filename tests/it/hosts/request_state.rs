//! `mcp serve`: clients of 2026-07-28 bring back the state of a call, and nothing but what they
//! were given for it, in both WASI builds.

use crate::support::{
    Response, Server, compose_for, fixture, rpc,
    stateful::{WASI_BUILDS, component, everywhere, server},
};
use serde_json::{Value, json};

const TOOL: &str = "test_input_required_result_request_state";
const OTHER_TOOL: &str = "test_input_required_result_tampered_state";

fn send(server: &Server, method: &str, params: Value) -> Response {
    server.send(&rpc::modern_with(
        method,
        params,
        json!({"elicitation": {}}),
    ))
}

/// The state that the server gives with its question.
fn state(server: &Server, tool: &str, arguments: Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let answer = send(server, "tools/call", params).message();
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let asked = &result["inputRequests"]["confirm"];
    assert_eq!(asked["method"], "elicitation/create", "{answer}");
    let state = result["requestState"].as_str().expect("state").to_owned();
    assert!(!state.contains("asked"), "it is not sealed: {state}");
    state
}

/// The call again, with the answer of the user and this state.
fn again(tool: &str, arguments: Value, state: &str) -> Value {
    json!({
        "name": tool,
        "arguments": arguments,
        "inputResponses": {"confirm": {"action": "accept", "content": {"ok": true}}},
        "requestState": state,
    })
}

fn assert_accepted(server: &Server, state: &str) {
    let answer = send(server, "tools/call", again(TOOL, json!({}), state)).message();
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert_eq!(rpc::text(&answer), "state-ok");
}

fn assert_refused(server: &Server, method: &str, params: Value) {
    let response = send(server, method, params);
    let error = &response.message()["error"];
    assert_eq!((response.status, &error["code"]), (200, &json!(-32602)));
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("invalid `requestState`: "), "{message}");
}

#[test]
fn state_comes_back_for_its_own_request() {
    everywhere(|server| {
        let sealed = state(server, TOOL, json!({}));
        assert_accepted(server, &sealed);
        // More than once, within its hour.
        assert_accepted(server, &sealed);
        assert_ne!(sealed, state(server, TOOL, json!({})));

        let arguments = json!({"a": 1, "b": [2]});
        let sealed = state(server, TOOL, arguments);
        let mut reordered = rpc::modern_with(
            "tools/call",
            again(TOOL, json!("here"), &sealed),
            json!({"elicitation": {}}),
        );
        let body = String::from_utf8(reordered.body).unwrap();
        let body = body.replace(r#""here""#, r#"{ "b":[ 2 ], "a":1 }"#);
        reordered.body = body.into_bytes();
        assert_eq!(rpc::text(&server.send(&reordered).message()), "state-ok");

        let refused = |tool: &str, arguments: Value| {
            assert_refused(server, "tools/call", again(tool, arguments, &sealed));
        };
        refused(TOOL, json!({}));
        refused(TOOL, json!({"a": 1, "b": [3]}));
        refused(TOOL, json!({"a": 1, "b": [2], "c": null}));
        refused(OTHER_TOOL, json!({"a": 1, "b": [2]}));
        refused("test_simple_text", json!({"a": 1, "b": [2]}));
        let prompt = again("test_input_required_result_prompt", json!({}), &sealed);
        assert_refused(server, "prompts/get", prompt);
        let resource = json!({"uri": "test://static-text", "requestState": sealed});
        assert_refused(server, "resources/read", resource);
    });
}

#[test]
fn tampered_state_is_refused() {
    everywhere(|server| {
        let sealed = state(server, TOOL, json!({}));
        let mut forgeries = vec![
            String::new(),
            "asked".into(),
            "%".into(),
            "\u{e4}".into(),
            "A".repeat(1 << 20),
            format!("{sealed}A"),
            format!("{sealed}{sealed}"),
        ];
        for at in (0..sealed.len()).step_by(5) {
            let other = if sealed.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, other);
            forgeries.push(changed);
            forgeries.push(sealed[..at].to_owned());
        }
        for forgery in forgeries {
            let shown = &forgery[..forgery.floor_char_boundary(100)];
            println!("{shown}");
            assert_refused(server, "tools/call", again(TOOL, json!({}), &forgery));
        }
        for state in [json!(1), json!({}), json!([sealed])] {
            let mut params = again(TOOL, json!({}), "");
            params["requestState"] = state;
            let response = send(server, "tools/call", params);
            assert_eq!(response.message()["error"]["code"], -32602);
        }
        assert_accepted(server, &sealed);
    });
}

#[test]
fn a_key_of_the_process_ends_with_it() {
    for wasi in WASI_BUILDS {
        let sealed = state(&server(wasi), TOOL, json!({}));
        let restarted = Server::mcp(&component(wasi), &[]);
        assert_refused(&restarted, "tools/call", again(TOOL, json!({}), &sealed));
    }
}

#[test]
fn servers_of_one_key_share_state() {
    let start = |wasi: &str, digit: &str| {
        let key = format!("mcp_state_key={}", digit.repeat(64));
        Server::mcp(&component(wasi), &["--variable", &key])
    };
    let sealed = WASI_BUILDS.map(|wasi| state(&start(wasi, "7"), TOOL, json!({})));
    for wasi in WASI_BUILDS {
        let restarted = start(wasi, "7");
        for sealed in &sealed {
            assert_accepted(&restarted, sealed);
        }
    }
    let stranger = start("0.2", "8");
    for sealed in &sealed {
        assert_refused(&stranger, "tools/call", again(TOOL, json!({}), sealed));
    }
}

fn assert_names_the_key(server: &Server) {
    let params = json!({"name": TOOL, "arguments": {}});
    let answer = send(server, "tools/call", params).message();
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("`mcp_state_key`"), "{message}");
}

#[test]
fn a_key_that_is_none_is_refused() {
    let too_short = format!("mcp_state_key={}", "7".repeat(63));
    let server = Server::mcp(&component("0.2"), &["--variable", &too_short]);
    assert_names_the_key(&server);
}

#[test]
fn without_a_store_the_key_comes_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let key = format!("mcp_state_key={}", "7".repeat(64));
    let [first, second] = WASI_BUILDS.map(|wasi| {
        let component = compose_for("wasmtime", dir.path(), wasi, &[fixture("conformance")]);
        assert_names_the_key(&Server::mcp(&component, &[]));
        Server::mcp(&component, &["--env", &key])
    });
    let sealed = state(&first, TOOL, json!({}));
    assert_accepted(&second, &sealed);
    assert_accepted(&first, &sealed);
}
