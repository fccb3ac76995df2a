use super::*;

const CHANGES: [Change; 3] = [Change::Tools, Change::Prompts, Change::Resources];

#[test]
fn modern_messages_carry_the_id_of_the_subscription() {
    let filter = r#"{"toolsListChanged":true,"resourceSubscriptions":["a:\"b\""]}"#;
    for id in ["7", "\"s\\u0031\""] {
        let listener = Listener::modern(id, Some(Value::parse(filter).unwrap()), ALL).unwrap();
        let meta = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
        assert_eq!(
            text(listener.notice(&Change::Tools).unwrap()),
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{meta}}}}}"#
            )
        );
        assert_eq!(
            text(listener.notice(&resource("a:\"b\"")).unwrap()),
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{{meta},"uri":"a:\"b\""}}}}"#
            )
        );
        let server = r#"{"name":"test","version":"1"}"#;
        assert_eq!(
            text(listener.end(server.as_bytes()).unwrap()),
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"io.modelcontextprotocol/serverInfo":{server},"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
            )
        );
    }
}

#[test]
fn legacy_messages_carry_no_id() {
    let mut listener = Listener::legacy(vec!["a:b".to_owned()], ALL);
    assert_eq!(listener.begin(&mut at(0)), Ok(None));
    assert_eq!(listener.end(b"{}"), None);
    let methods = CHANGES.map(|change| text(listener.notice(&change).unwrap()));
    assert_eq!(
        methods,
        [
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#,
        ]
    );
    assert_eq!(
        text(listener.notice(&resource("a:b")).unwrap()),
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#
    );
}

#[test]
fn nobody_is_told_what_they_did_not_ask_for() {
    let listener = modern(r#"{"promptsListChanged":true,"resourceSubscriptions":["a:b"]}"#);
    let silent = Listener::legacy(vec!["a:b".to_owned()], Offer::default());
    for change in [
        Change::Tools,
        Change::Resources,
        resource("a:"),
        resource("a:b/"),
    ] {
        assert_eq!(listener.notice(&change), None, "{change:?}");
    }
    for change in CHANGES.into_iter().chain([resource("a:b")]) {
        assert_eq!(silent.notice(&change), None, "{change:?}");
    }
    assert!(listener.notice(&Change::Prompts).is_some());
}
