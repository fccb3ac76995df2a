//! What a composed server does on every host: `mcp serve`, the Wasmtime CLI and, where it is
//! on PATH, Spin; in both WASI builds.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    self, App, Request, Server, Stream, compose, compose_for, expect_success, fixture, mcp, rpc,
    stream::Event, wasmtime,
};
use serde_json::json;
use spin_mcp_component::World;
use tempfile::TempDir;

const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];

/// Serves these fixtures, composed, on each host and in each WASI build in turn.
fn everywhere(features: &[&str], claim: impl Fn(&Server)) {
    for wasi in WASI_BUILDS {
        everywhere_in(wasi, features, &claim);
    }
}

fn everywhere_in(wasi: &str, features: &[&str], claim: impl Fn(&Server)) {
    // The Wasmtime CLI has no store, and variables of the environment only on demand.
    let (runtime, grants): (_, &[&str]) = match features {
        ["conformance"] => ("wasmtime", &["-S", "cli"]),
        _ => ("spin", &[]),
    };
    let features: Vec<PathBuf> = features.iter().map(|name| fixture(name)).collect();
    let dir = TempDir::new().unwrap();
    let component = compose(dir.path(), wasi, &features);
    println!("WASI {wasi}, mcp serve");
    claim(&Server::mcp(&component, &[]));
    println!("WASI {wasi}, wasmtime serve");
    let component = compose_for(runtime, dir.path(), wasi, &features);
    claim(&Server::wasmtime(&component, grants));
    if let Some(spin) = support::spin("on Spin") {
        println!("WASI {wasi}, spin up");
        claim(&Server::spin(&spin, &component, dir.path()));
    }
}

fn echo(message: &str) -> Request {
    rpc::call("echo", json!({ "message": message }))
}

#[test]
fn clients_of_both_eras_call_a_tool() {
    everywhere(&["echo"], |server| {
        let answer = server.send(&echo("hello")).json();
        assert_eq!(answer["id"], 1);
        assert_eq!(answer["result"]["resultType"], "complete");
        assert_eq!(
            answer["result"]["content"],
            json!([{"type": "text", "text": "hello"}])
        );
        let discovered = server
            .send(&rpc::modern("server/discover", json!({})))
            .json();
        assert!(
            discovered["result"]["supportedVersions"]
                .as_array()
                .unwrap()
                .contains(&json!(rpc::MODERN))
        );

        let opened = server.send(&rpc::initialize(rpc::LEGACY));
        assert_eq!(opened.json()["result"]["protocolVersion"], rpc::LEGACY);
        let session = opened.header("mcp-session-id").expect("a session");
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        let ready = Request::post(ready).header("Mcp-Session-Id", session);
        assert_eq!(
            server
                .send(&ready.header("MCP-Protocol-Version", rpc::LEGACY))
                .status,
            202
        );
        let listed = server
            .send(&rpc::legacy(Some(session), "tools/list", json!({})))
            .json();
        assert_eq!(listed["result"]["tools"][0]["name"], "echo");
        let params = json!({"name": "echo", "arguments": {"message": "hello"}});
        let answer = server
            .send(&rpc::legacy(Some(session), "tools/call", params))
            .json();
        assert_eq!(
            answer["result"],
            json!({"content": [{"type": "text", "text": "hello"}]})
        );
    });
}

/// A synchronous tool of the WASI 0.3 build keeps its instance busy: its notifications arrive late.
#[test]
fn progress_arrives_as_it_happens() {
    for wasi in WASI_BUILDS {
        everywhere_in(wasi, &["conformance"], |server| {
            let params =
                json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "t"}});
            let answer = server.send(&rpc::modern("tools/call", params));
            assert!(answer.complete);
            let events = answer.events();
            let progress: Vec<_> = events
                .iter()
                .filter_map(|event| event["params"]["progress"].as_f64())
                .collect();
            assert_eq!(progress, [0.0, 50.0, 100.0]);
            assert_eq!(rpc::text(&events[3]), "reported progress three times");
            // The tool sleeps for 100 ms between the first and the last.
            if wasi == "0.2" {
                assert_apart(&answer, "\"progress\":0", "three times");
            }

            let quiet = server.send(&rpc::call("test_tool_with_progress", json!({})));
            assert_eq!(
                quiet.header("content-type"),
                Some("application/json"),
                "nobody asked for progress"
            );
        });
    }
}

#[test]
fn progress_of_an_async_tool_arrives_as_it_happens() {
    everywhere_in("0.3", &["echo-async"], |server| {
        let params = json!({
            "name": "wait",
            "arguments": {"ms": 500},
            "_meta": {"progressToken": "t"},
        });
        let answer = server.send(&rpc::modern("tools/call", params));
        let events = answer.events();
        assert_eq!(events[0]["method"], "notifications/progress");
        assert_eq!(rpc::text(&events[1]), "waited 500 ms");
        assert_apart(&answer, "notifications/progress", "waited 500 ms");
        cancel_a_call(server);
    });
}

/// A session cancels a call while its tool waits. The tool learns of it, and nobody gets its answer.
fn cancel_a_call(server: &Server) {
    let session = rpc::session(server, json!({}));
    let cancelled = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 1},
    });
    let params = json!({"name": "wait", "arguments": {"ms": 20_000}});
    let call = rpc::legacy(Some(&session), "tools/call", params);
    let response = thread::scope(|scope| {
        let response = scope.spawn(|| server.send(&call));
        thread::sleep(Duration::from_millis(500));
        let sent = server.send(&rpc::message(&session, &cancelled));
        assert_eq!(sent.status, 202);
        response.join().unwrap()
    });
    assert!(response.events().is_empty(), "{}", response.text());
    server.wait_for("the client left", Duration::from_secs(5));
}

/// Comments keep the stream of a call open, and find out that its client has left.
#[test]
fn a_client_that_leaves_cancels_its_call() {
    let dir = TempDir::new().unwrap();
    let app = App {
        wasi: "0.3",
        features: &["echo-async"],
        chain: "[component.mcp.tool.mcp.streams]\nkeep_alive_ms = 300\n",
    };
    let server = Server::mcp(&app.composed(dir.path()), &[]);
    let call = rpc::call("wait", json!({"ms": 20_000}));
    let stream = Stream::open(&server, &call);
    assert!(matches!(stream.event().0, Event::Comment(_)));
    drop(stream);
    server.wait_for("the client left", Duration::from_secs(5));
}

/// These parts arrived one after the other. A busy machine sees the first of them late.
#[track_caller]
fn assert_apart(answer: &support::Response, first: &str, second: &str) {
    let gap = answer.arrival(second) - answer.arrival(first);
    let together = Duration::from_millis(20);
    assert!(gap >= together, "they came together: {:?}", answer.arrivals);
}

#[test]
fn bodies_of_every_size() {
    let overhead = echo("").body.len();
    everywhere(&["echo"], |server| {
        for size in [4_095, 4_096, 4_097, 65_536, 1_000_000] {
            let message = "x".repeat(size - overhead);
            let request = echo(&message);
            assert_eq!(request.body.len(), size);
            let answer = server.send(&request);
            assert!(
                answer.complete && answer.status == 200,
                "{size} bytes: {}",
                answer.status
            );
            assert_eq!(rpc::text(&answer.json()), message, "{size} bytes");
        }
        let mut nothing = echo("");
        nothing.body.clear();
        let answer = server.send(&nothing);
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (400, &json!(-32700))
        );
        let answer = server.send(&echo(&"x".repeat(5 << 20)));
        assert_eq!(answer.status, 413);
        assert_eq!(
            rpc::text(&server.send(&echo("still here")).json()),
            "still here"
        );
    });
}

#[test]
fn a_tool_that_traps_harms_nobody_else() {
    everywhere(&["echo", "misbehave"], |server| {
        for (tool, arguments) in [
            ("trap", json!({})),
            ("deep", json!({"levels": 2_000})),
            ("eat", json!({"bytes": 4_200_000_000_u32})),
        ] {
            let answer = server.send(&rpc::call(tool, arguments));
            assert_eq!(answer.status, 500, "{tool}");
            assert!(
                !answer.text().contains("unreachable"),
                "internal text: {}",
                answer.text()
            );
            assert_eq!(
                rpc::text(&server.send(&echo("still here")).json()),
                "still here",
                "after {tool}"
            );
        }
    });
}

#[test]
fn answers_of_every_size() {
    everywhere(&["echo", "misbehave"], |server| {
        for bytes in [0, 4_096, 1_000_000, 10_000_000] {
            let answer = server.send(&rpc::call("big", json!({ "bytes": bytes })));
            assert!(answer.complete);
            assert_eq!(rpc::text(&answer.json()).len(), bytes);
        }
        let answer = server
            .send(&rpc::call("big", json!({"bytes": 20_000_000})))
            .json();
        assert_eq!(answer["error"]["code"], -32603);
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("`big`"),
            "{answer}"
        );
        assert_eq!(
            rpc::text(&server.send(&echo("still here")).json()),
            "still here"
        );
    });
}

#[test]
fn a_feature_that_breaks_the_contract_gets_an_error() {
    everywhere(&["misbehave"], |server| {
        for tool in ["broken_json", "not_mine"] {
            let answer = server.send(&rpc::call(tool, json!({}))).json();
            assert!(answer["error"]["code"].is_i64(), "{tool}: {answer}");
        }
        let answer = server.send(&rpc::call("pretty_json", json!({}))).json();
        assert_eq!(
            answer["result"]["structuredContent"],
            json!({"a": "b\nc", "d": [1, 2]})
        );
        let answer = server.send(&rpc::call("empty", json!({}))).json();
        assert_eq!(answer["result"]["content"], json!([]));
        let answer = server
            .send(&rpc::call("protocol_error", json!({"code": -32602})))
            .json();
        assert_eq!(
            answer["error"],
            json!({"code": -32602, "message": "as you asked", "data": {"asked": true}})
        );
    });
}

#[test]
fn async_tools_wait_side_by_side() {
    let dir = TempDir::new().unwrap();
    let component = compose(dir.path(), "0.3", &[fixture("echo"), fixture("echo-async")]);
    for server in [
        Server::mcp(&component, &[]),
        Server::wasmtime(&component, &[]),
    ] {
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let answer = server.send(&rpc::call("wait", json!({"ms": 500}))).json();
                    assert_eq!(rpc::text(&answer), "waited 500 ms");
                });
            }
            let answer = server.send(&echo("meanwhile")).json();
            assert_eq!(rpc::text(&answer), "meanwhile");
        });
        let one_after_the_other = 64 * Duration::from_millis(500);
        assert!(start.elapsed() < one_after_the_other);
    }
}

#[test]
fn a_thousand_calls_at_once() {
    everywhere(&["echo"], |server| {
        // One connection after the other, so that the kernel's queue of new ones does not overflow.
        let open = |_| TcpStream::connect(server.address()).unwrap();
        let connections: Vec<TcpStream> = (0..1_000).map(open).collect();
        let ready = Barrier::new(connections.len());
        let failed = thread::scope(|scope| {
            let ready = &ready;
            let start = |(index, connection)| {
                let call = move || {
                    let message = format!("call {index}");
                    ready.wait();
                    let answer = echo(&message)
                        .exchange(connection)
                        .map_err(|error| error.to_string())?;
                    let right = answer.status == 200 && rpc::text(&answer.json()) == message;
                    right.then_some(()).ok_or_else(|| format!("{answer:?}"))
                };
                thread::Builder::new()
                    .stack_size(256 << 10)
                    .spawn_scoped(scope, call)
                    .unwrap()
            };
            let calls: Vec<_> = connections.into_iter().enumerate().map(start).collect();
            calls
                .into_iter()
                .filter_map(|call| call.join().unwrap().err())
                .collect::<Vec<_>>()
        });
        assert!(
            failed.is_empty(),
            "{} of 1,000 failed, such as: {}",
            failed.len(),
            failed[0]
        );
        assert_eq!(
            rpc::text(&server.send(&echo("still here")).json()),
            "still here"
        );
    });
}

/// Copies of `echo`, each under a name of its own, and the flags that give their tools names.
fn many(dir: &Path, count: usize) -> (Vec<PathBuf>, Vec<String>) {
    let copy = |index: usize| {
        let feature = dir.join(format!("f{index}.wasm"));
        std::fs::copy(fixture("echo"), &feature).unwrap();
        (feature, format!("--prefix=f{index}=f{index}_"))
    };
    (0..count).map(copy).unzip()
}

#[test]
fn forty_features_are_one_server() {
    let dir = TempDir::new().unwrap();
    let (features, prefixes) = many(dir.path(), 40);
    for wasi in WASI_BUILDS {
        let component = dir.path().join(format!("forty-{wasi}.wasm"));
        let mut command = mcp();
        command
            .args(["compose", "--wasi", wasi, "--runtime", "wasmtime", "-o"])
            .arg(&component);
        expect_success(command.args(&prefixes).args(&features));
        for server in [
            Server::mcp(&component, &[]),
            Server::wasmtime(&component, &[]),
        ] {
            let listed = server.send(&rpc::modern("tools/list", json!({}))).json();
            assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 40);
            for tool in ["f0_echo", "f39_echo"] {
                let answer = server
                    .send(&rpc::call(tool, json!({"message": tool})))
                    .json();
                assert_eq!(rpc::text(&answer), tool);
            }
        }
    }
}

#[test]
fn stdio_serves_until_its_input_ends() {
    for wasi in WASI_BUILDS {
        let dir = TempDir::new().unwrap();
        let component = compose(dir.path(), wasi, &[fixture("echo")]);
        let input = dir.path().join("input");
        let call = String::from_utf8(echo("hello").body).unwrap();
        std::fs::write(&input, format!("{call}\nno json\n")).unwrap();
        let mut own = mcp();
        own.args(["serve", "--stdio"]).arg(&component);
        let mut cli = wasmtime();
        cli.args(["run", "-S", "http"]).arg(&component);
        for command in [&mut own, &mut cli] {
            let answers = answers_on_stdio(command, &input);
            assert_eq!(answers.len(), 2, "{command:?}: {answers:?}");
            assert!(
                answers
                    .iter()
                    .any(|answer| answer["result"]["content"][0]["text"] == "hello"),
                "{answers:?}"
            );
            assert!(
                answers
                    .iter()
                    .any(|answer| answer["error"]["code"] == -32700),
                "{answers:?}"
            );
        }
    }
}

/// What a command writes to stdout when this is its whole stdin.
fn answers_on_stdio(command: &mut Command, input: &Path) -> Vec<serde_json::Value> {
    let output = expect_success(command.stdin(std::fs::File::open(input).unwrap()));
    let lines = output.stdout.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Spin 3 and others know nothing of WASI 0.3; neither does this Wasmtime.
#[test]
fn hosts_without_wasi_0_3_run_the_0_2_edition() {
    const WITHOUT_0_3: [&str; 4] = ["-W", "component-model-async=n", "-S", "p3=n"];
    let dir = TempDir::new().unwrap();
    let features = ["echo", "conformance"].map(fixture);
    let component = compose_for("wasmtime", dir.path(), "0.2", &features);
    let server = Server::wasmtime(&component, &[&WITHOUT_0_3[..], &["-S", "cli"]].concat());
    assert_eq!(rpc::text(&server.send(&echo("hello")).json()), "hello");
    let session = rpc::session(&server, json!({}));
    let listed = server.send(&rpc::legacy(Some(&session), "tools/list", json!({})));
    assert_eq!(listed.json()["result"]["tools"][0]["name"], "echo");
    let params = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "t"}});
    let events = server.send(&rpc::modern("tools/call", params)).events();
    assert_eq!(events.len(), 4, "{events:?}");

    let input = dir.path().join("input");
    std::fs::write(&input, echo("hello").body).unwrap();
    let on_stdio = |component: &Path| {
        let mut cli = wasmtime();
        cli.arg("run").args(WITHOUT_0_3).args(["-S", "http"]);
        cli.arg(component);
        cli
    };
    let answers = answers_on_stdio(&mut on_stdio(&component), &input);
    assert_eq!(rpc::text(&answers[0]), "hello");

    let newer = compose_for("wasmtime", dir.path(), "0.3", &features);
    let refused = on_stdio(&newer).output().unwrap();
    assert!(!refused.status.success(), "the flags switch nothing off");
}

#[test]
fn servers_for_wasmtime_import_no_store() {
    let dir = TempDir::new().unwrap();
    let features = ["conformance", "changes"].map(fixture);
    let stores = |runtime, wasi| {
        let component = compose_for(runtime, dir.path(), wasi, &features);
        let world = World::read(&std::fs::read(component).unwrap()).unwrap();
        let imports = world.imports.into_iter().map(|import| import.name);
        let stores = imports.filter(|name| name.contains("keyvalue") || name.contains("config"));
        stores.collect::<Vec<_>>()
    };
    for wasi in WASI_BUILDS {
        assert_eq!(stores("wasmtime", wasi), [""; 0]);
        let expected = ["wasi:config/store", "wasi:keyvalue/store"];
        let mut found = stores("spin", wasi);
        found.sort();
        // Hosts need neither `batch` nor `atomics`.
        let same = found
            .iter()
            .zip(expected)
            .all(|(name, expected)| name.starts_with(expected));
        assert!(same && found.len() == 2, "{found:?}");
    }
}
