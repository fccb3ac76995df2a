//! What clients get of schemas as generators write them.

use std::fs;

use crate::support::{Server, expect_success, fixture_with_list, mcp, rpc};
use serde_json::{Value, json};

fn expected() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "any": {},
            "list": {"type": "array", "items": {}},
            "name": {"type": "string", "x-mcp-header": "Name"},
            "kind": {"description": "D", "type": "string", "enum": ["a", "b"]},
            "point": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}],
                "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "count": {"type": "integer", "minimum": 0},
            "tree": {"$ref": "#/$defs/Tree"},
        },
        "required": ["any", "count"],
        "$defs": {"Tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}}}},
    })
}

/// Composes the fixture `lists` with this list. Returns what was said on stderr.
fn compose(dir: &std::path::Path, list: &str, settings: &str) -> String {
    fs::write(dir.join("lists.wasm"), fixture_with_list(list)).unwrap();
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"lists\"\nversion = \"0.1.0\"\n[[trigger.http]]\n\
         route = \"/mcp\"\ncomponent = \"mcp\"\n[component.mcp]\nsource = \"mcp.wasm\"\n\
         [component.mcp.tool.mcp]\n{settings}\n[component.mcp.tool.mcp.features.lists]\nsource = \"lists.wasm\"\n"
    );
    fs::write(dir.join("spin.toml"), manifest).unwrap();
    let output = expect_success(mcp().args(["compose", "--from"]).arg(dir));
    String::from_utf8(output.stderr).unwrap()
}

/// Clients that read one page only get all tools, unless the author wants shorter pages.
#[test]
fn tools_are_one_page() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!compose(dir.path(), "many", "").contains("warning:"));
    let server = Server::mcp(&dir.path().join("mcp.wasm"), &[]);
    let page = server.send(&rpc::modern("tools/list", json!({}))).message();
    assert_eq!(page["result"]["tools"].as_array().unwrap().len(), 120);
    assert_eq!(page["result"].get("nextCursor"), None);
    let told = compose(dir.path(), "many", "page_size = 50");
    let warning = "warning: the 120 tools take more than one page of 50, and many clients read the first page only; \
                   set a larger `page_size` in spin.toml, or none\n";
    assert!(told.contains(warning), "{told}");
}

#[test]
fn long_instructions_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let instructions = |length| {
        let text = "i".repeat(length);
        compose(
            dir.path(),
            "fine",
            &format!("server.instructions = \"{text}\""),
        )
    };
    assert!(!instructions(2_048).contains("warning:"));
    let told = instructions(2_049);
    assert!(
        told.contains("warning: the instructions of the server have 2049 characters"),
        "{told}"
    );
}

/// From the catalog and from a dynamic feature, to clients of both eras, and in `inspect`.
#[test]
fn all_clients_take_the_schemas() {
    for (wasi, dynamic) in [("0.2", false), ("0.2", true), ("0.3", false), ("0.3", true)] {
        let dir = tempfile::tempdir().unwrap();
        let feature = dir.path().join("derived.wasm");
        fs::write(&feature, fixture_with_list("schema-of-derive")).unwrap();
        let output = dir.path().join("server.wasm");
        let mut compose = mcp();
        compose.args(["compose", "--wasi", wasi]).arg(&feature);
        if dynamic {
            compose.args(["--dynamic", "derived"]);
        }
        expect_success(compose.arg("-o").arg(&output));
        let server = Server::mcp(&output, &[]);
        let session = rpc::session(&server, json!({}));
        let tools = [
            rpc::modern("tools/list", json!({})),
            rpc::legacy(Some(&session), "tools/list", json!({})),
        ];
        for request in tools {
            let answer = server.send(&request).message();
            let schema = &answer["result"]["tools"][0]["inputSchema"];
            assert_eq!(*schema, expected(), "WASI {wasi}, dynamic: {dynamic}");
        }
        if !dynamic {
            let inspected = expect_success(mcp().args(["inspect", "--json"]).arg(&output));
            let told: Value = serde_json::from_slice(&inspected.stdout).unwrap();
            let schema = &told["features"][0]["tools"][0]["inputSchema"];
            assert_eq!(*schema, expected());
        }
    }
}
