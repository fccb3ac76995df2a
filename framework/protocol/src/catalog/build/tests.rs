use super::*;
use crate::{Catalog, message::SERVER_INFO, testing, types::tool_types::ToolAnnotations};

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

fn one_feature(tools: Vec<Tool>) -> CatalogInput {
    let feature = FeatureInput {
        name: "one".to_owned(),
        tools,
        ..FeatureInput::default()
    };
    CatalogInput {
        server: ServerInput::default(),
        features: vec![feature],
    }
}

fn problem(input: &CatalogInput) -> String {
    build(input).unwrap_err().to_string()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(testing::catalog(), testing::catalog());
}

#[test]
fn a_server_without_tools_has_one_empty_page() {
    let bytes = build(&CatalogInput::default()).unwrap();
    let pages: Vec<_> = Catalog::new(&bytes).unwrap().pages().collect();
    assert_eq!(pages.len(), 1);
    assert_eq!(
        (pages[0].modern, pages[0].legacy, pages[0].next),
        (&b"[]"[..], &b"[]"[..], None)
    );
}

#[test]
fn pages_hold_all_tools_in_order() {
    for (size, expected) in [(0, 4), (1, 4), (3, 2), (4, 1), (100, 1)] {
        let bytes = testing::catalog_with_pages_of(size);
        let catalog = Catalog::new(&bytes).unwrap();
        assert_eq!(catalog.pages().len(), expected, "{size}");
        let mut names = Vec::new();
        let mut page = catalog.page(None);
        while let Some(current) = page {
            names.extend(
                json(current.modern)
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|tool| tool["name"].clone()),
            );
            page = current
                .next
                .map(|cursor| catalog.page(Some(cursor)).unwrap());
        }
        assert_eq!(names, ["zeta", "alpha", "two.query", "two.plain"], "{size}");
    }
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
    let bytes = build(&one_feature(vec![tool])).unwrap();
    let page = Catalog::new(&bytes).unwrap().page(None).unwrap();
    assert!(!page.modern.contains(&b'\n'));
    let mut expected = serde_json::json!([{
        "name": "t",
        "title": "T",
        "description": "says \"hi\"",
        "inputSchema": {"type": "object", "properties": {"a": true, "b": false, "c": {"items": true}}},
        "outputSchema": {"type": "array"},
        "annotations": {"title": "A", "readOnlyHint": true, "destructiveHint": false, "openWorldHint": true},
        "icons": [{"src": "data:,", "mimeType": "image/png"}],
        "_meta": {"k": 1},
    }]);
    assert_eq!(json(page.modern), expected);
    let tool = expected[0].as_object_mut().unwrap();
    tool.remove("outputSchema");
    tool["inputSchema"]["properties"] =
        serde_json::json!({"a": {}, "b": {"not": {}}, "c": {"items": true}});
    assert_eq!(json(page.legacy), expected);
}

#[test]
fn legacy_clients_see_output_schemas_of_objects() {
    let mut tool = testing::tool("t", r#"{"type":"object"}"#);
    tool.output_schema = Some(r#"{"type":"object","properties":{}}"#.to_owned());
    let bytes = build(&one_feature(vec![tool])).unwrap();
    let page = Catalog::new(&bytes).unwrap().page(None).unwrap();
    assert_eq!(page.modern, page.legacy);
}

#[test]
fn the_strictest_cache_hint_holds_for_the_list() {
    let hint = |ttl_ms, scope| CacheHint { ttl_ms, scope };
    let (private, public) = (CacheScope::Private, CacheScope::Public);
    for (features, ttl, scope) in [
        (vec![], 300_000, "public"),
        (vec![None], 300_000, "public"),
        (vec![Some(hint(7, public))], 7, "public"),
        (vec![Some(hint(900_000, public))], 900_000, "public"),
        (vec![Some(hint(900_000, private)), None], 300_000, "private"),
        (
            vec![Some(hint(7, public)), Some(hint(0, private))],
            0,
            "private",
        ),
    ] {
        let features = features.into_iter().map(|cache| FeatureInput {
            cache,
            ..FeatureInput::default()
        });
        let input = CatalogInput {
            features: features.collect(),
            ..CatalogInput::default()
        };
        let bytes = build(&input).unwrap();
        let catalog = Catalog::new(&bytes).unwrap();
        let end = json(&[b"{\"a\":1", catalog.list_end()].concat());
        assert_eq!(
            (&end["ttlMs"], &end["cacheScope"]),
            (&ttl.into(), &scope.into())
        );
        assert_eq!(json(catalog.discover())["ttlMs"], 300_000);
    }
}

#[test]
fn the_server_presents_itself() {
    let server = ServerInput {
        name: "s".to_owned(),
        version: "1".to_owned(),
        title: Some("S".to_owned()),
        description: Some("d".to_owned()),
        website: Some("https://example.com".to_owned()),
        ..ServerInput::default()
    };
    let bytes = build(&CatalogInput {
        server,
        features: Vec::new(),
    })
    .unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let info = serde_json::json!({
        "name": "s", "title": "S", "version": "1", "description": "d", "websiteUrl": "https://example.com"
    });
    assert_eq!(json(catalog.server_info()), info);
    let discovered = json(catalog.discover());
    assert_eq!(discovered["_meta"][SERVER_INFO], info);
    assert_eq!(
        (discovered.get("instructions"), &discovered["capabilities"]),
        (None, &serde_json::json!({"tools": {}}))
    );
    let initialized = json(&[b"{\"a\":1", catalog.initialize()].concat());
    assert_eq!(
        initialized,
        serde_json::json!({"a": 1, "capabilities": {"tools": {}}, "serverInfo": info})
    );
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
        "feature `one` has two tools of the name `t`; rename one"
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
        ("an input schema", |tool| {
            tool.input_schema = format!(
                r#"{{"type":"object","a":{}{}}}"#,
                "[".repeat(70),
                "]".repeat(70)
            );
        }),
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
}
