//! What is known about a request before it is answered.

use std::{
    borrow::Cow,
    time::{Instant, SystemTime},
};

use sha2::{Digest as _, Sha256};
use spin_mcp_middleware_sdk::{Identity, Next, Value};

/// The most of a text from a client that is kept, in bytes.
const LONGEST: usize = 1024;
/// The most of the arguments that is kept, in bytes.
const LONGEST_ARGUMENTS: usize = 4096;

pub struct Asked {
    pub at: SystemTime,
    /// When the request went on to the next component, by a clock that never goes back.
    pub begun: Instant,
    pub method: String,
    pub name: Option<String>,
    pub uri: Option<String>,
    /// The arguments of a tool or prompt, if the settings ask for them.
    pub arguments: Option<Arguments>,
    pub caller: Option<Identity>,
    /// A digest of the session id.
    pub session: Option<String>,
    /// The trace that the client began.
    pub trace: Option<Trace>,
}

pub enum Arguments {
    Json(String),
    /// Too long to keep: their length in bytes.
    Long(usize),
}

/// The trace that a request belongs to (https://www.w3.org/TR/trace-context/).
pub struct Trace {
    /// A valid `traceparent`.
    pub parent: String,
    /// `tracestate`, as the client sent it.
    pub state: Option<String>,
}

impl Asked {
    pub fn new(method: &str, params: &str, arguments: bool, next: &impl Next) -> Asked {
        let params = Value::parse(params).ok();
        let about = match method {
            "completion/complete" => params.and_then(|params| params.member("ref")),
            _ => params,
        };
        let text = |member| {
            let value = about?.member(member)?.as_str()?;
            Some(cut(&value).into_owned())
        };
        let arguments = params.filter(|_| arguments);
        Asked {
            at: SystemTime::now(),
            method: cut(method).into_owned(),
            name: text("name"),
            uri: text("uri"),
            arguments: arguments
                .and_then(|params| Some(Arguments::of(params.member("arguments")?))),
            caller: next.identity().map(|caller| Identity {
                subject: cut(&caller.subject).into_owned(),
                issuer: cut(&caller.issuer).into_owned(),
            }),
            session: next.session_id().map(|session| digest(&session)),
            trace: next.meta().and_then(|meta| Trace::of(&meta)),
            begun: Instant::now(),
        }
    }
}

impl Arguments {
    fn of(given: Value<'_>) -> Arguments {
        match given.text.len() <= LONGEST_ARGUMENTS {
            true => Arguments::Json(given.text.to_owned()),
            false => Arguments::Long(given.text.len()),
        }
    }
}

impl Trace {
    fn of(meta: &str) -> Option<Trace> {
        let meta = Value::parse(meta).ok()?;
        let parent = meta.member("traceparent")?.as_str()?;
        let state = meta.member("tracestate").and_then(|state| state.as_str());
        is_traceparent(&parent).then(|| Trace {
            parent: parent.into_owned(),
            state: state
                .filter(|state| state.len() <= LONGEST)
                .map(Cow::into_owned),
        })
    }

    pub fn trace_id(&self) -> &str {
        &self.parent[3..35]
    }

    pub fn span_id(&self) -> &str {
        &self.parent[36..52]
    }

    /// Whether the client records the trace.
    pub fn is_sampled(&self) -> bool {
        let flags = u8::from_str_radix(&self.parent[53..], 16);
        flags.is_ok_and(|flags| flags & 1 == 1)
    }
}

/// Whether it has the form that W3C Trace Context requires.
fn is_traceparent(text: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<&str> = text.splitn(5, '-').collect();
    let fits = |(part, length): (&&str, usize)| {
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.len() == length && part.bytes().all(hexadecimal)
    };
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(fits)
        && parts[0] != "ff"
        && is_id(parts[1])
        && is_id(parts[2])
}

/// Whether it identifies a trace or span. Zero does not.
pub fn is_id(text: &str) -> bool {
    text.bytes().any(|digit| digit != b'0')
}

/// The same for each request of a session, and useless to readers of the log: a reader who knew the
/// id itself could act in the name of the session.
fn digest(session: &str) -> String {
    let digest = Sha256::digest(session);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub fn cut(text: &str) -> Cow<'_, str> {
    match text.len() <= LONGEST {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(LONGEST)])),
    }
}
