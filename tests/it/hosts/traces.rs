//! The spans of `audit`, on a host that takes them: a component with `wasi:otel/tracing`, which the
//! server is plugged into.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{App, Server, expect_success, fixture, mcp, rpc};
use serde_json::{Value, json};
use wac_graph::{CompositionGraph, EncodeOptions, types::Package};

const ALLOWED: &str = "[[component.mcp.tool.mcp.middleware]]\nname = \"audit\"\n\
    allow = [\"wasi:otel\"]\nsettings = { arguments = true }\n";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

/// A server of `echo` behind this chain.
fn composed(dir: &Path, wasi: &str, chain: &str) -> PathBuf {
    let app = App {
        wasi,
        features: &["echo"],
        chain,
    };
    app.composed(dir)
}

/// The server as a host that takes spans would have it.
fn plugged(server: &Path) -> PathBuf {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, file: &Path| {
        let bytes = fs::read(file).unwrap();
        let package = Package::from_bytes(name, None, bytes, graph.types_mut()).unwrap();
        graph.register_package(package).unwrap()
    };
    let socket = register("test:server", server);
    let tracer = register("test:tracer", &fixture("tracer"));
    wac_graph::plug(&mut graph, vec![tracer], socket).unwrap();
    let plugged = server.with_file_name("plugged.wasm");
    fs::write(&plugged, graph.encode(EncodeOptions::default()).unwrap()).unwrap();
    plugged
}

/// The objects among what a server wrote that have this member.
fn written(output: &str, member: &str) -> Vec<Value> {
    let objects = output.lines().filter_map(|line| {
        let (_, object) = line.split_once('{')?;
        serde_json::from_str::<Value>(&format!("{{{object}")).ok()
    });
    objects
        .filter(|object| object.get(member).is_some())
        .collect()
}

#[test]
fn audit_sends_a_span_for_each_request() {
    for wasi in ["0.2", "0.3"] {
        println!("WASI {wasi}");
        let dir = tempfile::tempdir().unwrap();
        let server = composed(dir.path(), wasi, ALLOWED);
        let plugged = plugged(&server);
        for server in [
            Server::mcp(&plugged, &[]),
            Server::wasmtime(&plugged, &["-S", "cli"]),
        ] {
            sends_spans(&server);
        }
    }
}

fn sends_spans(server: &Server) {
    let traced = json!({
        "name": "echo",
        "arguments": {"message": "hello"},
        "_meta": {"traceparent": TRACE},
    });
    server.send(&rpc::modern("tools/call", traced));
    server.send(&rpc::call("none", json!({})));
    server.wait_for("\"-32602\"", Duration::from_secs(5));
    let output = server.output();
    let mut spans = written(&output, "span");
    // `mcp serve` itself asks that.
    spans.retain(|span| span["span"] != "server/discover");
    let [called, refused] = &spans[..] else {
        panic!("{output}");
    };
    assert_eq!(called["span"], "tools/call echo");
    assert_eq!(called["trace"], &TRACE[3..35]);
    assert_eq!(called["parent"], &TRACE[36..52]);
    assert_eq!(called["links"], json!(["a".repeat(32)]));
    assert_eq!(called["failed"], false);
    let attributes = &called["attributes"];
    assert_eq!(attributes["mcp.protocol.version"], "2026-07-28");
    assert_eq!(attributes["gen_ai.tool.name"], "echo");
    assert_eq!(
        attributes["gen_ai.tool.call.arguments"],
        r#"{"message":"hello"}"#
    );

    assert_eq!(refused["span"], "tools/call");
    assert_eq!(refused["trace"], "a".repeat(32));
    assert_eq!(refused["parent"], "b".repeat(16));
    assert_eq!(refused["failed"], true);
    assert_eq!(refused["attributes"]["error.type"], "-32602");
    assert_ne!(refused["id"], called["id"]);

    let lines = written(&output, "outcome");
    for span in &spans {
        let parent = format!(
            "00-{}-{}-01",
            span["trace"].as_str().unwrap(),
            span["id"].as_str().unwrap()
        );
        assert!(
            lines.iter().any(|line| line["traceparent"] == parent),
            "{output}"
        );
    }
}

#[test]
fn a_host_that_collects_nothing_runs_the_server_too() {
    for wasi in ["0.2", "0.3"] {
        println!("WASI {wasi}");
        let dir = tempfile::tempdir().unwrap();
        let server = composed(dir.path(), wasi, ALLOWED);
        let mut call = mcp();
        call.arg("call").arg(&server);
        let told = expect_success(call.args(["echo", r#"{"message": "hello"}"#]));
        assert_eq!(String::from_utf8_lossy(&told.stdout), "hello\n");
    }
}
