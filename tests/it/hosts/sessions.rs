//! `mcp serve`: what sessions of 2025-11-25 are and keep, in both WASI builds.

use crate::support::{
    Request, Server, compose, compose_for, fixture, rpc,
    stateful::{WASI_BUILDS, component, everywhere},
};
use serde_json::{Value, json};

fn ping(session: &str) -> Request {
    rpc::legacy(Some(session), "ping", json!({}))
}

#[test]
fn a_session_that_was_ended_is_unknown() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let other = rpc::session(server, json!({}));
        let ended = server.send(&rpc::bare("DELETE", &session));
        assert_eq!((ended.status, ended.text()), (204, ""));
        let again = rpc::bare("DELETE", &session);
        let stream = rpc::bare("GET", &session);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"});
        let note = rpc::message(&session, &note);
        let reply = rpc::reply(&session, &json!("id"), json!({"result": {}}));
        for request in [ping(&session), again, stream, note, reply] {
            let response = server.send(&request);
            assert_eq!(response.status, 404, "{request:?}: {}", response.text());
            let message = response.json()["error"]["message"].clone();
            assert_eq!(
                message, "unknown session; begin another one with `initialize`",
                "{request:?}"
            );
        }
        assert_eq!(server.send(&ping(&other)).status, 200);
    });
}

#[test]
fn a_session_that_never_was_is_unknown() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let shorter = &session[..session.len() - 1];
        let long = "A".repeat(5_000);
        for id in ["unknown", shorter, &long, "\u{e4}"] {
            for request in [ping(id), rpc::bare("GET", id), rpc::bare("DELETE", id)] {
                assert_eq!(server.send(&request).status, 404, "{request:?}");
            }
        }
        for method in ["GET", "DELETE"] {
            let response = server.send(&rpc::bare(method, "").without("Mcp-Session-Id"));
            assert_eq!(response.status, 400, "{method}: {}", response.text());
        }
        let other_version = ping(&session).set("MCP-Protocol-Version", "2025-06-18");
        assert_eq!(server.send(&other_version).status, 400);
    });
}

#[test]
fn any_server_of_the_component_serves_a_session() {
    let session = rpc::session(&Server::mcp(&component("0.2"), &[]), json!({}));
    everywhere(|server| {
        let answer = server.send(&rpc::legacy(Some(&session), "tools/list", json!({})));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.json()["result"]["tools"][0]["name"].is_string());
    });
}

#[test]
fn a_session_keeps_its_log_level() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let other = rpc::session(server, json!({}));
        let set = |level: &str| {
            let request = rpc::legacy(Some(&session), "logging/setLevel", json!({"level": level}));
            server.send(&request).message()
        };
        let logged = |session: &str, tool: &str| -> Vec<Value> {
            let request = rpc::legacy(Some(session), "tools/call", json!({"name": tool}));
            let response = server.send(&request);
            if response.header("content-type") == Some("application/json") {
                return Vec::new();
            }
            let mut events = response.events();
            assert!(events.pop().expect("an answer")["result"].is_object());
            for event in &events {
                assert_eq!(event["method"], "notifications/message", "{event}");
                assert_eq!(event["params"]["level"], "info", "{event}");
                assert_eq!(event["params"]["logger"], "conformance", "{event}");
            }
            let mut texts = events.into_iter();
            texts
                .by_ref()
                .map(|mut event| event["params"]["data"].take())
                .collect()
        };
        let once = [json!("only for clients that asked for a log")];
        assert_eq!(logged(&session, "test_logging_tool"), once);
        assert_eq!(set("warning")["result"], json!({}));
        assert_eq!(logged(&session, "test_logging_tool"), [Value::Null; 0]);
        assert_eq!(logged(&session, "test_tool_with_logging"), [Value::Null; 0]);
        assert_eq!(logged(&other, "test_logging_tool"), once);
        assert_eq!(set("debug")["result"], json!({}));
        assert_eq!(logged(&session, "test_tool_with_logging").len(), 3);
        assert_eq!(set("loud")["error"]["code"], -32602);
        assert_eq!(logged(&session, "test_logging_tool"), once);
    });
}

#[test]
fn a_session_without_a_store_keeps_no_level() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let server = compose_for("wasmtime", dir.path(), wasi, &[fixture("conformance")]);
        let server = Server::mcp(&server, &[]);
        let session = rpc::session(&server, json!({}));
        let set = |level: &str| {
            let request = rpc::legacy(Some(&session), "logging/setLevel", json!({"level": level}));
            server.send(&request).message()
        };
        assert_eq!(set("info")["result"], json!({}));
        let error = &set("debug")["error"];
        assert_eq!(error["code"], -32603);
        assert!(error["message"].as_str().unwrap().contains("no store"));
    }
}

/// A tool that waits does not occupy its instance: `every_host` cancels one while it works.
#[test]
fn a_call_that_was_cancelled_gets_no_answer() {
    everywhere(|server| {
        let params = json!({"name": "test_tool_with_progress"});
        let cancelled = json!({
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": 1},
        });
        let [session, other] = [(); 2].map(|()| rpc::session(server, json!({})));
        let sent = server.send(&rpc::message(&session, &cancelled));
        assert_eq!(sent.status, 202);
        let call = |session: &str| {
            let response = server.send(&rpc::legacy(Some(session), "tools/call", params.clone()));
            assert_eq!(response.status, 200);
            response
        };
        let nothing = call(&session);
        assert_eq!(nothing.header("content-type"), Some("text/event-stream"));
        assert!(nothing.events().is_empty(), "{}", nothing.text());
        assert!(call(&other).message()["result"].is_object());
    });
}

#[test]
fn a_client_of_today_names_its_level_with_each_request() {
    everywhere(|server| {
        let logged = |level: Option<&str>| {
            let mut params = json!({"name": "test_tool_with_logging"});
            if let Some(level) = level {
                params["_meta"] = json!({"io.modelcontextprotocol/logLevel": level});
            }
            let response = server.send(&rpc::modern("tools/call", params));
            match response.header("content-type") {
                Some("text/event-stream") => response.events().len() - 1,
                _ => 0,
            }
        };
        assert_eq!(logged(None), 0);
        assert_eq!(logged(Some("warning")), 0);
        assert_eq!(logged(Some("info")), 3);
        assert_eq!(logged(Some("debug")), 3);
    });
}

#[test]
fn a_server_that_keeps_nothing_has_no_streams() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::mcp(&compose(dir.path(), wasi, &[fixture("echo")]), &[]);
        let session = rpc::session(&server, json!({}));
        for method in ["GET", "DELETE"] {
            let response = server.send(&rpc::bare(method, &session));
            assert_eq!(response.status, 405);
            assert_eq!(response.header("allow"), Some("POST"));
        }
        assert_eq!(server.send(&ping(&session)).status, 200);
        assert_eq!(server.send(&ping("unknown")).status, 404);
        let filter = json!({"notifications": {"toolsListChanged": true}});
        let response = server.send(&rpc::modern("subscriptions/listen", filter));
        let [acknowledged, end] = &response.events()[..] else {
            panic!("{}", response.text());
        };
        assert_eq!(acknowledged["params"]["notifications"], json!({}));
        assert_eq!(end["result"]["resultType"], "complete");
    }
    everywhere(|server| {
        let response = server.send(&rpc::bare("PUT", "").without("Mcp-Session-Id"));
        assert_eq!(response.status, 405);
        assert_eq!(response.header("allow"), Some("DELETE, GET, POST"));
    });
}
