//! Headers that repeat values of the body, and the check of those that repeat arguments
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#custom-headers-from-tool-parameters).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::wire::{
    failure::{Failure, excerpt},
    json::{self, Kind, Reader, Value},
};

/// Headers as hosts give them: names may be in upper or lower case.
pub type List = [(String, Vec<u8>)];

pub fn named<'h, 'n>(
    headers: &'h List,
    name: &'n str,
) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
    let all = headers
        .iter()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name));
    all.map(|(_, value)| trimmed(value))
}

/// Checks that a header repeats the argument at this path of properties.
pub fn check<'p>(
    headers: &List,
    header: &str,
    path: impl Iterator<Item = &'p str>,
    arguments: Value<'_>,
) -> Result<(), Failure> {
    let mut values = named(headers, header);
    let (value, another) = (values.next(), values.next());
    if another.is_some() {
        return Err(Failure::header_mismatch(format!(
            "header `{header}` occurs twice"
        )));
    }
    match (value, Argument::find(arguments, path)) {
        (_, Argument::Twice(name)) => Err(Failure::header_mismatch(format!(
            "argument `{}` occurs twice",
            excerpt(&name)
        ))),
        (None, Argument::Absent) => Ok(()),
        // A header cannot repeat it. The tool decides whether it accepts it.
        (None, Argument::Found(value)) if matches!(value.kind, Kind::Object | Kind::Array) => {
            Ok(())
        }
        (None, Argument::Found(_)) => Err(missing(header)),
        (Some(_), Argument::Absent) => Err(Failure::header_mismatch(format!(
            "header `{header}` has a value, but its argument is missing"
        ))),
        (Some(value), Argument::Found(argument)) => {
            let value = decoded(header, value)?;
            match says(&value, &argument) {
                true => Ok(()),
                false => Err(differs(header, &value, argument.text)),
            }
        }
    }
}

/// Removes the whitespace that HTTP allows around a value.
pub fn trimmed(value: &[u8]) -> &[u8] {
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

pub fn missing(header: &str) -> Failure {
    Failure::header_mismatch(format!("header `{header}` is missing"))
}

pub fn differs(header: &str, value: &str, body: &str) -> Failure {
    let message = format!(
        "header `{header}` is `{}`, but the body says `{}`",
        excerpt(value),
        excerpt(body)
    );
    Failure::header_mismatch(message)
}

/// A value that consists of visible ASCII, spaces and tabs.
pub fn plain<'h>(header: &str, value: &'h [u8]) -> Result<&'h str, Failure> {
    let allowed = value.iter().all(|byte| matches!(byte, 0x20..=0x7E | b'\t'));
    match str::from_utf8(value) {
        Ok(value) if allowed => Ok(value),
        _ => Err(Failure::header_mismatch(format!(
            "header `{header}` contains invalid characters"
        ))),
    }
}

/// A value that may be encoded as `=?base64?…?=`.
pub fn decoded<'h>(header: &str, value: &'h [u8]) -> Result<Cow<'h, str>, Failure> {
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
    fn find<'p>(arguments: Value<'a>, path: impl Iterator<Item = &'p str>) -> Argument<'a> {
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
