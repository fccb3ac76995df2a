//! JSON-RPC messages of clients, read in one pass
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic#messages).

use std::borrow::Cow;

use crate::wire::{
    failure::{Failure, PARSE_ERROR},
    json::{self, Fault, Kind, Reader, Value},
};

/// A message of a client.
#[derive(Debug)]
pub enum Message<'a> {
    Request(Request<'a>),
    Notification(Notification<'a>),
    /// The reply of a legacy client to a request of the server.
    Response(ClientReply<'a>),
}

#[derive(Debug)]
pub struct ClientReply<'a> {
    /// None: the client could not read the `id` of the request.
    pub id: Option<Value<'a>>,
    /// The result, or the error object.
    pub outcome: Result<Value<'a>, Value<'a>>,
}

#[derive(Debug)]
pub struct Request<'a> {
    /// A JSON string or integer, as the client wrote it.
    pub id: &'a str,
    pub method: Cow<'a, str>,
    pub params: Params<'a>,
}

#[derive(Debug)]
pub struct Notification<'a> {
    pub method: Cow<'a, str>,
    pub params: Params<'a>,
}

/// The parameters of all methods, and `_meta`.
#[derive(Debug, Default)]
pub struct Params<'a> {
    pub name: Option<Value<'a>>,
    pub uri: Option<Value<'a>>,
    pub arguments: Option<Value<'a>>,
    pub cursor: Option<Value<'a>>,
    pub reference: Option<Value<'a>>,
    pub argument: Option<Value<'a>>,
    pub context: Option<Value<'a>>,
    pub notifications: Option<Value<'a>>,
    pub task_id: Option<Value<'a>>,
    pub level: Option<Value<'a>>,
    pub request_id: Option<Value<'a>>,
    pub input_responses: Option<Value<'a>>,
    pub request_state: Option<Value<'a>>,
    pub protocol_version: Option<Value<'a>>,
    pub capabilities: Option<Value<'a>>,
    pub client_info: Option<Value<'a>>,
    pub meta: Meta<'a>,
    /// The whole object; empty if there is none.
    pub text: &'a str,
    /// The first of these members that occurs twice: other readers may use the other value.
    pub twice: Option<&'static str>,
}

/// The members of `_meta` that a server reads
/// (https://modelcontextprotocol.io/specification/2026-07-28/basic#meta).
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta<'a> {
    /// The whole value.
    pub value: Option<Value<'a>>,
    pub protocol_version: Option<Value<'a>>,
    pub client_info: Option<Value<'a>>,
    pub client_capabilities: Option<Value<'a>>,
    pub log_level: Option<Value<'a>>,
    pub progress_token: Option<Value<'a>>,
}

/// The failure, and the `id` if it could be read.
pub type Unreadable<'a> = (Option<&'a str>, Failure);

/// Reads one message.
pub fn read(bytes: &[u8]) -> Result<Message<'_>, Unreadable<'_>> {
    if bytes.len() > crate::wire::MAX_BODY {
        return Err((None, too_large()));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return Err((
            None,
            Failure::new(400, PARSE_ERROR, "the message is not valid UTF-8"),
        ));
    };
    let mut envelope = Envelope::default();
    match envelope.read(text) {
        Ok(()) => envelope.into_message(),
        Err(Fault::Depth) => {
            let message = format!(
                "the message nests deeper than {} levels",
                crate::wire::MAX_DEPTH
            );
            Err((envelope.valid_id(), Failure::invalid_request(message)))
        }
        Err(Fault::Syntax(at)) => {
            let message = if at == text.len() {
                Cow::Borrowed("the message is not valid JSON: it ends too early")
            } else {
                Cow::Owned(format!("the message is not valid JSON at byte {at}"))
            };
            Err((None, Failure::new(400, PARSE_ERROR, message)))
        }
    }
}

/// The failure for a message that is longer than `MAX_BODY`.
pub fn too_large() -> Failure {
    let message = format!("the message is larger than {} bytes", crate::wire::MAX_BODY);
    Failure {
        status: 413,
        ..Failure::invalid_request(message)
    }
}

#[derive(Default)]
struct Envelope<'a> {
    not_an_object: Option<&'static str>,
    twice: Option<&'static str>,
    jsonrpc: Option<Value<'a>>,
    id: Option<Value<'a>>,
    method: Option<Value<'a>>,
    params_kind: Option<Kind>,
    params: Params<'a>,
    result: Option<Value<'a>>,
    error: Option<Value<'a>>,
}

/// Stores a member; stores its name in `twice` if it was already there.
fn put<'a>(
    slot: &mut Option<Value<'a>>,
    value: Value<'a>,
    name: &'static str,
    twice: &mut Option<&'static str>,
) {
    if slot.replace(value).is_some() {
        twice.get_or_insert(name);
    }
}

impl<'a> Envelope<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), Fault> {
        let mut reader = Reader::new(text);
        match reader.peek()? {
            Kind::Object => {}
            kind => {
                let batch = kind == Kind::Array;
                self.not_an_object = Some(if batch {
                    "batches are not supported"
                } else {
                    "the message is not an object"
                });
                reader.value()?;
                return reader.end();
            }
        }
        reader.enter()?;
        let mut first = true;
        while let Some(key) = reader.next_key(first)? {
            first = false;
            let twice = &mut self.twice;
            if key.is_str("params") {
                let kind = reader.peek()?;
                if self.params_kind.replace(kind).is_some() {
                    twice.get_or_insert("params");
                }
                if kind == Kind::Object {
                    let start = reader.position();
                    self.params.read(&mut reader)?;
                    self.params.text = reader.since(start);
                } else {
                    reader.value()?;
                }
                continue;
            }
            let value = reader.value()?;
            if key.is_str("jsonrpc") {
                put(&mut self.jsonrpc, value, "jsonrpc", twice);
            } else if key.is_str("id") {
                put(&mut self.id, value, "id", twice);
            } else if key.is_str("method") {
                put(&mut self.method, value, "method", twice);
            } else if key.is_str("result") {
                put(&mut self.result, value, "result", twice);
            } else if key.is_str("error") {
                put(&mut self.error, value, "error", twice);
            }
        }
        reader.end()
    }

    /// The `id`, if a response can repeat it.
    fn valid_id(&self) -> Option<&'a str> {
        self.id
            .filter(|_| self.twice != Some("id"))
            .filter(is_id)
            .map(|id| id.text)
    }

    fn into_message(self) -> Result<Message<'a>, Unreadable<'a>> {
        let id = self.valid_id();
        let invalid = |message: Cow<'static, str>| Err((id, Failure::invalid_request(message)));
        if let Some(message) = self.not_an_object {
            return invalid(message.into());
        }
        if let Some(name) = self.twice {
            return invalid(format!("`{name}` occurs twice").into());
        }
        if !self.jsonrpc.is_some_and(|version| version.is_str("2.0")) {
            return invalid("`jsonrpc` is not `2.0`".into());
        }
        if self.id.is_some() && id.is_none() {
            return invalid("`id` is not a string or an integer".into());
        }
        let Some(method) = self.method else {
            let outcome = match (id, self.result, self.error) {
                (Some(_), Some(result), None) => Ok(result),
                (_, None, Some(error)) => Err(error),
                _ => return invalid("`method` is missing".into()),
            };
            let id = self.id;
            return Ok(Message::Response(ClientReply { id, outcome }));
        };
        let Some(method) = method.as_str() else {
            return invalid("`method` is not a string".into());
        };
        if self.result.is_some() || self.error.is_some() {
            return invalid("the message is both a request and a response".into());
        }
        if self.params_kind.is_some_and(|kind| kind != Kind::Object) {
            return invalid("`params` is not an object".into());
        }
        let params = self.params;
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::Notification(Notification { method, params }),
        })
    }
}

/// Whether a value can be an `id` or a progress token: a string or an integer.
pub fn is_id(value: &Value<'_>) -> bool {
    match value.kind {
        Kind::String => true,
        Kind::Number => json::is_integer(value.text),
        _ => false,
    }
}

impl<'a> Params<'a> {
    /// Reads a JSON object.
    pub fn parse(text: &'a str) -> Result<Params<'a>, Fault> {
        let mut reader = Reader::new(text);
        let mut params = Params {
            text,
            ..Params::default()
        };
        if reader.peek()? != Kind::Object {
            return Err(Fault::Syntax(0));
        }
        params.read(&mut reader)?;
        reader.end()?;
        Ok(params)
    }

    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.enter()?;
        let mut first = true;
        while let Some(key) = reader.next_key(first)? {
            first = false;
            if key.is_str("_meta") {
                self.meta.read(reader, &mut self.twice)?;
                continue;
            }
            let value = reader.value()?;
            let (slot, name) = match key.as_str().as_deref() {
                Some("name") => (&mut self.name, "name"),
                Some("uri") => (&mut self.uri, "uri"),
                Some("arguments") => (&mut self.arguments, "arguments"),
                Some("cursor") => (&mut self.cursor, "cursor"),
                Some("ref") => (&mut self.reference, "ref"),
                Some("argument") => (&mut self.argument, "argument"),
                Some("context") => (&mut self.context, "context"),
                Some("notifications") => (&mut self.notifications, "notifications"),
                Some("taskId") => (&mut self.task_id, "taskId"),
                Some("level") => (&mut self.level, "level"),
                Some("requestId") => (&mut self.request_id, "requestId"),
                Some("inputResponses") => (&mut self.input_responses, "inputResponses"),
                Some("requestState") => (&mut self.request_state, "requestState"),
                Some("protocolVersion") => (&mut self.protocol_version, "protocolVersion"),
                Some("capabilities") => (&mut self.capabilities, "capabilities"),
                Some("clientInfo") => (&mut self.client_info, "clientInfo"),
                _ => continue,
            };
            put(slot, value, name, &mut self.twice);
        }
        Ok(())
    }
}

impl<'a> Meta<'a> {
    fn read(
        &mut self,
        reader: &mut Reader<'a>,
        twice: &mut Option<&'static str>,
    ) -> Result<(), Fault> {
        let kind = reader.peek()?;
        let start = reader.position();
        if kind == Kind::Object {
            reader.enter()?;
            let mut first = true;
            while let Some(key) = reader.next_key(first)? {
                first = false;
                let value = reader.value()?;
                let (slot, name) = match key.as_str().as_deref() {
                    Some(PROTOCOL_VERSION) => (&mut self.protocol_version, PROTOCOL_VERSION),
                    Some(CLIENT_INFO) => (&mut self.client_info, CLIENT_INFO),
                    Some(CLIENT_CAPABILITIES) => {
                        (&mut self.client_capabilities, CLIENT_CAPABILITIES)
                    }
                    Some(LOG_LEVEL) => (&mut self.log_level, LOG_LEVEL),
                    Some("progressToken") => (&mut self.progress_token, "progressToken"),
                    _ => continue,
                };
                put(slot, value, name, twice);
            }
        } else {
            reader.value()?;
        }
        put(
            &mut self.value,
            Value {
                kind,
                text: reader.since(start),
            },
            "_meta",
            twice,
        );
        Ok(())
    }
}

pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[cfg(test)]
mod tests;
