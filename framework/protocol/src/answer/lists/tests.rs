use serde_json::{Value as Json, json};

use super::*;
use crate::{
    call::Ask,
    catalog::{self, Catalog, CatalogInput, Flags, ListKind},
    serve::http::{self, check_head, handle},
    testing::{self, LEGACY_HEADERS, TestServices, headers, legacy_request, tool},
    wire::types::{tool_types::ToolList, types::CacheScope},
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

use crate::call::FeatureOutcome;

/// A page of tools from a cursor on; `features` answers for the dynamic ones.
fn list(
    input: &CatalogInput,
    cursor: Option<&str>,
    mut features: impl FnMut(usize, Option<&str>) -> FeatureOutcome,
) -> Json {
    let bytes = catalog::build(input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let headers = headers(&LEGACY_HEADERS);
    let request = http::HttpRequest {
        method: "POST",
        path: "/mcp",
        authority: None,
        headers: &headers,
    };
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
    let request = http::HttpRequest {
        method: "POST",
        path: "/mcp",
        authority: None,
        headers: &headers,
    };
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
