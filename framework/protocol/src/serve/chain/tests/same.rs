//! A chain whose middleware passes everything on behaves like a server without a chain.

use super::*;
use crate::testing::chain::Whole;

/// What a server answers to one request after the other, where features answer in turn.
fn play<S: Inner>(
    via: Via,
    version: &'static str,
    requests: &[(&str, &str)],
    answers: &[&str],
) -> Vec<(u16, String)> {
    let mut server = Server::<S>::new(via, version);
    let answers = answers.iter().map(|answer| answer.to_string());
    server.answers.0.extend(answers);
    let mut state = String::new();
    let mut all = Vec::new();
    for (method, params) in requests {
        let got = server.send(method, &params.replace('$', &state));
        let Got::Reply(response) = got else {
            all.push((0, format!("{got:?}")));
            continue;
        };
        let body = String::from_utf8(response.body).unwrap();
        let json: Json = serde_json::from_str(&body).unwrap();
        for key in ["requestState", "taskId", "nextCursor"] {
            if let Some(found) = json["result"][key].as_str() {
                state = found.to_owned();
            }
        }
        all.push((response.status, body));
    }
    all.push((0, json!(server.asked).to_string()));
    all.push((0, json!(server.stored()).to_string()));
    all
}

fn same(requests: &[(&str, &str)], answers: &[&str]) {
    for via in TRANSPORTS {
        for version in VERSIONS {
            let server = play::<Whole>(via, version, requests, answers);
            let mut chain = play::<Transport>(via, version, requests, answers);
            for (server, chain) in server.iter().zip(&mut chain) {
                // To the transport, parameters that the router refuses are well-formed.
                if (server.0, chain.0) == (400, 200) && chain.1.contains("\"code\":-32602,") {
                    chain.0 = 400;
                }
            }
            assert_eq!(server, chain, "{version} {requests:?} {answers:?}");
        }
    }
}

#[test]
fn lists() {
    for (method, pages) in [
        ("tools/list", 5),
        ("prompts/list", 3),
        ("resources/list", 3),
        ("resources/templates/list", 3),
    ] {
        let mut requests = vec![(method, "{}")];
        requests.resize(pages, (method, r#"{"cursor":"$"}"#));
        same(&requests, &["none"]);
        for params in [
            r#"{"cursor":"x"}"#,
            r#"{"cursor":"~x"}"#,
            r#"{"cursor":1}"#,
            r#"{"cursor":""}"#,
            r#"{"inputResponses":1,"requestState":"x"}"#,
            r#"{"_meta":1}"#,
        ] {
            same(&[(method, params)], &["none"]);
        }
        requests.resize(8, (method, r#"{"cursor":"$"}"#));
        same(&requests, &["error -32050 x"]);
    }
}

#[test]
fn calls_of_tools() {
    let zeta = ("tools/call", r#"{"name":"zeta","arguments":{ "a": 1 }}"#);
    for answer in [
        "text a\nb",
        "json [1, 2]",
        "json { \"a\" : 1 }",
        "json nonsense",
        "failed x",
        "meta { \"a\": 1 }",
        "meta {\"io.modelcontextprotocol/serverInfo\":1}",
        "meta []",
        "image 0.5",
        "audio x",
        "link 7",
        "blob x",
        "embedded x",
        "none",
        "error 7 [ 1 ]",
        "error -32050 x",
        "error -32042 {}",
        "error -32601 x",
        "error -32020 x",
        "extension {\"resultType\":\"com.example/a\",\"_meta\":{\"b\":1}}",
        "extension {}",
        "extension [",
        "extension {\"resultType\":\"complete\"}",
        "extension {\"resultType\":\"input_required\",\"requestState\":\"s\"}",
        "extension {\"resultType\":\"task\"}",
        "input s",
        "input -",
        "input -|k roots/list []",
        "input -|k roots/list {}|k roots/list {}",
        "input -|k sampling/createMessage {}",
        "input -|k elicitation/create {\"mode\":\"url\"}",
        "input -|k elicitation/create {\"mode\":\"url\",\"message\":\"m\",\"url\":\"https://a\"}",
        "input -|k x {}",
    ] {
        same(&[zeta], &[answer]);
    }
    for params in [
        "{}",
        r#"{"name":1}"#,
        r#"{"name":"nope"}"#,
        r#"{"name":"own.x","arguments":{"a":1}}"#,
        r#"{"name":"two.plain","arguments":{}}"#,
        r#"{"name":"zeta","arguments":[]}"#,
        r#"{"name":"zeta","arguments":{},"inputResponses":[]}"#,
        r#"{"name":"zeta","inputResponses":{"a":1,"a":2}}"#,
        r#"{"name":"zeta","requestState":"x"}"#,
        r#"{"name":"zeta","name":"alpha"}"#,
    ] {
        same(&[("tools/call", params)], &[]);
        same(&[("tools/call", params)], &["none", "none"]);
    }
}

#[test]
fn prompts_resources_and_completions() {
    let completion = |reference: &str, argument: &str| {
        format!(
            r#"{{"ref":{reference},"argument":{argument},"context":{{"arguments":{{"a":"b"}}}}}}"#
        )
    };
    let named = r#"{"name":"book","value":"a"}"#;
    let completions = [
        completion(r#"{"type":"ref/prompt","name":"lib.review"}"#, named),
        completion(r#"{"type":"ref/prompt","name":"nope"}"#, named),
        completion(
            r#"{"type":"ref/resource","uri":"test://library/books/{id}"}"#,
            named,
        ),
        completion(r#"{"type":"ref/resource","uri":"a:b"}"#, named),
        completion(r#"{"type":"x"}"#, named),
        completion("1", named),
        completion(r#"{"type":"ref/prompt","name":"lib.review"}"#, "{}"),
        "{}".to_owned(),
    ];
    let others = [
        (
            "prompts/get",
            r#"{"name":"lib.review","arguments":{"book":"b"}}"#,
        ),
        ("prompts/get", r#"{"name":"lib.review"}"#),
        ("prompts/get", r#"{"name":"lib.greet","arguments":{"a":1}}"#),
        ("prompts/get", r#"{"name":"nope"}"#),
        ("prompts/get", "{}"),
        ("resources/read", r#"{"uri":"test://library/readme"}"#),
        ("resources/read", r#"{"uri":"test://library/books/1"}"#),
        ("resources/read", r#"{"uri":"a:\"b"}"#),
        ("resources/read", r#"{"uri":1}"#),
        ("x", r#"{"a":1}"#),
        ("ping", "{}"),
        ("server/discover", "{}"),
        ("logging/setLevel", r#"{"level":"error"}"#),
        ("logging/setLevel", r#"{"level":"x"}"#),
        ("resources/subscribe", r#"{"uri":"test://library/readme"}"#),
        ("resources/subscribe", "{}"),
        (
            "subscriptions/listen",
            r#"{"notifications":{"toolsListChanged":true}}"#,
        ),
        ("subscriptions/listen", r#"{"notifications":1}"#),
        ("tasks/list", "{}"),
        ("tasks/get", "{}"),
        ("tasks/cancel", r#"{"taskId":"x"}"#),
        ("initialize", r#"{"protocolVersion":"1"}"#),
        ("initialize", "{}"),
    ];
    let completions = completions
        .iter()
        .map(|params| ("completion/complete", &**params));
    for request in completions.chain(others) {
        for answer in [
            "text a,b",
            "none",
            "error 7 x",
            "meta {}",
            "failed 7",
            "input s|k roots/list {}",
        ] {
            same(&[request], &[answer]);
        }
    }
}

#[test]
fn input_and_tasks() {
    let subjects = [
        ("tools/call", r#""name":"zeta","arguments":{"a":1}"#),
        ("prompts/get", r#""name":"lib.greet""#),
        ("resources/read", r#""uri":"test://library/readme""#),
    ];
    for (method, subject) in subjects {
        let first = format!("{{{subject}}}");
        let again = format!(
            r#"{{{subject},"requestState":"$","inputResponses":{{"k":{{"action":"accept"}}}}}}"#
        );
        let requests = [(method, first.as_str()), (method, &again), (method, &again)];
        let asks = "input s|k elicitation/create {\"message\":\"m\"}";
        same(&requests, &[asks, "text done"]);
        same(&requests, &[asks, asks, "text done"]);
        same(&requests, &["input -|k roots/list {}", "none"]);
    }
    let call = ("tools/call", r#"{"name":"zeta","arguments":{"a":1}}"#);
    let get = ("tasks/get", r#"{"taskId":"$"}"#);
    let update = (
        "tasks/update",
        r#"{"taskId":"$","inputResponses":{"k":{"roots":[]},"x":1}}"#,
    );
    let cancel = ("tasks/cancel", r#"{"taskId":"$"}"#);
    let task = r#"extension {"resultType":"task","state":"s","pollIntervalMs":100}"#;
    for (requests, answers) in [
        (vec![call, get, get], vec![task, "text done"]),
        (
            vec![call, get, update, get],
            vec![task, "input -|k roots/list {}", "json {\"a\":1}"],
        ),
        (vec![call, get, get], vec![task, task]),
        (vec![call, get, get], vec![task, "error 7 x"]),
        (vec![call, get, get], vec![task, "none"]),
        (
            vec![call, get, get],
            vec![task, "extension {\"resultType\":\"x\"}"],
        ),
        (vec![call, get, get], vec![task, "input -"]),
        (vec![call, cancel, get], vec![task]),
        (vec![call, update, cancel, cancel, get], vec![task]),
    ] {
        same(&requests, &answers);
    }
}
