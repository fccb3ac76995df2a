//! The headers of a request, and the check of those that repeat values of the body
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    catalog::ToolEntry,
    wire::{
        failure::{Failure, HEADER_MISMATCH, INVALID_REQUEST, excerpt},
        json::{self, Kind, Reader, Value},
    },
};

/// Headers as hosts give them: names may be in upper or lower case.
pub type List = [(String, Vec<u8>)];

/// The headers that a server reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'h> {
    all: &'h List,
    pub host: Option<&'h [u8]>,
    pub origin: Option<&'h [u8]>,
    pub content_type: Option<&'h [u8]>,
    pub content_length: Option<&'h [u8]>,
    pub session_id: Option<&'h [u8]>,
    pub last_event_id: Option<&'h [u8]>,
    version: Option<&'h [u8]>,
    method: Option<&'h [u8]>,
    name: Option<&'h [u8]>,
}

impl<'h> Headers<'h> {
    /// Fails if a header occurs twice: a proxy before the server may have read the other one.
    pub fn read(all: &'h List) -> Result<Headers<'h>, Failure> {
        let mut headers = Headers {
            all,
            ..Headers::default()
        };
        for (name, value) in all {
            let Some((known, slot)) = headers.slot(name) else {
                continue;
            };
            if slot.replace(trimmed(value)).is_some() {
                let code = if known.starts_with("mcp-") {
                    HEADER_MISMATCH
                } else {
                    INVALID_REQUEST
                };
                return Err(Failure::new(
                    400,
                    code,
                    format!("header `{known}` occurs twice"),
                ));
            }
        }
        Ok(headers)
    }

    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<&'h [u8]>)> {
        let (known, slot) = match name.len() {
            4 => ("host", &mut self.host),
            6 => ("origin", &mut self.origin),
            8 => ("mcp-name", &mut self.name),
            10 => ("mcp-method", &mut self.method),
            12 => ("content-type", &mut self.content_type),
            13 => ("last-event-id", &mut self.last_event_id),
            14 if name.starts_with(['c', 'C']) => ("content-length", &mut self.content_length),
            14 => ("mcp-session-id", &mut self.session_id),
            20 => ("mcp-protocol-version", &mut self.version),
            _ => return None,
        };
        known.eq_ignore_ascii_case(name).then_some((known, slot))
    }

    pub fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        let all = self
            .all
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        all.map(|(_, value)| trimmed(value))
    }

    /// The origin, which is ASCII if it passed.
    pub fn origin(&self) -> Option<&'h str> {
        str::from_utf8(self.origin?).ok()
    }

    pub fn version(&self) -> Result<Option<&'h str>, Failure> {
        self.version
            .map(|value| plain("MCP-Protocol-Version", value))
            .transpose()
    }

    /// Whether the client accepts JSON, and whether it accepts events. Without `Accept` it accepts
    /// everything.
    pub fn accepted(&self) -> (bool, bool) {
        let (mut json, mut events, mut said) = (false, false, false);
        for range in self
            .named("accept")
            .flat_map(|value| value.split(|&byte| byte == b','))
        {
            said = true;
            let mut parts = range.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let media = parts.next().unwrap_or_default();
            if parts.any(is_zero_quality) {
                continue;
            }
            let is = |name: &str| media.eq_ignore_ascii_case(name.as_bytes());
            json |= is("application/json") || is("application/*") || is("*/*");
            events |= is("text/event-stream") || is("text/*") || is("*/*");
        }
        (json || !said, events || !said)
    }

    /// Checks that `Mcp-Method` repeats the method in the body.
    pub fn check_method(&self, method: &str) -> Result<(), Failure> {
        let Some(value) = self.method else {
            return Err(missing("Mcp-Method"));
        };
        let value = plain("Mcp-Method", value)?;
        if value == method {
            Ok(())
        } else {
            Err(differs("Mcp-Method", value, method))
        }
    }

    /// Checks that `Mcp-Name` repeats the name in the body.
    pub fn check_name(&self, name: &str) -> Result<(), Failure> {
        let Some(value) = self.name else {
            return Err(missing("Mcp-Name"));
        };
        let value = decoded("Mcp-Name", value)?;
        if value == name {
            Ok(())
        } else {
            Err(differs("Mcp-Name", &value, name))
        }
    }

    /// Checks that the headers of a tool's parameters repeat its arguments.
    pub fn check_parameters(
        &self,
        tool: &ToolEntry<'_>,
        arguments: &Value<'_>,
    ) -> Result<(), Failure> {
        for rule in tool.header_rules() {
            let header = rule.header();
            let mut values = self.named(header);
            let (value, another) = (values.next(), values.next());
            if another.is_some() {
                return Err(Failure::header_mismatch(format!(
                    "header `{header}` occurs twice"
                )));
            }
            let argument = Argument::find(*arguments, rule.path());
            match (value, argument) {
                (_, Argument::Twice(name)) => {
                    return Err(Failure::header_mismatch(format!(
                        "argument `{}` occurs twice",
                        excerpt(&name)
                    )));
                }
                (None, Argument::Absent) => {}
                (None, Argument::Found(value))
                    if matches!(value.kind, Kind::Object | Kind::Array) =>
                {
                    // A header cannot repeat it. The tool decides whether it accepts it.
                }
                (None, Argument::Found(_)) => return Err(missing(header)),
                (Some(_), Argument::Absent) => {
                    let message =
                        format!("header `{header}` has a value, but its argument is missing");
                    return Err(Failure::header_mismatch(message));
                }
                (Some(value), Argument::Found(argument)) => {
                    let value = decoded(header, value)?;
                    if !says(&value, &argument) {
                        return Err(differs(header, &value, argument.text));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Removes the whitespace that HTTP allows around a value.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(start, |last| last + 1);
    &value[start..end]
}

/// `q=0` in any spelling: not acceptable.
fn is_zero_quality(parameter: &[u8]) -> bool {
    let value = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="));
    value.is_some_and(|value| {
        value.starts_with(b"0") && value.iter().all(|byte| matches!(byte, b'0' | b'.'))
    })
}

fn missing(header: &str) -> Failure {
    Failure::header_mismatch(format!("header `{header}` is missing"))
}

fn differs(header: &str, value: &str, body: &str) -> Failure {
    let message = format!(
        "header `{header}` is `{}`, but the body says `{}`",
        excerpt(value),
        excerpt(body)
    );
    Failure::header_mismatch(message)
}

/// A value that consists of visible ASCII, spaces and tabs.
fn plain<'h>(header: &str, value: &'h [u8]) -> Result<&'h str, Failure> {
    let allowed = value.iter().all(|byte| matches!(byte, 0x20..=0x7E | b'\t'));
    match str::from_utf8(value) {
        Ok(value) if allowed => Ok(value),
        _ => Err(Failure::header_mismatch(format!(
            "header `{header}` contains invalid characters"
        ))),
    }
}

/// A value that may be encoded as `=?base64?…?=`.
fn decoded<'h>(header: &str, value: &'h [u8]) -> Result<Cow<'h, str>, Failure> {
    let value = plain(header, value)?;
    let wrapped = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    let Some(wrapped) = wrapped else {
        return Ok(Cow::Borrowed(value));
    };
    let text = STANDARD
        .decode(wrapped)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let message = || {
        Failure::header_mismatch(format!(
            "header `{header}` is not valid base64 of UTF-8 text"
        ))
    };
    text.map(Cow::Owned).ok_or_else(message)
}

/// Whether a header repeats a value of the body.
fn says(header: &str, value: &Value<'_>) -> bool {
    match value.kind {
        Kind::String => value.is_str(header),
        Kind::Number => is_number(header) && json::same_number(header, value.text),
        Kind::Bool => header == value.text,
        Kind::Null | Kind::Object | Kind::Array => false,
    }
}

fn is_number(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader
        .value()
        .is_ok_and(|value| value.kind == Kind::Number && value.text == text)
}

/// The argument at a path of properties.
enum Argument<'a> {
    /// Missing, or `null`.
    Absent,
    Found(Value<'a>),
    /// This property on the path occurs twice.
    Twice(String),
}

impl<'a> Argument<'a> {
    fn find(arguments: Value<'a>, path: impl Iterator<Item = &'a str>) -> Argument<'a> {
        let mut value = arguments;
        for name in path {
            let mut members = value.members().filter(|(key, _)| key.is_str(name));
            let Some((_, member)) = members.next() else {
                return Argument::Absent;
            };
            if members.next().is_some() {
                return Argument::Twice(name.to_owned());
            }
            value = member;
        }
        if value.kind == Kind::Null {
            Argument::Absent
        } else {
            Argument::Found(value)
        }
    }
}

#[cfg(test)]
mod tests;
