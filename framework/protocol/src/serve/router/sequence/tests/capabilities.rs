use super::*;

const METHODS: [(&str, &str); 2] = [("initialize", LEGACY), ("server/discover", MODERN)];

#[test]
fn capabilities_are_those_of_all_parts_once() {
    for (method, version) in METHODS {
        let tools = with(
            "tools",
            vec![FeatureInput {
                flags: Flags::TOOLS.with(Flags::LOG),
                ..FeatureInput::default()
            }],
        );
        let sequences = [part("outer", 1), tools, part("inner", 1)];
        let mut chain = Chain::new(version, &sequences).before_answer(
            r#"{ "protocolVersion" : "x", "capabilities" : { "tools": {"listChanged":true}, "extensions":{"a":{}} }, "instructions":"be kind","_meta":{"b":[1]} }"#,
        );
        // Each name once: a reader would not notice.
        assert_eq!(
            chain.handle(method, r#"{"a":1}"#).unwrap(),
            r#"{"protocolVersion":"x","instructions":"be kind","_meta":{"b":[1]},"capabilities":{"tools":{"listChanged":true},"extensions":{"a":{}},"completions":{},"prompts":{},"resources":{},"logging":{}}}"#
        );
        let expected = (method.to_owned(), r#"{"a":1}"#.to_owned());
        assert_eq!(chain.seen, [expected]);
    }
}

#[test]
fn parts_alone_have_capabilities_of_their_own() {
    for (method, version) in METHODS {
        for answer in ["{}", r#"{"capabilities":{}}"#] {
            let mut chain = Chain::new(version, &[part("outer", 0)]).before_answer(answer);
            let result = chain.result(method, "{}");
            let expected = json!({"completions": {}, "prompts": {}, "resources": {}, "tools": {}});
            assert_eq!(result, json!({ "capabilities": expected }));
        }
        let mut chain =
            Chain::new(version, &[with("outer", Vec::new())]).before_answer(r#"{"a":1}"#);
        assert_eq!(
            chain.handle(method, "{}").unwrap(),
            r#"{"a":1,"capabilities":{}}"#
        );
    }
}

#[test]
fn what_needs_state_is_the_transports_to_offer() {
    let mut outer = part("outer", 1);
    outer.server.store = Some("default".to_owned());
    let flags = outer.features[0].flags;
    outer.features[0].flags = [Flags::LIST_CHANGED, Flags::RESOURCE_UPDATED, Flags::TASKS]
        .into_iter()
        .fold(flags, Flags::with);
    for (method, version) in METHODS {
        let mut chain = Chain::new(version, &[outer.clone()]).before_answer("{}");
        let capabilities = chain.result(method, "{}")["capabilities"].clone();
        let expected = json!({"completions": {}, "prompts": {}, "resources": {}, "tools": {}});
        assert_eq!(capabilities, expected);
    }
}

#[test]
fn refusals_of_the_next_handler_are_handed_on() {
    for (method, version) in METHODS {
        for code in [METHOD_NOT_FOUND, INVALID_PARAMS, 7] {
            let refuse = move |_: &str, _: &str| Err(failing(code, "not you"));
            let mut chain = Chain::new(version, &[part("outer", 1)]).before(refuse);
            assert_eq!(chain.error(method, "{}"), (code, "not you".to_owned()));
        }
    }
}

#[test]
fn misshapen_descriptions_are_errors() {
    let odd = [
        r#"{"capabilities":[]}"#,
        r#"{"capabilities":null}"#,
        r#"{"capabilities":{"tools":{},"tools":{"listChanged":true}}}"#,
    ];
    let odd = odd.map(|text| (text.to_owned(), "malformed capabilities"));
    for (method, version) in METHODS {
        for (answer, problem) in misshapen().into_iter().chain(odd.clone()) {
            let mut chain = Chain::new(version, &[part("outer", 1)]).before_answer(&answer);
            let expected = format!("the next middleware answered `{method}` with {problem}");
            assert_eq!(chain.error(method, "{}"), (INTERNAL_ERROR, expected));
        }
    }
}
