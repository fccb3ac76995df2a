use super::*;

#[test]
fn the_context_holds_what_the_request_said() {
    let meta = r#","progressToken":"t","io.modelcontextprotocol/logLevel":"warning","io.modelcontextprotocol/clientInfo":{"name":"c"},"traceparent":"00""#;
    let context = with_call(MODERN, meta, |call| {
        assert_eq!(
            (arguments(call), call.id(), call.slot()),
            (r#"{ "a": 1 }"#, "1", 0)
        );
        call.context()
    });
    let expected_meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}{meta}}}"#
    );
    assert_eq!(
        context,
        Context {
            prepared: None,
            protocol_version: MODERN.to_owned(),
            client_info: Some(r#"{"name":"c"}"#.to_owned()),
            client_capabilities: "{}".to_owned(),
            identity: None,
            headers: Vec::new(),
            session_id: None,
            meta: Some(expected_meta),
            input_responses: vec![
                ("k".to_owned(), r#"{ "action":"accept"}"#.to_owned()),
                ("la".to_owned(), "1".to_owned())
            ],
            request_state: None,
            progress_token: Some("\"t\"".to_owned()),
            log_level: Some(3),
        }
    );
}

#[test]
fn the_context_of_a_session_holds_what_it_settled() {
    let mut services = TestServices::default();
    let session = crate::state::session::Session {
        began: services.now,
        version: crate::wire::version::Version::V2025_06_18,
        capabilities: r#"{"roots":{}}"#.to_owned(),
        client_info: Some(r#"{"name":"c"}"#.to_owned()),
    };
    let id = session.to_id([1; 16]);
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let list = headers(&[LEGACY_HEADERS.as_slice(), &[("Mcp-Session-Id", &id)]].concat());
    let head = http::check_head(&testing::post(&list), &catalog).unwrap();
    let body = legacy_request("tools/call", r#"{"name":"zeta"}"#);
    let http::HttpOutcome::Call(call) = handle(&catalog, &head, body.as_bytes(), &mut services)
    else {
        panic!("no call");
    };
    assert_eq!(arguments(&call), "{}");
    let context = call.context();
    assert_eq!(context.protocol_version, "2025-06-18");
    assert_eq!(context.client_capabilities, r#"{"roots":{}}"#);
    assert_eq!(context.client_info.unwrap(), r#"{"name":"c"}"#);
    assert_eq!(context.session_id.unwrap(), id);
    assert_eq!(
        (context.meta, context.progress_token, context.log_level),
        (None, None, Some(1))
    );
}

#[test]
fn notifications_are_possible_where_somebody_wants_them() {
    let may = |version, meta: &str| with_call(version, meta, |call| call.may_stream());
    assert!(!may(MODERN, ""));
    assert!(may(MODERN, r#","progressToken":1"#));
    assert!(may(
        MODERN,
        r#","io.modelcontextprotocol/logLevel":"debug""#
    ));
    assert!(may("2025-11-25", ""));
}
