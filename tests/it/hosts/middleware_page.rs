//! What `docs/explain/middleware.md` shows in TOML composes, and audit writes the line that it shows.
//! That the template holds its Rust code is tested with the template.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{Server, expect_success, fixture, mcp, middleware, root, rpc};
use serde_json::{Value, json};
use spin_mcp_app::App;

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/explain/middleware.md")).unwrap();
    let start = format!("\n```{language}\n");
    let blocks = page.split(&start).skip(1);
    blocks
        .map(|rest| rest.split_once("```").expect("a block ends").0.to_owned())
        .collect()
}

/// Makes an app of a block: what it does not say is as in any other, and the components that it
/// names are fixtures.
fn write_app(dir: &Path, block: &str) {
    let mut manifest = String::from("spin_manifest_version = 2\n[application]\nname = \"app\"\n");
    for (table, otherwise) in [
        ("[component.mcp]\n", "source = \"mcp.wasm\"\n"),
        (
            "[component.mcp.tool.mcp.features.",
            "echo]\nsource = \"echo.wasm\"\n",
        ),
    ] {
        if !block.contains(table) {
            manifest += table;
            manifest += otherwise;
        }
    }
    manifest += block;
    fs::write(dir.join("spin.toml"), &manifest).unwrap();
    let app = App::load(&dir.join("spin.toml"), None).unwrap();
    for (parts, name) in [(&app.features, "echo"), (&app.middleware, "middleware")] {
        for file in parts.iter().filter_map(|part| part.file()) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::copy(fixture(name), file).unwrap();
        }
    }
}

#[test]
fn tables_compose() {
    let mut shown = Vec::new();
    for block in blocks("toml") {
        let dir = tempfile::tempdir().unwrap();
        write_app(dir.path(), &block);
        let in_app = |arguments: &[&str]| {
            let mut command = mcp();
            expect_success(command.current_dir(dir.path()).args(arguments)).stdout
        };
        in_app(&["compose"]);
        let record = in_app(&["inspect", "--json", "mcp.wasm"]);
        let record: Value = serde_json::from_slice(&record).unwrap();
        let middleware = record["middleware"].as_array().unwrap().iter();
        let names: Vec<_> = middleware
            .map(|link| link["name"].as_str().unwrap().to_owned())
            .collect();
        assert!(!names.is_empty(), "{block}");
        shown.push(names.join(" "));
    }
    assert_eq!(
        shown,
        [
            "audit filter",
            "filter",
            "filter",
            "validate",
            "rate-limit",
            "audit",
            "audit",
            "log"
        ]
    );
}

#[test]
fn audit_writes_the_line() {
    let [line] = &blocks("json")[..] else {
        panic!("there is not one line");
    };
    let documented: Value = serde_json::from_str(line).unwrap();
    let dir = tempfile::tempdir().unwrap();
    write_app(dir.path(), &middleware("audit", ""));
    expect_success(mcp().current_dir(dir.path()).arg("compose"));
    let server = Server::mcp(&dir.path().join("mcp.wasm"), &[]);
    let session = rpc::session(&server, json!({}));
    let call = json!({
        "name": "echo",
        "arguments": {"message": "hello"},
        "_meta": {"traceparent": documented["traceparent"]},
    });
    server.send(&rpc::legacy(Some(&session), "tools/call", call));
    server.wait_for("\"tools/call\"", Duration::from_secs(5));
    let output = server.output();
    let written = output.lines().find(|line| line.contains("tools/call"));
    let (_, written) = written.unwrap().split_once(": ").unwrap();
    let members = |line: &str| {
        let members = line
            .split(",\"")
            .map(|member| member.split_once(':').unwrap().0.to_owned());
        members.collect::<Vec<_>>()
    };
    assert_eq!(members(written), members(line));
    let written: Value = serde_json::from_str(written).unwrap();
    for same in ["method", "traceparent", "outcome"] {
        assert_eq!(written[same], documented[same]);
    }
}
