use super::*;
use crate::wire::MAX_RESULT;

const CALL: (&str, &str) = ("tools/call", r#"{"name":"zeta"}"#);

/// The member that modern clients get beside a result that does not name the server.
const NAMED: &str =
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1.2.3"}}"#;

#[test]
fn complete_results_fit_the_revision_of_the_client() {
    let plain = r#"{"content":[]}"#;
    for via in TRANSPORTS {
        for version in VERSIONS {
            for (answer, modern, legacy) in [
                (
                    plain,
                    r#"{"resultType":"complete","content":[],NAMED}"#,
                    plain,
                ),
                (
                    r#"{"resultType":"complete","content":[]}"#,
                    r#"{"resultType":"complete","content":[],NAMED}"#,
                    plain,
                ),
                (
                    r#"{"content":[],"resultType":"complete"}"#,
                    r#"{"resultType":"complete","content":[],NAMED}"#,
                    plain,
                ),
                ("{}", r#"{"resultType":"complete",NAMED}"#, "{}"),
                (
                    r#"{"result\u0054ype":"compl\u0065te"}"#,
                    r#"{"resultType":"complete",NAMED}"#,
                    "{}",
                ),
            ] {
                let mut chain = Chain::new(via, version).answering(answer);
                let expected = if version == MODERN { modern } else { legacy };
                let expected = expected.replace("NAMED", NAMED);
                assert_eq!(chain.result(CALL.0, CALL.1), expected, "{version} {answer}");
            }
        }
    }
}

#[test]
fn complete_results_name_this_server() {
    let key = r#""io.modelcontextprotocol/serverInfo""#;
    for (meta, named) in [
        ("{}", ""),
        (r#"{"a":1,"b":{"a":2}}"#, r#","a":1,"b":{"a":2}"#),
        (r#"{KEY:{"name":"inner","version":"9"}}"#, ""),
        (r#"{"a":[1],KEY:null,"c":""}"#, r#","a":[1],"c":"""#),
        (
            r#"{"io.modelcontextprotocol\/server\u0049nfo":{"name":"inner"}}"#,
            "",
        ),
        (
            r#"{"serverInfo":{"name":"x"}}"#,
            r#","serverInfo":{"name":"x"}"#,
        ),
    ] {
        let meta = meta.replace("KEY", key);
        let answer = format!(r#"{{"_meta":{meta},"content":[]}}"#);
        for via in TRANSPORTS {
            for method in ["tools/call", "com.example/sum", "completion/complete"] {
                let mut chain = Chain::new(via, MODERN).answering(&answer);
                let result = chain.result(method, r#"{"name":"zeta"}"#);
                let named = NAMED.replace("}}", &format!("}}{named}}}"));
                let expected = format!(r#"{{"resultType":"complete","content":[],{named}}}"#);
                assert_eq!(result, expected, "{meta}");
            }
            // Legacy clients do not read that member, so it stays as it is.
            let mut chain = Chain::new(via, LEGACY).answering(&answer);
            assert_eq!(chain.result(CALL.0, CALL.1), answer);
        }
    }
    // As it was, if it is what it should be.
    let answer = format!(r#"{{{NAMED},"content":[],"resultType":"complete"}}"#);
    let mut chain = Chain::new(Via::Http, MODERN).answering(&answer);
    assert_eq!(chain.result(CALL.0, CALL.1), answer);
}

#[test]
fn metadata_is_an_object_that_names_everything_once() {
    let not_an_object = "metadata that is not a JSON object";
    let twice = "metadata that names a member twice";
    for (meta, problem) in [
        ("null", not_an_object),
        ("[]", not_an_object),
        ("\"\"", not_an_object),
        (r#"{"a":1,"a":2}"#, twice),
        (r#"{"a":1,"\u0061":1}"#, twice),
        (
            r#"{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1.2.3"},"io.modelcontextprotocol/serverInfo":{}}"#,
            twice,
        ),
    ] {
        for via in TRANSPORTS {
            for version in [MODERN, LEGACY] {
                for kind in [
                    "",
                    r#","resultType":"input_required""#,
                    r#","resultType":"x""#,
                ] {
                    let answer = format!(r#"{{"_meta":{meta}{kind}}}"#);
                    let mut chain = Chain::new(via, version).answering(&answer);
                    let message = format!("tool `zeta` answered with {problem}");
                    assert_eq!(chain.error(CALL.0, CALL.1), (-32603, message), "{answer}");
                }
            }
        }
    }
}

#[test]
fn results_end_up_on_one_line() {
    let answer = " {\r\n\t\"content\" : [ { \"text\": \"a b\\n\" } ]\n , \"_meta\":\n{ \"a\" : 1 }, \"x\":\n1e999 } \n";
    let content = r#""content":[{"text":"a b\n"}]"#;
    let named = NAMED.replace("}}", r#"},"a":1}"#);
    for via in TRANSPORTS {
        let result = |version| {
            let mut chain = Chain::new(via, version).answering(answer);
            chain.result(CALL.0, CALL.1)
        };
        assert_eq!(
            result(MODERN),
            format!(r#"{{"resultType":"complete",{content},"x":1e999,{named}}}"#)
        );
        assert_eq!(
            result(LEGACY),
            format!(r#"{{{content},"_meta":{{"a":1}},"x":1e999}}"#)
        );
    }
}

#[test]
fn methods_that_only_middleware_knows_have_results() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            let mut chain = Chain::new(via, version).with_middleware(|method, params| {
                assert!(params.starts_with(r#"{"a":1"#), "{params}");
                (method == "com.example/sum").then(|| Ok(r#"{"sum":1}"#.to_owned()))
            });
            let answer = chain.answer("com.example/sum", r#"{"a":1}"#);
            assert_eq!(answer["result"]["sum"], 1);
            let error = chain.error("com.example/product", r#"{"a":1}"#);
            assert_eq!(
                error,
                (-32601, "unknown method `com.example/product`".to_owned())
            );
        }
    }
}

#[test]
fn errors_are_those_of_the_link() {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            for (method, params) in [CALL, ("tools/list", "{}"), ("x/y", "{}")] {
                let mut chain = Chain::new(via, version).with_middleware(|_, _| Some(refusal()));
                assert_eq!(
                    chain.text(method, params),
                    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-31999,"message":"not you","data":{"why":[]}}}"#
                );
            }
        }
    }
}

#[test]
fn errors_are_what_the_client_may_see() {
    let failing = |version, code, message: &str, data: Option<&str>| {
        let error = Error {
            code,
            message: message.to_owned(),
            data: data.map(str::to_owned),
        };
        let middleware = move |_: &str, _: &str| Some(Err(error.clone()));
        let got = Chain::new(Via::Http, version)
            .with_middleware(middleware)
            .send(CALL.0, CALL.1);
        let Got::Reply(response) = got else {
            panic!("{got:?}");
        };
        assert!(!response.body.contains(&b'\n'));
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        (response.status, json["error"].clone())
    };
    for (version, code, status, seen) in [
        (MODERN, -32050, 200, -32603),
        (MODERN, -32601, 200, -32601),
        (MODERN, -32020, 200, -32603),
        (MODERN, -32002, 200, -32602),
        (LEGACY, -32002, 200, -32002),
        (LEGACY, -32601, 200, -32601),
        (LEGACY, -32042, 200, -32042),
    ] {
        let expected = json!({"code": seen, "message": "a\n\u{0}\"b"});
        let error = failing(version, code, "a\n\u{0}\"b", None);
        assert_eq!(error, (status, expected), "{version} {code}");
    }
    for data in ["{", "", "{}\n{}", "NaN"] {
        let (_, error) = failing(MODERN, 1, "m", Some(data));
        assert_eq!(error, json!({"code": 1, "message": "m"}), "{data}");
    }
    let (_, error) = failing(MODERN, 1, "m", Some("[\n1 ]"));
    assert_eq!(error["data"], json!([1]));
}

#[test]
fn answers_have_a_size() {
    let too_large = |handled: Handled, what: &str| {
        let middleware = move |_: &str, _: &str| Some(handled.clone());
        let mut chain = Chain::new(Via::Stdio, MODERN).with_middleware(middleware);
        let (code, message) = chain.error(CALL.0, CALL.1);
        assert_eq!(code, -32603);
        assert!(
            message.starts_with("tool `zeta` answered with more than"),
            "{what}: {message}"
        );
    };
    let text = |length: usize| format!(r#"{{"x":"{}"}}"#, "a".repeat(length));
    too_large(Ok(text(MAX_RESULT)), "a result");
    too_large(Ok(" ".repeat(MAX_RESULT) + "{"), "what is not even JSON");
    too_large(Ok(text(MAX_RESULT - 20)), "a result with what is around it");
    let error = Error {
        code: 1,
        message: "a".repeat(MAX_RESULT),
        data: None,
    };
    too_large(Err(error), "an error");
    let requests = format!(
        r#"{{"resultType":"input_required","inputRequests":{{"k":{{"method":"roots/list","params":{}}}}}}}"#,
        text(MAX_RESULT)
    );
    too_large(Ok(requests), "a need for input");
    let extension = format!(r#"{{"resultType":"x","a":{}}}"#, text(MAX_RESULT));
    too_large(Ok(extension), "an extension");
}

#[test]
fn the_largest_answer_is_sent() {
    let envelope = r#"{"jsonrpc":"2.0","id":1,"result":}"#.len();
    for (version, around) in [
        (
            MODERN,
            format!(r#"{{"resultType":"complete","x":"",{NAMED}}}"#),
        ),
        (LEGACY, r#"{"x":""}"#.to_owned()),
    ] {
        let largest = MAX_RESULT - envelope - around.len();
        let text = |length: usize| {
            let answer = format!(r#"{{"x":"{}"}}"#, "a".repeat(length));
            let mut chain = Chain::new(Via::Http, version).answering(&answer);
            chain.text(CALL.0, CALL.1)
        };
        assert_eq!(text(largest).len(), MAX_RESULT);
        let error = text(largest + 1);
        assert!(error.contains("tool `zeta` answered with more than 16777216 bytes"));
    }
}

#[test]
fn lists_name_everything_once() {
    for (method, list, key) in [
        ("tools/list", "tools", "name"),
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
        ),
    ] {
        for (entries, problem) in [
            (r#"[{"K":"a"},{"K":"b"}]"#, None),
            ("[]", None),
            (
                r#"[{"K":"a"},{"K":"b"},{"K":"a"}]"#,
                Some("a list that names an entry twice"),
            ),
            (
                r#"[{"K":"a"},{"K":"\u0061"}]"#,
                Some("a list that names an entry twice"),
            ),
            (
                r#"[{"K":"b","K":"a"},{"K":"a"}]"#,
                Some("a list that names an entry twice"),
            ),
            (
                r#"[{"K":"a","K":"b"}]"#,
                Some("a list that names an entry twice"),
            ),
            (r#"[{"x":"a"}]"#, Some("an entry that has no name")),
            (r#"[{"K":1}]"#, Some("an entry that has no name")),
            (r#"["a"]"#, Some("an entry that has no name")),
            (r#"{"K":"a"}"#, Some("something that is not a list")),
            ("null", Some("something that is not a list")),
        ] {
            let entries = entries.replace('K', key);
            for version in [MODERN, LEGACY] {
                let answer = format!(r#"{{"{list}":{entries}}}"#);
                let mut chain = Chain::new(Via::Http, version).answering(&answer);
                match problem {
                    None => {
                        let expected: Json = serde_json::from_str(&entries).unwrap();
                        assert_eq!(chain.answer(method, "{}")["result"][list], expected);
                    }
                    Some(problem) => {
                        let message = format!("method `{method}` answered with {problem}");
                        let error = chain.error(method, "{}");
                        assert_eq!(error, (-32603, message), "{entries}");
                    }
                }
            }
        }
        let mut chain = Chain::new(Via::Stdio, MODERN).answering("{}");
        let error = chain.error(method, "{}").1;
        assert_eq!(
            error,
            format!("method `{method}` answered with something that is not a list")
        );
    }
}

#[test]
fn other_extensions_are_for_clients_that_declared_some() {
    let report = r#"{"resultType":"com.example/report","taskId":"t"}"#;
    for via in TRANSPORTS {
        let mut chain = Chain::new(via, MODERN).answering(report);
        let result = chain.answer(CALL.0, CALL.1)["result"].clone();
        assert_eq!(result["resultType"], "com.example/report");
        chain.capabilities = "{}";
        let undeclared =
            "tool `zeta` answered with the result of an extension that this client did not declare";
        assert_eq!(chain.error(CALL.0, CALL.1), (-32603, undeclared.to_owned()));
        let mut chain = Chain::new(via, LEGACY).answering(report);
        assert_eq!(chain.error(CALL.0, CALL.1), (-32603, undeclared.to_owned()));
    }
}
