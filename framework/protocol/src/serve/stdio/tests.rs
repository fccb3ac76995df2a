use serde_json::{Value, json};

use super::*;
use crate::testing::{self, TestServices, legacy_request, modern_request};

/// The answer to a line, or what else became of it.
fn send(session: &mut StdioSession, line: &str) -> Value {
    let bytes = testing::catalog();
    match session.handle_line(
        &Catalog::new(&bytes).unwrap(),
        line.as_bytes(),
        &mut TestServices::default(),
    ) {
        StdioOutcome::Nothing => Value::Null,
        StdioOutcome::Reply(line) => {
            assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
            assert_eq!(line.last(), Some(&b'\n'));
            serde_json::from_slice(&line).unwrap()
        }
        StdioOutcome::Call(call) => {
            let context = call.context();
            json!({"call": testing::name(&call), "version": context.protocol_version, "level": context.log_level,
                "client": context.client_info, "capabilities": context.client_capabilities})
        }
        StdioOutcome::Cancel(id) => json!({"cancel": id}),
        StdioOutcome::Gate(_) | StdioOutcome::Notify(..) => panic!("there is no chain"),
    }
}

fn code(session: &mut StdioSession, line: &str) -> i64 {
    send(session, line)["error"]["code"]
        .as_i64()
        .unwrap_or_default()
}

const INITIALIZE: &str =
    r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{"name":"c"}}"#;

#[test]
fn both_eras_are_served_side_by_side() {
    let mut session = StdioSession::default();
    let discovered = send(&mut session, &modern_request("server/discover", "", ""));
    assert_eq!(discovered["result"]["resultType"], "complete");
    let initialized = send(&mut session, &legacy_request("initialize", INITIALIZE));
    assert_eq!(initialized["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(
        send(
            &mut session,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        ),
        Value::Null
    );
    assert_eq!(
        send(
            &mut session,
            &legacy_request("tools/call", r#"{"name":"zeta"}"#)
        ),
        json!({"call": "zeta", "version": "2025-06-18", "level": 1, "client": r#"{"name":"c"}"#, "capabilities": r#"{"roots":{}}"#})
    );
    assert_eq!(
        send(
            &mut session,
            &modern_request("tools/call", r#""name":"two.plain","#, "")
        ),
        json!({"call": "plain", "version": "2026-07-28", "level": null, "client": null, "capabilities": "{}"})
    );
}

#[test]
fn log_levels_last() {
    let mut session = StdioSession::default();
    send(&mut session, &legacy_request("initialize", INITIALIZE));
    assert_eq!(
        send(
            &mut session,
            &legacy_request("logging/setLevel", r#"{"level":"error"}"#)
        )["result"],
        json!({})
    );
    assert_eq!(
        send(
            &mut session,
            &legacy_request("tools/call", r#"{"name":"zeta"}"#)
        )["level"],
        4
    );
    assert_eq!(
        code(
            &mut session,
            &legacy_request("logging/setLevel", r#"{"level":"loud"}"#)
        ),
        -32602
    );
    send(&mut session, &legacy_request("initialize", INITIALIZE));
    assert_eq!(
        send(
            &mut session,
            &legacy_request("tools/call", r#"{"name":"zeta"}"#)
        )["level"],
        1
    );
}

#[test]
fn before_the_handshake_the_oldest_revision_is_assumed() {
    let mut session = StdioSession::default();
    assert_eq!(
        send(&mut session, &legacy_request("ping", "{}"))["result"],
        json!({})
    );
    assert_eq!(
        send(
            &mut session,
            &legacy_request("tools/call", r#"{"name":"zeta"}"#)
        )["version"],
        "2025-03-26"
    );
}

#[test]
fn modern_requests_need_their_metadata() {
    let mut session = StdioSession::default();
    let unsupported = modern_request("tools/list", "", "").replace("2026-07-28", "v999");
    let error = &send(&mut session, &unsupported)["error"];
    assert_eq!(
        (&error["code"], &error["data"]["requested"]),
        (&json!(-32022), &json!("v999"))
    );
    let incomplete = modern_request("tools/list", "", "").replace("clientCapabilities", "other");
    assert_eq!(code(&mut session, &incomplete), -32602);
    for method in ["initialize", "ping", "logging/setLevel", "unknown"] {
        assert_eq!(
            code(&mut session, &modern_request(method, "", "")),
            -32601,
            "{method}"
        );
    }
}

#[test]
fn cancellations_name_their_request() {
    let mut session = StdioSession::default();
    let cancel = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        )
    };
    assert_eq!(send(&mut session, &cancel("7")), json!({"cancel": "7"}));
    assert_eq!(
        send(&mut session, &cancel(r#""a\u0062""#)),
        json!({"cancel": r#""a\u0062""#})
    );
    assert_eq!(send(&mut session, &cancel("{}")), Value::Null);
    assert_eq!(
        send(
            &mut session,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#
        ),
        Value::Null
    );
    let other = cancel("7").replace("cancelled", "other");
    assert_eq!(send(&mut session, &other), Value::Null);
}

#[test]
fn lines_without_a_request_have_no_answer() {
    let mut session = StdioSession::default();
    for line in [
        "",
        "\n",
        " \t\r\n",
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        assert_eq!(send(&mut session, line), Value::Null, "{line:?}");
    }
}

#[test]
fn broken_lines_are_answered() {
    let mut session = StdioSession::default();
    assert_eq!(code(&mut session, "nonsense\n"), -32700);
    assert_eq!(code(&mut session, "[]\n"), -32600);
    let answer = send(&mut session, r#"{"jsonrpc":"2.0","id":"x","method":1}"#);
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!("x"), &json!(-32600))
    );
    let long = legacy_request(
        "ping",
        &format!(r#"{{"a":"{}"}}"#, "x".repeat(crate::wire::MAX_BODY)),
    );
    assert_eq!(code(&mut session, &long), -32600);
    assert_eq!(
        send(&mut session, &(legacy_request("ping", "{}") + "\r\n"))["result"],
        json!({})
    );
}

#[test]
fn headers_are_no_concern_of_stdio() {
    let mut session = StdioSession::default();
    let params = r#""name":"two.query","arguments":{"region":"eu"},"#;
    assert_eq!(
        send(&mut session, &modern_request("tools/call", params, ""))["call"],
        "query"
    );
}

#[test]
fn a_line_that_was_cut_is_not_taken_for_a_whole_one() {
    let mut session = StdioSession::default();
    let request = legacy_request("ping", "{}");
    let padded = |length: usize| request.clone() + &" ".repeat(length - request.len());
    assert_eq!(
        send(&mut session, &(padded(crate::wire::MAX_BODY) + "\n"))["result"],
        json!({})
    );
    assert_eq!(
        code(&mut session, &padded(crate::wire::MAX_BODY + 1)),
        -32600
    );
}
