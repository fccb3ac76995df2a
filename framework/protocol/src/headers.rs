//! The headers of a request: finding them, and checking those that mirror the body
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    catalog::Tool,
    failure::{Failure, HEADER_MISMATCH, INVALID_REQUEST, excerpt},
    json::{self, Kind, Reader, Value},
};

/// As hosts give them: names in any case.
pub type List = [(String, Vec<u8>)];

/// The headers that mean something to a server, each of them once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'h> {
    all: &'h List,
    pub host: Option<&'h [u8]>,
    pub origin: Option<&'h [u8]>,
    pub content_type: Option<&'h [u8]>,
    pub content_length: Option<&'h [u8]>,
    pub session_id: Option<&'h [u8]>,
    version: Option<&'h [u8]>,
    method: Option<&'h [u8]>,
    name: Option<&'h [u8]>,
}

impl<'h> Headers<'h> {
    /// Fails if one of them is there twice: whoever stands before the server may have read the
    /// other one.
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
        let slots = [
            ("host", &mut self.host),
            ("origin", &mut self.origin),
            ("content-type", &mut self.content_type),
            ("content-length", &mut self.content_length),
            ("mcp-session-id", &mut self.session_id),
            ("mcp-protocol-version", &mut self.version),
            ("mcp-method", &mut self.method),
            ("mcp-name", &mut self.name),
        ];
        slots
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        let all = self
            .all
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        all.map(|(_, value)| trimmed(value))
    }

    pub fn version(&self) -> Result<Option<&'h str>, Failure> {
        self.version
            .map(|value| plain("MCP-Protocol-Version", value))
            .transpose()
    }

    /// Whether the client takes both kinds of answers. One that does not say takes anything.
    pub fn accepts_answers(&self) -> bool {
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
        !said || json && events
    }

    /// Whether `Mcp-Method` says what the body says.
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

    /// Whether `Mcp-Name` says what the body says.
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

    /// Whether the headers that the tool asks for say what the arguments say.
    pub fn check_parameters(&self, tool: &Tool<'_>, arguments: &str) -> Result<(), Failure> {
        for rule in tool.header_rules() {
            let header = rule.header();
            let mut values = self.named(header);
            let (value, another) = (values.next(), values.next());
            if another.is_some() {
                return Err(Failure::header_mismatch(format!(
                    "header `{header}` occurs twice"
                )));
            }
            let argument = Argument::find(arguments, rule.path());
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
                    // No header can say it; whether the tool takes it is the tool's concern.
                }
                (None, Argument::Found(_)) => return Err(missing(header)),
                (Some(_), Argument::Absent) => {
                    let message = format!("header `{header}` is there, but its argument is not");
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

/// Without the space that HTTP allows around a value.
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

/// `q=0`, in any of its spellings: not at all.
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

/// A value of visible ASCII, spaces and tabs.
fn plain<'h>(header: &str, value: &'h [u8]) -> Result<&'h str, Failure> {
    let allowed = value.iter().all(|byte| matches!(byte, 0x20..=0x7E | b'\t'));
    match str::from_utf8(value) {
        Ok(value) if allowed => Ok(value),
        _ => Err(Failure::header_mismatch(format!(
            "header `{header}` contains invalid characters"
        ))),
    }
}

/// A value that may be wrapped as `=?base64?…?=`.
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

/// Whether a header says the same as a value of the body.
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

/// What the arguments have at a path of properties.
enum Argument<'a> {
    /// Nothing, or `null`.
    Absent,
    Found(Value<'a>),
    /// A property on the way is there twice.
    Twice(String),
}

impl<'a> Argument<'a> {
    fn find(arguments: &'a str, path: impl Iterator<Item = &'a str>) -> Argument<'a> {
        let Ok(mut value) = Value::parse(arguments) else {
            return Argument::Absent;
        };
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
mod tests {
    use super::*;
    use crate::{catalog::Catalog, testing};

    fn list(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn names_are_found_in_any_case_and_values_trimmed() {
        let list = list(&[
            ("MCP-METHOD", " \ttools/list "),
            ("mcp-Name", "x"),
            ("Mcp-Protocol-Version", "2026-07-28"),
        ]);
        let headers = Headers::read(&list).unwrap();
        assert_eq!(headers.check_method("tools/list"), Ok(()));
        assert_eq!(headers.check_name("x"), Ok(()));
        assert_eq!(headers.version(), Ok(Some("2026-07-28")));
    }

    #[test]
    fn what_occurs_twice_is_refused() {
        for (name, code) in [
            ("Host", -32600),
            ("Origin", -32600),
            ("Content-Type", -32600),
            ("Content-Length", -32600),
            ("Mcp-Session-Id", -32020),
            ("MCP-Protocol-Version", -32020),
            ("Mcp-Method", -32020),
            ("Mcp-Name", -32020),
        ] {
            let list = list(&[
                (name, "same"),
                ("other", "x"),
                (&name.to_lowercase(), "same"),
            ]);
            let failure = Headers::read(&list).unwrap_err();
            assert_eq!((failure.status, failure.code), (400, code), "{name}");
            assert_eq!(
                failure.message,
                format!("header `{}` occurs twice", name.to_lowercase())
            );
        }
        assert!(
            Headers::read(&list(&[
                ("accept", "a"),
                ("accept", "b"),
                ("x", ""),
                ("x", "")
            ]))
            .is_ok()
        );
    }

    #[test]
    fn clients_must_take_both_kinds_of_answers() {
        let accepts = |values: &[&str]| {
            let list = list(
                &values
                    .iter()
                    .map(|value| ("Accept", *value))
                    .collect::<Vec<_>>(),
            );
            Headers::read(&list).unwrap().accepts_answers()
        };
        for values in [
            &[][..],
            &["application/json, text/event-stream"],
            &["text/event-stream,application/json"],
            &[
                "text/event-stream;q=0.5",
                "Application/JSON ; charset=utf-8",
            ],
            &["*/*"],
            &["application/*, text/*;q=0.1"],
            &["text/html, */*;q=0.8"],
        ] {
            assert!(accepts(values), "{values:?}");
        }
        for values in [
            &[""][..],
            &["application/json"],
            &["text/event-stream"],
            &["text/html"],
            &["application/json, text/event-stream;q=0"],
            &["*/*; q=0.000"],
            &["application/jsonp, text/event-stream"],
        ] {
            assert!(!accepts(values), "{values:?}");
        }
    }

    #[test]
    fn names_may_be_base64() {
        let check = |value: &str, name: &str| {
            let list = list(&[("mcp-name", value)]);
            Headers::read(&list)
                .unwrap()
                .check_name(name)
                .map_err(|failure| failure.message.into_owned())
        };
        assert_eq!(check("plain", "plain"), Ok(()));
        assert_eq!(
            check("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
            Ok(())
        );
        assert_eq!(check("=?base64?IHBhZGRlZCA=?=", " padded "), Ok(()));
        assert_eq!(
            check("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
            Ok(())
        );
        assert_eq!(check("SGVsbG8=", "SGVsbG8="), Ok(()));
        assert_eq!(check("=?base64?SGVsbG8=", "=?base64?SGVsbG8="), Ok(()));
        assert_eq!(check("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="), Ok(()));
        for broken in [
            "=?base64?SGVsbG8?=",
            "=?base64?SGVs!!!bG8=?=",
            "=?base64?/w==?=",
            "=?base64?SGVsbG9=?=",
        ] {
            assert_eq!(
                check(broken, "Hello"),
                Err("header `Mcp-Name` is not valid base64 of UTF-8 text".to_owned()),
                "{broken}"
            );
        }
        assert_eq!(
            check("a", "b"),
            Err("header `Mcp-Name` is `a`, but the body says `b`".to_owned())
        );
        assert_eq!(
            check("é", "é"),
            Err("header `Mcp-Name` contains invalid characters".to_owned())
        );
        assert_eq!(
            Headers::default().check_name("a").unwrap_err().message,
            "header `Mcp-Name` is missing"
        );
    }

    #[test]
    fn parameters_are_compared_by_value() {
        let bytes = testing::catalog();
        let tool = Catalog::new(&bytes).unwrap().tool("two.query").unwrap();
        let check = |headers: &[(&str, &str)], arguments: &str| {
            let list = list(headers);
            Headers::read(&list)
                .unwrap()
                .check_parameters(&tool, arguments)
                .map_err(|failure| {
                    assert_eq!((failure.status, failure.code), (400, -32020));
                    failure.message.into_owned()
                })
        };
        let (region, flag, count) = ("Mcp-Param-Region", "mcp-param-FLAG", "Mcp-Param-Count");
        for (headers, arguments) in [
            (&[][..], "{}"),
            (&[], r#"{"region":null,"deep":{}}"#),
            (&[], r#"{"deep":7,"region":["x"]}"#),
            (&[(region, "us-west1")], r#"{"region":"us-west1"}"#),
            (
                &[(region, "=?base64?SGVsbG8=?=")],
                r#"{"region":"H\u0065llo"}"#,
            ),
            (&[(flag, "true")], r#"{"flag":true}"#),
            (&[(count, "42")], r#"{"deep":{"count":42.0}}"#),
            (&[(count, "4.2e1")], r#"{"deep":{"count":42}}"#),
            (&[("Mcp-Param-Other", "x")], "{}"),
        ] {
            assert_eq!(check(headers, arguments), Ok(()), "{headers:?} {arguments}");
        }
        for (headers, arguments, message) in [
            (
                &[][..],
                r#"{"region":"x"}"#,
                "header `mcp-param-region` is missing",
            ),
            (
                &[(region, "x")],
                "{}",
                "header `mcp-param-region` is there, but its argument is not",
            ),
            (
                &[(region, "x")],
                r#"{"region":null}"#,
                "header `mcp-param-region` is there, but its argument is not",
            ),
            (
                &[(region, "x")],
                r#"{"region":"y"}"#,
                r#"header `mcp-param-region` is `x`, but the body says `"y"`"#,
            ),
            (
                &[(region, "X")],
                r#"{"region":"x"}"#,
                r#"header `mcp-param-region` is `X`, but the body says `"x"`"#,
            ),
            (
                &[(region, "x"), (region, "x")],
                r#"{"region":"x"}"#,
                "header `mcp-param-region` occurs twice",
            ),
            (
                &[(region, "x")],
                r#"{"region":"x","region":"y"}"#,
                "argument `region` occurs twice",
            ),
            (
                &[(region, "=?base64?SGVsbG8?=")],
                r#"{"region":"Hello"}"#,
                "header `mcp-param-region` is not valid base64 of UTF-8 text",
            ),
            (
                &[(flag, "True")],
                r#"{"flag":true}"#,
                "header `mcp-param-flag` is `True`, but the body says `true`",
            ),
            (
                &[(count, "43")],
                r#"{"deep":{"count":42}}"#,
                "header `mcp-param-count` is `43`, but the body says `42`",
            ),
            (
                &[(count, "+42")],
                r#"{"deep":{"count":42}}"#,
                "header `mcp-param-count` is `+42`, but the body says `42`",
            ),
            (
                &[(count, "42")],
                r#"{"deep":{"count":"43"}}"#,
                r#"header `mcp-param-count` is `42`, but the body says `"43"`"#,
            ),
        ] {
            assert_eq!(
                check(headers, arguments),
                Err(message.to_owned()),
                "{headers:?} {arguments}"
            );
        }
    }
}
