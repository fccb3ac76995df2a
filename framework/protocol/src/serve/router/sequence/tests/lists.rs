use super::*;
use crate::serve::router::sequence::Sequence;

#[test]
fn lists_are_those_of_all_parts_in_order() {
    for (method, list, key) in LISTS {
        for version in VERSIONS {
            for size in 1..5 {
                for counts in [[3, 2, 4], [0, 2, 1], [2, 0, 0], [0, 0, 0], [1, 0, 5]] {
                    let parts = ["outer", "inner", "last"].iter().zip(counts);
                    let mut parts: Vec<_> = parts.map(|(name, count)| part(name, count)).collect();
                    for part in &mut parts {
                        part.server.page_size = Some(size);
                    }
                    let last = parts.pop().unwrap();
                    let names = |list: &str, last: &CatalogInput| {
                        let mut chain = Chain::new(version, &parts).before_hub(last);
                        chain.listed(method, list, key)
                    };
                    let (names, pages) = names(list, &last);
                    let expected: Vec<_> = ["outer", "inner", "last"]
                        .iter()
                        .zip(counts)
                        .flat_map(|(name, count)| (0..count).map(move |at| format!("{name}-{at}")))
                        .collect();
                    let plain = names.iter().map(|name| {
                        let name = name.trim_start_matches("test://");
                        name.trim_end_matches("/{id}").to_owned()
                    });
                    let all: Vec<_> = plain.collect();
                    assert_eq!(all, expected, "{method} {size}");
                    // The first page behind is on the last one here.
                    let own = counts.map(|count| count.div_ceil(size).max(1));
                    assert_eq!(pages, own.iter().sum::<usize>() - 2);
                }
            }
        }
    }
}

#[test]
fn features_with_lists_of_their_own_come_before_what_is_behind() {
    for version in [MODERN, LEGACY] {
        let outer = with("outer", vec![dynamic(Flags::RESOURCES)]);
        let mut chain = Chain::new(version, &[outer]).before_hub(&part("last", 2));
        // Two pages of its own and one behind make one.
        let answers = ["text a:one", "text a:two", "none"].map(str::to_owned);
        chain.answers.0.extend(answers);
        let page = chain.result("resources/list", "{}");
        let names: Vec<_> = page["resources"].as_array().unwrap().iter().collect();
        let names: Vec<_> = names
            .iter()
            .map(|resource| resource["uri"].clone())
            .collect();
        assert_eq!(names, ["a:one", "a:two", "test://last-0", "test://last-1"]);
        // A feature that has many: 32 of its pages are one.
        chain
            .answers
            .0
            .extend((0..40).map(|index| format!("text a:t{index}")));
        chain.answers.0.push_back("none".to_owned());
        let (names, pages) = chain.listed("resources/list", "resources", "uri");
        let own = (0..40).map(|index| format!("a:t{index}"));
        let behind = (0..2).map(|index| format!("test://last-{index}"));
        assert_eq!(names, own.chain(behind).collect::<Vec<_>>());
        assert_eq!(pages, 2);
    }
}

#[test]
fn names_that_are_hidden_are_not_listed() {
    for (method, list, key) in LISTS {
        for version in [MODERN, LEGACY] {
            for size in 1..4 {
                let [mut outer, mut last] = [part("same", 2), part("same", 4)];
                outer.server.page_size = Some(size);
                last.server.page_size = Some(size);
                let mut chain = Chain::new(version, &[outer]).before_hub(&last);
                let (names, _) = chain.listed(method, list, key);
                let numbers: Vec<_> = names
                    .iter()
                    .map(|name| name.trim_end_matches("/{id}").chars().last().unwrap())
                    .collect();
                assert_eq!(numbers, ['0', '1', '2', '3'], "{method} {size}");
            }
        }
    }
    // On the page at hand also what is not in the catalog.
    let outer = with("outer", vec![dynamic(Flags::RESOURCES)]);
    let mut chain = Chain::new(MODERN, &[outer]).before_answer(
        r#"{"resources":[{"uri":"o\u006ee"},{"uri":"two"},{"x":1},3,{"uri":"two"}]}"#,
    );
    let answers = ["text one", "none"].map(str::to_owned);
    chain.answers.0.extend(answers);
    let listed = chain.result("resources/list", "{}")["resources"].clone();
    let uris: Vec<_> = listed.as_array().unwrap().iter().collect();
    let uris: Vec<_> = uris.iter().map(|entry| entry["uri"].clone()).collect();
    // The transport refuses entries without a name, and names that occur twice.
    assert_eq!(json!(uris), json!(["one", "two", null, null, "two"]));
}

#[test]
fn cursors_of_the_next_handler_come_back_to_it() {
    for (method, list, _) in LISTS {
        let page = |cursor: &str| format!(r#"{{ "{list}" : [], "nextCursor" : {cursor} }}"#);
        for (theirs, given, handed) in [
            (r#""c""#, "next:next:c", r#"{"a" : 1,"cursor":"c"}"#),
            (r#""""#, "next:next:", r#"{"a" : 1,"cursor":""}"#),
            (
                r#""next:\n\u00e9\"""#,
                "next:next:next:\né\"",
                r#"{"a" : 1,"cursor":"next:\né\""}"#,
            ),
        ] {
            let sequences = [part("outer", 1), part("inner", 1)];
            let mut chain = Chain::new(MODERN, &sequences).before_answer(&page(theirs));
            let first = chain.result(method, "{}");
            assert_eq!(first["nextCursor"], given);
            assert_eq!(first[list].as_array().unwrap().len(), 2);
            let params = json!({ "cursor": given }).to_string();
            let params = params.replacen('{', r#"{ "a" : 1, "#, 1);
            let second = chain.result(method, &params);
            assert_eq!(second["nextCursor"], given);
            assert_eq!(second[list], json!([]));
            let seen: Vec<Json> = chain
                .seen
                .iter()
                .map(|(_, params)| serde_json::from_str(params).unwrap())
                .collect();
            let handed: Json = serde_json::from_str(handed).unwrap();
            assert_eq!(seen, [json!({}), handed]);
        }
        for cursor in ["1", "null", "[]", r#"{"a":1}"#] {
            let mut chain = Chain::new(MODERN, &[part("outer", 1)]).before_answer(&page(cursor));
            let message = format!(
                "the next middleware answered `{method}` with a cursor that is not a string"
            );
            assert_eq!(chain.error(method, "{}"), (INTERNAL_ERROR, message));
        }
    }
}

#[test]
fn cursors_of_nobody_are_refused() {
    let sequences = || [part("outer", 2), part("inner", 2)];
    for version in VERSIONS {
        for (method, _, _) in LISTS {
            for (cursor, reached) in [
                ("", 0),
                ("x", 0),
                ("~AAA", 0),
                ("next", 0),
                ("Next:", 0),
                (" next:next:", 0),
                ("next:", 0),
                ("next:x", 0),
                ("next:next", 0),
                ("next:next:x", 1),
                ("next:next:next:", 1),
                ("next:next:next:next:", 1),
            ] {
                let params = json!({ "cursor": cursor }).to_string();
                let mut chain = Chain::new(version, &sequences()).before_hub(&part("last", 2));
                let error = chain.error(method, &params);
                let invalid = (INVALID_PARAMS, "invalid cursor".to_owned());
                assert_eq!(error, invalid, "{method} {cursor}");
                assert_eq!(chain.seen.len(), reached, "{cursor}");
                // Where nothing is listed, no page has a name.
                if cursor == "x" {
                    let empty = [with("outer", Vec::new())];
                    let mut chain = Chain::new(version, &empty).before_hub(&part("last", 2));
                    assert_eq!(chain.error(method, &params), invalid);
                    assert!(chain.seen.is_empty());
                }
            }
            for (params, problem) in [
                (r#"{"cursor":1}"#, "`cursor` is not a string"),
                (
                    r#"{"cursor":"next:a","c\u0075rsor":"b"}"#,
                    "`cursor` occurs twice",
                ),
                (
                    r#"{"cursor":"b","cursor":"next:a"}"#,
                    "`cursor` occurs twice",
                ),
                (
                    r#"{"cursor":"next:","_meta":[]}"#,
                    "`_meta` is not an object",
                ),
                ("[]", "the parameters are not a JSON object"),
                ("", "the parameters are not a JSON object"),
            ] {
                for sequence in [part("outer", 2), with("outer", Vec::new())] {
                    let mut chain = Chain::new(version, &[sequence]).before_hub(&part("last", 1));
                    // Those who list nothing hand it on, if it can be read.
                    let error = chain.error(method, params);
                    assert_eq!(error, (INVALID_PARAMS, problem.to_owned()), "{params}");
                    let read = problem == "`cursor` is not a string";
                    assert!(read || chain.seen.is_empty(), "{params}");
                }
            }
        }
    }
}

#[test]
fn whoever_has_no_list_adds_nothing() {
    for (method, list, key) in LISTS {
        for version in VERSIONS {
            let empty = || with("outer", Vec::new());
            let names = |chain: &mut Chain<'_>| chain.listed(method, list, key).0.len();
            let mut behind = part("last", 3);
            behind.server.page_size = Some(1);
            let mut chain = Chain::new(version, &[empty()]).before_hub(&behind);
            assert_eq!(names(&mut chain), 3);
            let mut chain = Chain::new(version, &[part("outer", 2)]);
            assert_eq!(names(&mut chain), 2);
            assert_eq!(chain.seen.len(), 1);
            let mut chain = Chain::new(version, &[empty(), part("inner", 2), empty()]);
            assert_eq!(names(&mut chain), 2);
            let mut chain = Chain::new(version, &[empty(), empty()]);
            let unknown = (METHOD_NOT_FOUND, method.to_owned());
            assert_eq!(chain.error(method, "{}"), unknown);
        }
        // Half a list would look like a whole one.
        for code in [INVALID_PARAMS, INTERNAL_ERROR, 7] {
            let refuse = move |_: &str, _: &str| Err(failing(code, "not you"));
            let mut chain = Chain::new(MODERN, &[part("outer", 1)]).before(refuse);
            assert_eq!(chain.error(method, "{}"), (code, "not you".to_owned()));
        }
    }
}

#[test]
fn joined_lists_are_kept_as_long_as_the_stricter_allows() {
    for (method, list, _) in LISTS {
        for (theirs, ttl, scope) in [
            (r#","ttlMs":5,"cacheScope":"public""#, 5, "public"),
            (r#","ttlMs":5,"cacheScope":"private""#, 5, "private"),
            (
                r#","ttlMs":900000,"cacheScope":"public""#,
                300_000,
                "public",
            ),
            ("", 0, "private"),
            (r#","ttlMs":5"#, 5, "private"),
            (r#","cacheScope":"public""#, 0, "public"),
            (r#","ttlMs":-5,"cacheScope":"x""#, 0, "private"),
            (r#","ttlMs":"5","cacheScope":1"#, 0, "private"),
            (r#","ttlMs":1e99,"cacheScope":"publ\u0069c""#, 0, "public"),
        ] {
            let answer = format!(r#"{{"{list}":[]{theirs}}}"#);
            let mut chain = Chain::new(MODERN, &[part("outer", 1)]).before_answer(&answer);
            let text = chain.handle(method, "{}").unwrap();
            let page: Json = serde_json::from_str(&text).unwrap();
            assert_eq!(page["ttlMs"], ttl, "{theirs}");
            assert_eq!(page["cacheScope"], scope, "{theirs}");
            for once in ["ttlMs", "cacheScope", "resultType", "_meta", list] {
                assert_eq!(text.matches(&format!("\"{once}\":")).count(), 1, "{text}");
            }
            // Pages behind are theirs alone.
            let page = chain.handle(method, r#"{"cursor":"next:a"}"#).unwrap();
            let expected: Json = serde_json::from_str(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Json>(&page).unwrap(), expected);
            let mut chain = Chain::new(LEGACY, &[part("outer", 0)]).before_answer(&answer);
            let page = chain.result(method, "{}");
            assert_eq!(page, json!({ list: [] }));
        }
        let mut outer = part("outer", 1);
        outer.features[0].cache = Some(crate::wire::types::types::CacheHint {
            ttl_ms: 7,
            scope: crate::wire::types::types::CacheScope::Private,
        });
        let mut chain = Chain::new(MODERN, &[outer]).before_hub(&part("last", 1));
        let page = chain.result(method, "{}");
        assert_eq!(
            (&page["ttlMs"], &page["cacheScope"]),
            (&json!(7), &json!("private"))
        );
    }
}

#[test]
fn misshapen_pages_are_errors() {
    for (method, list, _) in LISTS {
        let none = [
            "{}".to_owned(),
            format!(r#"{{"{list}":null}}"#),
            format!(r#"{{"{list}":{{"a":1}}}}"#),
            format!(r#"{{"x{list}":[]}}"#),
        ];
        let none = none.map(|text| (text, "something that is not a list"));
        for (answer, problem) in misshapen().into_iter().chain(none) {
            for params in ["{}", r#"{"cursor":"next:a"}"#] {
                for version in [MODERN, LEGACY] {
                    let mut chain = Chain::new(version, &[part("outer", 1)]).before_answer(&answer);
                    let expected =
                        format!("the next middleware answered `{method}` with {problem}");
                    assert_eq!(chain.error(method, params), (INTERNAL_ERROR, expected));
                }
            }
        }
    }
}

#[test]
fn joined_lists_have_a_size() {
    let mut outer = part("outer", 1);
    outer.features[0].tools[0].description = Some("a".repeat(MAX_RESULT / 2));
    let entry = |length: usize| {
        format!(
            r#"{{"tools":[{{"name":"last","description":"{}"}}]}}"#,
            "a".repeat(length)
        )
    };
    let listed = |length: usize| {
        let sequence = [outer.clone()];
        let mut chain = Chain::new(MODERN, &sequence).before_answer(&entry(length));
        chain.handle("tools/list", "{}")
    };
    let fits = listed(MAX_RESULT / 2 - 1000).unwrap();
    assert!(fits.len() <= MAX_RESULT);
    let error = listed(MAX_RESULT / 2).unwrap_err();
    assert!(
        error.message.contains("more than 16777216 bytes"),
        "{}",
        error.message
    );
}

#[test]
fn compose_is_shown_what_clients_are_not() {
    let baked = baked(&part("same", 2));
    let catalog = Catalog::new(&baked).unwrap();
    let page = r#"{"tools":[{"name":"same-0"},{"name":"behind"}]}"#;
    for (id, expected) in [(0, &["same-0", "behind"][..]), (1, &["behind"])] {
        let (sequence, _) = Sequence::begin(id, catalog, "tools/list", r#"{"cursor":"next:a"}"#);
        let listed = sequence.next(Ok(page.to_owned())).unwrap();
        let listed: Json = serde_json::from_str(&listed).unwrap();
        let names = listed["tools"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected);
    }
}
