//! `mcp serve`: streams on which clients of both eras learn of changes and of tasks, in both
//! WASI builds.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    App, Request, Server, Stream, fixture, rpc,
    stateful::{WASI_BUILDS, component, everywhere},
    stream::Event,
};
use serde_json::{Value, json};

const WATCHED: &str = "test://watched-resource";
/// Longer than the longest pause between two looks at the store.
const QUIET: Duration = Duration::from_millis(1_200);

/// Makes a claim of servers that nobody else changes, in both WASI builds.
fn alone(claim: impl Fn(&Server) + Sync) {
    thread::scope(|scope| {
        for wasi in WASI_BUILDS {
            let claim = &claim;
            scope.spawn(move || claim(&Server::mcp(&component(wasi), &[])));
        }
    });
}

/// Calls a tool that announces a change.
fn change(server: &Server, tool: &str) {
    assert_eq!(
        rpc::text(&server.send(&rpc::call(tool, json!({}))).message()),
        "changed"
    );
}

fn subscribe(server: &Server, session: &str, method: &str) {
    let request = rpc::legacy(Some(session), method, json!({"uri": WATCHED}));
    assert_eq!(server.send(&request).message()["result"], json!({}));
}

/// The stream of a session.
fn open(server: &Server, session: &str) -> Stream {
    let stream = Stream::open(server, &rpc::bare("GET", session));
    assert_eq!(stream.head.status, 200);
    assert_eq!(
        stream.head.header("content-type"),
        Some("text/event-stream")
    );
    stream
}

fn listen(filter: &Value, capabilities: Value) -> Request {
    let params = json!({"notifications": filter});
    rpc::modern_with("subscriptions/listen", params, capabilities)
}

/// Opens a subscription; returns what the server agreed to.
fn begin(server: &Server, filter: &Value, capabilities: Value) -> (Stream, Value) {
    let stream = Stream::open(server, &listen(filter, capabilities));
    let mut first = stream.message();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_is_ours(&first["params"]);
    (stream, first["params"]["notifications"].take())
}

/// It has the id of the request.
fn assert_is_ours(holder: &Value) {
    let id = &holder["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(id, &json!(1), "{holder}");
}

#[test]
fn a_session_hears_of_what_it_is_subscribed_to() {
    alone(|server| {
        let session = rpc::session(server, json!({}));
        let other = rpc::session(server, json!({}));
        subscribe(server, &session, "resources/subscribe");
        let (stream, others) = (open(server, &session), open(server, &other));
        change(server, "test_watched_resource_change");
        let updated = stream.message();
        assert_eq!(updated["method"], "notifications/resources/updated");
        assert_eq!(updated["params"], json!({"uri": WATCHED}));
        subscribe(server, &session, "resources/unsubscribe");
        subscribe(server, &other, "resources/subscribe");
        // Each of them looks again.
        stream.assert_silent(QUIET);
        change(server, "test_watched_resource_change");
        let updated = others.message();
        assert_eq!(updated["method"], "notifications/resources/updated");
        stream.assert_silent(QUIET);
        others.assert_silent(Duration::ZERO);
    });
}

#[test]
fn sessions_hear_of_lists() {
    alone(|server| {
        let sessions = [(); 2].map(|()| rpc::session(server, json!({})));
        let streams = sessions.map(|session| open(server, &session));
        for (tool, method) in [
            (
                "test_trigger_tool_change",
                "notifications/tools/list_changed",
            ),
            (
                "test_trigger_prompt_change",
                "notifications/prompts/list_changed",
            ),
        ] {
            change(server, tool);
            for stream in &streams {
                assert_eq!(
                    stream.message(),
                    json!({"jsonrpc": "2.0", "method": method}),
                );
            }
        }
        for stream in &streams {
            stream.assert_silent(Duration::ZERO);
        }
    });
}

#[test]
fn the_latest_stream_of_a_session_gets_all() {
    alone(|server| {
        let session = rpc::session(server, json!({}));
        let first = open(server, &session);
        change(server, "test_trigger_tool_change");
        first.message();
        let second = open(server, &session);
        change(server, "test_trigger_tool_change");
        second.message();
        first.assert_silent(QUIET);
        second.assert_silent(Duration::ZERO);
        drop(second);
        let third = open(server, &session);
        change(server, "test_trigger_tool_change");
        third.message();
        first.assert_silent(QUIET);
    });
}

#[test]
fn a_stream_takes_a_session_and_a_client_that_reads_events() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let json_only = rpc::bare("GET", &session).set("Accept", "application/json");
        assert_eq!(server.send(&json_only).status, 406);
        let other_version = rpc::bare("GET", &session).set("MCP-Protocol-Version", "2025-06-18");
        assert_eq!(server.send(&other_version).status, 400);
    });
}

#[test]
fn a_subscription_gets_what_it_asked_for() {
    alone(|server| {
        let all = json!({
            "toolsListChanged": true,
            "promptsListChanged": true,
            "resourcesListChanged": true,
            "resourceSubscriptions": [WATCHED],
        });
        let (all, agreed) = begin(server, &all, json!({}));
        // No list of resources can change here.
        let offered = json!({
            "toolsListChanged": true,
            "promptsListChanged": true,
            "resourceSubscriptions": [WATCHED],
        });
        assert_eq!(agreed, offered);
        let filter = json!({"promptsListChanged": true, "toolsListChanged": false});
        let (prompts, agreed) = begin(server, &filter, json!({}));
        assert_eq!(agreed, json!({"promptsListChanged": true}));
        let filter = json!({"resourceSubscriptions": ["test://static-text"]});
        let (elsewhere, _) = begin(server, &filter, json!({}));

        for (tool, method) in [
            (
                "test_trigger_tool_change",
                "notifications/tools/list_changed",
            ),
            (
                "test_watched_resource_change",
                "notifications/resources/updated",
            ),
            (
                "test_trigger_prompt_change",
                "notifications/prompts/list_changed",
            ),
        ] {
            change(server, tool);
            let heard = all.message();
            assert_eq!(heard["method"], method);
            assert_is_ours(&heard["params"]);
        }
        let heard = prompts.message();
        assert_eq!(heard["method"], "notifications/prompts/list_changed");
        elsewhere.assert_silent(QUIET);
        prompts.assert_silent(Duration::ZERO);
        all.assert_silent(Duration::ZERO);
    });
}

#[test]
fn a_filter_that_is_none_is_refused() {
    everywhere(|server| {
        for filter in [
            json!(null),
            json!([]),
            json!({"toolsListChanged": 1}),
            json!({"resourceSubscriptions": WATCHED}),
            json!({"resourceSubscriptions": vec![WATCHED; 257]}),
        ] {
            let answer = server.send(&listen(&filter, json!({}))).message();
            assert_eq!(answer["error"]["code"], -32602, "{filter}: {answer}");
        }
        let tasks = json!({"taskIds": ["unknown"]});
        let answer = server.send(&listen(&tasks, json!({}))).message();
        assert_eq!(answer["error"]["code"], -32021, "{answer}");
        let (_, agreed) = begin(server, &tasks, knows_tasks());
        assert_eq!(agreed, json!({}));
    });
}

fn knows_tasks() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {}})
}

/// Begins a task; returns its id.
fn task(server: &Server, tool: &str, arguments: Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let request = rpc::modern_with("tools/call", params, knows_tasks());
    let answer = server.send(&request).message();
    assert_eq!(answer["result"]["resultType"], "task", "{answer}");
    answer["result"]["taskId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[test]
fn a_subscription_follows_tasks_to_their_end() {
    everywhere(|server| {
        let asking = task(server, "confirm_delete", json!({"filename": "f"}));
        let other = task(server, "slow_compute", json!({"seconds": 1}));
        let slow = task(server, "slow_compute", json!({"seconds": 2, "label": "l"}));
        let filter = json!({"taskIds": [slow, asking, "unknown"]});
        let (stream, agreed) = begin(server, &filter, knows_tasks());
        assert_eq!(agreed, json!({"taskIds": [slow, asking]}));

        let mut seen: Vec<(String, String)> = Vec::new();
        let mut answered = false;
        while !(seen.contains(&(slow.clone(), "completed".into()))
            && seen.contains(&(asking.clone(), "completed".into())))
        {
            let message = stream.message();
            assert_eq!(message["method"], "notifications/tasks", "{message}");
            let params = &message["params"];
            assert_is_ours(params);
            let (id, status) = (params["taskId"].as_str(), params["status"].as_str());
            let now = (id.unwrap().to_owned(), status.unwrap().to_owned());
            assert_ne!(now.0, other);
            match now.1.as_str() {
                "input_required" if !answered => {
                    answered = true;
                    let asked = &params["inputRequests"]["confirm"];
                    assert_eq!(asked["method"], "elicitation/create", "{message}");
                    let yes = json!({"action": "accept", "content": {"confirm": true}});
                    let update = json!({"taskId": asking, "inputResponses": {"confirm": yes}});
                    let update = rpc::modern_with("tasks/update", update, knows_tasks());
                    assert_eq!(server.send(&update).status, 200);
                }
                "completed" => {
                    let text = &params["result"]["content"][0]["text"];
                    let expected = match now.0 == slow {
                        true => "computed `l` in 2 s",
                        false => "deleted f",
                    };
                    assert_eq!(text, expected, "{message}");
                }
                _ => {}
            }
            seen.push(now);
        }
        // The first notification said how they stood.
        assert!(seen.contains(&(slow, "working".into())), "{seen:?}");
        // Nothing more comes of what has ended.
        stream.assert_silent(QUIET);
    });
}

/// When comments arrived, what the last message was, and when the stream ended.
fn to_the_end(stream: &Stream) -> (Vec<Duration>, Option<Value>, Duration) {
    let start = Instant::now();
    let (mut comments, mut last) = (Vec::new(), None);
    loop {
        let (event, at) = stream.event();
        let after = at.duration_since(start);
        match event {
            Event::Comment(_) => comments.push(after),
            Event::Message(message) => {
                assert_eq!(last.replace(message), None);
            }
            Event::End { complete } => {
                assert!(complete, "it broke after {after:?}");
                return (comments, last, after);
            }
        }
    }
}

#[test]
fn streams_are_kept_alive_and_end_as_the_app_says() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let changes = format!(
            "[component.mcp.tool.mcp.streams]\nkeep_alive_ms = 500\nlongest_ms = 2000\n\
             [component.mcp.tool.mcp.features.changes]\nsource = {:?}\ndynamic = true\n",
            fixture("changes")
        );
        let app = App {
            wasi,
            features: &["conformance"],
            chain: &changes,
        };
        let server = &Server::mcp(&app.composed(dir.path()), &[]);
        let session = rpc::session(server, json!({}));
        assert_lasts(&to_the_end(&open(server, &session)), None);
        // The client opens the next one, and learns of what changed in between.
        change(server, "test_trigger_tool_change");
        open(server, &session).message();
        let filter = json!({"resourceSubscriptions": [WATCHED]});
        let (stream, _) = begin(server, &filter, json!({}));
        let ended = to_the_end(&stream);
        let (_, last, _) = &ended;
        assert_is_ours(&last.as_ref().expect("an answer")["result"]);
        assert_lasts(&ended, Some("complete"));
    }
}

fn assert_lasts(
    (comments, last, end): &(Vec<Duration>, Option<Value>, Duration),
    result_type: Option<&str>,
) {
    println!("comments after {comments:?}, end after {end:?}");
    let expected = Duration::from_millis(1_900)..Duration::from_secs(10);
    assert!(expected.contains(end), "{end:?}");
    let alive = comments.iter().filter(|at| at.as_millis() > 400);
    assert!(alive.count() > 1, "{comments:?}");
    let last = last.as_ref();
    assert_eq!(
        last.and_then(|last| last["result"]["resultType"].as_str()),
        result_type
    );
    assert_eq!(last.map(|last| last["id"] == 1), result_type.map(|_| true));
}
