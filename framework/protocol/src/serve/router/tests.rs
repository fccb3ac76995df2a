use serde_json::{Value as Json, json};

use super::*;
use crate::{
    fuzz::features::{self, Answers},
    serve::chain::is_gated,
    testing::{
        self,
        chain::{Last, own},
    },
};

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const VERSIONS: [&str; 5] = [MODERN, LEGACY, "2025-06-18", "2025-03-26", ""];

/// The answer of the router to a client that can be asked for roots. Features give these answers
/// in turn, then echo what they are asked.
fn answer(version: &str, method: &str, params: &str, answers: &[&str]) -> Result<String, Error> {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    ask(&catalog, version, method, params, answers)
}

fn ask(
    catalog: &Catalog<'_>,
    version: &str,
    method: &str,
    params: &str,
    answers: &[&str],
) -> Result<String, Error> {
    let mut features = Answers(answers.iter().map(|answer| answer.to_string()).collect());
    let client = (version, r#"{"roots":{}}"#);
    own(catalog, client, (method, params), |ask| {
        features.outcome(ask)
    })
    .settled()
}

fn result(version: &str, method: &str, params: &str, answers: &[&str]) -> Json {
    let text = answer(version, method, params, answers)
        .unwrap_or_else(|error| panic!("{method} gave {error:?}"));
    assert!(!text.contains('\n'));
    serde_json::from_str(&text).unwrap()
}

fn error(version: &str, method: &str, params: &str, answers: &[&str]) -> (i32, String) {
    let error = answer(version, method, params, answers).unwrap_err();
    (error.code, error.message)
}

fn is_modern(version: &str) -> bool {
    matches!(version, MODERN | "")
}

#[test]
fn results_fit_the_revision() {
    for version in VERSIONS {
        for (method, params, member) in [
            ("tools/list", "{}", "tools"),
            ("prompts/list", "{}", "prompts"),
            ("resources/list", "{}", "resources"),
            ("resources/templates/list", "{}", "resourceTemplates"),
            ("tools/call", r#"{"name":"zeta"}"#, "content"),
            ("prompts/get", r#"{"name":"lib.greet"}"#, "messages"),
            (
                "resources/read",
                r#"{"uri":"test://library/readme"}"#,
                "contents",
            ),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"lib.review"},"argument":{"name":"book","value":"a"}}"#,
                "completion",
            ),
        ] {
            let result = result(version, method, params, &["text a", "none", "none", "none"]);
            assert!(
                result[member].is_array() || member == "completion",
                "{result}"
            );
            let kind = is_modern(version).then(|| json!("complete"));
            assert_eq!(
                result.get("resultType"),
                kind.as_ref(),
                "{version} {method}"
            );
            let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
            let expected = is_modern(version).then(|| json!("test"));
            assert_eq!(server, &expected.unwrap_or_default());
        }
    }
}

#[test]
fn lists_go_on_where_a_page_ended() {
    for version in [MODERN, LEGACY] {
        let mut cursor = String::new();
        let mut names = Vec::new();
        for _ in 0..4 {
            let page = result(version, "tools/list", &format!("{{{cursor}}}"), &["none"]);
            let tools = page["tools"].as_array().unwrap().clone();
            names.extend(tools.iter().map(|tool| tool["name"].clone()));
            cursor = format!(r#""cursor":{}"#, page["nextCursor"]);
        }
        assert_eq!(names, ["zeta", "alpha", "two.query", "two.plain"]);
        let odd = error(version, "tools/list", r#"{"cursor":"x"}"#, &[]);
        assert_eq!(odd, (-32602, "invalid cursor".to_owned()));
        assert_eq!(
            error(version, "tools/list", r#"{"cursor":1}"#, &[]).0,
            -32602
        );
    }
}

#[test]
fn features_are_asked_by_the_names_that_they_know() {
    let echo = |method, params| result(MODERN, method, params, &[]);
    let prompt = echo(
        "prompts/get",
        r#"{"name":"lib.review","arguments":{"book":"b"}}"#,
    );
    let text = prompt["messages"][0]["content"]["text"].clone();
    assert_eq!(text, r#"[("book", "b")]"#);
    let tool = echo("tools/call", r#"{"name":"zeta","arguments":{"a":1}}"#);
    assert_eq!(tool["structuredContent"], json!({"a": 1}));
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let params = r#"{"name":"two.plain"}"#;
    let (capabilities, services) = ("{}".to_owned(), &mut Last::default());
    let Handling::Call(call) = handle(
        &catalog,
        "tools/call",
        params,
        MODERN,
        capabilities,
        services,
    ) else {
        panic!("no call");
    };
    assert_eq!((testing::name(&call), call.slot()), ("plain".to_owned(), 1));
}

#[test]
fn what_middleware_hands_on_is_checked() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(64), "{}") + &"}".repeat(64);
    let not_an_object = "the parameters are not a JSON object";
    for version in VERSIONS {
        for method in ["tools/list", "tools/call", "prompts/get", "x", "ping"] {
            for (params, message) in [
                ("", not_an_object),
                ("[]", not_an_object),
                ("null", not_an_object),
                ("{} {}", not_an_object),
                ("{\"a\":\"\n\"}", not_an_object),
                ("{\"a\":NaN}", not_an_object),
                (&deep, "the parameters nest too deep"),
                (r#"{"name":"a","n\u0061me":"b"}"#, "`name` occurs twice"),
                (r#"{"_meta":{},"_meta":{}}"#, "`_meta` occurs twice"),
                (r#"{"_meta":[]}"#, "`_meta` is not an object"),
            ] {
                let expected = (-32602, message.to_owned());
                assert_eq!(
                    error(version, method, params, &[]),
                    expected,
                    "{method} {params}"
                );
            }
        }
        for (method, params, message) in [
            ("tools/call", "{}", "`name` is missing"),
            ("tools/call", r#"{"name":1}"#, "`name` is not a string"),
            (
                "tools/call",
                r#"{"name":"zeta","arguments":[]}"#,
                "`arguments` is not an object",
            ),
            (
                "prompts/get",
                r#"{"name":"lib.review"}"#,
                "prompt `lib.review` needs the argument `book`",
            ),
            ("resources/read", "{}", "`uri` is missing"),
            ("completion/complete", "{}", "`ref` is not an object"),
        ] {
            let error = error(version, method, params, &[]);
            assert_eq!(error, (-32602, message.to_owned()));
        }
    }
}

#[test]
fn what_nobody_knows_is_an_error() {
    for version in VERSIONS {
        for method in ["x", "", "tools", "Tools/list", "notifications/x", "x\n"] {
            let error = error(version, method, "{}", &[]);
            assert_eq!(error, (-32601, format!("unknown method `{method}`")));
        }
        let bytes = testing::catalog();
        let catalog = Catalog::new(&bytes).unwrap();
        let unknown =
            |method, params| ask(&catalog, version, method, params, &["none"]).unwrap_err();
        let tool = unknown("tools/call", r#"{"name":"nope"}"#);
        assert_eq!((tool.code, &*tool.message), (-32602, "unknown tool `nope`"));
        let resource = unknown("resources/read", r#"{"uri":"a:\"b"}"#);
        let code = if is_modern(version) { -32602 } else { -32002 };
        assert_eq!(resource.code, code);
        assert_eq!(resource.data.as_deref(), Some(r#"{"uri":"a:\"b"}"#));
    }
    let none = ["none", "none", "none"];
    let tool = error(MODERN, "tools/call", r#"{"name":"own.nope"}"#, &none);
    assert_eq!(tool, (-32602, "unknown tool `own.nope`".to_owned()));
}

#[test]
fn what_the_transport_does_is_unknown_here() {
    for version in VERSIONS {
        for method in [
            "logging/setLevel",
            "subscriptions/listen",
            "resources/subscribe",
            "resources/unsubscribe",
            "tasks/get",
            "tasks/update",
            "tasks/cancel",
        ] {
            assert!(is_gated(method));
            let params =
                r#"{"level":"info","uri":"test://library/readme","taskId":"a","notifications":{}}"#;
            let error = error(version, method, params, &[]);
            assert_eq!(error, (-32601, format!("unknown method `{method}`")));
        }
    }
}

#[test]
fn links_may_ask_for_what_nobody_prepared() {
    for version in VERSIONS {
        let initialized = result(version, "initialize", "{}", &[]);
        let expected = if version.is_empty() { MODERN } else { version };
        assert_eq!(initialized["protocolVersion"], expected);
        assert_eq!(initialized["serverInfo"]["name"], "test");
        if is_modern(version) {
            let discovered = result(version, "server/discover", "{}", &[]);
            assert_eq!(discovered["resultType"], "complete");
            assert_eq!(error(version, "ping", "{}", &[]).0, -32601);
        } else {
            assert_eq!(answer(version, "ping", "{}", &[]).unwrap(), "{}");
            assert_eq!(error(version, "server/discover", "{}", &[]).0, -32601);
        }
    }
    for method in ["initialize", "ping", "server/discover"] {
        assert!(is_gated(method));
    }
    for method in [
        "tools/call",
        "tools/list",
        "completion/complete",
        "tasks/list",
        "x",
    ] {
        assert!(!is_gated(method));
    }
}

#[test]
fn errors_of_features_are_handed_on() {
    let asked = |version, text: &str| {
        let error = answer(version, "tools/call", r#"{"name":"zeta"}"#, &[text]);
        let error = error.unwrap_err();
        (error.code, error.message, error.data)
    };
    let data = |text: &str| Some(text.to_owned());
    assert_eq!(
        asked(MODERN, "error 7 [ 1 ]"),
        (7, "[ 1 ]".to_owned(), data("[1]"))
    );
    assert_eq!(
        asked(MODERN, "error -32050 m"),
        (-32603, "m".to_owned(), None)
    );
    assert_eq!(asked(LEGACY, "error -32042 {}").0, -32042);
    assert_eq!(asked(MODERN, "error -32042 {}").0, -32603);
    let broken = "tool `zeta` answered with metadata that is not a JSON object";
    let meta = error(MODERN, "tools/call", r#"{"name":"zeta"}"#, &["meta []"]);
    assert_eq!(meta, (-32603, broken.to_owned()));
}

#[test]
fn needs_for_input_are_the_same_for_all_revisions() {
    for version in VERSIONS {
        for (method, params) in [
            ("tools/call", r#"{"name":"zeta"}"#),
            ("prompts/get", r#"{"name":"lib.greet"}"#),
            ("resources/read", r#"{"uri":"test://library/readme"}"#),
        ] {
            let need = |text: &str| answer(version, method, params, &[text]).unwrap();
            assert_eq!(
                need("input a\n\"b|k\t roots/list { \"a\": [ ] }|l x/y {}"),
                r#"{"resultType":"input_required","inputRequests":{"k\t":{"method":"roots/list","params":{"a":[]}},"l":{"method":"x/y","params":{}}},"requestState":"a\n\"b"}"#
            );
            assert_eq!(
                need("input s"),
                r#"{"resultType":"input_required","requestState":"s"}"#
            );
            assert_eq!(need("input -"), r#"{"resultType":"input_required"}"#);
            for (answers, problem) in [
                (
                    "input -|k roots/list []",
                    "a request for input whose parameters are not a JSON object",
                ),
                (
                    "input -|k roots/list {\"a\"",
                    "a request for input whose parameters are not a JSON object",
                ),
                (
                    "input -|k roots/list {}|k roots/list {}",
                    "two requests for input under one key",
                ),
                (
                    "input -|k roots/list {\"a\":1,\"a\":2}",
                    "a request for input whose parameters name a member twice",
                ),
            ] {
                let (code, message) = error(version, method, params, &[answers]);
                assert_eq!(code, -32603);
                assert!(
                    message.ends_with(&format!(" answered with {problem}")),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn features_that_cannot_read_input_ask_no_older_client() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let asked = |version| {
        let params = r#"{"name":"zeta"}"#;
        ask(&catalog, version, "tools/call", params, &["input s"])
    };
    assert_eq!(
        asked(LEGACY).unwrap_err().message,
        "tool `zeta` asks for input that its feature cannot read: let it import `input`"
    );
    assert!(asked(MODERN).is_ok());
}

#[test]
fn extensions_are_handed_on_as_they_are() {
    for version in VERSIONS {
        let tool = |text: &str| {
            let answers = format!("extension {text}");
            answer(version, "tools/call", r#"{"name":"zeta"}"#, &[&answers])
        };
        for text in [
            r#"{ "resultType": "task", "state": "s" }"#,
            r#"{"resultType":"com.example/report","x":[1]}"#,
        ] {
            assert_eq!(tool(text).unwrap(), text);
        }
        for (text, problem) in [
            ("", "that is not a JSON object"),
            ("[]", "that is not a JSON object"),
            ("{}", "that has no `resultType` of its own"),
            (r#"{"resultType":1}"#, "that has no `resultType` of its own"),
            (
                r#"{"resultType":"complete","content":[]}"#,
                "that has no `resultType` of its own",
            ),
            (
                r#"{"resultType":"input_required","requestState":"s"}"#,
                "that has no `resultType` of its own",
            ),
            (
                r#"{"resultType":"x","resultType":"task"}"#,
                "that names a member twice",
            ),
        ] {
            let error = tool(text).unwrap_err();
            let message = format!("tool `zeta` answered with an extension's result {problem}");
            assert_eq!((error.code, error.message), (-32603, message), "{text}");
        }
    }
}

#[test]
fn odd_clients_are_answered() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    for capabilities in ["", "[]", "{", "{\"extensions\":1}"] {
        let (services, params) = (&mut Last::default(), r#"{"name":"zeta"}"#);
        let capabilities = capabilities.to_owned();
        let handling = handle(
            &catalog,
            "tools/call",
            params,
            "1999-01-01",
            capabilities,
            services,
        );
        assert!(matches!(handling, Handling::Call(_)));
    }
}
