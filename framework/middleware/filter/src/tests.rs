use serde_json::{Value, json};
use spin_mcp_middleware_sdk::testing::{End, handle, middleware};

use super::*;

const TOOLS: &str = r#"{"resultType":"complete","tools":[{"name":"add","inputSchema":{}},{"name":"drop_all","title":"Drop"},{"name":"drop_one"},{"name":"div"}],"nextCursor":"b","ttlMs":0}"#;

fn filter(settings: Value) -> Filter {
    middleware(&settings.to_string()).unwrap()
}

fn listed(filter: &Filter, method: &str, listed: &str) -> Result<Value, Error> {
    let listed = handle(filter, &End::saying(listed), method, r#"{"cursor":"a"}"#)?;
    Ok(serde_json::from_str(&listed).unwrap())
}

fn names(list: &Value, key: &str) -> Vec<String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry[key].as_str().unwrap().to_owned())
        .collect()
}

/// What reaches the next middleware, or the error.
fn passed(filter: &Filter, method: &str, params: Value) -> Result<Value, Error> {
    let next = End::saying("{}");
    let outcome = handle(filter, &next, method, &params.to_string());
    let mut passed = next.passed();
    assert_eq!(passed.len(), usize::from(outcome.is_ok()), "{passed:?}");
    outcome?;
    let (to, params) = passed.remove(0);
    assert_eq!(to, method);
    Ok(serde_json::from_str(&params).unwrap())
}

#[test]
fn without_settings_all_passes() {
    let filter = filter(json!({}));
    assert_eq!(
        listed(&filter, "tools/list", TOOLS).unwrap(),
        serde_json::from_str::<Value>(TOOLS).unwrap()
    );
    let call = json!({"name": "add", "arguments": {"a": 1}, "_meta": {"x": 1}});
    assert_eq!(passed(&filter, "tools/call", call.clone()).unwrap(), call);
    assert_eq!(
        passed(&filter, "other/method", json!({"name": 1})).unwrap(),
        json!({"name": 1})
    );
}

#[test]
fn hidden_tools_are_neither_listed_nor_called() {
    for (tools, shown) in [
        (json!({"deny": ["drop*"]}), vec!["add", "div"]),
        (
            json!({"allow": ["add", "drop_*"]}),
            vec!["add", "drop_all", "drop_one"],
        ),
        (
            json!({"allow": ["drop_*", "add"], "deny": ["*_all"]}),
            vec!["add", "drop_one"],
        ),
        (json!({"allow": []}), vec![]),
    ] {
        let filter = filter(json!({"tools": tools}));
        let list = listed(&filter, "tools/list", TOOLS).unwrap();
        assert_eq!(names(&list["tools"], "name"), shown, "{tools}");
        for name in ["add", "drop_all", "drop_one", "div"] {
            let outcome = passed(&filter, "tools/call", json!({"name": name}));
            if shown.contains(&name) {
                assert_eq!(outcome.unwrap()["name"], name);
            } else {
                let error = outcome.unwrap_err();
                assert_eq!(
                    (error.code, error.message),
                    (-32602, format!("unknown tool `{name}`"))
                );
            }
        }
    }
}

#[test]
fn cursors_and_all_else_of_a_list_stay() {
    let filter = filter(json!({"tools": {"deny": ["*"]}}));
    let next = End::saying(TOOLS);
    let listed = handle(&filter, &next, "tools/list", r#"{"cursor":"a"}"#).unwrap();
    assert_eq!(
        listed,
        r#"{"resultType":"complete","tools":[],"nextCursor":"b","ttlMs":0}"#
    );
    assert_eq!(
        next.passed(),
        [("tools/list".to_owned(), r#"{"cursor":"a"}"#.to_owned())]
    );
}

#[test]
fn renamed_tools_are_known_by_the_new_name_only() {
    let filter = filter(json!({"tools": {"rename": {"add": "plus"}, "prefix": "x_"}}));
    let list = listed(&filter, "tools/list", TOOLS).unwrap();
    assert_eq!(
        names(&list["tools"], "name"),
        ["x_plus", "x_drop_all", "x_drop_one", "x_div"]
    );
    assert_eq!(list["tools"][0]["inputSchema"], json!({}));
    for (known, inner) in [
        ("x_plus", Some("add")),
        ("x_div", Some("div")),
        ("x_add", None),
        ("add", None),
        ("plus", None),
        ("div", None),
    ] {
        let outcome = passed(
            &filter,
            "tools/call",
            json!({"name": known, "arguments": {"name": known}}),
        );
        match inner {
            Some(inner) => assert_eq!(
                outcome.unwrap(),
                json!({"name": inner, "arguments": {"name": known}})
            ),
            None => assert_eq!(
                outcome.unwrap_err().message,
                format!("unknown tool `{known}`")
            ),
        }
    }
}

#[test]
fn patterns_are_about_the_names_before_renaming() {
    let filter =
        filter(json!({"tools": {"allow": ["add"], "rename": {"add": "plus", "div": "over"}}}));
    assert_eq!(
        passed(&filter, "tools/call", json!({"name": "plus"})).unwrap()["name"],
        "add"
    );
    assert_eq!(
        passed(&filter, "tools/call", json!({"name": "over"}))
            .unwrap_err()
            .code,
        -32602
    );
}

#[test]
fn names_can_be_swapped() {
    let filter = filter(json!({"tools": {"rename": {"add": "div", "div": "add"}}}));
    let list = listed(&filter, "tools/list", TOOLS).unwrap();
    assert_eq!(
        names(&list["tools"], "name"),
        ["div", "drop_all", "drop_one", "add"]
    );
    assert_eq!(
        passed(&filter, "tools/call", json!({"name": "div"})).unwrap()["name"],
        "add"
    );
}

#[test]
fn two_tools_of_one_name_are_an_error_of_the_list() {
    let taken = filter(json!({"tools": {"rename": {"add": "div"}}}));
    let error = listed(&taken, "tools/list", TOOLS).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (
            -32603,
            "tool `add` is renamed to `div`, which is the name of another tool; deny that one, or rename it, too"
        )
    );
    let hidden = filter(json!({"tools": {"rename": {"add": "div"}, "deny": ["div"]}}));
    let list = listed(&hidden, "tools/list", TOOLS).unwrap();
    assert_eq!(
        names(&list["tools"], "name"),
        ["div", "drop_all", "drop_one"]
    );
    let twice = json!({"prompts": {"rename": {"a": "c", "b": "c"}}});
    assert_eq!(
        middleware::<Filter>(&twice.to_string()).err().unwrap(),
        "prompts `a` and `b` are both renamed to `c`"
    );
}

#[test]
fn prompts_have_names_of_their_own() {
    let filter = filter(json!({"prompts": {"rename": {"sum": "total"}, "deny": ["secret"]}}));
    let list = listed(
        &filter,
        "prompts/list",
        r#"{"prompts":[{"name":"sum"},{"name":"secret"}]}"#,
    );
    assert_eq!(names(&list.unwrap()["prompts"], "name"), ["total"]);
    assert_eq!(
        passed(&filter, "prompts/get", json!({"name": "total"})).unwrap()["name"],
        "sum"
    );
    let error = passed(&filter, "prompts/get", json!({"name": "secret"})).unwrap_err();
    assert_eq!(error.message, "unknown prompt `secret`");
    assert_eq!(
        passed(&filter, "tools/call", json!({"name": "secret"})).unwrap()["name"],
        "secret"
    );

    let complete = |name: &str| {
        let argument = json!({"name": "name", "value": "t"});
        json!({"ref": {"type": "ref/prompt", "name": name}, "argument": argument})
    };
    let mapped = passed(&filter, "completion/complete", complete("total")).unwrap();
    assert_eq!(mapped, complete("sum"));
    for hidden in ["secret", "sum"] {
        let error = passed(&filter, "completion/complete", complete(hidden)).unwrap_err();
        assert_eq!(error.message, format!("unknown prompt `{hidden}`"));
    }
}

#[test]
fn resources_are_hidden_by_their_uris() {
    let filter =
        filter(json!({"resources": {"allow": ["notes://*"], "deny": ["notes://Private/*"]}}));
    let list = listed(
        &filter,
        "resources/list",
        r#"{"resources":[{"uri":"notes://a"},{"uri":"notes://private/b"},{"uri":"file:///c"}]}"#,
    );
    assert_eq!(names(&list.unwrap()["resources"], "uri"), ["notes://a"]);
    let list = listed(
        &filter,
        "resources/templates/list",
        r#"{"resourceTemplates":[{"uriTemplate":"notes://{name}"},{"uriTemplate":"notes://private/{name}"}]}"#,
    );
    assert_eq!(
        names(&list.unwrap()["resourceTemplates"], "uriTemplate"),
        ["notes://{name}"]
    );
    for method in [
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        assert!(passed(&filter, method, json!({"uri": "notes://a"})).is_ok());
        for uri in [
            "notes://private/b",
            "notes://PRIVATE/b",
            "notes://pr%69vate/b",
            "notes://private%2Fb",
            "file:///c",
            "%6Eotes://a",
            "",
        ] {
            let error = passed(&filter, method, json!({"uri": uri})).unwrap_err();
            assert_eq!(error.code, -32002);
            assert_eq!(error.message, format!("unknown resource `{uri}`"));
            assert_eq!(error.data.unwrap(), json!({"uri": uri}).to_string());
        }
    }
    let complete = |uri: &str| json!({"ref": {"type": "ref/resource", "uri": uri}});
    assert!(passed(&filter, "completion/complete", complete("notes://{name}")).is_ok());
    assert!(
        passed(
            &filter,
            "completion/complete",
            complete("notes://private/{name}")
        )
        .is_err()
    );
    let listen =
        |uri: &str| json!({"notifications": {"resourceSubscriptions": ["notes://a", uri]}});
    assert!(passed(&filter, "subscriptions/listen", listen("notes://b")).is_ok());
    assert!(passed(&filter, "subscriptions/listen", listen("notes://private/b")).is_err());
}

#[test]
fn a_name_given_twice_hides_nothing() {
    let filter = filter(json!({"tools": {"deny": ["drop*"]}, "resources": {"deny": ["secret:*"]}}));
    let next = End::saying("{}");
    let params = r#"{"name":"add","name":"drop_all"}"#;
    handle(&filter, &next, "tools/call", params).unwrap();
    assert_eq!(next.passed()[0].1, r#"{"name":"add"}"#);
    let params = r#"{"name":1,"name":"drop_all"}"#;
    let error = handle(&filter, &next, "tools/call", params).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (-32602, "`name` is not a string")
    );
    let params = r#"{"notifications":{},"notifications":{"resourceSubscriptions":["secret:a"]}}"#;
    assert!(handle(&filter, &next, "subscriptions/listen", params).is_err());
    let twice = r#"{"tools":[],"tools":[{"name":"drop_all"}]}"#;
    assert_eq!(
        listed(&filter, "tools/list", twice).unwrap(),
        json!({"tools": []})
    );
}

#[test]
fn broken_lists_are_named() {
    let filter = filter(json!({}));
    for (answer, problem) in [
        (
            "nonsense",
            "the answer to `tools/list` is not a JSON object",
        ),
        (
            r#"{"tools":[{}]}"#,
            "the answer to `tools/list` has an entry without a `name`",
        ),
        (
            r#"{"tools":["add"]}"#,
            "the answer to `tools/list` has an entry without a `name`",
        ),
    ] {
        let error = listed(&filter, "tools/list", answer).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (-32603, problem));
    }
}

#[test]
fn errors_and_notifications_pass() {
    let filter = filter(json!({"tools": {"deny": ["*"]}}));
    let next = End::new(|_, _| Err(error(-32602, "invalid cursor")));
    let outcome = handle(&filter, &next, "tools/list", "{}");
    assert_eq!(outcome.unwrap_err().message, "invalid cursor");
    let next = End::saying("");
    spin_mcp_middleware_sdk::ready(filter.notify(&next, "notifications/x", "{}".to_owned()));
    assert_eq!(
        next.passed(),
        [("notifications/x".to_owned(), "{}".to_owned())]
    );
}

#[test]
fn settings_are_read_strictly() {
    for (settings, problem) in [
        (
            json!({"tool": {}}),
            "unknown key `tool`; the keys here are `tools`, `prompts`, `resources`",
        ),
        (
            json!({"tools": {"alow": []}}),
            "unknown key `tools.alow`; the keys here are `allow`, `deny`, `rename`, `prefix`",
        ),
        (
            json!({"tools": {"allow": "add"}}),
            "`tools.allow` must be an array of strings",
        ),
        (
            json!({"resources": {"prefix": "x"}}),
            "unknown key `resources.prefix`; the keys here are `allow`, `deny`",
        ),
    ] {
        assert_eq!(
            middleware::<Filter>(&settings.to_string()).err().unwrap(),
            problem
        );
    }
}
