use super::*;

fn notify(chain: &mut Chain<'_>, method: &str, params: &str) {
    let headers = match chain.version {
        MODERN => modern_headers(method, None),
        _ => chain.legacy_headers(true),
    };
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
    assert!(matches!(chain.deliver(&headers, &body), Got::Nothing));
}

#[test]
fn middleware_hear_of_notifications() {
    for via in TRANSPORTS {
        let mut chain = Chain::new(via, LEGACY);
        notify(&mut chain, "notifications/initialized", "{}");
        let params = r#"{"requestId":7,"requestState":"s","inputResponses":{}}"#;
        notify(&mut chain, "notifications/cancelled", params);
        notify(&mut chain, "com.example/note", r#"{ "a": [ 1 ] }"#);
        assert_eq!(
            chain.handed(),
            [
                ("notifications/initialized", "{}"),
                ("notifications/cancelled", params),
                ("com.example/note", r#"{ "a": [ 1 ] }"#),
            ]
        );
        let context = &chain.seen[0].2;
        assert_eq!(context.protocol_version, LEGACY);
        assert_eq!(context.client_capabilities, LEGACY_CAPABILITIES);
        assert_eq!(context.session_id, chain.session);
    }
}

#[test]
fn modern_notifications_speak_for_themselves() {
    for via in TRANSPORTS {
        for settled in [None, Some(LEGACY)] {
            let mut chain = Chain::new(via, settled.unwrap_or(MODERN));
            chain.seen.clear();
            chain.version = MODERN;
            let meta = format!(
                r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{"roots":{{}}}}}}}}"#
            );
            notify(&mut chain, "notifications/cancelled", &meta);
            notify(
                &mut chain,
                "notifications/cancelled",
                &meta.replace("clientCapabilities", "x"),
            );
            let known = |context: &Context| {
                (
                    context.protocol_version.clone(),
                    context.client_capabilities.clone(),
                )
            };
            let known: Vec<_> = chain.seen.iter().map(|seen| known(&seen.2)).collect();
            let expected = ["{\"roots\":{}}", "{}"];
            let expected = expected.map(|known| (MODERN.to_owned(), known.to_owned()));
            assert_eq!(known, expected, "{via:?} {settled:?}");
        }
    }
}

#[test]
fn cancellations_reach_the_transport_all_the_same() {
    let line =
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#;
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let outcome =
        stdio::StdioSession::default().handle_line(&catalog, line, &mut Transport::default());
    let stdio::StdioOutcome::Notify(call, Some(r#""a""#)) = outcome else {
        panic!("no cancellation");
    };
    assert_eq!(handed(&call).0, "notifications/cancelled");
    let mut chain = Chain::new(Via::Http, LEGACY);
    let before = chain.stored().len();
    notify(&mut chain, "notifications/cancelled", r#"{"requestId":7}"#);
    assert_eq!(chain.stored().len(), before + 1);
}

#[test]
fn replies_of_clients_are_not_handed_on() {
    for via in TRANSPORTS {
        let mut chain = Chain::new(via, LEGACY);
        let headers = chain.legacy_headers(true);
        let reply = r#"{"jsonrpc":"2.0","id":"x","result":{}}"#;
        assert!(matches!(chain.deliver(&headers, reply), Got::Nothing));
        assert_eq!(chain.handed(), []);
    }
}
