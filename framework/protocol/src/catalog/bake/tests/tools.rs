use super::*;
use crate::wire::types::tool_types::ToolAnnotations;

fn one_feature(tools: Vec<Tool>) -> CatalogInput {
    server_with(FeatureInput {
        tools,
        ..FeatureInput::default()
    })
}

#[test]
fn tools_are_written_whole() {
    let icon = Icon {
        src: "data:,".to_owned(),
        mime_type: Some("image/png".to_owned()),
        sizes: Vec::new(),
        theme: None,
    };
    let tool = Tool {
        name: "t".to_owned(),
        title: Some("T".to_owned()),
        description: Some("says \"hi\"".to_owned()),
        input_schema: "{ \"type\": \"object\",\n \"properties\": {\"a\": true, \"b\": false, \"c\": {\"items\": true}} }".to_owned(),
        output_schema: Some("{\"type\":\"array\"}".to_owned()),
        annotations: Some(ToolAnnotations {
            title: Some("A".to_owned()),
            read_only: Some(true),
            destructive: Some(false),
            idempotent: None,
            open_world: Some(true),
        }),
        icons: vec![icon],
        meta: Some("{\"k\": 1}".to_owned()),
    };
    let (modern, legacy) = listed(&one_feature(vec![tool]), ListKind::Tools);
    let mut expected = serde_json::json!([{
        "name": "t",
        "title": "T",
        "description": "says \"hi\"",
        "inputSchema": {"type": "object", "properties": {"a": {}, "b": {"not": {}}, "c": {"items": {}}}},
        "outputSchema": {"type": "array", "items": {}},
        "annotations": {"title": "A", "readOnlyHint": true, "destructiveHint": false, "openWorldHint": true},
        "icons": [{"src": "data:,", "mimeType": "image/png"}],
        "_meta": {"k": 1},
    }]);
    assert_eq!(modern, expected);
    let tool = expected[0].as_object_mut().unwrap();
    tool.remove("outputSchema");
    assert_eq!(legacy, expected);
}

#[test]
fn legacy_clients_see_output_schemas_of_objects() {
    let mut tool = testing::tool("t", r#"{"type":"object"}"#);
    tool.output_schema = Some(r#"{"type":"object","properties":{}}"#.to_owned());
    let (modern, legacy) = listed(&one_feature(vec![tool]), ListKind::Tools);
    assert_eq!(modern, legacy);
}

#[test]
fn duplicates_name_both_features_and_the_remedy() {
    let mut input = testing::input();
    input.features[0]
        .tools
        .push(testing::tool("two.plain", r#"{"type":"object"}"#));
    assert_eq!(
        problem(&input),
        "features `one` and `two` both have a tool `two.plain`; give one of them a `prefix`"
    );
    let tool = testing::tool("t", r#"{"type":"object"}"#);
    assert_eq!(
        problem(&one_feature(vec![tool.clone(), tool])),
        "feature `one` has two tools named `t`; rename one"
    );
}

#[test]
fn tools_that_clients_cannot_use_are_refused() {
    let plain = r#"{"type":"object"}"#;
    assert_eq!(
        problem(&one_feature(vec![testing::tool("a b", plain)])),
        "feature `one` has a tool `a b` that clients cannot call: the name contains ` `; it may contain `A-Z a-z 0-9 _ - .`"
    );
    let mut input = testing::input();
    input.features[1].prefix = Some("no/".to_owned());
    assert!(
        problem(&input).starts_with("feature `two` has a tool `no/query` that clients cannot call")
    );
    assert_eq!(
        problem(&one_feature(vec![testing::tool("t", "{}")])),
        "tool `t` of feature `one` has no valid input schema: the `type` of the input schema is not `object`; \
         add `\"type\": \"object\"` at its top"
    );
    for (member, change) in [
        (
            "an output schema",
            (|tool| tool.output_schema = Some("[]".to_owned())) as fn(&mut Tool),
        ),
        ("metadata", |tool| tool.meta = Some("{".to_owned())),
    ] {
        let mut tool = testing::tool("t", plain);
        change(&mut tool);
        assert_eq!(
            problem(&one_feature(vec![tool])),
            format!(
                "tool `t` of feature `one` has {member} that is not one JSON object of at most 64 levels"
            )
        );
    }
    let (open, closed) = ("[".repeat(70), "]".repeat(70));
    let deep = format!(r#"{{"type":"object","a":{open}{closed}}}"#);
    assert_eq!(
        problem(&one_feature(vec![testing::tool("t", &deep)])),
        "tool `t` of feature `one` has no valid input schema: the input schema is not one JSON object of at most 64 \
         levels"
    );
}
