use serde_json::{Value as Json, json};
use spin_mcp_middleware_sdk::{
    INVALID_PARAMS,
    testing::{End, handle, middleware},
};

use super::*;

/// A server with two pages of tools, whose tool returns this answer.
fn server(answer: &str) -> End {
    let answer = answer.to_owned();
    End::new(move |method, params| {
        match (method, params) {
        ("tools/list", "{}") => Ok(r#"{"tools":[{"name":"free","inputSchema":{"type":"object"}}],"nextCursor":"2\""}"#.to_owned()),
        ("tools/list", r#"{"cursor":"2\""}"#) => Ok(json!({"tools": [{
            "name": "add",
            "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            "outputSchema": {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]},
        }]}).to_string()),
        ("tools/list", _) => Err(error(INVALID_PARAMS, "invalid cursor")),
        _ => Ok(answer.clone()),
    }
    })
}

fn call(settings: Json, answer: &str, params: Json) -> Result<Json, Error> {
    let validate: Validate = middleware(&settings.to_string()).unwrap();
    let answer = handle(
        &validate,
        &server(answer),
        "tools/call",
        &params.to_string(),
    )?;
    Ok(serde_json::from_str(&answer).unwrap())
}

const SUM: &str = r#"{"content":[],"structuredContent":{"sum":3}}"#;

#[test]
fn arguments_that_do_not_fit_never_reach_the_tool() {
    let validate: Validate = middleware("{}").unwrap();
    for (params, text) in [
        (
            r#"{"name":"add","arguments":{"a":"1"}}"#,
            "invalid arguments: a: expected an integer, not \"1\"",
        ),
        (r#"{"name":"add"}"#, "invalid arguments: `a` is missing"),
        (
            r#"{"name":"add","arguments":{"a":1,"a":2}}"#,
            "invalid arguments: `a` is there twice",
        ),
    ] {
        let next = server(SUM);
        let answer = handle(&validate, &next, "tools/call", params).unwrap();
        let expected = json!({"content": [{"type": "text", "text": text}], "isError": true});
        assert_eq!(serde_json::from_str::<Json>(&answer).unwrap(), expected);
        assert!(
            next.passed()
                .iter()
                .all(|(method, _)| method == "tools/list")
        );
    }
}

#[test]
fn null_is_as_good_as_absent() {
    let validate: Validate = middleware("{}").unwrap();
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"},
        "b": {"type": "string"}, "c": {"type": "array", "items": {"$ref": "#/$defs/d"}}},
        "$defs": {"d": {"type": "object", "properties": {"e": {"type": "string"}}}}});
    let next = End::new(move |method, _| match method {
        "tools/list" => Ok(json!({"tools": [{"name": "add", "inputSchema": schema}]}).to_string()),
        _ => Ok(SUM.to_owned()),
    });
    let call = |arguments: &str| {
        let params = format!(r#"{{"name":"add","arguments":{arguments}}}"#);
        handle(&validate, &next, "tools/call", &params).unwrap()
    };
    assert_eq!(call(r#"{"a":1,"b":null,"c":[{"e":null}]}"#), SUM);
    assert!(call(r#"{"a":null}"#).contains("isError"));
    assert!(call(r#"{"a":1,"c":[null]}"#).contains("isError"));
    assert!(call(r#"{"a":1,"f":null,"b":2}"#).contains("isError"));
}

#[test]
fn what_fits_passes_as_it_is() {
    let validate: Validate = middleware("{}").unwrap();
    let next = server(SUM);
    let params = r#"{"arguments": {"a": 1.0},"name":"add","_meta":{}}"#;
    assert_eq!(handle(&validate, &next, "tools/call", params).unwrap(), SUM);
    assert_eq!(
        next.passed().pop().unwrap(),
        ("tools/call".to_owned(), params.to_owned())
    );
    for method in ["tools/list", "prompts/get", "ping"] {
        handle(&validate, &next, method, "{}").unwrap();
        assert_eq!(next.passed(), [(method.to_owned(), "{}".to_owned())]);
    }
}

#[test]
fn unknown_tools_are_left_to_the_next_middleware() {
    let answer = call(json!({}), r#"{"x":1}"#, json!({"name": "sub"}));
    assert_eq!(answer.unwrap(), json!({"x": 1}));
    let answer = call(json!({}), r#"{"x":1}"#, json!({"name": 1}));
    assert_eq!(answer.unwrap(), json!({"x": 1}));
}

#[test]
fn results_that_do_not_fit_are_errors() {
    let params = json!({"name": "add", "arguments": {"a": 1}});
    for (answer, problem) in [
        (r#"{"content":[]}"#, Some("there is no structured content")),
        (
            r#"{"structuredContent":{"sum":"3"}}"#,
            Some("sum: expected an integer, not \"3\""),
        ),
        (
            r#"{"structuredContent":{"sum":3},"resultType":"complete"}"#,
            None,
        ),
        (r#"{"content":[],"isError":true}"#, None),
        (r#"{"resultType":"input_required"}"#, None),
        (r#"{"resultType":"task"}"#, None),
    ] {
        let outcome = call(json!({}), answer, params.clone());
        let told = outcome.err().map(|error| (error.code, error.message));
        let expected = problem.map(|problem| {
            (
                -32603,
                format!("tool `add` answered what its output schema does not allow: {problem}"),
            )
        });
        assert_eq!(told, expected, "{answer}");
    }
    assert!(call(json!({}), r#"{"content":[]}"#, json!({"name": "free"})).is_ok());
}

#[test]
fn settings_choose_what_is_checked() {
    let wrong = json!({"name": "add", "arguments": {}});
    assert_eq!(
        call(json!({"arguments": false}), SUM, wrong).unwrap()["structuredContent"]["sum"],
        3
    );
    let right = json!({"name": "add", "arguments": {"a": 1}});
    assert!(call(json!({"results": false}), r#"{"content":[]}"#, right).is_ok());
    assert_eq!(
        middleware::<Validate>(r#"{"result":true}"#).err().unwrap(),
        "unknown key `result`; the keys here are `arguments`, `results`"
    );
}

#[test]
fn a_list_without_end_has_one() {
    let endless = End::new(|_, _| Ok(r#"{"tools":[],"nextCursor":"x"}"#.to_owned()));
    let validate: Validate = middleware("{}").unwrap();
    let error = handle(&validate, &endless, "tools/call", r#"{"name":"a"}"#).unwrap_err();
    assert_eq!(error.code, -32603);
    assert_eq!(endless.passed().len(), 32);
}

#[test]
fn a_schema_is_known_as_long_as_it_is_listed() {
    let validate: Validate = middleware("{}").unwrap();
    let kind = std::rc::Rc::new(std::cell::Cell::new("integer"));
    let listed = std::rc::Rc::clone(&kind);
    let next = End::new(move |method, _| {
        let tool = |name, kind| json!({"name": name, "inputSchema": {"properties": {"x": {"type": kind}}}});
        let tools = [tool("a", listed.get()), tool("b", "null")];
        Ok(match method {
            "tools/list" => json!({"tools": tools}).to_string(),
            _ => "{}".to_owned(),
        })
    });
    let fits = |name: &str, x: Json| {
        let params = json!({"name": name, "arguments": {"x": x}});
        let answer = handle(&validate, &next, "tools/call", &params.to_string()).unwrap();
        answer == "{}"
    };
    for _ in 0..2 {
        assert!(fits("a", json!(1)) && !fits("a", json!("1")) && fits("b", json!(null)));
    }
    kind.set("string");
    for _ in 0..2 {
        assert!(!fits("a", json!(1)) && fits("a", json!("1")) && !fits("b", json!(1)));
    }
}

#[test]
fn a_broken_list_lets_nothing_pass() {
    for list in ["", "[]", r#"{"tools":[{"name":"b"},"#, r#"{"tools":[]} {}"#] {
        let next = End::saying(list);
        let validate: Validate = middleware("{}").unwrap();
        let error = handle(&validate, &next, "tools/call", r#"{"name":"a"}"#).unwrap_err();
        assert_eq!(
            error.message,
            "the answer to `tools/list` is not a JSON object"
        );
    }
}
