use super::*;
use crate::{catalog::Catalog, testing};

fn list(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect()
}

#[test]
fn names_are_found_in_any_case_and_values_trimmed() {
    let list = list(&[
        ("MCP-METHOD", " \ttools/list "),
        ("mcp-Name", "x"),
        ("Mcp-Protocol-Version", "2026-07-28"),
    ]);
    let headers = Headers::read(&list).unwrap();
    assert_eq!(headers.check_method("tools/list"), Ok(()));
    assert_eq!(headers.check_name("x"), Ok(()));
    assert_eq!(headers.version(), Ok(Some("2026-07-28")));
}

#[test]
fn what_occurs_twice_is_refused() {
    for (name, code) in [
        ("Host", -32600),
        ("Origin", -32600),
        ("Content-Type", -32600),
        ("Content-Length", -32600),
        ("Mcp-Session-Id", -32020),
        ("MCP-Protocol-Version", -32020),
        ("Mcp-Method", -32020),
        ("Mcp-Name", -32020),
    ] {
        let list = list(&[
            (name, "same"),
            ("other", "x"),
            (&name.to_lowercase(), "same"),
        ]);
        let failure = Headers::read(&list).unwrap_err();
        assert_eq!((failure.status, failure.code), (400, code), "{name}");
        assert_eq!(
            failure.message,
            format!("header `{}` occurs twice", name.to_lowercase())
        );
    }
    assert!(
        Headers::read(&list(&[
            ("accept", "a"),
            ("accept", "b"),
            ("x", ""),
            ("x", "")
        ]))
        .is_ok()
    );
}

#[test]
fn clients_say_which_answers_they_accept() {
    let accepts = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| ("Accept", *value)).collect();
        Headers::read(&list(&values)).unwrap().accepted()
    };
    for (values, expected) in [
        (&[][..], (true, true)),
        (&["application/json, text/event-stream"], (true, true)),
        (&["text/event-stream,application/json"], (true, true)),
        (
            &[
                "text/event-stream;q=0.5",
                "Application/JSON ; charset=utf-8",
            ],
            (true, true),
        ),
        (&["*/*"], (true, true)),
        (&["application/*, text/*;q=0.1"], (true, true)),
        (&["text/html, */*;q=0.8"], (true, true)),
        (&[""], (false, false)),
        (&["application/json"], (true, false)),
        (&["text/event-stream"], (false, true)),
        (&["text/html"], (false, false)),
        (&["application/json, text/event-stream;q=0"], (true, false)),
        (&["*/*; q=0.000"], (false, false)),
        (&["application/jsonp, text/event-stream"], (false, true)),
    ] {
        assert_eq!(accepts(values), expected, "{values:?}");
    }
}

#[test]
fn names_may_be_base64() {
    let check = |value: &str, name: &str| {
        let list = list(&[("mcp-name", value)]);
        Headers::read(&list)
            .unwrap()
            .check_name(name)
            .map_err(|failure| failure.message.into_owned())
    };
    assert_eq!(check("plain", "plain"), Ok(()));
    assert_eq!(
        check("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
        Ok(())
    );
    assert_eq!(check("=?base64?IHBhZGRlZCA=?=", " padded "), Ok(()));
    assert_eq!(
        check("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
        Ok(())
    );
    assert_eq!(check("SGVsbG8=", "SGVsbG8="), Ok(()));
    assert_eq!(check("=?base64?SGVsbG8=", "=?base64?SGVsbG8="), Ok(()));
    assert_eq!(check("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="), Ok(()));
    for broken in [
        "=?base64?SGVsbG8?=",
        "=?base64?SGVs!!!bG8=?=",
        "=?base64?/w==?=",
        "=?base64?SGVsbG9=?=",
    ] {
        assert_eq!(
            check(broken, "Hello"),
            Err("header `Mcp-Name` is not valid base64 of UTF-8 text".to_owned()),
            "{broken}"
        );
    }
    assert_eq!(
        check("a", "b"),
        Err("header `Mcp-Name` is `a`, but the body says `b`".to_owned())
    );
    assert_eq!(
        check("é", "é"),
        Err("header `Mcp-Name` contains invalid characters".to_owned())
    );
    assert_eq!(
        Headers::default().check_name("a").unwrap_err().message,
        "header `Mcp-Name` is missing"
    );
}

#[test]
fn parameters_are_compared_by_value() {
    let bytes = testing::catalog();
    let tool = Catalog::new(&bytes).unwrap().tool("two.query").unwrap();
    let check = |headers: &[(&str, &str)], arguments: &str| {
        let list = list(headers);
        Headers::read(&list)
            .unwrap()
            .check_parameters(&tool, &Value::parse(arguments).unwrap())
            .map_err(|failure| {
                assert_eq!((failure.status, failure.code), (400, -32020));
                failure.message.into_owned()
            })
    };
    let (region, flag, count) = ("Mcp-Param-Region", "mcp-param-FLAG", "Mcp-Param-Count");
    for (headers, arguments) in [
        (&[][..], "{}"),
        (&[], r#"{"region":null,"deep":{}}"#),
        (&[], r#"{"deep":7,"region":["x"]}"#),
        (&[(region, "us-west1")], r#"{"region":"us-west1"}"#),
        (
            &[(region, "=?base64?SGVsbG8=?=")],
            r#"{"region":"H\u0065llo"}"#,
        ),
        (&[(flag, "true")], r#"{"flag":true}"#),
        (&[(count, "42")], r#"{"deep":{"count":42.0}}"#),
        (&[(count, "4.2e1")], r#"{"deep":{"count":42}}"#),
        (&[("Mcp-Param-Other", "x")], "{}"),
    ] {
        assert_eq!(check(headers, arguments), Ok(()), "{headers:?} {arguments}");
    }
    for (headers, arguments, message) in [
        (
            &[][..],
            r#"{"region":"x"}"#,
            "header `mcp-param-region` is missing",
        ),
        (
            &[(region, "x")],
            "{}",
            "header `mcp-param-region` has a value, but its argument is missing",
        ),
        (
            &[(region, "x")],
            r#"{"region":null}"#,
            "header `mcp-param-region` has a value, but its argument is missing",
        ),
        (
            &[(region, "x")],
            r#"{"region":"y"}"#,
            r#"header `mcp-param-region` is `x`, but the body says `"y"`"#,
        ),
        (
            &[(region, "X")],
            r#"{"region":"x"}"#,
            r#"header `mcp-param-region` is `X`, but the body says `"x"`"#,
        ),
        (
            &[(region, "x"), (region, "x")],
            r#"{"region":"x"}"#,
            "header `mcp-param-region` occurs twice",
        ),
        (
            &[(region, "x")],
            r#"{"region":"x","region":"y"}"#,
            "argument `region` occurs twice",
        ),
        (
            &[(region, "=?base64?SGVsbG8?=")],
            r#"{"region":"Hello"}"#,
            "header `mcp-param-region` is not valid base64 of UTF-8 text",
        ),
        (
            &[(flag, "True")],
            r#"{"flag":true}"#,
            "header `mcp-param-flag` is `True`, but the body says `true`",
        ),
        (
            &[(count, "43")],
            r#"{"deep":{"count":42}}"#,
            "header `mcp-param-count` is `43`, but the body says `42`",
        ),
        (
            &[(count, "042")],
            r#"{"deep":{"count":42}}"#,
            "header `mcp-param-count` is `042`, but the body says `42`",
        ),
        (
            &[(count, "")],
            r#"{"deep":{"count":0}}"#,
            "header `mcp-param-count` is ``, but the body says `0`",
        ),
        (
            &[(count, "+42")],
            r#"{"deep":{"count":42}}"#,
            "header `mcp-param-count` is `+42`, but the body says `42`",
        ),
        (
            &[(count, "42")],
            r#"{"deep":{"count":"43"}}"#,
            r#"header `mcp-param-count` is `42`, but the body says `"43"`"#,
        ),
    ] {
        assert_eq!(
            check(headers, arguments),
            Err(message.to_owned()),
            "{headers:?} {arguments}"
        );
    }
}
