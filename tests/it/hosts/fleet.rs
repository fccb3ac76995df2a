//! Servers of several nodes that share a store, and stores that do not do everything.

use std::{
    net::SocketAddr,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use spin_mcp_runner::{Faults, Stores};

use crate::support::{
    Server, Stream,
    fleet::{self, Node},
    mcp, rpc, spin,
    stateful::{self, WASI_BUILDS},
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
                answer(&session, &asked, call, answers, || stream.message());
                assert_eq!(rpc::bare("DELETE", &session).send(answers).status, 204);
                assert_eq!(request.send(asks).status, 404);
            });
        }
    });
}

/// The id of the last event, and the messages, of a stream of events.
fn received(text: &str) -> (Option<String>, Vec<Value>) {
    let mut ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let data = data.filter(|data| !data.is_empty());
    let messages = data.map(|data| serde_json::from_str(data).unwrap());
    (ids.next_back().map(str::to_owned), messages.collect())
}

/// Calls that ask while a node dies. Clients open their streams again on another node, reply, and
/// open them again as often as they end.
fn survives_the_death_of_a_node(mut nodes: Vec<Node>, calls: usize) {
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    let (all_wait, is_dead) = (Barrier::new(calls + 1), Barrier::new(calls + 1));
    thread::scope(|scope| {
        for call in 0..calls {
            let [asks, others @ ..] = [0, 1, 2].map(|at| addresses[(call + at) % addresses.len()]);
            let dead = addresses[0];
            let others: Vec<_> = others.into_iter().filter(|node| *node != dead).collect();
            let (all_wait, is_dead) = (&all_wait, &is_dead);
            scope.spawn(move || {
                let session = rpc::session_at(asks, json!({"elicitation": {}}));
                let params = json!({"name": TOOL, "arguments": {}});
                let request = rpc::legacy(Some(&session), "tools/call", params);
                let stream = Stream::open_at(asks, &request);
                let asked = stream.message();
                let (mut last, _) = received(&stream.text());
                all_wait.wait();
                is_dead.wait();
                // Of the clients whose node lives, some lose their connections.
                if asks != dead && call % 2 == 0 {
                    return answer(&session, &asked, call, others[0], || stream.message());
                }
                drop(stream);
                let resumed = rpc::bare("GET", &session);
                let resume = |last: &Option<String>, node| {
                    let last = last.clone().expect("events have ids");
                    Stream::open_at(node, &resumed.clone().set("Last-Event-ID", &last))
                };
                let again = resume(&last, others[0]);
                assert_eq!(again.head.status, 200);
                let node = *others.last().unwrap();
                answer(&session, &asked, call, node, || again.message());
                // The answer is there again for a client that did not receive it.
                assert_eq!(resume(&last, node).message()["id"], 1);
                last = received(&again.text()).0;
                let over = resumed
                    .clone()
                    .set("Last-Event-ID", last.as_deref().unwrap());
                assert_eq!(over.send(node).status, 204);
            });
        }
        all_wait.wait();
        drop(nodes.remove(0));
        is_dead.wait();
    });
}

/// Replies to a question, and expects the answer of the call.
fn answer(
    session: &str,
    asked: &Value,
    call: usize,
    node: SocketAddr,
    message: impl Fn() -> Value,
) {
    let name = json!({"action": "accept", "content": {"name": call.to_string()}});
    let reply = rpc::reply(session, &asked["id"], json!({"result": name}));
    assert_eq!(reply.send(node).status, 202);
    assert_eq!(rpc::text(&message()), format!("Hello, {call}!"));
}

/// Calls of 2026 clients, which carry the state of their calls, while a node dies.
fn clients_of_2026_lose_nothing(mut nodes: Vec<Node>, calls: usize) {
    let ask = |node: &Node, more: Value| {
        let mut params = json!({"name": TOOL, "arguments": {}});
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let capabilities = json!({"elicitation": {}});
        rpc::modern_with("tools/call", params, capabilities)
            .send(node.address)
            .message()
    };
    let asked: Vec<Value> = (0..calls)
        .map(|call| ask(&nodes[call % 3], json!({})))
        .collect();
    drop(nodes.remove(0));
    for (call, asked) in asked.iter().enumerate() {
        let key = asked["result"]["inputRequests"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap();
        let name = json!({"action": "accept", "content": {"name": call.to_string()}});
        let mut more = json!({"inputResponses": {key: name}});
        if let Some(state) = asked["result"].get("requestState") {
            more["requestState"] = state.clone();
        }
        let answer = ask(&nodes[call % 2], more);
        assert_eq!(rpc::text(&answer), format!("Hello, {call}!"));
    }
}

fn nodes(wasi: &str, count: usize, faults: Faults) -> Vec<Node> {
    let stores = Arc::new(Stores::with(faults));
    fleet::of_mcp(&stateful::component(wasi), count, &stores)
}

#[test]
fn sixty_calls_are_answered_through_other_nodes() {
    for wasi in WASI_BUILDS {
        asks_and_is_answered(&nodes(wasi, 3, Faults::default()), 60);
    }
}

#[test]
fn the_death_of_a_node_loses_no_call() {
    for wasi in WASI_BUILDS {
        survives_the_death_of_a_node(nodes(wasi, 3, Faults::default()), 60);
        clients_of_2026_lose_nothing(nodes(wasi, 3, Faults::default()), 60);
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
        for wasi in WASI_BUILDS {
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
    for wasi in WASI_BUILDS {
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
        for wasi in WASI_BUILDS {
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
    let part = "on Spin with Redis";
    let Some(spin) = spin(part) else {
        return;
    };
    let Some(redis) = fleet::redis(part) else {
        return;
    };
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let component = stateful::component(wasi);
        let nodes = fleet::of_spin(&spin, &component, 3, &redis, dir.path());
        asks_and_is_answered(&nodes, 60);
        survives_the_death_of_a_node(nodes, 60);
    }
}
