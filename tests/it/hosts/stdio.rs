//! `mcp serve --stdio`: one process that serves one client, of either era, in both WASI builds.

use std::time::{Duration, Instant};

use crate::support::{
    Stdio, compose, fixture, rpc,
    stateful::{WASI_BUILDS, component},
};
use serde_json::{Value, json};

const ASKS: &str = "test_input_required_result_elicitation";

fn elicitation() -> Value {
    json!({"elicitation": {}})
}

/// What the client replies to a request of the server.
fn reply(server: &mut Stdio, asked: &Value, name: &str) {
    let result = json!({"action": "accept", "content": {"name": name}});
    server.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}));
}

/// It ended well, and said nothing more.
fn assert_ends(server: Stdio) {
    let (status, messages) = server.close();
    assert!(status.success(), "{status}");
    assert_eq!(messages, Vec::<Value>::new());
}

#[test]
fn a_2025_client_is_asked_while_other_requests_go_on() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        server.call(1, ASKS);
        let asked = server.message("elicitation/create");
        assert_eq!(asked["params"]["message"], "What is your name?");
        server.request(2, "ping", json!({}));
        assert_eq!(server.answer(2)["result"], json!({}));
        server.call(3, "test_simple_text");
        let text = "This is a simple text response for testing.";
        assert_eq!(rpc::text(&server.answer(3)), text);
        // Another call asks meanwhile, and is answered first.
        server.call(4, ASKS);
        let other = server.message("elicitation/create");
        assert_ne!(asked["id"], other["id"]);
        reply(&mut server, &other, "the second");
        assert_eq!(rpc::text(&server.answer(4)), "Hello, the second!");
        reply(&mut server, &asked, "the first");
        assert_eq!(rpc::text(&server.answer(1)), "Hello, the first!");
        assert_ends(server);
    }
}

#[test]
fn a_2025_client_that_answers_in_order_of_the_questions() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        let asked = [1, 2, 3].map(|id| {
            server.call(id, ASKS);
            server.message("elicitation/create")
        });
        for (asked, name) in asked.iter().zip(["a", "b", "c"]) {
            reply(&mut server, asked, name);
        }
        for (id, name) in [(1, "a"), (2, "b"), (3, "c")] {
            assert_eq!(rpc::text(&server.answer(id)), format!("Hello, {name}!"));
        }
        assert_ends(server);
    }
}

#[test]
fn a_client_of_today_comes_back_with_its_answers() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::mcp(&component(wasi));
        let tool = "test_input_required_result_request_state";
        let call = json!({"name": tool, "arguments": {}});
        server.modern(1, "tools/call", call.clone(), elicitation());
        let first = server.answer(1);
        assert_eq!(first["result"]["resultType"], "input_required", "{first}");
        let mut again = call.clone();
        again["inputResponses"] = json!({"confirm": {"action": "accept", "content": {"ok": true}}});
        again["requestState"] = first["result"]["requestState"].clone();
        server.modern(2, "tools/call", again.clone(), elicitation());
        assert_eq!(rpc::text(&server.answer(2)), "state-ok");
        again["arguments"] = json!({"other": 1});
        server.modern(3, "tools/call", again, elicitation());
        assert_eq!(server.answer(3)["error"]["code"], -32602);
        server.modern(4, "tools/call", call, json!({}));
        assert_eq!(server.answer(4)["error"]["code"], -32021);
        assert_ends(server);
    }
}

#[test]
fn both_eras_share_a_process() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::mcp(&component(wasi));
        // A client of 2026-07-28 asks first what it speaks with.
        server.modern(1, "server/discover", json!({}), json!({}));
        let discovered = &server.answer(1)["result"];
        let versions = discovered["supportedVersions"].as_array().unwrap();
        for version in [rpc::MODERN, rpc::LEGACY] {
            assert!(versions.contains(&json!(version)), "{discovered}");
        }
        assert_eq!(discovered["capabilities"]["tools"]["listChanged"], true);
        server.request(2, "initialize", rpc::client(rpc::LEGACY, elicitation()));
        assert_eq!(server.answer(2)["result"]["protocolVersion"], rpc::LEGACY);
        let params = json!({"name": ASKS});
        server.modern(3, "tools/call", params, elicitation());
        let answer = server.answer(3);
        assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
        server.call(4, ASKS);
        let asked = server.message("elicitation/create");
        reply(&mut server, &asked, "u");
        assert_eq!(rpc::text(&server.answer(4)), "Hello, u!");
        server.request(5, "logging/setLevel", json!({"level": "error"}));
        assert_eq!(server.answer(5)["result"], json!({}));
        server.call(6, "test_logging_tool");
        assert_eq!(rpc::text(&server.answer(6)), "logged once");
        server.request(7, "logging/setLevel", json!({"level": "info"}));
        server.answer(7);
        server.call(8, "test_logging_tool");
        assert_eq!(rpc::text(&server.answer(8)), "logged once");
        server.message("notifications/message");
        assert_ends(server);
    }
}

#[test]
fn a_call_that_was_cancelled_gets_no_answer() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        server.call(1, ASKS);
        let asked = server.message("elicitation/create");
        server.cancel(1);
        reply(&mut server, &asked, "too late");
        server.call(2, "test_simple_text");
        server.answer(2);
        assert_eq!(server.unseen(Duration::from_millis(300)), [Value::Null; 0]);
        server.call(3, ASKS);
        let asked = server.message("elicitation/create");
        reply(&mut server, &asked, "u");
        assert_eq!(rpc::text(&server.answer(3)), "Hello, u!");
        assert_ends(server);
    }
}

#[test]
fn what_is_cancelled_too_late_is_forgotten() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        server.call(1, ASKS);
        let first = server.message("elicitation/create");
        server.call(2, "test_simple_text");
        server.answer(2);
        // Answered already, and never asked.
        for id in [2, 99] {
            server.cancel(id);
        }
        server.call(3, ASKS);
        let second = server.message("elicitation/create");
        server.cancel(1);
        reply(&mut server, &first, "too late");
        reply(&mut server, &second, "u");
        assert_eq!(rpc::text(&server.answer(3)), "Hello, u!");
        assert_eq!(server.unseen(Duration::from_millis(300)), [Value::Null; 0]);
        assert_ends(server);
    }
}

#[test]
fn the_end_of_stdin_ends_what_waits() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        for id in [1, 2] {
            server.call(id, ASKS);
            server.message("elicitation/create");
        }
        assert_ends(server);
    }
}

#[test]
fn what_is_no_message_harms_nothing() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), elicitation());
        server.write("\n  \r\nno json\n");
        let error = server.next(|message| message["error"]["code"] == -32700);
        assert_eq!(error.get("id"), None, "{error}");
        // Replies that nobody waits for.
        for id in [json!(7), json!("unknown")] {
            server.send(&json!({"jsonrpc": "2.0", "id": id, "result": {}}));
        }
        server.write(&format!("{}\n", "[".repeat(5 << 20)));
        server.next(|message| message["error"]["code"] == -32600);
        server.call(1, "test_simple_text");
        server.answer(1);
        // The last line needs no end.
        server.write(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
        let (status, messages) = server.close();
        assert!(status.success());
        assert_eq!(messages, [json!({"jsonrpc": "2.0", "id": 2, "result": {}})]);
    }
}

#[test]
fn listeners_hear_of_changes_until_they_leave() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::mcp(&component(wasi));
        let filter = json!({
            "toolsListChanged": true,
            "resourceSubscriptions": ["test://watched-resource"],
        });
        let listen = |server: &mut Stdio, id: u32| {
            let params = json!({"notifications": filter});
            server.modern(id, "subscriptions/listen", params, json!({}));
            let first = server.message("notifications/subscriptions/acknowledged");
            assert_eq!(first["params"]["notifications"], filter, "{first}");
            assert_eq!(subscription(&first), &json!(id), "{first}");
        };
        listen(&mut server, 1);
        let call = |server: &mut Stdio, id: u32, tool: &str| {
            server.modern(id, "tools/call", json!({"name": tool}), json!({}));
            assert_eq!(rpc::text(&server.answer(id)), "changed");
            server.unseen(Duration::ZERO)
        };
        // The prompts' list is not one that it asked for.
        assert_eq!(call(&mut server, 2, "test_trigger_prompt_change").len(), 0);
        let changed = call(&mut server, 3, "test_trigger_tool_change");
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(changed[0]["method"], "notifications/tools/list_changed");
        assert_eq!(subscription(&changed[0]), &json!(1));
        let updated = call(&mut server, 4, "test_watched_resource_change");
        assert_eq!(updated.len(), 1, "{updated:?}");
        assert_eq!(updated[0]["method"], "notifications/resources/updated");
        assert_eq!(updated[0]["params"]["uri"], "test://watched-resource");
        assert_eq!(subscription(&updated[0]), &json!(1));

        listen(&mut server, 5);
        server.cancel(1);
        let changed = call(&mut server, 6, "test_trigger_tool_change");
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(subscription(&changed[0]), &json!(5));

        let (status, messages) = server.close();
        assert!(status.success(), "{status}");
        assert_eq!(messages.len(), 1, "{messages:?}");
        let end = &messages[0];
        assert_eq!(end["id"], 5, "{end}");
        assert_eq!(end["result"]["resultType"], "complete", "{end}");
    }
}

fn subscription(message: &Value) -> &Value {
    &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]
}

#[test]
fn a_2025_client_hears_of_changes() {
    for wasi in WASI_BUILDS {
        let mut server = Stdio::legacy(&component(wasi), json!({}));
        let updated = |server: &mut Stdio, id: u32| {
            server.call(id, "test_watched_resource_change");
            server.answer(id);
            server.unseen(Duration::ZERO)
        };
        assert_eq!(updated(&mut server, 1), [Value::Null; 0]);
        let resource = json!({"uri": "test://watched-resource"});
        server.request(2, "resources/subscribe", resource.clone());
        assert_eq!(server.answer(2)["result"], json!({}));
        let heard = updated(&mut server, 3);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["method"], "notifications/resources/updated");
        assert_eq!(heard[0]["params"], resource);
        server.request(4, "resources/unsubscribe", resource);
        assert_eq!(server.answer(4)["result"], json!({}));
        assert_eq!(updated(&mut server, 5), [Value::Null; 0]);
        server.call(6, "test_trigger_prompt_change");
        server.answer(6);
        let heard = server.unseen(Duration::ZERO);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["method"], "notifications/prompts/list_changed");
        assert_ends(server);
    }
}

#[test]
fn async_tools_work_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let features = [fixture("echo"), fixture("echo-async")];
    let component = compose(dir.path(), "0.3", &features);
    let mut server = Stdio::mcp(&component);
    let call = |id: u32, server: &mut Stdio, ms: u64| {
        let params = json!({"name": "wait", "arguments": {"ms": ms}});
        server.modern(id, "tools/call", params, json!({}));
    };
    call(1, &mut server, 0);
    server.answer(1);
    let start = Instant::now();
    for id in 2..10 {
        call(id, &mut server, 1_000);
    }
    // And what does not wait is not held up.
    server.modern(10, "server/discover", json!({}), json!({}));
    server.answer(10);
    assert_eq!(server.unseen(Duration::ZERO), [Value::Null; 0]);
    for id in 2..10 {
        assert_eq!(rpc::text(&server.answer(id)), "waited 1000 ms");
    }
    let one_after_the_other = Duration::from_secs(8);
    assert!(start.elapsed() < one_after_the_other);

    call(11, &mut server, 60_000);
    // Its timer runs by then.
    call(12, &mut server, 0);
    server.answer(12);
    server.cancel(11);
    // What was asked for before the end of stdin is answered after it.
    call(13, &mut server, 500);
    let (status, messages) = server.close();
    assert!(status.success());
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(rpc::text(&messages[0]), "waited 500 ms");
}
