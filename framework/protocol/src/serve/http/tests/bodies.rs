use super::*;

#[test]
fn what_is_no_message_is_refused() {
    for body in ["", "nonsense", "{"] {
        let (status, code, id, _) = error(&legacy(), body);
        assert_eq!((status, code, id), (400, -32700, Value::Null), "{body}");
    }
    for (body, id) in [
        ("[]", Value::Null),
        ("\u{feff}{}", Value::Null),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Value::Null),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            Value::Null,
        ),
        (r#"{"jsonrpc":"2.0","id":"a","method":1}"#, json!("a")),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}"#,
            json!(7),
        ),
    ] {
        let (status, code, got, _) = error(&legacy(), body);
        assert_eq!((status, code, got), (400, -32600, id), "{body}");
    }
}

#[test]
fn an_id_that_could_not_be_read_is_left_out() {
    let (_, json) = post(&legacy(), "{");
    assert!(json.get("id").is_none());
}

#[test]
fn large_bodies_are_refused() {
    let body = legacy_request("ping", &format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_BODY)));
    assert_eq!(error(&legacy(), &body).0, 413);
    let room = MAX_BODY - legacy_request("ping", r#"{"a":""}"#).len();
    let body = legacy_request("ping", &format!(r#"{{"a":"{}"}}"#, "x".repeat(room)));
    assert_eq!((body.len(), post(&legacy(), &body).0), (MAX_BODY, 200));
}

#[test]
fn deep_bodies_are_refused() {
    let body = legacy_request("ping", &("[".repeat(100) + &"]".repeat(100)));
    let (status, code, id, message) = error(&legacy(), &body);
    assert_eq!((status, code, id), (400, -32600, json!(1)));
    assert_eq!(message, "the message nests deeper than 64 levels");
}

#[test]
fn ids_come_back_as_they_were_written() {
    for id in [
        "0",
        "-7",
        "123456789012345678901234567890",
        r#""""#,
        r#""\u0061 b""#,
        r#""\"\\""#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let (_, _, response) = send(&testing::catalog(), "POST", &legacy(), &body);
        assert_eq!(
            response.body,
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#).into_bytes()
        );
    }
}

#[test]
fn parameters_must_be_there_once() {
    for params in [
        r#"{"name":"zeta","name":"alpha"}"#,
        r#"{"name":"zeta","arguments":{},"arguments":{}}"#,
        r#"{"name":"zeta","_meta":{},"_meta":{}}"#,
    ] {
        let (status, code, id, _) = error(&legacy(), &legacy_request("tools/call", params));
        assert_eq!((status, code, id), (400, -32602, json!(1)), "{params}");
    }
}
