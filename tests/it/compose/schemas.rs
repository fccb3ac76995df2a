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
