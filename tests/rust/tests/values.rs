//! Arguments as clients and models write them, and results.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spin_mcp_sdk::__private::{ToolEntry, ToolFunction};
use spin_mcp_sdk::bindings::imports::spin_mcp::server::tool_types::ToolOutcome;
use spin_mcp_sdk::{Content, Context, Json, block_on, tool};

fn called(tool: &ToolEntry, arguments: Value) -> Result<String, String> {
    let (mut context, arguments) = (Context::test(), arguments.to_string());
    let outcome = block_on((tool.call)(&mut context, &arguments));
    let ToolOutcome::Complete(result) = outcome.unwrap() else {
        panic!("no result")
    };
    let texts = result.content.iter().map(|block| match block {
        Content::Text(text) => text.text.as_str(),
        other => panic!("{other:?}"),
    });
    let text = texts.collect::<Vec<_>>().join("|");
    if result.is_error { Err(text) } else { Ok(text) }
}

#[tool]
fn kind(
    n: Option<i64>,
    #[default(vec![])] list: Vec<i64>,
    #[default(BTreeMap::new())] map: BTreeMap<String, i64>,
) -> String {
    format!("{n:?} {list:?} {map:?}")
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Tree {
    weight: f64,
    share: Option<f64>,
    #[serde(default)]
    children: Vec<Tree>,
}

#[tool]
fn heavy(node: Tree, infinite: bool) -> Json<Tree> {
    let weight = if infinite { f64::INFINITY } else { 2.0 };
    let child = Tree {
        weight,
        share: None,
        children: vec![],
    };
    Json(Tree {
        children: vec![child],
        ..node
    })
}

#[tool]
fn empty() -> &'static str {
    ""
}

#[tool]
fn big(n: i64) -> i64 {
    n
}

#[test]
fn arguments_are_taken_as_clients_write_them() {
    let kind = &kind::ENTRY;
    assert_eq!(called(kind, json!({"n": 3.0})).unwrap(), "Some(3) [] {}");
    assert_eq!(called(kind, json!({"n": -0.0})).unwrap(), "Some(0) [] {}");
    let absent = json!({"n": null, "list": null, "map": null});
    assert_eq!(called(kind, absent).unwrap(), "None [] {}");
    let text = json!({"list": "[1, 2]", "map": "{\"a\": 1}"});
    assert_eq!(called(kind, text).unwrap(), "None [1, 2] {\"a\": 1}");
    for (n, what) in [
        (json!(3.5), "floating point `3.5`"),
        (json!("3"), "string \"3\""),
    ] {
        let why = called(kind, json!({"n": n})).unwrap_err();
        assert!(
            why.starts_with("invalid arguments: n: ") && why.contains(what),
            "{why}"
        );
    }
    let exact = 9_007_199_254_740_993_i64;
    assert_eq!(
        called(&big::ENTRY, json!({"n": exact})).unwrap(),
        exact.to_string()
    );
}

#[test]
fn results_that_json_does_not_have_are_refused() {
    let node = json!({"weight": 1, "children": []});
    let fine = called(&heavy::ENTRY, json!({"node": node, "infinite": false})).unwrap();
    assert!(fine.contains("\"share\":null"), "{fine}");
    let why = called(&heavy::ENTRY, json!({"node": node, "infinite": true})).unwrap_err();
    assert_eq!(why, "JSON has neither infinite numbers nor NaN");
    let schema: Value = serde_json::from_str(&(heavy::ENTRY.describe)().input_schema).unwrap();
    let node = &schema["properties"]["node"]["properties"]["children"]["items"]["$ref"];
    assert!(
        schema.pointer(&node.as_str().unwrap()[1..]).is_some(),
        "{schema}"
    );
    assert_eq!(called(&empty::ENTRY, json!({})).unwrap(), "");
}
