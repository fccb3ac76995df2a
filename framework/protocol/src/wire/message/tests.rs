use super::*;

fn request(text: &str) -> Request<'_> {
    match read(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn failure(text: &str) -> (Option<String>, i32, String) {
    let (id, failure) = read(text.as_bytes()).expect_err(text);
    assert_eq!(failure.status, 400, "{text}");
    (
        id.map(Cow::into_owned),
        failure.code,
        failure.message.into_owned(),
    )
}

#[test]
fn a_request_is_read_in_any_order() {
    let request = request(
        r#" { "params" : { "_meta" : { "progressToken" : 7 , "x": {} } , "arguments" : { "a" : [1] } , "name" : "t\u0031" } ,
            "x": [], "id" : "a\u0062" , "method" : "tools/call" , "jsonrpc" : "2.0" } "#,
    );
    assert_eq!(request.id, r#""a\u0062""#);
    assert_eq!(request.method, "tools/call");
    assert_eq!(request.params.arguments.unwrap().text, r#"{ "a" : [1] }"#);
    assert!(request.params.name.unwrap().is_str("t1"));
    assert_eq!(request.params.meta.progress_token.unwrap().text, "7");
    assert_eq!(
        request.params.meta.value.unwrap().text,
        r#"{ "progressToken" : 7 , "x": {} }"#
    );
    assert_eq!(request.params.twice, None);
}

#[test]
fn messages_are_told_apart() {
    let read = |text: &'static str| read(text.as_bytes()).unwrap();
    assert!(matches!(
        read(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#),
        Message::Request(_)
    ));
    assert!(matches!(
        read(r#"{"jsonrpc":"2.0","method":"m","params":{}}"#),
        Message::Notification(_)
    ));
    assert!(matches!(
        read(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        Message::Response(_)
    ));
    assert!(matches!(
        read(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#),
        Message::Response(_)
    ));
    assert!(matches!(
        read(r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#),
        Message::Response(_)
    ));
}

#[test]
fn what_is_not_json_has_no_id() {
    for text in [
        "",
        "{",
        "nonsense",
        r#"{"id":1,"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m"} x"#,
        "{}{}",
    ] {
        let (id, code, _) = failure(text);
        assert_eq!((id, code), (None, PARSE_ERROR), "{text}");
    }
    let (id, failure) = read(b"{\"id\":\"\xff\"}").unwrap_err();
    assert_eq!((id, failure.code), (None, PARSE_ERROR));
}

#[test]
fn invalid_requests_echo_an_id_that_can_be_read() {
    for (text, id, message) in [
        (
            "[]",
            None,
            "batches are not supported; send each message by itself",
        ),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            None,
            "batches are not supported; send each message by itself",
        ),
        ("1", None, "the message is not an object"),
        ("{}", None, "`jsonrpc` is not `2.0`"),
        (
            r#"{"id":1,"method":"m"}"#,
            Some("1"),
            "`jsonrpc` is not `2.0`",
        ),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
            Some("1"),
            "`jsonrpc` is not `2.0`",
        ),
        (
            r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#,
            Some("1"),
            "`jsonrpc` is not `2.0`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
            None,
            "`id` is not a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#,
            None,
            "`id` is not a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
            Some("1.5"),
            "`id` is not a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
            None,
            "`id` is not a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#,
            None,
            "`id` is not a string or an integer",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1}"#,
            Some("1"),
            "`method` is missing",
        ),
        (r#"{"jsonrpc":"2.0"}"#, None, "`method` is missing"),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            Some("1"),
            "`method` is missing",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            Some("1"),
            "`method` is not a string",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
            Some("1"),
            "the message is both a request and a response",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[]}"#,
            Some("1"),
            "`params` is not an object",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}"#,
            Some("1"),
            "`params` is not an object",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
            None,
            "`id` occurs twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}"#,
            Some("1"),
            "`method` occurs twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","m\u0065thod":"n"}"#,
            Some("1"),
            "`method` occurs twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}"#,
            Some("1"),
            "`params` occurs twice",
        ),
    ] {
        let id = id.map(str::to_owned);
        assert_eq!(failure(text), (id, -32600, message.to_owned()), "{text}");
    }
}

#[test]
fn deep_messages_are_refused_with_their_id() {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":9,"method":"m","params":{}}}"#,
        r#"{"a":"#.repeat(1000)
    );
    assert_eq!(
        failure(&text),
        (
            Some("9".to_owned()),
            -32600,
            "the message nests deeper than 64 levels".to_owned()
        )
    );
}

#[test]
fn large_messages_are_refused() {
    let text = vec![b' '; crate::wire::MAX_BODY + 1];
    let (id, failure) = read(&text).unwrap_err();
    assert_eq!((id, failure.status, failure.code), (None, 413, -32600));
}

#[test]
fn parameters_that_occur_twice_are_known() {
    let twice = |params: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
        request(&text).params.twice
    };
    assert_eq!(twice(r#"{"name":"a","n\u0061me":"b"}"#), Some("name"));
    assert_eq!(twice(r#"{"_meta":{},"_meta":{}}"#), Some("_meta"));
    assert_eq!(
        twice(r#"{"_meta":{"progressToken":1,"progressToken":1}}"#),
        Some("progressToken")
    );
    assert_eq!(twice(r#"{"x":1,"x":2}"#), None);
}

#[test]
fn null_is_as_if_absent() {
    let request = request(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":null,"cursor":null,"_meta":null,"capabilities":null}}"#,
    );
    let params = request.params;
    assert!(params.arguments.or(params.cursor).is_none());
    assert!(params.capabilities.or(params.meta.value).is_none());
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null,"error":null}"#;
    let Ok(Message::Request(request)) = read(text.as_bytes()) else {
        panic!("no request");
    };
    assert_eq!(request.params.text, "");
    let params = Params::parse(r#"{"_meta":{"progressToken":null,"x":null}}"#).unwrap();
    assert!(params.meta.progress_token.is_none());
    // Of two members of one name, others may read either.
    let params = Params::parse(r#"{"cursor":null,"cursor":"c"}"#).unwrap();
    assert_eq!(params.twice, Some("cursor"));
    let params = Params::parse(r#"{"_meta":null,"_meta":{}}"#).unwrap();
    assert_eq!(params.twice, Some("_meta"));
}

#[test]
fn ids_are_integers_in_any_spelling() {
    for id in ["1.0", "1e2", "-0", "10E-1"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        let Ok(Message::Request(request)) = read(text.as_bytes()) else {
            panic!("{id} is no id");
        };
        assert_eq!(request.id, id);
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let text = "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}";
    assert_eq!(request(text).id, "1");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_the_id() {
    for text in [
        &b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\",\"params\":{\"a\":\"caf\xe9\"}}"[..],
        b"{\"params\":{\"a\":\"\xff\"},\"id\":7}",
    ] {
        let (id, failure) = read(text).unwrap_err();
        assert_eq!((id.as_deref(), failure.code), (Some("7"), PARSE_ERROR));
    }
}

#[test]
fn halves_of_surrogate_pairs_are_replaced() {
    for (text, mended) in [
        (r#""a\ud83d""#, r#""a\ufffd""#),
        (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
        (r#""\uDE00\uD83Dx""#, r#""\ufffd\ufffdx""#),
        (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
        (r#""\\ud83d""#, r#""\\ud83d""#),
        (r#""\\\ud83d""#, r#""\\\ufffd""#),
        (r#""\u00e9\n""#, r#""\u00e9\n""#),
        ("\\", "\\"),
        (r"\ud8", r"\ud8"),
        (r"\ud83d\", r"\ufffd\"),
    ] {
        let mut bytes = text.as_bytes().to_vec();
        mend(&mut bytes);
        assert_eq!(str::from_utf8(&bytes).unwrap(), mended, "{text}");
    }
    let mut bytes = br#"{"jsonrpc":"2.0","params":{"a":"\ud83d"},"id":1,"method":"m"}"#.to_vec();
    assert!(read(&bytes).is_err());
    mend(&mut bytes);
    assert!(matches!(read(&bytes), Ok(Message::Request(_))));
}
