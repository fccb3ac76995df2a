//! The content of spans, and the traces that they belong to.

use std::{cell::RefCell, rc::Rc};

use serde_json::{Value, json};
use spin_mcp_middleware_sdk::{error, testing::End, testing::handle};

use super::{TRACE, audit, drop_midway};
use crate::span::{
    Tracer,
    bindings::wasi::otel::tracing::{SpanContext, SpanData, SpanKind, Status, TraceFlags},
};

/// A host that records what it receives.
struct Told {
    outer: SpanContext,
    started: RefCell<Vec<SpanContext>>,
    ended: RefCell<Vec<SpanData>>,
}

impl Tracer for Rc<Told> {
    fn outer(&self) -> SpanContext {
        self.outer.clone()
    }

    fn start(&self, context: &SpanContext) {
        self.started.borrow_mut().push(context.clone());
    }

    fn end(&self, span: &SpanData) {
        self.ended.borrow_mut().push(span.clone());
    }

    fn random(&self) -> [u8; 24] {
        std::array::from_fn(|index| index as u8 + 1)
    }
}

fn context(trace_id: &str, span_id: &str, trace_flags: TraceFlags) -> SpanContext {
    SpanContext {
        trace_id: trace_id.to_owned(),
        span_id: span_id.to_owned(),
        trace_flags,
        is_remote: false,
        trace_state: Vec::new(),
    }
}

/// A host without a current span.
fn none() -> SpanContext {
    context("0", "0", TraceFlags::empty())
}

/// A host with a current span, whose identifiers are written as Spin writes them.
fn begun() -> SpanContext {
    context(
        "af7651916cd43dd8448eb211c8031",
        "7ad6b71692033",
        TraceFlags::SAMPLED,
    )
}

fn told(outer: SpanContext) -> Rc<Told> {
    Rc::new(Told {
        outer,
        started: RefCell::default(),
        ended: RefCell::default(),
    })
}

/// The span of a request, if there is one, and the line.
fn span(
    outer: SpanContext,
    settings: Value,
    next: &End,
    method: &str,
    params: Value,
) -> (Option<SpanData>, Value) {
    let (mut audit, written) = audit(settings);
    let told = told(outer);
    audit.tracer = Some(Box::new(Rc::clone(&told)));
    let _ = handle(&audit, next, method, &params.to_string());
    let started = told.started.take();
    let mut ended = told.ended.take();
    assert_eq!(started.len(), ended.len());
    let span = ended.pop();
    if let Some(span) = &span {
        assert_eq!(ended.len(), 0);
        assert_eq!(
            format!("{:?}", started[0]),
            format!("{:?}", span.span_context)
        );
    }
    (span, serde_json::from_str(&written.take()).unwrap())
}

#[test]
fn a_span_ends_though_nobody_waits_for_the_answer() {
    let (mut audit, _) = audit(json!({}));
    let told = told(none());
    audit.tracer = Some(Box::new(Rc::clone(&told)));
    drop_midway(&audit);
    let ended = told.ended.take();
    assert_eq!(attributes(&ended[0])["spin_mcp.outcome"], "cancelled");
    assert_eq!(ended.len(), 1);
}

fn with_trace(parent: &str, state: Option<&str>) -> End {
    let mut next = End::saying("{}");
    next.meta = Some(json!({"traceparent": parent, "tracestate": state}).to_string());
    next
}

/// Attributes as an object.
fn attributes(span: &SpanData) -> Value {
    let attributes = span.attributes.iter();
    attributes
        .map(|attribute| {
            // Spin panics on objects.
            let value: String = serde_json::from_str(&attribute.value).unwrap();
            (attribute.key.clone(), Value::from(value))
        })
        .collect()
}

#[test]
fn a_span_says_what_the_conventions_ask_for() {
    let mut next = End::saying("{}");
    next.revision = Some("2025-11-25".to_owned());
    next.session_id = Some("secret".to_owned());
    let call = json!({"name": "add", "arguments": {"a": 1}});
    let (called, _) = span(none(), json!({}), &next, "tools/call", call.clone());
    let called = called.unwrap();
    assert_eq!(called.name, "tools/call add");
    assert!(matches!(called.span_kind, SpanKind::Server));
    assert!(matches!(called.status, Status::Unset));
    assert_eq!(called.instrumentation_scope.name, "spin-mcp-audit");
    assert_eq!(
        attributes(&called),
        json!({
            "mcp.method.name": "tools/call",
            "mcp.protocol.version": "2025-11-25",
            "mcp.session.id": "2bb80d537b1da3e3",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "add",
            "spin_mcp.outcome": "ok",
        })
    );
    let begun = (called.start_time.seconds, called.start_time.nanoseconds);
    let ended = (called.end_time.seconds, called.end_time.nanoseconds);
    assert!(
        begun.0 > 1_700_000_000 && begun < ended,
        "{begun:?} {ended:?}"
    );

    let settings = json!({"arguments": true});
    let (told, _) = span(none(), settings.clone(), &next, "tools/call", call);
    let told = attributes(&told.unwrap());
    assert_eq!(told["gen_ai.tool.call.arguments"], r#"{"a":1}"#);

    let next = End::saying("{}");
    let (got, _) = span(
        none(),
        settings,
        &next,
        "prompts/get",
        json!({"name": "sum", "arguments": {"a": "1"}}),
    );
    let got = got.unwrap();
    assert_eq!(got.name, "prompts/get sum");
    assert_eq!(
        attributes(&got),
        json!({
            "mcp.method.name": "prompts/get",
            "gen_ai.prompt.name": "sum",
            "spin_mcp.outcome": "ok",
        })
    );
    let (read, _) = span(
        none(),
        json!({}),
        &next,
        "resources/read",
        json!({"uri": "a://\"b"}),
    );
    let read = read.unwrap();
    assert_eq!(read.name, "resources/read");
    assert_eq!(attributes(&read)["mcp.resource.uri"], "a://\"b");
}

#[test]
fn failures_are_errors_without_their_texts() {
    let next = End::new(|_, _| Err(error(-32602, "no `secret`")));
    let (refused, _) = span(none(), json!({}), &next, "tools/call", json!({"name": "x"}));
    let refused = refused.unwrap();
    // A method that a client made up names no span.
    assert_eq!(refused.name, "tools/call");
    assert!(matches!(&refused.status, Status::Error(text) if text.is_empty()));
    let told = attributes(&refused);
    assert_eq!(told["error.type"], "-32602");
    assert_eq!(told["rpc.response.status_code"], "-32602");
    assert_eq!(told["spin_mcp.outcome"], "error");
    let next = End::new(|_, _| Err(error(-32601, "unknown")));
    let (unknown, _) = span(none(), json!({}), &next, "made/up", json!({}));
    assert_eq!(unknown.unwrap().name, "method not found");

    let next = End::saying(r#"{"isError":true,"content":[{"type":"text","text":"secret"}]}"#);
    let (failed, _) = span(none(), json!({}), &next, "tools/call", json!({"name": "x"}));
    let failed = failed.unwrap();
    assert!(matches!(&failed.status, Status::Error(text) if text.is_empty()));
    let told = attributes(&failed);
    assert_eq!(told["error.type"], "tool_error");
    assert_eq!(told.get("rpc.response.status_code"), None);

    let next = End::saying(r#"{"resultType":"input_required"}"#);
    let (asking, _) = span(none(), json!({}), &next, "tools/call", json!({"name": "x"}));
    let asking = asking.unwrap();
    assert!(matches!(asking.status, Status::Unset));
    assert_eq!(attributes(&asking)["spin_mcp.outcome"], "input_required");
}

#[test]
fn a_span_is_part_of_the_trace_of_the_client() {
    let next = with_trace(TRACE, Some("a=1, b=x=y,broken"));
    let (of_client, line) = span(begun(), json!({}), &next, "ping", json!({}));
    let of_client = of_client.unwrap();
    assert_eq!(of_client.span_context.trace_id, &TRACE[3..35]);
    assert_eq!(of_client.parent_span_id, &TRACE[36..52]);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        of_client.span_context.trace_state,
        [pair("a", "1"), pair("b", "x=y")]
    );
    let [host] = &of_client.links[..] else {
        panic!("{:?}", of_client.links);
    };
    assert_eq!(
        host.span_context.trace_id,
        "000af7651916cd43dd8448eb211c8031"
    );
    assert_eq!(host.span_context.span_id, "0007ad6b71692033");
    assert_eq!(of_client.span_context.span_id, "1112131415161718");
    assert_eq!(
        line["traceparent"],
        "00-0af7651916cd43dd8448eb211c80319c-1112131415161718-01"
    );

    let (alone, _) = span(none(), json!({}), &next, "ping", json!({}));
    assert!(alone.unwrap().links.is_empty());
}

#[test]
fn a_span_is_part_of_what_the_host_began_where_the_client_began_nothing() {
    let next = End::saying("{}");
    let (of_host, line) = span(begun(), json!({}), &next, "ping", json!({}));
    let of_host = of_host.unwrap();
    assert_eq!(
        of_host.span_context.trace_id,
        "000af7651916cd43dd8448eb211c8031"
    );
    assert_eq!(of_host.parent_span_id, "0007ad6b71692033");
    assert!(of_host.links.is_empty());
    assert_eq!(
        line["traceparent"],
        "00-000af7651916cd43dd8448eb211c8031-1112131415161718-01"
    );

    let (first, _) = span(none(), json!({}), &next, "ping", json!({}));
    let first = first.unwrap();
    assert_eq!(
        first.span_context.trace_id,
        "0102030405060708090a0b0c0d0e0f10"
    );
    assert_eq!(first.parent_span_id, "");
    assert_eq!(first.span_context.trace_flags, TraceFlags::SAMPLED);
}

#[test]
fn there_is_no_span_where_nobody_wants_it() {
    let refusing = context("", "", TraceFlags::empty());
    let next = with_trace(TRACE, None);
    let (refused, line) = span(refusing, json!({}), &next, "ping", json!({}));
    assert!(refused.is_none());
    assert_eq!(line["traceparent"], TRACE);

    let unsampled = TRACE.replace("-01", "-00");
    let next = with_trace(&unsampled, None);
    let (dropped, line) = span(begun(), json!({}), &next, "ping", json!({}));
    assert!(dropped.is_none());
    assert_eq!(line["traceparent"], unsampled);

    let mut outer = begun();
    outer.trace_flags = TraceFlags::empty();
    let (dropped, _) = span(outer, json!({}), &End::saying("{}"), "ping", json!({}));
    assert!(dropped.is_none());
}

#[test]
fn what_is_no_trace_is_not_continued() {
    for parent in [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
    ] {
        let next = with_trace(parent, None);
        let (first, line) = span(none(), json!({}), &next, "ping", json!({}));
        assert_eq!(first.unwrap().parent_span_id, "", "{parent}");
        assert_eq!(
            line["traceparent"], "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01",
            "{parent}"
        );
    }
    let long = format!("a={}", "x".repeat(1024));
    let next = with_trace(TRACE, Some(&long));
    let (kept, _) = span(none(), json!({}), &next, "ping", json!({}));
    assert_eq!(kept.unwrap().span_context.trace_state, []);
}
