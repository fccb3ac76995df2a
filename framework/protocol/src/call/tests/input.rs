use super::*;

fn required(requests: &[(&str, &str, &str)]) -> Answered<ToolOutcome> {
    let requests = requests.iter().map(|(key, method, params)| InputRequest {
        key: key.to_string(),
        method: method.to_string(),
        params: params.to_string(),
    });
    Ok(Some(ToolOutcome::InputRequired(InputRequired {
        requests: requests.collect(),
        state: None,
    })))
}

fn with_capabilities(capabilities: &str, outcome: Answered<ToolOutcome>) -> (u16, Json) {
    with_call(MODERN, "", |call| {
        call.client.capabilities = capabilities.to_owned().into();
        read(call.settle(FeatureOutcome::Tool(outcome), &mut TestServices::default()))
    })
}

#[test]
fn input_is_asked_for_what_the_client_can_give() {
    let outcome = required(&[
        ("name", "elicitation/create", "{ \"message\": \"Who?\" }"),
        ("text", "sampling/createMessage", "{}"),
        ("roots", "roots/list", "{}"),
    ]);
    let (status, json) =
        with_capabilities(r#"{"elicitation":{},"sampling":{},"roots":{}}"#, outcome);
    assert_eq!(status, 200);
    assert_eq!(
        json["result"],
        json!({
            "resultType": "input_required",
            "inputRequests": {
                "name": {"method": "elicitation/create", "params": {"message": "Who?"}},
                "text": {"method": "sampling/createMessage", "params": {}},
                "roots": {"method": "roots/list", "params": {}},
            },
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
        })
    );
}

#[test]
fn input_is_not_asked_for_what_the_client_cannot_give() {
    let (form, url) = (
        ("elicitation/create", r#"{"message":"?"}"#),
        (
            "elicitation/create",
            r#"{"mode":"url","message":"?","url":"https://example.com"}"#,
        ),
    );
    let (sampling, roots) = (("sampling/createMessage", "{}"), ("roots/list", "{}"));
    let tools = ("sampling/createMessage", r#"{"tools":[]}"#);
    for (capabilities, asked, missing) in [
        ("{}", vec![sampling], json!({"sampling": {}})),
        ("{}", vec![roots], json!({"roots": {}})),
        ("{}", vec![form], json!({"elicitation": {"form": {}}})),
        (
            "{}",
            vec![url, roots],
            json!({"elicitation": {"url": {}}, "roots": {}}),
        ),
        ("{}", vec![tools], json!({"sampling": {"tools": {}}})),
        (
            r#"{"sampling":{}}"#,
            vec![sampling, tools],
            json!({"sampling": {"tools": {}}}),
        ),
        (
            r#"{"elicitation":{}}"#,
            vec![form, url],
            json!({"elicitation": {"url": {}}}),
        ),
        (
            r#"{"elicitation":{"url":{}}}"#,
            vec![form, url],
            json!({"elicitation": {"form": {}}}),
        ),
        (
            r#"{"sampling":true}"#,
            vec![sampling],
            json!({"sampling": {}}),
        ),
        (
            r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}}}"#,
            vec![form, url, tools, roots],
            json!({"roots": {}}),
        ),
    ] {
        let keys: Vec<_> = (0..asked.len()).map(|index| index.to_string()).collect();
        let requests: Vec<_> = asked
            .iter()
            .zip(&keys)
            .map(|((method, params), key)| (key.as_str(), *method, *params))
            .collect();
        let (status, json) = with_capabilities(capabilities, required(&requests));
        assert_eq!(
            (status, &json["error"]["code"]),
            (400, &json!(-32021)),
            "{capabilities} {asked:?}"
        );
        assert_eq!(
            json["error"]["data"],
            json!({"requiredCapabilities": missing}),
            "{capabilities} {asked:?}"
        );
    }
}

#[test]
fn broken_needs_for_input_are_internal_errors() {
    let all = r#"{"elicitation":{},"sampling":{},"roots":{}}"#;
    for (outcome, message) in [
        (
            required(&[]),
            "tool `zeta` answered with an empty request for input: it has neither requests nor state",
        ),
        (
            required(&[("a", "roots/list", "{}"), ("a", "roots/list", "{}")]),
            "tool `zeta` answered with two requests for input under one key",
        ),
        (
            required(&[("a", "roots/delete", "{}")]),
            "tool `zeta` answered with a request for input by an unknown method",
        ),
        (
            required(&[("a", "roots/list", "[]")]),
            "tool `zeta` answered with a request for input whose parameters are not a JSON object",
        ),
        (
            required(&[("a", "elicitation/create", r#"{"mode":"mime"}"#)]),
            "tool `zeta` answered with a request for elicitation in an unknown mode",
        ),
        (
            required(&[("a", "elicitation/create", r#"{"message":null}"#)]),
            "tool `zeta` answered with a request for elicitation without a `message`",
        ),
        (
            required(&[("a", "elicitation/create", r#"{"mode":"url","message":"?"}"#)]),
            "tool `zeta` answered with a request to open a URL without a `url`",
        ),
        (
            required(&[(
                "a",
                "elicitation/create",
                r#"{"message":"?","requestedSchema":{"type":"object"}}"#,
            )]),
            "tool `zeta` answered with a form whose `requestedSchema` is not an object with `properties`",
        ),
        (
            required(&[(
                "a",
                "elicitation/create",
                r#"{"message":"?","requestedSchema":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"string"}}}}}"#,
            )]),
            "tool `zeta` answered with a form whose field \"b\" is not a string, number, boolean or choice",
        ),
    ] {
        let (status, json) = with_capabilities(all, outcome);
        assert_eq!(
            (status, &json["error"]),
            (200, &json!({"code": -32603, "message": message}))
        );
    }
}

#[test]
fn forms_may_have_plain_fields() {
    let form = r#"{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{
        "a":{"type":"string"},"b":{"type":"number"},"c":{"type":"integer"},"d":{"type":"boolean"},
        "e":{"type":"string","enum":["x"]},"f":{"type":"array","items":{"type":"string","enum":["x"]}},
        "g":{"type":"array","items":{"anyOf":[{"const":"x","title":"X"}]}}}}}"#;
    let asked = required(&[("a", "elicitation/create", form)]);
    let (status, json) = with_capabilities(r#"{"elicitation":{"url":null}}"#, asked);
    assert_eq!(status, 200);
    assert_eq!(json["result"]["resultType"], "input_required", "{json}");
}

#[test]
fn extensions_need_a_client_that_declared_one() {
    let extension = |text: &str| Ok(Some(ToolOutcome::Extension(text.to_owned())));
    let report = "{ \"resultType\": \"com.example/report\", \"page\": 1 }";
    let declared = r#"{"extensions":{"com.example/reports":{}}}"#;
    assert_eq!(
        with_capabilities(declared, extension(report)).1["result"],
        json!({"resultType": "com.example/report", "page": 1,
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}}})
    );
    for capabilities in ["{}", r#"{"extensions":{}}"#] {
        assert_eq!(
            with_capabilities(capabilities, extension(report)).1["error"]["code"],
            -32603
        );
    }
    for broken in [
        "",
        "[]",
        "{}",
        r#"{"resultType":"complete"}"#,
        r#"{"resultType":7}"#,
    ] {
        assert_eq!(
            with_capabilities(declared, extension(broken)).1["error"]["code"],
            -32603,
            "{broken}"
        );
    }
    assert_eq!(
        answer("2025-11-25", "", extension(report)).1["error"]["code"],
        -32603
    );
}

#[test]
fn a_task_needs_a_client_that_declared_the_extension() {
    let mut input = testing::input();
    input.features[0].flags = input.features[0].flags.with(Flags::TASKS);
    let catalog = crate::catalog::build(&input).unwrap();
    // Clients before 2026-07-28 know no other status for an error of a tool.
    for (version, status) in [(MODERN, 400), ("2025-11-25", 200), ("2025-06-18", 200)] {
        let (answered, json) = with_call_of(&catalog, version, "", |call| {
            let task = ToolOutcome::Extension(r#"{"resultType":"task"}"#.to_owned());
            let outcome = FeatureOutcome::Tool(Ok(Some(task)));
            read(call.settle(outcome, &mut TestServices::default()))
        });
        let code = &json["error"]["code"];
        assert_eq!((answered, code), (status, &json!(-32021)), "{version}");
    }
}

#[test]
fn responses_of_clients_are_distinct_and_not_too_many() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let refusal = |responses: &str| {
        let params = format!(r#""name":"zeta","inputResponses":{{{responses}}},"#);
        let line = modern_request("tools/call", &params, "");
        let services = &mut TestServices::default();
        match stdio::StdioSession::default().handle_line(&catalog, line.as_bytes(), services) {
            stdio::StdioOutcome::Call(call) => {
                assert!(!call.input().responses.is_empty());
                None
            }
            stdio::StdioOutcome::Reply(line) => {
                let json: Json = serde_json::from_slice(&line).unwrap();
                assert_eq!(json["error"]["code"], -32602);
                Some(json["error"]["message"].as_str().unwrap().to_owned())
            }
            _ => panic!("no answer"),
        }
    };
    let many = |count| (0..count).map(|n| format!("\"{n}\":{{}}"));
    let many = |count| many(count).collect::<Vec<_>>().join(",");
    assert_eq!(refusal(&many(256)), None);
    assert_eq!(
        refusal(&many(257)).unwrap(),
        "`inputResponses` has more than 256 members"
    );
    assert_eq!(
        refusal(r#""a":1,"\u0061":2"#).unwrap(),
        "`inputResponses` names a member twice"
    );
}
