use super::*;

const KINDS: [(&str, &str); 4] = [
    ("tools/call", r#"{"name":"NAME-0"}"#),
    ("prompts/get", r#"{"name":"NAME-0"}"#),
    ("resources/read", r#"{"uri":"test://NAME-0"}"#),
    ("resources/read", r#"{"uri":"test://NAME-0/7"}"#),
];

fn completion(kind: &str, name: &str) -> String {
    let key = if kind == "prompt" { "name" } else { "uri" };
    format!(
        r#"{{"ref":{{"type":"ref/{kind}","{key}":"{name}"}},"argument":{{"name":"x","value":"v"}}}}"#
    )
}

/// The entries of two sequences and a router.
fn all(version: &'static str) -> Chain<'static> {
    Chain::new(version, &[part("outer", 1), part("inner", 1)]).before_hub(&part("last", 1))
}

#[test]
fn whoever_has_it_answers() {
    for (method, params) in KINDS {
        for name in ["outer", "inner", "last"] {
            // As it came: spaces and all.
            let params = params.replace("NAME", name).replace('}', r#", "a" : 1}"#);
            for version in VERSIONS {
                let mut chain = all(version);
                assert!(chain.handle(method, &params).is_ok(), "{name} {params}");
                let expected = (method.to_owned(), params.clone());
                let reached: &[_] = if name == "last" { &[expected] } else { &[] };
                assert_eq!(chain.seen, reached);
            }
            assert_eq!(all(MODERN).answering(method, &params), name);
        }
    }
}

#[test]
fn what_is_here_hides_what_is_behind() {
    let twice = [part("same", 1), part("same", 1)];
    for (method, params) in KINDS {
        let mut chain = Chain::new(MODERN, &twice[..1]).before_hub(&twice[1]);
        chain.result(method, &params.replace("NAME", "same"));
        assert!(chain.seen.is_empty());
    }
}

#[test]
fn what_nobody_has_is_the_error_of_the_last_that_could() {
    for version in VERSIONS {
        let not_found = if version == MODERN {
            INVALID_PARAMS
        } else {
            -32002
        };
        for ((method, params), what) in KINDS.into_iter().zip([
            "unknown tool `nobody-0`",
            "unknown prompt `nobody-0`",
            "unknown resource `test://nobody-0`",
            "unknown resource `test://nobody-0/7`",
        ]) {
            let params = params.replace("NAME", "nobody");
            let code = if method == "resources/read" {
                not_found
            } else {
                INVALID_PARAMS
            };
            let expected = (code, what.to_owned());
            assert_eq!(all(version).error(method, &params), expected);
            // Behind there is nothing of that kind.
            let sequences = [part("outer", 1), part("inner", 1)];
            let mut chain = Chain::new(version, &sequences);
            assert_eq!(chain.error(method, &params), expected);
            assert_eq!(chain.seen.len(), 1);
            let other = |_: &str, _: &str| Err(failing(INVALID_PARAMS, "ours"));
            let mut chain = Chain::new(version, &sequences).before(other);
            assert_eq!(
                chain.error(method, &params),
                (INVALID_PARAMS, "ours".to_owned())
            );
            // Neither is there here.
            let mut chain = Chain::new(version, &[with("outer", Vec::new())]);
            let unknown = (METHOD_NOT_FOUND, format!("unknown method `{method}`"));
            assert_eq!(chain.error(method, &params), unknown);
        }
    }
}

#[test]
fn errors_of_features_are_not_asked_about_behind() {
    for code in [METHOD_NOT_FOUND, INVALID_PARAMS, 7] {
        let mut chain = all(MODERN);
        chain.answers.0.push_back(format!("error {code} {{}}"));
        let error = chain.error("tools/call", r#"{"name":"outer-0"}"#);
        assert_eq!((error.0, chain.seen.len()), (code, 0));
    }
    for params in ["{}", r#"{"name":1}"#, "[]", r#"{"name":"a","name":"b"}"#] {
        let mut chain = all(MODERN);
        assert_eq!(chain.error("tools/call", params).0, INVALID_PARAMS);
        assert!(chain.seen.is_empty(), "{params}");
    }
}

#[test]
fn features_with_lists_of_their_own_are_asked_first() {
    let flags = Flags::TOOLS.with(Flags::PROMPTS).with(Flags::RESOURCES);
    for (method, params) in KINDS {
        for (name, reached) in [("outer", 0), ("last", 1)] {
            let outer = with("outer", vec![dynamic(flags), dynamic(flags)]);
            let mut chain = Chain::new(MODERN, &[outer]).before_hub(&part("last", 1));
            let params = params.replace("NAME", name);
            assert_eq!(chain.answering(method, &params), name);
            assert_eq!(chain.seen.len(), reached);
        }
    }
}

#[test]
fn answers_of_the_next_handler_are_handed_on_as_they_are() {
    for answer in [
        r#"{"resultType":"input_required","requestState":"s"}"#,
        r#"{"resultType":"task","state":"s"}"#,
        " { \"content\" : [] }",
        "not even JSON",
    ] {
        let mut chain = Chain::new(MODERN, &[part("outer", 1)]).before_answer(answer);
        for (method, params) in KINDS {
            let handled = chain.handle(method, &params.replace("NAME", "x"));
            assert_eq!(handled.unwrap(), answer);
        }
        assert_eq!(chain.handle("com.example/sum", "{}").unwrap(), answer);
    }
}

#[test]
fn the_transport_takes_needs_for_input_and_tasks_as_of_any_handler() {
    for (said, result) in [
        (
            "input s|k roots/list {}",
            r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list","params":{}}},"requestState":"s"}"#,
        ),
        (
            r#"extension {"resultType":"task","state":"s"}"#,
            r#"{"resultType":"task","state":"s"}"#,
        ),
    ] {
        let mut outer = part("outer", 1);
        let flags = outer.features[0].flags;
        outer.features[0].flags = flags.with(Flags::INPUT).with(Flags::TASKS);
        for version in VERSIONS {
            let mut chain = Chain::new(version, &[part("first", 1), outer.clone()]);
            chain.answers.0.push_back(said.to_owned());
            let handled = chain.handle("tools/call", r#"{"name":"outer-0"}"#);
            assert_eq!(handled.unwrap(), result);
        }
    }
}

#[test]
fn what_else_there_is_goes_to_the_next_link() {
    for method in [
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "tasks/get",
        "tasks/update",
        "tasks/cancel",
        "com.example/sum",
        "",
    ] {
        let mut chain = Chain::new(LEGACY, &[part("outer", 1)]).before_answer("{ }");
        assert_eq!(chain.handle(method, r#"{"uri":"a" }"#).unwrap(), "{ }");
        let expected = (method.to_owned(), r#"{"uri":"a" }"#.to_owned());
        assert_eq!(chain.seen, [expected]);
    }
}

#[test]
fn completions_come_from_whoever_has_the_reference() {
    for version in VERSIONS {
        for (name, reached) in [("outer", 0), ("inner", 0), ("last", 1)] {
            for reference in [
                completion("prompt", &format!("{name}-0")),
                completion("resource", &format!("test://{name}-0/{{id}}")),
                completion("resource", &format!("test://{name}-0")),
            ] {
                let mut chain = all(version);
                let result = chain.result("completion/complete", &reference);
                assert_eq!(result["completion"]["values"], json!(["v"]), "{reference}");
                assert_eq!(chain.seen.len(), reached);
            }
        }
        let nobody = completion("prompt", "nobody");
        let unknown = (INVALID_PARAMS, "unknown prompt `nobody`".to_owned());
        assert_eq!(all(version).error("completion/complete", &nobody), unknown);
        let odd = completion("x", "nobody");
        assert!(all(version).handle("completion/complete", &odd).is_err());
    }
}

#[test]
fn what_is_here_without_completions_has_none() {
    let mut outer = part("outer", 1);
    outer.features[0].flags = Flags::TOOLS.with(Flags::PROMPTS).with(Flags::RESOURCES);
    for reference in [
        completion("prompt", "outer-0"),
        completion("resource", "test://outer-0/{id}"),
        completion("resource", "test://outer-0"),
    ] {
        let mut chain =
            Chain::new(MODERN, std::slice::from_ref(&outer)).before_hub(&part("last", 1));
        let result = chain.result("completion/complete", &reference);
        assert_eq!(
            result["completion"],
            json!({"values": [], "hasMore": false})
        );
        assert!(chain.seen.is_empty());
    }
}

#[test]
fn features_that_complete_nothing_leave_it_to_those_behind() {
    for flags in [Flags::PROMPTS, Flags::PROMPTS.with(Flags::COMPLETIONS)] {
        let features = vec![dynamic(flags), part("x", 1).features.remove(0)];
        let outer = with("outer", features);
        let complete = |name: &str, last: Option<CatalogInput>| {
            let mut chain = Chain::new(MODERN, std::slice::from_ref(&outer));
            if let Some(last) = last {
                chain = chain.before_hub(&last);
            }
            let result = chain.result("completion/complete", &completion("prompt", name));
            result["completion"]["values"].clone()
        };
        assert_eq!(complete("last-0", Some(part("last", 1))), json!(["v"]));
        assert_eq!(complete("nobody", Some(part("last", 1))), json!([]));
        assert_eq!(complete("nobody", None), json!([]));
        let mut chain = Chain::new(MODERN, std::slice::from_ref(&outer))
            .before(|_, _| Err(failing(INTERNAL_ERROR, "broken")));
        let error = chain.error("completion/complete", &completion("prompt", "last-0"));
        assert_eq!(error, (INTERNAL_ERROR, "broken".to_owned()));
    }
}
