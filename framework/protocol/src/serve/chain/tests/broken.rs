//! Answers that are not results.

use super::*;

const CALL: (&str, &str) = ("tools/call", r#"{"name":"zeta"}"#);

fn refused(answer: &str, problem: &str) {
    for via in TRANSPORTS {
        for version in [MODERN, LEGACY] {
            for (method, params, what) in [
                (CALL.0, CALL.1, "tool `zeta`"),
                (
                    "prompts/get",
                    r#"{"name":"lib.greet"}"#,
                    "prompt `lib.greet`",
                ),
                ("resources/read", r#"{"uri":"a:b"}"#, "resource `a:b`"),
                ("completion/complete", "{}", "method `completion/complete`"),
                ("x", "{}", "method `x`"),
            ] {
                let mut chain = Chain::new(via, version).answering(answer);
                let message = format!("{what} answered with {problem}");
                assert_eq!(chain.error(method, params), (-32603, message), "{answer}");
            }
        }
    }
}

#[test]
fn what_is_not_an_object_is_no_result() {
    for answer in [
        "",
        " ",
        "{",
        "[]",
        "null",
        "1",
        "\"{}\"",
        "{} {}",
        "{}\n{}",
        "{},",
        "\u{feff}{}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":\"b\nc\"}",
        "{\"a\":\"\u{0}\"}",
        "{\"a\nb\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\x\"}",
        "{/**/}",
        "{}}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}",
    ] {
        refused(answer, "something that is not a JSON object");
    }
}

#[test]
fn no_member_is_there_twice() {
    for answer in [
        r#"{"content":[],"content":[]}"#,
        r#"{"resultType":"complete","resultType":"input_required"}"#,
        r#"{"resultType":"complete","resultTyp\u0065":"task","taskId":"t"}"#,
        r#"{"resultType":"com.example/a","resultType":"task","taskId":"t"}"#,
        r#"{"resultType":"input_required","requestState":"a","requestState":"b"}"#,
        r#"{"tools":[],"tools":[{"name":"zeta"},{"name":"zeta"}]}"#,
    ] {
        refused(answer, "a result that names a member twice");
    }
}

#[test]
fn results_nest_as_deep_as_requests() {
    let nested =
        |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels), "{}") + &"}".repeat(levels);
    let problem = "a result that nests too deep; let it return a flatter one";
    refused(&nested(64), problem);
    refused(&nested(100_000), problem);
    let mut chain = Chain::new(Via::Http, LEGACY).answering(&nested(63));
    assert_eq!(chain.result(CALL.0, CALL.1), nested(63));
}

#[test]
fn kinds_are_strings() {
    for kind in ["1", "null", "{}", "[\"complete\"]"] {
        refused(
            &format!(r#"{{"resultType":{kind}}}"#),
            "an extension's result that has no `resultType` of its own",
        );
    }
}
