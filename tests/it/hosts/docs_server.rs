//! `mcp serve --docs`: what a coding agent finds there, and what its commands reach.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Stdio, compose, mcp, root, rpc};

/// Calls a tool; returns whether it succeeded, and its text.
fn call(server: &mut Stdio, id: u32, tool: &str, arguments: Value) -> (bool, String) {
    let params = json!({"name": tool, "arguments": arguments});
    server.modern(id, "tools/call", params, json!({}));
    let answer = server.answer(id);
    let failed = answer["result"]["isError"] == true;
    (
        !failed && answer["result"].is_object(),
        rpc::text(&answer).to_owned(),
    )
}

#[test]
fn an_agent_reads_the_documentation() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Stdio::docs(dir.path());
    server.modern(1, "resources/list", json!({}), json!({}));
    let listed = server.answer(1);
    let resources = listed["result"]["resources"].as_array().unwrap();
    let pages = resources
        .iter()
        .map(|resource| resource["uri"].as_str().unwrap());
    let pages: Vec<_> = pages.collect();
    for uri in [
        "spin-mcp://docs/quickstart.md",
        "spin-mcp://docs/guides/agents.md",
        "spin-mcp://wit/tools.wit",
    ] {
        assert!(pages.contains(&uri), "{uri}: {pages:?}");
    }
    let uri = json!({"uri": "spin-mcp://wit/tools.wit"});
    server.modern(2, "resources/read", uri, json!({}));
    let read = server.answer(2);
    let text = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert_eq!(
        text,
        fs::read_to_string(root().join("framework/wit/tools.wit")).unwrap()
    );

    let (found, text) = call(
        &mut server,
        3,
        "search_docs",
        json!({"query": "rate-limit settings"}),
    );
    assert!(
        found && text.contains("docs/explain/middleware.md"),
        "{text}"
    );
    let (found, text) = call(&mut server, 4, "read_docs", json!({"page": "docs/no.md"}));
    assert!(!found && text.contains("docs/quickstart.md"), "{text}");
    server.close();
}

#[test]
fn commands_reach_what_is_below_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("app");
    fs::create_dir(&folder).unwrap();
    let feature = [root().join("tests/frozen/contract-0.1.0.wasm")];
    let composed = compose(outer.path(), "0.2", &feature);
    fs::copy(&composed, folder.join("mcp.wasm")).unwrap();
    let manifest = "spin_manifest_version = 2\n[application]\nname = \"app\"\n\
        [[trigger.http]]\nroute = \"/mcp\"\ncomponent = \"mcp\"\n\
        [component.mcp]\nsource = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n\
        [component.mcp.tool.mcp.features.contract]\nsource = \"contract.wasm\"\n";
    fs::write(folder.join("spin.toml"), manifest).unwrap();

    let mut server = Stdio::docs(&folder);
    let (shown, text) = call(&mut server, 1, "inspect", json!({}));
    assert!(shown && text.contains("test_simple_text"), "{text}");
    let (fits, text) = call(
        &mut server,
        2,
        "check",
        json!({"path": "mcp.wasm", "hosts": ["wasmtime"]}),
    );
    assert!(fits && text.contains("wasmtime"), "{text}");
    let (_, text) = call(&mut server, 3, "check", json!({"hosts": ["no-host"]}));
    assert!(text.contains("no-host"), "{text}");
    let (called, text) = call(&mut server, 4, "call", json!({"tool": "test_simple_text"}));
    assert!(
        called && text.contains("This is a simple text response"),
        "{text}"
    );
    let (called, text) = call(
        &mut server,
        5,
        "call",
        json!({"tool": "--help", "path": "mcp.wasm"}),
    );
    assert!(!called && text.contains("--help"), "{text}");
    let outside = composed.file_name().unwrap().to_str().unwrap();
    for path in [composed.to_str().unwrap(), &format!("../{outside}")] {
        for tool in ["inspect", "check", "call"] {
            let arguments = json!({"path": path, "tool": "test_simple_text"});
            let arguments = match tool {
                "call" => arguments,
                _ => json!({"path": path}),
            };
            let (reached, text) = call(&mut server, 6, tool, arguments);
            assert!(
                !reached && text.contains("outside of"),
                "{tool} {path}: {text}"
            );
        }
    }
    server.close();
}

/// No other server can use the commands.
#[test]
fn only_this_server_has_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    let feature = dir.path().join("docs.wasm");
    fs::write(&feature, spin_mcp_framework::docs()).unwrap();
    let compose = |options: &[&str]| {
        let mut command = mcp();
        let server = dir.path().join("server.wasm");
        command.args(["compose", "-o"]).arg(server).arg(&feature);
        let output = command.args(options).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let refused = compose(&[]);
    assert!(
        refused.contains("neither the framework nor a host provides"),
        "{refused}"
    );
    compose(&["--allow", "docs=spin-mcp:local"]);
    let mut call = mcp();
    let server = dir.path().join("server.wasm");
    let output = call
        .arg("call")
        .arg(server)
        .arg("inspect")
        .output()
        .unwrap();
    let refused = String::from_utf8(output.stderr).unwrap();
    assert!(
        refused.contains("imports an interface that `mcp` does not provide"),
        "{refused}"
    );
}
