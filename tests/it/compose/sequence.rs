//! Saved sequences: features and middleware in one component, a middleware of other servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{
    App, Server, Stream, expect_success, fixture, mcp, middleware, root, rpc,
    rpc::{call, modern, text},
};
use serde_json::{Value, json};
use spin_mcp_app as app;

/// Makes a sequence of these features in `dir`.
fn save(dir: &Path, name: &str, features: &[&str], more: &[&str]) -> (PathBuf, Output) {
    let path = dir.join(format!("{name}.wasm"));
    let mut command = mcp();
    command
        .arg("compose")
        .args(features.iter().map(|feature| fixture(feature)))
        .args(more)
        .args(["--sequence", "--output"])
        .arg(&path);
    (path, command.output().expect("mcp can be run"))
}

fn saved(dir: &Path, name: &str, features: &[&str], more: &[&str]) -> PathBuf {
    let (path, output) = save(dir, name, features, more);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    path
}

fn link(name: &str, path: &Path) -> String {
    middleware(name, &format!("source = {path:?}"))
}

fn serve(dir: &Path, wasi: &str, features: &[&str], chain: &str) -> Server {
    let app = App {
        wasi,
        features,
        chain,
    };
    Server::mcp(&app.composed(dir), &[])
}

fn result(server: &Server, method: &str, params: Value) -> Value {
    let mut answer = server.send(&modern(method, params)).message();
    assert!(answer["result"].is_object(), "{method}: {answer}");
    answer["result"].take()
}

/// The names in all pages of a list.
fn names(server: &Server, method: &str, list: &str) -> Vec<String> {
    let (mut names, mut params) = (Vec::new(), json!({}));
    loop {
        let page = result(server, method, params);
        for entry in page[list].as_array().unwrap() {
            names.push(entry["name"].as_str().unwrap().to_owned());
        }
        match &page["nextCursor"] {
            Value::Null => return names,
            cursor => params = json!({"cursor": cursor}),
        }
    }
}

#[test]
fn a_sequence_is_a_part_of_servers_of_both_wasi_builds() {
    let dir = tempfile::tempdir().unwrap();
    let filter = r#"filter={"tools": {"allow": ["test_*", "echo"], "prefix": "s_"}}"#;
    let options = ["--middleware", "filter", "--settings", filter];
    let sequence = saved(dir.path(), "saved", &["conformance"], &options);
    for wasi in ["0.2", "0.3"] {
        println!("WASI {wasi}");
        let chain = format!("page_size = 3\n{}", link("saved", &sequence));
        let server = serve(dir.path(), wasi, &["echo"], &chain);
        let tools = names(&server, "tools/list", "tools");
        assert_eq!(tools.last().unwrap(), "s_echo");
        assert!(
            tools.contains(&"s_test_simple_text".to_owned()),
            "{tools:?}"
        );
    }
}

#[test]
fn what_a_sequence_has_is_found_and_the_rest_is_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let sequence = saved(dir.path(), "saved", &["conformance"], &[]);
    let asynchronous = saved(dir.path(), "waits", &["echo-async"], &["--wasi", "0.3"]);
    let nested = {
        let path = sequence.to_str().unwrap();
        let options = ["--middleware", path, "--middleware", "audit"];
        saved(dir.path(), "nested", &["lists"], &options)
    };
    for (wasi, sequence, feature) in [
        ("0.2", &sequence, "echo"),
        ("0.3", &sequence, "echo"),
        ("0.3", &nested, "echo"),
    ] {
        println!("WASI {wasi}, {}", sequence.display());
        let server = serve(dir.path(), wasi, &[feature], &link("saved", sequence));
        let tools = names(&server, "tools/list", "tools");
        assert_eq!(tools.last().unwrap(), "echo");
        assert_eq!(tools.iter().filter(|tool| *tool == "echo").count(), 1);
        let said = server
            .send(&call("echo", json!({"message": "hello"})))
            .message();
        assert_eq!(text(&said), "hello");
        let simple = server.send(&call("test_simple_text", json!({}))).message();
        assert_eq!(text(&simple), "This is a simple text response for testing.");
        let info = &simple["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "app");
        let unknown = server.send(&call("none", json!({}))).message();
        assert_eq!(unknown["error"]["message"], "unknown tool `none`");

        result(
            &server,
            "prompts/get",
            json!({"name": "test_simple_prompt"}),
        );
        result(
            &server,
            "resources/read",
            json!({"uri": "test://static-text"}),
        );
        let discovered = result(&server, "server/discover", json!({}));
        for capability in ["tools", "prompts", "resources", "completions"] {
            assert!(
                discovered["capabilities"][capability].is_object(),
                "{discovered}"
            );
        }
        let session = rpc::session(&server, json!({}));
        let listed = rpc::legacy(Some(&session), "prompts/list", json!({}));
        assert!(server.send(&listed).message()["result"]["prompts"][0].is_object());

        let progress = json!({
            "name": "test_tool_with_progress",
            "arguments": {},
            "_meta": {"progressToken": "p"},
        });
        let stream = Stream::open(&server, &modern("tools/call", progress));
        for expected in [0.0, 50.0, 100.0] {
            assert_eq!(stream.message()["params"]["progress"], expected);
        }
        assert_eq!(text(&stream.message()), "reported progress three times");
    }
    let server = serve(dir.path(), "0.3", &["lists"], &link("waits", &asynchronous));
    let said = server
        .send(&call("echo_async", json!({"message": "hello"})))
        .message();
    assert_eq!(text(&said), "hello");
}

#[test]
fn a_sequence_may_be_middleware_alone() {
    let dir = tempfile::tempdir().unwrap();
    let filter = r#"filter={"tools": {"deny": ["test_*"]}}"#;
    let options = [
        "--middleware",
        "audit",
        "--middleware",
        "filter",
        "--settings",
        filter,
    ];
    let sequence = saved(dir.path(), "stack", &[], &options);
    for wasi in ["0.2", "0.3"] {
        let server = serve(
            dir.path(),
            wasi,
            &["echo", "conformance"],
            &link("stack", &sequence),
        );
        let tools = names(&server, "tools/list", "tools");
        assert!(tools.contains(&"echo".to_owned()), "{tools:?}");
        assert!(
            !tools.iter().any(|tool| tool.starts_with("test_")),
            "{tools:?}"
        );
        server.wait_for("\"tools/list\"", std::time::Duration::from_secs(5));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, output) = save(
        dir.path(),
        "twice",
        &["echo"],
        &["--transport", "echo.wasm"],
    );
    assert!(!output.status.success() && !path.exists());
    let (path, output) = save(dir.path(), "none", &[], &[]);
    assert!(!output.status.success() && !path.exists());

    let sequence = saved(dir.path(), "saved", &["echo"], &[]);
    let waits = saved(dir.path(), "waits", &["echo-async"], &["--wasi", "0.3"]);
    for (wasi, features, chain, problem) in [
        (
            "0.2",
            "echo",
            link("saved", &sequence),
            "there are two tools `echo`",
        ),
        (
            "0.2",
            "lists",
            link("waits", &waits),
            "has asynchronous functions (`spin-mcp:server/handler-async@0.1.0`)",
        ),
        (
            "0.3",
            "echo-async",
            link("saved", &sequence),
            "middleware `saved` is synchronous",
        ),
    ] {
        let app = App {
            wasi,
            features: &[features],
            chain: &chain,
        };
        let output = app.compose(dir.path());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{chain}");
        assert!(stderr.contains(problem), "{chain}\n{stderr}");
    }
}

/// Of `docs/guides/sequences.md`: the commands that compose, and the blocks of `spin.toml`.
#[test]
fn the_page_holds() {
    let page = fs::read_to_string(root().join("docs/guides/sequences.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let release = dir.path().join("target/wasm32-wasip2/release");
    fs::create_dir_all(&release).unwrap();
    for (from, to) in [
        ("conformance", dir.path().join("orders.wasm")),
        ("echo", dir.path().join("customers.wasm")),
        ("echo", dir.path().join("add.wasm")),
        ("ndjson-transport", release.join("ndjson_transport.wasm")),
    ] {
        fs::copy(fixture(from), to).unwrap();
    }
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ spin mcp compose "));
    let composed = commands.map(|command| {
        let mut compose = mcp();
        compose.current_dir(dir.path()).arg("compose");
        expect_success(compose.args(command.split_whitespace()));
    });
    assert_eq!(composed.count(), 2);

    let blocks = page.split("```toml\n").skip(1);
    let loaded = blocks.map(|rest| {
        let (block, _) = rest.split_once("```").unwrap();
        let manifest = format!(
            "spin_manifest_version = 2\napplication.name = \"app\"\n[component.mcp]\nsource = \"mcp.wasm\"\n\
             {block}\n[component.mcp.tool.mcp.features.add]\nsource = \"add.wasm\"\n"
        );
        let path = dir.path().join("spin.toml");
        fs::write(&path, manifest).unwrap();
        let app = app::App::load(&path, None).unwrap_or_else(|error| panic!("{block}: {error:#}"));
        assert_eq!(app.middleware.len() + app.overrides.len(), 1, "{block}");
    });
    assert_eq!(loaded.count(), 3);
}
