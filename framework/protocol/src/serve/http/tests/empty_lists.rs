use super::*;
use crate::catalog::{Flags, build};

/// A server with prompts and resources, none of which are listed.
fn server() -> Vec<u8> {
    let mut input = testing::input();
    input.features.truncate(2);
    input.features[0].flags = Flags::PROMPTS.with(Flags::RESOURCES);
    build(&input).unwrap()
}

fn modern(method: &str, name: Option<&str>, params: &str) -> (u16, Value) {
    let (status, json, _) = send(
        &server(),
        "POST",
        &modern_headers(method, name),
        &modern_request(method, params, ""),
    );
    (status, json)
}

const LISTS: [(&str, &str); 3] = [
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
];

#[test]
fn lists_are_there_where_they_are_declared() {
    let (_, discovered) = modern("server/discover", None, "");
    assert_eq!(
        discovered["result"]["capabilities"],
        json!({"prompts": {}, "resources": {}, "tools": {}})
    );
    for (method, name) in LISTS {
        let (status, json) = modern(method, None, "");
        let result = &json["result"];
        assert_eq!((status, &result[name]), (200, &json!([])), "{method}");
        assert_eq!(
            (
                &result["resultType"],
                &result["ttlMs"],
                &result["cacheScope"]
            ),
            (&json!("complete"), &json!(300000), &json!("public"))
        );
        let (status, json, _) = send(&server(), "POST", &legacy(), &legacy_request(method, "{}"));
        assert_eq!(
            (status, &json["result"]),
            (200, &json!({name: []})),
            "{method}"
        );
        let (status, json) = modern(method, None, r#""cursor":"x","#);
        assert_eq!((status, &json["error"]["code"]), (200, &json!(-32602)));
    }
}

#[test]
fn lists_hold_what_features_have() {
    for ((method, name), entries) in LISTS.iter().zip([
        ["lib.review", "lib.greet"],
        ["readme", "licence"],
        ["book", "search"],
    ]) {
        for (list, body) in [
            (modern_headers(method, None), modern_request(method, "", "")),
            (legacy(), legacy_request(method, "{}")),
        ] {
            let (status, json) = post(&list, &body);
            let listed = json["result"][name].as_array().unwrap();
            let names: Vec<_> = listed
                .iter()
                .filter_map(|entry| entry["name"].as_str())
                .collect();
            assert_eq!((status, names), (200, entries.to_vec()));
        }
    }
}

#[test]
fn lists_are_empty_where_they_are_not_declared() {
    let mut input = testing::input();
    input.features.truncate(2);
    let tools = build(&input).unwrap();
    let code =
        |list: &List, body: &str| send(&tools, "POST", list, body).1["error"]["code"].clone();
    let listed = |list: &List, body: &str| send(&tools, "POST", list, body).1["result"].clone();
    for (method, list) in LISTS {
        let body = modern_request(method, "", "");
        let modern = listed(&modern_headers(method, None), &body);
        assert_eq!(
            (&modern[list], &modern["ttlMs"]),
            (&json!([]), &json!(300_000))
        );
        let result = listed(&legacy(), &legacy_request(method, "{}"));
        assert_eq!(result, json!({list: []}));
    }
    for method in ["prompts/get", "resources/read"] {
        assert_eq!(code(&legacy(), &legacy_request(method, "{}")), -32601);
    }
}

#[test]
fn no_prompt_can_be_got() {
    let (status, json) = modern("prompts/get", Some("p"), r#""name":"p","#);
    assert_eq!(
        (status, &json["error"]),
        (
            200,
            &json!({"code": -32602, "message": "unknown prompt `p`"})
        )
    );
    assert_eq!(modern("prompts/get", None, "").0, 400);
    assert_eq!(modern("resources/read", None, r#""uri":7,"#).0, 400);
}

#[test]
fn what_is_not_listed_may_be_read_all_the_same() {
    let (status, json) = modern("resources/read", Some("a:b"), r#""uri":"a:b","#);
    assert_eq!((status, json), (200, json!({"call": "a:b"})));
}

#[test]
fn the_name_header_says_the_uri() {
    let (status, json) = modern("resources/read", Some("a:c"), r#""uri":"a:b","#);
    assert_eq!((status, &json["error"]["code"]), (400, &json!(-32020)));
    let (status, json) = modern("prompts/get", None, r#""name":"p","#);
    assert_eq!((status, &json["error"]["code"]), (400, &json!(-32020)));
}
