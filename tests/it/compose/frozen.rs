//! A feature component that was built when the contract was made, in both WASI builds of today.

use std::{fs, path::PathBuf};

use crate::support::{Server, compose, expect_success, fixture, mcp, root, rpc};
use serde_json::{Value, json};
use spin_mcp_component::Size;

/// What `tests/frozen/README.md` says of it.
const SHA256: &str = "9253423dabde5776d3eb8d67ba8e0ae9a5b9d7f613438d0a5b8448cedd872a5d";

fn frozen() -> PathBuf {
    root().join("tests/frozen/contract-0.1.0.wasm")
}

#[test]
fn is_served_in_both_wasi_builds_without_a_rebuild() {
    for wasi in ["0.2", "0.3"] {
        let dir = tempfile::tempdir().unwrap();
        let component = compose(dir.path(), wasi, &[frozen()]);
        let inspected = expect_success(mcp().arg("inspect").arg(&component).arg("--json"));
        let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
        assert_eq!(inspected["wasi"], wasi);
        assert_eq!(inspected["features"][0]["sha256"], SHA256);
        answers(&Server::mcp(&component, &[]));
    }
}

/// Among so many features, `compose` lets each fill its memory at its first call.
#[test]
fn is_served_when_it_fills_its_memory_later() {
    for (wasi, other) in [("0.2", "echo"), ("0.3", "echo-async")] {
        let dir = tempfile::tempdir().unwrap();
        let component = dir.path().join("server.wasm");
        let mut command = mcp();
        command
            .args(["compose", "--wasi", wasi, "-o"])
            .arg(&component);
        command.arg(frozen());
        for index in 1..5 {
            let copy = dir.path().join(format!("echo-{index}.wasm"));
            fs::copy(fixture(other), &copy).unwrap();
            let prefix = format!("echo-{index}=e{index}_");
            command.arg(copy).args(["--prefix", &prefix]);
        }
        expect_success(&mut command);
        let size = Size::of(&fs::read(&component).unwrap()).unwrap();
        assert!(size.initial_memory < 5 << 20, "{size:?}");
        let server = Server::mcp(&component, &[]);
        answers(&server);
        for prefix in ["e4", "e1"] {
            let tool = format!("{prefix}_{}", other.replace('-', "_"));
            let call = json!({"name": tool, "arguments": {"message": "it"}});
            let answer = server.send(&rpc::modern("tools/call", call)).message();
            assert_eq!(answer["result"]["content"][0]["text"], "it", "{answer}");
        }
    }
}

/// Uses every interface that the component exports or imports.
fn answers(server: &Server) {
    let ask = |method: &str, params: Value| server.send(&rpc::modern(method, params)).message();
    let listed = |method: &str, list: &str| {
        let answer = ask(method, json!({}));
        answer["result"][list].as_array().expect(method).len()
    };
    assert!(listed("tools/list", "tools") > 10);
    assert_eq!(listed("resources/list", "resources"), 3);
    assert_eq!(listed("resources/templates/list", "resourceTemplates"), 1);
    assert_eq!(listed("prompts/list", "prompts"), 5);

    let answer = ask("tools/call", json!({"name": "test_multiple_content_types"}));
    let content = answer["result"]["content"].as_array().unwrap();
    let kinds: Vec<_> = content.iter().map(|content| &content["type"]).collect();
    assert_eq!(kinds, ["text", "image", "resource"]);
    let read = ask("resources/read", json!({"uri": "test://template/7/data"}));
    let text = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(text.contains('7'), "{read}");
    let arguments = json!({"arg1": "one", "arg2": "two"});
    let prompt = json!({"name": "test_prompt_with_arguments", "arguments": arguments});
    let got = ask("prompts/get", prompt);
    let text = &got["result"]["messages"][0]["content"]["text"];
    assert!(text.as_str().unwrap().contains("one"), "{got}");
    let reference = json!({"type": "ref/prompt", "name": "test_prompt_with_arguments"});
    let argument = json!({"name": "arg1", "value": ""});
    let completed = ask(
        "completion/complete",
        json!({"ref": reference, "argument": argument}),
    );
    assert!(
        completed["result"]["completion"]["values"].is_array(),
        "{completed}"
    );

    let progress = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "p"}});
    let events = server.send(&rpc::modern("tools/call", progress)).events();
    assert_eq!(events.len(), 4, "{events:?}");
    let asks = rpc::modern_with(
        "tools/call",
        json!({"name": "test_input_required_result_elicitation", "arguments": {}}),
        json!({"elicitation": {}}),
    );
    let asked = server.send(&asks).message();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
}
