//! `mcp serve`: clients of 2025-11-25 that are asked on the stream of their call, in both
//! WASI builds.

use std::{thread, time::Duration};

use crate::support::{
    Request, Server, Stream, compose_for, fixture, rpc,
    stateful::{WASI_BUILDS, everywhere},
};
use serde_json::{Value, json};

/// All that a client can be asked for.
fn everything() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}})
}

fn call(session: &str, tool: &str, arguments: Value) -> Request {
    let params = json!({"name": tool, "arguments": arguments});
    rpc::legacy(Some(session), "tools/call", params)
}

/// Calls a tool that asks for a name; returns the stream and the request on it.
fn asked_for_a_name(server: &Server, session: &str) -> (Stream, Value) {
    let tool = "test_input_required_result_elicitation";
    let stream = Stream::open(server, &call(session, tool, json!({})));
    let asked = stream.message();
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    (stream, asked)
}

fn name(name: &str) -> Value {
    json!({"result": {"action": "accept", "content": {"name": name}}})
}

fn answer(server: &Server, session: &str, asked: &Value, outcome: Value) {
    let response = server.send(&rpc::reply(session, &asked["id"], outcome));
    assert_eq!((response.status, response.text()), (202, ""));
}

#[test]
fn the_reply_on_another_connection_meets_its_call() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let message = json!({"message": "Who are you?"});
        let request = call(&session, "test_elicitation", message);
        let stream = Stream::open(server, &request);
        assert_eq!(stream.head.status, 200);
        assert_eq!(
            stream.head.header("content-type"),
            Some("text/event-stream")
        );
        let asked = stream.message();
        assert_eq!(asked["jsonrpc"], "2.0");
        assert_eq!(asked["method"], "elicitation/create");
        assert_eq!(asked["params"]["message"], "Who are you?");
        let schema = &asked["params"]["requestedSchema"];
        assert_eq!(schema["required"], json!(["username", "email"]));
        stream.assert_silent(Duration::from_millis(300));

        let content = json!({"username": "u", "email": "u@example.org"});
        let accepted = json!({"result": {"action": "accept", "content": content}});
        answer(server, &session, &asked, accepted);
        let answered = stream.message();
        assert_eq!(answered["id"], 1);
        assert_eq!(
            rpc::text(&answered),
            r#"User response: action: "accept", content: {"email":"u@example.org","username":"u"}"#
        );
        assert_eq!(answered["result"].get("resultType"), None);
        assert_eq!(stream.rest(), Vec::<Value>::new());

        let (stream, asked) = asked_for_a_name(server, &session);
        answer(
            server,
            &session,
            &asked,
            json!({"result": {"action": "decline"}}),
        );
        let answered = stream.message();
        assert_eq!(rpc::text(&answered), "Hello, whoever you are!");
    });
}

#[test]
fn several_replies_may_come_in_any_order() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let tool = "test_input_required_result_multiple_inputs";
        let stream = Stream::open(server, &call(&session, tool, json!({})));
        let asked: Vec<Value> = (0..3).map(|_| stream.message()).collect();
        let outcomes = [
            ("roots/list", json!({"roots": []})),
            (
                "sampling/createMessage",
                json!({"role": "assistant", "content": {"type": "text", "text": "hello"}, "model": "m"}),
            ),
            (
                "elicitation/create",
                json!({"action": "accept", "content": {"name": "u"}}),
            ),
        ];
        for (method, result) in outcomes {
            stream.assert_silent(Duration::from_millis(150));
            let request = asked.iter().find(|request| request["method"] == method);
            let request = request.unwrap_or_else(|| panic!("no `{method}` in {asked:?}"));
            answer(server, &session, request, json!({"result": result}));
        }
        assert_eq!(rpc::text(&stream.message()), "everything was answered");
    });
}

#[test]
fn a_call_asks_again_on_the_same_stream() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let tool = "test_input_required_result_multi_round";
        let stream = Stream::open(server, &call(&session, tool, json!({})));
        let first = stream.message();
        assert_eq!(first["params"]["message"], "Step 1: What is your name?");
        answer(server, &session, &first, name("u"));
        let second = stream.message();
        assert_eq!(
            second["params"]["message"],
            "Step 2: What is your favorite color?"
        );
        assert_ne!(first["id"], second["id"]);
        // The first question is over.
        answer(server, &session, &first, name("v"));
        stream.assert_silent(Duration::from_millis(300));
        let color = json!({"result": {"action": "accept", "content": {"color": "red"}}});
        answer(server, &session, &second, color);
        assert_eq!(rpc::text(&stream.message()), r#""u" likes "red""#);
    });
}

#[test]
fn progress_comes_before_the_question() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let params = json!({"name": "test_streaming_elicitation", "_meta": {"progressToken": "p"}});
        let request = rpc::legacy(Some(&session), "tools/call", params);
        let stream = Stream::open(server, &request);
        let progress = stream.message();
        assert_eq!(progress["method"], "notifications/progress", "{progress}");
        let asked = stream.message();
        answer(server, &session, &asked, name("u"));
        let rest = stream.rest();
        assert_eq!(rpc::text(rest.last().unwrap()), "the user answered");
        // The second call of the feature reports the same again, which is not progress.
        assert_eq!(rest.len(), 1, "{rest:?}");
    });
}

#[test]
fn a_prompt_asks_too() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let params = json!({"name": "test_input_required_result_prompt"});
        let request = rpc::legacy(Some(&session), "prompts/get", params);
        let stream = Stream::open(server, &request);
        let asked = stream.message();
        assert_eq!(asked["method"], "elicitation/create", "{asked}");
        let context = json!({"result": {"action": "accept", "content": {"context": "tests"}}});
        answer(server, &session, &asked, context);
        let answered = stream.message();
        let said = &answered["result"]["messages"][0]["content"]["text"];
        assert_eq!(
            said, r#"Use this context: {"action":"accept","content":{"context":"tests"}}"#,
            "{answered}"
        );
    });
}

#[test]
fn a_client_that_refuses_fails_the_call() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let (stream, asked) = asked_for_a_name(server, &session);
        let refusal = json!({"error": {"code": -1, "message": "the user is asleep"}});
        answer(server, &session, &asked, refusal);
        let answered = stream.message();
        assert_eq!(
            answered["error"],
            json!({"code": -32603, "message": "the client refused `elicitation/create`: the user is asleep"})
        );
        assert_eq!(answered["id"], 1);
    });
}

#[test]
fn nobody_answers_for_somebody_else() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let stranger = rpc::session(server, everything());
        let (stream, asked) = asked_for_a_name(server, &session);
        answer(server, &stranger, &asked, name("the stranger"));
        let ticket = asked["id"].as_str().expect("a ticket");
        let (head, last) = ticket.split_at(ticket.len() - 1);
        let other = if last == "A" { "B" } else { "A" };
        for id in [json!(format!("{head}{other}")), json!(1), json!("")] {
            answer(server, &session, &json!({ "id": id }), name("nobody"));
        }
        // Without a session, a reply belongs to no call.
        let outside = rpc::reply("", &asked["id"], name("nobody")).without("Mcp-Session-Id");
        assert_eq!(server.send(&outside).status, 202);
        stream.assert_silent(Duration::from_millis(300));
        answer(server, &session, &asked, name("u"));
        assert_eq!(rpc::text(&stream.message()), "Hello, u!");
        // It can be answered once.
        answer(server, &session, &asked, name("v"));
        assert_eq!(stream.rest(), Vec::<Value>::new());
    });
}

#[test]
fn calls_that_wait_do_not_hold_each_other() {
    everywhere(|server| {
        thread::scope(|scope| {
            for index in 0..12 {
                scope.spawn(move || {
                    let session = rpc::session(server, everything());
                    let (stream, asked) = asked_for_a_name(server, &session);
                    thread::sleep(Duration::from_millis(500));
                    let own = format!("client {index}");
                    answer(server, &session, &asked, name(&own));
                    assert_eq!(rpc::text(&stream.message()), format!("Hello, {own}!"));
                });
            }
        });
    });
}

#[test]
fn a_client_that_leaves_harms_nobody() {
    everywhere(|server| {
        let session = rpc::session(server, everything());
        let (stream, asked) = asked_for_a_name(server, &session);
        drop(stream);
        answer(server, &session, &asked, name("too late"));
        let (stream, asked) = asked_for_a_name(server, &session);
        answer(server, &session, &asked, name("u"));
        assert_eq!(rpc::text(&stream.message()), "Hello, u!");
    });
}

#[test]
fn a_client_is_not_asked_for_what_it_cannot_do() {
    everywhere(|server| {
        let refused_with = |status, request: &Request, required: Value, name: &str| {
            let response = server.send(request);
            assert_eq!(response.status, status);
            let error = &response.message()["error"];
            assert_eq!(error["code"], -32021, "{error}");
            assert_eq!(error["data"]["requiredCapabilities"], required);
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&format!("`{name}`")), "{message}");
        };
        let refused = |request: &Request, required, name: &str| {
            refused_with(200, request, required, name);
        };
        let tool = "test_input_required_result_elicitation";
        // The stream that the token allows has not begun.
        let token = json!({"name": tool, "_meta": {"progressToken": "t"}});
        let modern = rpc::modern("tools/call", token);
        let form_only = json!({"elicitation": {"form": {}}});
        refused_with(400, &modern, form_only, "elicitation");
        let can_sample = rpc::session(server, json!({"sampling": {}}));
        let form = json!({"elicitation": {"form": {}}});
        refused(
            &call(&can_sample, tool, json!({})),
            form.clone(),
            "elicitation",
        );
        let goes_to_pages = rpc::session(server, json!({"elicitation": {"url": {}}}));
        refused(
            &call(&goes_to_pages, tool, json!({})),
            form.clone(),
            "elicitation",
        );
        let can_elicit = rpc::session(server, json!({"elicitation": {}}));
        let sampling = json!({"sampling": {}});
        refused(
            &call(&can_elicit, "test_missing_capability", json!({})),
            sampling,
            "sampling",
        );
        let prompt = json!({"name": "test_input_required_result_prompt"});
        let prompt = rpc::legacy(Some(&can_sample), "prompts/get", prompt);
        refused(&prompt, form.clone(), "elicitation");
        // Nothing is known of a client without a session.
        let outside = rpc::legacy(None, "tools/call", json!({"name": tool}));
        refused(&outside, form, "elicitation");
    });
}

#[test]
fn a_server_without_a_store_says_that_it_cannot_ask() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let component = compose_for("wasmtime", dir.path(), wasi, &[fixture("conformance")]);
        let server = Server::mcp(&component, &[]);
        let session = rpc::session(&server, everything());
        let tool = "test_input_required_result_elicitation";
        let answered = server.send(&call(&session, tool, json!({}))).message();
        assert_eq!(answered["error"]["code"], -32603, "{answered}");
        let message = answered["error"]["message"].as_str().unwrap();
        for word in [tool, rpc::LEGACY, "key-value store"] {
            assert!(message.contains(word), "{message}");
        }
    }
}
