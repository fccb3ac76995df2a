//! The span of a request, after the semantic conventions of OpenTelemetry for MCP
//! (https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spin_mcp_middleware_sdk::{Next, json};

use crate::{
    asked::{Arguments, Asked, is_id},
    outcome::Outcome,
};
use bindings::wasi::{
    clocks::wall_clock::Datetime,
    otel::tracing::{Link, SpanContext, SpanData, SpanKind, Status, TraceFlags},
    otel::types::{InstrumentationScope, KeyValue},
};

const METHOD_NOT_FOUND: i32 = -32601;

pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit-internal/deps/wasi-otel.wit",
        inline: "
            package spin-mcp:audit;
            world tracing {
                import wasi:otel/tracing@0.2.0-rc.2;
            }",
        world: "spin-mcp:audit/tracing",
        generate_all,
    });
}

/// Receives spans: `wasi:otel/tracing` of the host.
pub trait Tracer {
    /// The current span of the host. Its trace id is empty if the middleware may not send spans (then
    /// a refusal answers), and zero if the host has no current span.
    fn outer(&self) -> SpanContext;

    fn start(&self, context: &SpanContext);

    /// Must be called once for each span that was started.
    fn end(&self, span: &SpanData);

    fn random(&self) -> [u8; 24];
}

/// A span that has not ended.
pub struct Span {
    context: SpanContext,
    /// The parent span; empty for the first span of a trace.
    parent: String,
    links: Vec<Link>,
    /// The revision of the protocol.
    revision: Option<String>,
}

impl Span {
    /// Starts a span: in the trace of the client, with a link to the span of the host, or else in the
    /// trace of the host. None if nothing receives spans, or if the trace is not recorded.
    pub fn start(tracer: &dyn Tracer, asked: &Asked, next: &impl Next) -> Option<Span> {
        let outer = tracer.outer();
        if outer.trace_id.is_empty() {
            return None;
        }
        let outer = (is_id(&outer.trace_id) && is_id(&outer.span_id)).then(|| whole(outer));
        let random = tracer.random();
        let (trace_id, span_id) = random.split_at(16);
        let mut context = SpanContext {
            trace_id: hexadecimal(trace_id),
            span_id: hexadecimal(span_id),
            trace_flags: TraceFlags::SAMPLED,
            is_remote: false,
            trace_state: Vec::new(),
        };
        let (mut parent, mut links) = (String::new(), Vec::new());
        if let Some(trace) = &asked.trace {
            if !trace.is_sampled() {
                return None;
            }
            context.trace_id = trace.trace_id().to_owned();
            context.trace_state = state(trace.state.as_deref().unwrap_or_default());
            parent = trace.span_id().to_owned();
            links.extend(outer.map(|span_context| Link {
                span_context,
                attributes: Vec::new(),
            }));
        } else if let Some(outer) = outer {
            if outer.trace_flags & TraceFlags::SAMPLED == TraceFlags::empty() {
                return None;
            }
            context.trace_id = outer.trace_id;
            context.trace_state = outer.trace_state;
            parent = outer.span_id;
        }
        tracer.start(&context);
        Some(Span {
            context,
            parent,
            links,
            revision: next.revision(),
        })
    }

    /// The place of the request in its trace, as a `traceparent`.
    pub fn traceparent(&self) -> String {
        let SpanContext {
            trace_id, span_id, ..
        } = &self.context;
        format!("00-{trace_id}-{span_id}-01")
    }

    /// Ends the span. It says what the line says: error messages are left out.
    pub fn end(self, tracer: &dyn Tracer, asked: &Asked, took: Duration, outcome: &Outcome) {
        let error = match outcome {
            Outcome::Error(code) => Some(code.to_string()),
            Outcome::ToolError => Some(outcome.name().to_owned()),
            _ => None,
        };
        let mut attributes = Vec::new();
        let mut add = |key: &str, value: Option<&str>| {
            attributes.extend(value.map(|value| KeyValue {
                key: key.to_owned(),
                value: text(value),
            }));
        };
        let name = asked.name.as_deref();
        let (tool, prompt) = match &*asked.method {
            "tools/call" => (name, None),
            "prompts/get" | "completion/complete" => (None, name),
            _ => (None, None),
        };
        add("mcp.method.name", Some(&asked.method));
        add("mcp.protocol.version", self.revision.as_deref());
        add("mcp.session.id", asked.session.as_deref());
        add("mcp.resource.uri", asked.uri.as_deref());
        add("gen_ai.operation.name", tool.map(|_| "execute_tool"));
        add("gen_ai.tool.name", tool);
        add("gen_ai.prompt.name", prompt);
        add("error.type", error.as_deref());
        if let Outcome::Error(code) = outcome {
            add("rpc.response.status_code", Some(&code.to_string()));
        }
        add("spin_mcp.outcome", Some(outcome.name()));
        // As text, since hosts accept no objects.
        if let (Some(Arguments::Json(given)), Some(_)) = (&asked.arguments, tool) {
            add("gen_ai.tool.call.arguments", Some(given));
        }
        tracer.end(&SpanData {
            span_context: self.context,
            parent_span_id: self.parent,
            span_kind: SpanKind::Server,
            name: match (outcome, tool.or(prompt)) {
                // A method that a client made up must not become a name.
                (Outcome::Error(METHOD_NOT_FOUND), _) => "method not found".to_owned(),
                (Outcome::Error(_), _) | (_, None) => asked.method.clone(),
                (_, Some(target)) => format!("{} {target}", asked.method),
            },
            start_time: datetime(asked.at),
            end_time: datetime(asked.at + took),
            attributes,
            events: Vec::new(),
            links: self.links,
            status: match error {
                Some(_) => Status::Error(String::new()),
                None => Status::Unset,
            },
            instrumentation_scope: InstrumentationScope {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                schema_url: None,
                attributes: Vec::new(),
            },
            dropped_attributes: 0,
            dropped_events: 0,
            dropped_links: 0,
        });
    }
}

/// Adds the leading zeros that hosts may leave out.
fn whole(context: SpanContext) -> SpanContext {
    SpanContext {
        trace_id: format!("{:0>32}", context.trace_id),
        span_id: format!("{:0>16}", context.span_id),
        ..context
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The members of `tracestate`.
fn state(text: &str) -> Vec<(String, String)> {
    let members = text.split(',').filter_map(|member| member.split_once('='));
    members
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn datetime(at: SystemTime) -> Datetime {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Datetime {
        seconds: since.as_secs(),
        nanoseconds: since.subsec_nanos(),
    }
}

/// A text as a JSON string.
fn text(value: &str) -> String {
    let mut out = Vec::new();
    json::string(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}
