use serde_json::{Value as Json, json};

use super::*;
use crate::{
    call::{Ask, FeatureOutcome, caller::Caller},
    catalog::{self, Catalog, CatalogInput, FeatureInput, Flags, ListKind},
    serve::http::{self, check_head, handle},
    testing::{self, LEGACY_HEADERS, TestServices, headers, legacy_request, tool},
    wire::{
        message::Meta,
        notify::LogLevel,
        types::{
            prompt_types::PromptList,
            resource_types::{ResourceList, ResourceTemplateList},
            tool_types::ToolList,
            types::{CacheHint, CacheScope},
        },
        version::Version,
    },
};

/// Feature `one` is in the catalog; `two` and `library` are dynamic.
fn input() -> CatalogInput {
    let mut input = testing::input();
    for feature in &mut input.features[1..] {
        feature.flags = feature.flags.with(Flags::DYNAMIC).with(Flags::TOOLS);
        feature.tools.clear();
    }
    input
}

fn page_of(names: &[&str], next: Option<&str>) -> FeatureOutcome {
    let tools = names.iter().map(|name| tool(name, r#"{"type":"object"}"#));
    FeatureOutcome::List(Ok(Listed::Tools(ToolList {
        tools: tools.collect(),
        next_cursor: next.map(str::to_owned),
        cache: Some(CacheHint {
            ttl_ms: 7,
            scope: CacheScope::Private,
        }),
    })))
}

/// A page of tools from a cursor on; `features` answers for the dynamic ones.
fn list(
    input: &CatalogInput,
    cursor: Option<&str>,
    mut features: impl FnMut(usize, Option<&str>) -> FeatureOutcome,
) -> Json {
    let bytes = catalog::build(input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let headers = headers(&LEGACY_HEADERS);
    let request = testing::post(&headers);
    let head = check_head(&request, &catalog).unwrap();
    let params = json!({"cursor": cursor});
    let params = if cursor.is_some() { params } else { json!({}) };
    let body = legacy_request("tools/list", &params.to_string());
    let services = &mut TestServices::default();
    let response = match handle(&catalog, &head, body.as_bytes(), services) {
        http::HttpOutcome::Reply(response) => response.body,
        http::HttpOutcome::Call(mut call) => loop {
            let Ask::List { kind, cursor } = call.ask() else {
                panic!("a list is asked for");
            };
            assert_eq!(kind, ListKind::Tools);
            let outcome = features(call.slot(), cursor);
            if let CallStep::Done(response) = call.settle(outcome, services) {
                break response.body;
            }
        },
        _ => panic!("nothing listens"),
    };
    serde_json::from_slice(&response).unwrap()
}

fn names(page: &Json) -> Vec<&str> {
    let tools = page["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

#[test]
fn dynamic_features_follow_the_catalog() {
    let page = list(&input(), None, |slot, cursor| {
        assert_eq!(cursor, None);
        match slot {
            1 => page_of(&["b", "a"], None),
            2 => page_of(&["c"], None),
            _ => panic!("feature {slot} is in the catalog"),
        }
    });
    assert_eq!(names(&page), ["zeta", "alpha", "two.b", "two.a", "lib.c"]);
    assert_eq!(page["result"].get("nextCursor"), None);
}

#[test]
fn cursors_lead_through_the_catalog_and_each_feature() {
    let mut input = input();
    input.server.page_size = Some(1);
    let enough = entries_on_a_page(ListKind::Tools);
    let many: Vec<String> = (0..enough).map(|number| format!("t{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let mut answer = |slot, cursor: Option<&str>| match (slot, cursor) {
        (1, None) => page_of(&["a"], Some("two")),
        (1, Some("two")) => page_of(&many, Some("three")),
        (1, Some("three")) => page_of(&many, None),
        (2, None) => page_of(&["z"], None),
        other => panic!("{other:?} was never given out"),
    };
    let (mut pages, mut cursor, mut all) = (0, None, Vec::new());
    loop {
        let page = list(&input, cursor.as_deref(), &mut answer);
        all.extend(names(&page).iter().map(|name| name.to_string()));
        pages += 1;
        cursor = page["result"]["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 4);
    assert_eq!(all.len(), 2 + 1 + 2 * enough + 1);
    assert_eq!(all[..3], ["zeta", "alpha", "two.a"]);
    assert_eq!(all.last().unwrap(), "lib.z");
}

#[test]
fn cursors_that_were_never_given_are_refused() {
    for cursor in ["~", "~AA", "~AAAA", "~!!", "~/w", "x", &"~A".repeat(5000)] {
        let page = list(&input(), Some(cursor), |_, _| {
            panic!("{cursor} is not a cursor")
        });
        assert_eq!(page["error"]["code"], -32602, "{cursor}");
    }
}

#[test]
fn features_that_never_end_are_stopped() {
    let endless = list(&input(), None, |_, _| page_of(&[], Some("again")));
    assert_eq!(
        endless["error"]["message"],
        "feature `two` gave an empty page with a cursor, so its list might never end"
    );
    let mut calls = 0;
    let page = list(&input(), None, |_, _| {
        calls += 1;
        page_of(&["t"], Some("again"))
    });
    assert_eq!(calls, MOST_CALLS);
    assert!(page["result"]["nextCursor"].is_string());
    let long = list(&input(), None, |_, _| {
        page_of(&["t"], Some(&"x".repeat(LONGEST_CURSOR + 1)))
    });
    assert_eq!(long["error"]["code"], -32603);
}

#[test]
fn modern_pages_carry_the_strictest_hint() {
    let bytes = catalog::build(&input()).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let headers = testing::modern_headers("tools/list", None);
    let request = testing::post(&headers);
    let head = check_head(&request, &catalog).unwrap();
    let body = testing::modern_request("tools/list", "", "");
    let services = &mut TestServices::default();
    let http::HttpOutcome::Call(mut call) = handle(&catalog, &head, body.as_bytes(), services)
    else {
        panic!("features are asked");
    };
    let response = loop {
        if let CallStep::Done(response) = call.settle(page_of(&["t"], None), services) {
            break response;
        }
    };
    let json: Json = serde_json::from_slice(&response.body).unwrap();
    let result = &json["result"];
    assert_eq!(
        (
            &result["resultType"],
            &result["ttlMs"],
            &result["cacheScope"]
        ),
        (&json!("complete"), &json!(7), &json!("private"))
    );
}

#[test]
fn entries_that_clients_refuse_are_left_out_and_logged() {
    let mut input = testing::input();
    input.features[1] = FeatureInput {
        flags: [Flags::TOOLS, Flags::RESOURCES, Flags::PROMPTS]
            .into_iter()
            .fold(Flags::DYNAMIC, Flags::with),
        tools: Vec::new(),
        ..input.features[1].clone()
    };
    let bytes = catalog::build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let client = Caller::legacy(Version::LATEST_LEGACY, LogLevel::Info);
    let check = |listed: Listed, kept: &[&str], refused: &[&str]| {
        let kind = match &listed {
            Listed::Tools(_) => ListKind::Tools,
            Listed::Resources(_) => ListKind::Resources,
            Listed::ResourceTemplates(_) => ListKind::ResourceTemplates,
            Listed::Prompts(_) => ListKind::Prompts,
        };
        let target = Target::list(&catalog, kind, None, false).unwrap().unwrap();
        let (meta, input) = (Meta::default(), Default::default());
        let mut call = Call::new(catalog, "1", target, meta, input, client.clone());
        let services = &mut TestServices::default();
        let step = call.settle(FeatureOutcome::List(Ok(listed)), services);
        let CallStep::Done(response) = step else {
            panic!("one feature has such a list");
        };
        let page: Json = serde_json::from_slice(&response.body).unwrap();
        let list = page["result"][kind.member()].as_array().unwrap();
        let names = list.iter().map(|entry| entry[kind.key()].as_str().unwrap());
        // Those of the catalog come first.
        let names: Vec<_> = names.skip(2).collect();
        assert_eq!(names, kept);
        assert_eq!(services.log.len(), refused.len(), "{:?}", services.log);
        for (line, part) in services.log.iter().zip(refused) {
            assert!(line.starts_with("error: left out of the list: "), "{line}");
            assert!(line.contains("feature `two`"), "{line}");
            assert!(line.contains(part), "{line} {part}");
        }
    };
    let object = r#"{"type":"object"}"#;
    let number = r#"{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}"#;
    let mut output = tool("d", object);
    output.output_schema = Some("7".to_owned());
    let tools = [("a", object), ("a b", object), ("b", "{}"), ("c", number)];
    let tools = tools.map(|(name, schema)| tool(name, schema)).into_iter();
    check(
        Listed::Tools(ToolList {
            tools: tools
                .chain([output, tool("a", object), tool("e", object)])
                .collect(),
            next_cursor: None,
            cache: None,
        }),
        &["two.a", "two.e"],
        &[
            "`two.a b`",
            "tool `two.b`",
            "`x-mcp-header`",
            "an output schema",
            "the list has",
        ],
    );
    let resources = ["a:1", "no scheme", "test://library/readme", "a:1", "a:2"];
    check(
        Listed::Resources(ResourceList {
            resources: resources.map(|uri| testing::resource(uri, "r")).to_vec(),
            next_cursor: None,
            cache: None,
        }),
        &["a:1", "a:2"],
        &["`no scheme`", "`test://library/readme`", "`a:1`"],
    );
    let templates = ["a:{x}", "a:{", "a:{x}"];
    check(
        Listed::ResourceTemplates(ResourceTemplateList {
            resource_templates: templates.map(|uri| testing::template(uri, "t")).to_vec(),
            next_cursor: None,
            cache: None,
        }),
        &["a:{x}"],
        &["`a:{`", "`a:{x}`"],
    );
    let twice = testing::prompt("twice", &[("a", true), ("a", false)]);
    check(
        Listed::Prompts(PromptList {
            prompts: vec![
                testing::prompt("p\n", &[]),
                twice,
                testing::prompt("q", &[]),
            ],
            next_cursor: None,
            cache: None,
        }),
        &["two.q"],
        &["`two.p\\n`", "two arguments named `a`"],
    );
}
