mod spans;

use std::{cell::RefCell, pin::pin, rc::Rc, task::Context, task::Waker};

use serde_json::{Value, json};
use spin_mcp_middleware_sdk::{
    Identity, error,
    testing::{End, handle, middleware},
};

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

/// An audit, and what it writes.
fn audit(settings: Value) -> (Audit, Rc<RefCell<String>>) {
    let mut audit: Audit = middleware(&settings.to_string()).unwrap();
    let written = Rc::<RefCell<String>>::default();
    let sink = Rc::clone(&written);
    audit.write = Box::new(move |line| sink.borrow_mut().push_str(line));
    (audit, written)
}

/// The one line of a request, without what differs from run to run.
fn line(settings: Value, next: &End, method: &str, params: Value) -> Value {
    let (audit, written) = audit(settings);
    let params = params.to_string();
    let answer = handle(&audit, next, method, &params);
    assert_eq!(next.passed(), [(method.to_owned(), params.clone())]);
    let again = handle(&audit, next, method, &params);
    assert_eq!(again, answer, "it changed the answer");
    next.passed();
    let text = written.take();
    let (first, _) = text.split_once('\n').unwrap();
    assert_eq!(text.matches('\n').count(), 2, "{text}");
    assert!(first.len() < 8 * 1024, "{} bytes", first.len());
    let mut line: Value = serde_json::from_str(first).unwrap();
    let object = line.as_object_mut().unwrap();
    let time = object.remove("time").unwrap();
    assert!(
        time.as_str()
            .is_some_and(|time| time.len() == 24 && time.ends_with('Z')),
        "{time}"
    );
    let took = object.remove("durationMs").unwrap();
    assert!(took.as_f64().is_some_and(|took| took < 60_000.0), "{took}");
    line
}

#[test]
fn a_line_says_who_called_what_and_how_it_ended() {
    let mut next = End::saying(r#"{"content":[]}"#);
    next.identity = Some(Identity {
        subject: "alice".to_owned(),
        issuer: "https://issuer.example".to_owned(),
    });
    next.session_id = Some("secret".to_owned());
    next.meta = Some(json!({"traceparent": TRACE, "other": 1}).to_string());
    let params = json!({"name": "add", "arguments": {"password": "x"}});
    assert_eq!(
        line(json!({}), &next, "tools/call", params),
        json!({
            "method": "tools/call",
            "name": "add",
            "principal": {"issuer": "https://issuer.example", "subject": "alice"},
            "session": "2bb80d537b1da3e3",
            "traceparent": TRACE,
            "outcome": "ok",
        })
    );
}

#[test]
fn outcomes_are_told_apart() {
    for (method, answer, outcome) in [
        (
            "tools/call",
            r#"{"isError":true,"content":[]}"#,
            "tool_error",
        ),
        ("tools/call", r#"{"isError":false}"#, "ok"),
        ("tools/call", r#"{"resultType":"complete"}"#, "ok"),
        (
            "tools/call",
            r#"{"resultType":"input_required"}"#,
            "input_required",
        ),
        ("tools/call", r#"{"resultType":"task"}"#, "task"),
        ("prompts/get", r#"{"isError":true}"#, "ok"),
        ("tools/list", "nonsense", "ok"),
    ] {
        let line = line(json!({}), &End::saying(answer), method, json!({}));
        assert_eq!(
            line,
            json!({"method": method, "outcome": outcome}),
            "{answer}"
        );
    }
    let failing = End::new(|_, _| Err(error(-32602, "unknown tool `secret`")));
    assert_eq!(
        line(json!({}), &failing, "tools/call", json!({"name": "secret"})),
        json!({"method": "tools/call", "name": "secret", "outcome": "error", "code": -32602})
    );
}

#[test]
fn arguments_are_there_if_settings_say_so() {
    let settings = json!({"arguments": true});
    let next = End::saying("{}");
    let params = json!({"name": "add", "arguments": {"a": 1}});
    assert_eq!(
        line(settings.clone(), &next, "tools/call", params)["arguments"],
        json!({"a": 1})
    );
    let long = json!({"a": "x".repeat(5000)});
    let line = line(settings, &next, "tools/call", json!({"arguments": long}));
    assert_eq!(line["argumentBytes"], 5008);
    assert_eq!(line.get("arguments"), None);
}

#[test]
fn what_clients_send_stays_within_its_line() {
    let next = End::saying("{}");
    let line1 = line(
        json!({}),
        &next,
        "resources/read",
        json!({"uri": "a\n{\"time\":\"b\"}"}),
    );
    assert_eq!(line1["uri"], "a\n{\"time\":\"b\"}");
    let long = line(
        json!({}),
        &next,
        &"é".repeat(4000),
        json!({"name": "\"".repeat(4000)}),
    );
    assert_eq!(long["method"], "é".repeat(512) + "…");
    assert_eq!(long["name"].as_str().unwrap().len(), 1024 + "…".len());
    let mut next = End::saying("{}");
    for parent in [
        "",
        "00-x-y-01",
        &TRACE.to_uppercase(),
        &format!("{TRACE}-x"),
    ] {
        next.meta = Some(json!({"traceparent": parent}).to_string());
        assert_eq!(
            line(json!({}), &next, "ping", json!({})).get("traceparent"),
            None,
            "{parent}"
        );
    }
}

#[test]
fn completions_name_what_they_refer_to() {
    let next = End::saying("{}");
    let params =
        json!({"ref": {"type": "ref/prompt", "name": "sum"}, "argument": {"name": "text"}});
    assert_eq!(
        line(json!({}), &next, "completion/complete", params)["name"],
        "sum"
    );
    // Only a completion has its name in `ref`.
    let params = json!({"ref": {"name": "harmless"}, "name": "drop_all"});
    assert_eq!(
        line(json!({}), &next, "tools/call", params)["name"],
        "drop_all"
    );
}

/// A next middleware that never answers.
struct Waiting;

impl Next for Waiting {
    async fn handle(&self, _method: &str, _params: String) -> Result<String, Error> {
        std::future::pending().await
    }

    async fn notify(&self, _method: &str, _params: String) {}

    fn has_client(&self) -> bool {
        true
    }

    fn revision(&self) -> Option<String> {
        None
    }

    fn identity(&self) -> Option<Identity> {
        None
    }

    fn session_id(&self) -> Option<String> {
        None
    }

    fn meta(&self) -> Option<String> {
        None
    }
}

/// Sends a request and does not wait for the answer.
fn drop_midway(audit: &Audit) {
    let mut call = pin!(audit.handle(&Waiting, "tools/call", "{}".to_owned()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
}

#[test]
fn a_request_that_nobody_waits_for_has_its_line() {
    let (audit, written) = audit(json!({}));
    drop_midway(&audit);
    let line: Value = serde_json::from_str(&written.borrow()).unwrap();
    assert_eq!(line["outcome"], "cancelled");
}

#[test]
fn compose_leaves_no_line() {
    let (audit, written) = audit(json!({}));
    let mut next = End::saying("{}");
    next.has_client = false;
    assert_eq!(
        handle(&audit, &next, "tools/list", "{}").as_deref(),
        Ok("{}")
    );
    assert_eq!(*written.borrow(), "");
}
