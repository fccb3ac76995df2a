//! Servers that override the transport, the router or the context component.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{App, Request, Server, fixture, middleware, rpc};
use serde_json::{Value, json};
use spin_mcp_contract::Wasi;
use spin_mcp_framework as framework;

/// A server with the transport of `examples/ndjson-transport`.
fn ndjson(dir: &Path, features: &[&str], more: &str) -> Server {
    let app = App {
        wasi: "0.2",
        features,
        chain: &format!("transport = {:?}\n{more}", fixture("ndjson-transport")),
    };
    Server::mcp(&app.composed(dir), &[])
}

fn lines(messages: &[Value]) -> Request {
    let lines = messages.iter().map(|message| format!("{message}\n"));
    Request::post(lines.collect::<String>())
}

fn request(id: u32, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// What a server answers, line by line.
fn answers(server: &Server, messages: &[Value]) -> Vec<Value> {
    let response = server.send(&lines(messages));
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        Some("application/x-ndjson")
    );
    let answers = response.text().lines().map(serde_json::from_str);
    answers.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_transport_of_ones_own_serves_unchanged_features() {
    let dir = tempfile::tempdir().unwrap();
    let server = ndjson(dir.path(), &["echo", "conformance"], "");
    let answers = answers(
        &server,
        &[
            request(
                1,
                "tools/call",
                json!({"name": "echo", "arguments": {"message": "a\nb"}}),
            ),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            request(2, "tools/call", json!({"name": "none", "arguments": {}})),
            json!("no request"),
            request(3, "tools/list", json!({})),
            request(4, "no/such", json!({})),
            request(5, "initialize", json!({})),
            request(6, "prompts/get", json!({"name": "test_simple_prompt"})),
            request(7, "resources/read", json!({"uri": "test://static-text"})),
        ],
    );
    assert_eq!(answers.len(), 8, "{answers:#?}");
    assert_eq!(rpc::text(&answers[0]), "a\nb");
    assert_eq!(answers[0]["result"]["resultType"], "complete");
    assert_eq!(answers[1]["error"]["message"], "unknown tool `none`");
    assert_eq!(answers[2]["error"]["code"], -32700);
    assert_eq!(answers[3]["result"]["tools"][0]["name"], "echo");
    assert_eq!(answers[4]["error"]["code"], -32601);
    assert_eq!(answers[5]["result"]["serverInfo"]["name"], "app");
    assert!(answers[6]["result"]["messages"].is_array());
    assert!(answers[7]["result"]["contents"].is_array());
    let ids: Vec<_> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(json!(ids), json!([1, 2, null, 3, 4, 5, 6, 7]));
    let get = Request {
        method: "GET".into(),
        ..lines(&[])
    };
    assert_eq!(server.send(&get).status, 405);
}

#[test]
fn notifications_stream_over_a_transport_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let server = ndjson(dir.path(), &["conformance"], &middleware("validate", ""));
    let params = json!({
        "name": "test_tool_with_progress",
        "arguments": {},
        "_meta": {"progressToken": "p"},
    });
    let response = server.send(&lines(&[request(1, "tools/call", params)]));
    let told: Vec<Value> = response
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let progress: Vec<_> = told
        .iter()
        .map(|line| &line["params"]["progress"])
        .collect();
    assert_eq!(json!(progress), json!([0, 50, 100, null]));
    assert_eq!(rpc::text(&told[3]), "reported progress three times");
    let (first, last) = (response.arrivals[0].1, response.arrivals.last().unwrap().1);
    assert!(
        last - first >= Duration::from_millis(50),
        "{first:?} {last:?}"
    );
}

#[test]
fn middleware_stands_behind_a_transport_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let rename = "settings.tools = { rename = { echo = \"say\" } }";
    let server = ndjson(dir.path(), &["echo"], &middleware("filter", rename));
    let call = |name: &str| {
        request(
            1,
            "tools/call",
            json!({"name": name, "arguments": {"message": "a"}}),
        )
    };
    let answers = answers(&server, &[call("say"), call("echo")]);
    assert_eq!(rpc::text(&answers[0]), "a");
    assert_eq!(answers[1]["error"]["message"], "unknown tool `echo`");
}

#[test]
fn own_parts_of_the_framework_in_place_of_own_parts_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (wasi, edition) in [("0.2", Wasi::P2), ("0.3", Wasi::P3)] {
        let compose = |chain: &str| {
            let app = App {
                wasi,
                features: &["echo", "conformance"],
                chain: &(middleware("filter", "") + chain),
            };
            fs::read(app.composed(dir.path())).unwrap()
        };
        let usual = compose("");
        let mut overrides = "[component.mcp.tool.mcp.overrides]\n".to_owned();
        for (part, module) in [
            ("transport", framework::transport(edition)),
            ("router", framework::router(edition)),
            ("context", framework::context(edition)),
        ] {
            let path = dir.path().join(format!("{part}.wasm"));
            fs::write(&path, module).unwrap();
            overrides += &format!("{part} = \"{part}.wasm\"\n");
        }
        assert!(compose(&overrides) == usual);
    }
}

#[test]
fn what_cannot_stand_in_is_refused() {
    let echo = fixture("echo");
    let transport = fixture("ndjson-transport");
    let broken = "broken.wasm";
    for (wasi, chain, problem) in [
        (
            "0.2",
            format!("transport = {echo:?}"),
            "overrides the transport, but does not import exactly one of `spin-mcp:server/handler@0.1.0` and",
        ),
        (
            "0.2",
            format!("transport = {:?}", fixture("middleware")),
            "overrides the transport, but exports nothing that a host calls",
        ),
        (
            "0.2",
            format!("transport = {broken:?}"),
            "which overrides the transport, is not a WebAssembly component",
        ),
        ("0.2", "transport = \"none.wasm\"".to_owned(), "none.wasm"),
        (
            "0.2",
            format!("transport = {transport:?}\noverrides.transport = {transport:?}"),
            "two components override the transport",
        ),
        (
            "0.2",
            format!("overrides.link = {transport:?}"),
            "the keys here are `transport`, `router`, `context`",
        ),
        (
            "0.2",
            format!("overrides.router = {echo:?}"),
            "overrides the router, but does not export `spin-mcp:server/handler@0.1.0`",
        ),
        (
            "0.2",
            format!("overrides.router = {:?}", fixture("middleware")),
            "overrides the router, but does not import `tools0`, so it would never call feature `echo`",
        ),
        (
            "0.3",
            format!("transport = {transport:?}"),
            "build both for the same WASI",
        ),
        (
            "0.3",
            format!(
                "transport = {transport:?}\n[component.mcp.tool.mcp.features.waits]\nsource = {:?}",
                fixture("echo-async")
            ),
            "is synchronous (`spin-mcp:server/handler@0.1.0`), but feature `waits` is asynchronous",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(broken), "no component").unwrap();
        let app = App {
            wasi,
            features: &["echo"],
            chain: &chain,
        };
        let output = app.compose(dir.path());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{chain}");
        assert!(stderr.contains(problem), "{chain}\n{stderr}");
        assert!(!dir.path().join("mcp.wasm").exists());
    }
}
