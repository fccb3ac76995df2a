//! The line of a request.

use std::time::{Duration, UNIX_EPOCH};

use spin_mcp_middleware_sdk::json::{self, Object};
use spin_mcp_protocol::time::iso8601;

use crate::{
    asked::{Arguments, Asked},
    outcome::Outcome,
};

/// The line of a request that has ended. `traceparent` is its place in a trace.
pub fn line(asked: &Asked, traceparent: Option<&str>, took: Duration, outcome: &Outcome) -> String {
    let mut out = Vec::with_capacity(512);
    let mut line = Object::begin(&mut out);
    let at = asked.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    line.string("time", &iso8601(at.as_millis() as u64));
    line.string("method", &asked.method);
    line.optional("name", asked.name.as_deref());
    line.optional("uri", asked.uri.as_deref());
    match &asked.arguments {
        Some(Arguments::Json(given)) => drop(json::compact(line.key("arguments"), given)),
        Some(Arguments::Long(size)) => line.json("argumentBytes", size.to_string().as_bytes()),
        None => {}
    }
    if let Some(caller) = &asked.caller {
        let mut principal = Object::begin(line.key("principal"));
        principal.string("issuer", &caller.issuer);
        principal.string("subject", &caller.subject);
        principal.end();
    }
    line.optional("session", asked.session.as_deref());
    line.optional("traceparent", traceparent);
    json::float(line.key("durationMs"), took.as_micros() as f64 / 1000.0);
    line.string("outcome", outcome.name());
    if let Outcome::Error(code) = outcome {
        line.json("code", code.to_string().as_bytes());
    }
    line.end();
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is made of texts")
}
