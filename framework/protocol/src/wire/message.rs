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
    seen: bool,
}

/// The failure, and the `id` if it could be read.
pub type Unreadable<'a> = (Option<Cow<'a, str>>, Failure);

/// Reads one message.
pub fn read(bytes: &[u8]) -> Result<Message<'_>, Unreadable<'_>> {
    if bytes.len() > crate::wire::MAX_BODY {
        return Err((None, too_large()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = format!(
                "the message is not valid UTF-8 at byte {}",
                error.valid_up_to()
            );
            return Err((id_of(bytes), Failure::new(400, PARSE_ERROR, message)));
        }
    };
    let mut envelope = Envelope::default();
    match envelope.read(text) {
        Ok(()) => envelope.into_message(),
        Err(Fault::Depth) => {
            let message = format!(
                "the message nests deeper than {} levels",
                crate::wire::MAX_DEPTH
            );
            Err((
                envelope.valid_id().map(Cow::Borrowed),
                Failure::invalid_request(message),
            ))
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

/// The `id` of a request that has bytes which are not UTF-8.
fn id_of(bytes: &[u8]) -> Option<Cow<'static, str>> {
    const OTHER: u8 = 0x7F;
    let ascii = bytes.iter().map(|byte| (*byte).min(OTHER)).collect();
    let text = String::from_utf8(ascii).ok()?;
    let mut envelope = Envelope::default();
    envelope.read(&text).ok()?;
    let id = envelope.valid_id()?;
    (!id.as_bytes().contains(&OTHER)).then(|| Cow::Owned(id.to_owned()))
}

/// Replaces each half of a surrogate pair by the replacement character. Some clients cut strings
/// between the two halves; not all readers accept what is left.
pub fn mend(message: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = message[at..].iter().position(|&byte| byte == b'\\') {
        at += found;
        let unit = |at: usize| {
            let escape = message.get(at..at + 6)?;
            let digits = str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
            u16::from_str_radix(digits, 16).ok()
        };
        at += match (unit(at), unit(at + 6)) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => 12,
            (Some(0xD800..0xE000), _) => {
                message[at + 2..at + 6].copy_from_slice(b"fffd");
                6
            }
            _ => 2,
        };
        at = at.min(message.len());
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

/// A member that the server reads.
type Slot<'s, 'a> = (&'static str, &'s mut Option<Value<'a>>);

/// Stores a member if there is a slot for it.
fn put_in<'a>(
    slots: &mut [Slot<'_, 'a>],
    key: Value<'a>,
    value: Value<'a>,
    twice: &mut Option<&'static str>,
) {
    if let Some((name, slot)) = slots.iter_mut().find(|(name, _)| key.is_str(name)) {
        put(slot, value, name, twice);
    }
}

/// Many clients write `null` for what they leave out.
fn without_null(slots: &mut [Slot<'_, '_>]) {
    for (_, slot) in slots {
        slot.take_if(|value| value.kind == Kind::Null);
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
                    "batches are not supported; send each message by itself"
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
            .filter(|id| matches!(id.kind, Kind::String | Kind::Number))
            .map(|id| id.text)
    }

    fn into_message(self) -> Result<Message<'a>, Unreadable<'a>> {
        let id = self.valid_id();
        let invalid = |message: Cow<'static, str>| {
            Err((id.map(Cow::Borrowed), Failure::invalid_request(message)))
        };
        if let Some(message) = self.not_an_object {
            return invalid(message.into());
        }
        if let Some(name) = self.twice {
            return invalid(format!("`{name}` occurs twice").into());
        }
        if !self.jsonrpc.is_some_and(|version| version.is_str("2.0")) {
            return invalid("`jsonrpc` is not `2.0`".into());
        }
        if self.id.is_some_and(|id| !is_id(&id)) {
            return invalid("`id` is not a string or an integer".into());
        }
        let there = |value: &Value<'_>| value.kind != Kind::Null;
        let Some(method) = self.method else {
            let outcome = match (id, self.result, self.error.filter(there)) {
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
        if self
            .result
            .or(self.error)
            .is_some_and(|value| there(&value))
        {
            return invalid("the message is both a request and a response".into());
        }
        let kind = self.params_kind;
        if kind.is_some_and(|kind| !matches!(kind, Kind::Object | Kind::Null)) {
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
            let (mut slots, twice) = self.slots();
            put_in(&mut slots, key, value, twice);
        }
        without_null(&mut self.slots().0);
        Ok(())
    }

    /// The members by name.
    fn slots(&mut self) -> ([Slot<'_, 'a>; 16], &mut Option<&'static str>) {
        let slots = [
            ("name", &mut self.name),
            ("uri", &mut self.uri),
            ("arguments", &mut self.arguments),
            ("cursor", &mut self.cursor),
            ("ref", &mut self.reference),
            ("argument", &mut self.argument),
            ("context", &mut self.context),
            ("notifications", &mut self.notifications),
            ("taskId", &mut self.task_id),
            ("level", &mut self.level),
            ("requestId", &mut self.request_id),
            ("inputResponses", &mut self.input_responses),
            ("requestState", &mut self.request_state),
            ("protocolVersion", &mut self.protocol_version),
            ("capabilities", &mut self.capabilities),
            ("clientInfo", &mut self.client_info),
        ];
        (slots, &mut self.twice)
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
                put_in(&mut self.slots(), key, value, twice);
            }
            without_null(&mut self.slots());
        } else {
            reader.value()?;
        }
        if self.seen {
            twice.get_or_insert("_meta");
        }
        self.seen = true;
        let text = reader.since(start);
        self.value = (kind != Kind::Null).then_some(Value { kind, text });
        Ok(())
    }

    fn slots(&mut self) -> [Slot<'_, 'a>; 5] {
        [
            (PROTOCOL_VERSION, &mut self.protocol_version),
            (CLIENT_INFO, &mut self.client_info),
            (CLIENT_CAPABILITIES, &mut self.client_capabilities),
            (LOG_LEVEL, &mut self.log_level),
            ("progressToken", &mut self.progress_token),
        ]
    }
}

pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[cfg(test)]
mod tests;
