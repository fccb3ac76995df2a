//! Servers of several nodes that share a store, and stores that do not do everything.

use std::{sync::Arc, thread, time::Duration};

use serde_json::json;
use spin_mcp_runner::{Faults, Stores};

use crate::support::{
    Server, Stream,
    fleet::{self, Node},
    mcp, rpc,
    stateful::{self, EDITIONS},
};

const TOOL: &str = "test_input_required_result_elicitation";

/// Calls that ask, by clients of 2025-11-25. Each is answered through another node than the one
/// that asked.
fn asks_and_is_answered(nodes: &[Node], calls: usize) {
    thread::scope(|scope| {
        for call in 0..calls {
            let [asks, answers] = [call, call + 1].map(|at| nodes[at % nodes.len()].address);
            scope.spawn(move || {
                let session = rpc::session_at(asks, json!({"elicitation": {}}));
                let params = json!({"name": TOOL, "arguments": {}});
                let request = rpc::legacy(Some(&session), "tools/call", params);
                let stream = Stream::open_at(asks, &request);
                let asked = stream.message();
                assert_eq!(asked["method"], "elicitation/create", "{asked}");
                let name = json!({"action": "accept", "content": {"name": call.to_string()}});
                let reply = rpc::reply(&session, &asked["id"], json!({"result": name}));
                assert_eq!(reply.send(answers).status, 202);
                assert_eq!(rpc::text(&stream.message()), format!("Hello, {call}!"));
                assert_eq!(rpc::bare("DELETE", &session).send(answers).status, 204);
                assert_eq!(request.send(asks).status, 404);
            });
        }
    });
}

fn nodes(wasi: &str, count: usize, faults: Faults) -> Vec<Node> {
    let stores = Arc::new(Stores::with(faults));
    fleet::of_mcp(&stateful::component(wasi), count, &stores)
}

#[test]
fn sixty_calls_are_answered_through_other_nodes() {
    for wasi in EDITIONS {
        asks_and_is_answered(&nodes(wasi, 3, Faults::default()), 60);
    }
}

#[test]
fn a_store_does_no_more_than_it_must() {
    const OPTIONAL: [&[&str]; 3] = [
        &["get-many", "set-many", "delete-many", "list-keys"],
        &["increment", "swap", "exists"],
        // Then, values stay in the store.
        &["delete"],
    ];
    for refused in OPTIONAL {
        let faults = Faults {
            refused,
            ..Faults::default()
        };
        for wasi in EDITIONS {
            asks_and_is_answered(&nodes(wasi, 2, faults), 8);
        }
    }
}

#[test]
fn a_slow_store_makes_calls_slow_only() {
    let faults = Faults {
        delay: Duration::from_millis(20),
        ..Faults::default()
    };
    for wasi in EDITIONS {
        asks_and_is_answered(&nodes(wasi, 2, faults), 4);
    }
}

#[test]
fn a_store_that_neither_reads_nor_writes_is_not_available() {
    const NEEDED: [&[&str]; 3] = [&["open"], &["get"], &["set"]];
    for refused in NEEDED {
        let faults = Faults {
            refused,
            ..Faults::default()
        };
        for wasi in EDITIONS {
            let node = &nodes(wasi, 1, faults)[0];
            let session = rpc::initialize(rpc::LEGACY).send(node.address);
            let session = session.header("mcp-session-id").expect("a session");
            let ended = rpc::bare("DELETE", session).send(node.address);
            let message = ended.json()["error"]["message"].clone();
            assert_eq!(
                (ended.status, message),
                (503, json!("the server's store is not available"))
            );
        }
    }
}

#[test]
fn the_log_names_the_operation_and_the_store_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let component = dir.path().join("server.wasm");
    let store = "s".repeat(256);
    let mut command = mcp();
    command
        .args(["compose", "--store", &store, "-o"])
        .arg(&component)
        .arg(crate::support::fixture("conformance"));
    crate::support::expect_success(&mut command);
    let server = Server::mcp(&component, &[]);
    let session = server.send(&rpc::initialize(rpc::LEGACY));
    let session = session.header("mcp-session-id").expect("a session");
    assert_eq!(server.send(&rpc::bare("DELETE", session)).status, 503);
    let failed = format!("`open` of the key-value store `{store}` failed: the name");
    server.wait_for(&failed, Duration::from_secs(10));
}

#[test]
fn spin_with_redis_is_a_fleet() {
    let Some(redis) = fleet::redis() else {
        return;
    };
    for wasi in EDITIONS {
        let dir = tempfile::tempdir().unwrap();
        let component = stateful::component(wasi);
        let Some(nodes) = fleet::of_spin(&component, 3, &redis, dir.path()) else {
            return;
        };
        asks_and_is_answered(&nodes, 60);
    }
}
