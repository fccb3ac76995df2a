//! The headers of a request, and the check of those that repeat values of the body
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation).

pub use crate::call::mirrored::List;
use crate::{
    call::mirrored::{self, decoded, differs, missing, plain, trimmed},
    catalog::ToolEntry,
    wire::{
        failure::{Failure, HEADER_MISMATCH, INVALID_REQUEST},
        json::Value,
    },
};

/// The headers that a server reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'h> {
    pub all: &'h List,
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
        mirrored::named(self.all, name)
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
        let mut rules = tool.header_rules();
        rules.try_for_each(|rule| mirrored::check(self.all, rule.header(), rule.path(), *arguments))
    }
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

#[cfg(test)]
mod tests;
