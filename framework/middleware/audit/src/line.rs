//! What a line says.

use std::{borrow::Cow, time::Duration};

use sha2::{Digest as _, Sha256};
use spin_mcp_link::{
    Error, Next, Value,
    json::{self, Object},
};
use spin_mcp_protocol::time::iso8601;

/// The longest text that a line holds of what a client sent.
const LONGEST: usize = 1024;
/// The longest arguments.
const LONGEST_ARGUMENTS: usize = 4096;

/// A line but for its end.
pub struct Line(Vec<u8>);

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Complete,
    /// The tool ran and failed.
    ToolError,
    /// A result of another type, such as `input_required`.
    Other(String),
    Error(i32),
    /// The client did not wait for the answer.
    Cancelled,
}

impl Outcome {
    pub fn of(method: &str, answer: &Result<String, Error>) -> Outcome {
        let text = match answer {
            Ok(text) => text,
            Err(error) => return Outcome::Error(error.code),
        };
        let Ok(result) = Value::parse(text) else {
            return Outcome::Complete;
        };
        let kind = result.member("resultType").and_then(|kind| kind.as_str());
        match kind {
            Some(kind) if kind != "complete" => Outcome::Other(cut(&kind).into_owned()),
            _ => {
                let is_error = result
                    .member("isError")
                    .is_some_and(|flag| flag.text == "true");
                match method == "tools/call" && is_error {
                    true => Outcome::ToolError,
                    false => Outcome::Complete,
                }
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Outcome::Complete => "ok",
            Outcome::ToolError => "tool_error",
            Outcome::Other(kind) => kind,
            Outcome::Error(_) => "error",
            Outcome::Cancelled => "cancelled",
        }
    }
}

impl Line {
    /// What is known before. `now` is in milliseconds since 1970.
    pub fn begin(now: u64, method: &str, params: &str, arguments: bool, next: &impl Next) -> Line {
        let mut out = Vec::with_capacity(512);
        let mut line = Object::begin(&mut out);
        line.string("time", &iso8601(now));
        line.string("method", &cut(method));
        if let Ok(params) = Value::parse(params) {
            // A completion is about what it refers to.
            let about = params.member("ref").unwrap_or(params);
            for member in ["name", "uri"] {
                let value = about.member(member).and_then(|value| value.as_str());
                line.optional(member, value.as_deref().map(cut).as_deref());
            }
            if let Some(given) = params.member("arguments").filter(|_| arguments) {
                let size = given.text.len();
                match size <= LONGEST_ARGUMENTS {
                    true => drop(json::compact(line.key("arguments"), given.text)),
                    false => line.json("argumentBytes", size.to_string().as_bytes()),
                }
            }
        }
        if let Some(caller) = next.identity() {
            let mut principal = Object::begin(line.key("principal"));
            principal.string("issuer", &cut(&caller.issuer));
            principal.string("subject", &cut(&caller.subject));
            principal.end();
        }
        if let Some(session) = next.session_id() {
            line.string("session", &digest(&session));
        }
        let meta = next.meta();
        let meta = meta.as_deref().and_then(|meta| Value::parse(meta).ok());
        let parent = meta.and_then(|meta| meta.member("traceparent")?.as_str());
        let parent = parent.filter(|parent| is_traceparent(parent));
        line.optional("traceparent", parent.as_deref());
        Line(out)
    }

    /// The whole line.
    pub fn end(&self, took: Duration, outcome: &Outcome) -> String {
        let mut out = self.0.clone();
        let mut line = Object::resume(&mut out);
        let millis = took.as_micros() as f64 / 1000.0;
        json::float(line.key("durationMs"), millis);
        line.string("outcome", outcome.name());
        if let Outcome::Error(code) = outcome {
            line.json("code", code.to_string().as_bytes());
        }
        line.end();
        out.push(b'\n');
        String::from_utf8(out).expect("JSON is made of texts")
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.len() <= LONGEST {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(LONGEST)])),
    }
}

/// The same for the same session, and of no use to whoever reads it: the id itself is all that
/// it takes to speak in the session's name.
fn digest(session: &str) -> String {
    let digest = Sha256::digest(session);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether it has the form that W3C Trace Context gives it.
fn is_traceparent(text: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<&str> = text.split('-').collect();
    let fits = |(part, length): (&&str, usize)| {
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.len() == length && part.bytes().all(hexadecimal)
    };
    parts.len() == lengths.len() && parts.iter().zip(lengths).all(fits)
}
