//! JSON-RPC messages, as lines.

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{Context, bindings::spin_mcp::server::types};

/// The revision of clients that name none.
const REVISION: &str = "2026-07-28";

pub enum Message {
    Request(Request),
    Notification { method: String, params: String },
}

pub struct Request {
    /// JSON, as the client wrote it.
    pub id: String,
    pub method: String,
    pub params: String,
    meta: Map<String, Value>,
}

#[derive(Deserialize)]
struct Line<'a> {
    jsonrpc: String,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Params {
    #[serde(default, rename = "_meta")]
    meta: Map<String, Value>,
}

impl Message {
    pub fn read(line: &[u8]) -> Result<Message, Failure> {
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| Failure::new(-32700, format!("not a JSON-RPC message: {error}")))?;
        if line.jsonrpc != "2.0" {
            return Err(Failure::new(-32600, "`jsonrpc` is not `2.0`"));
        }
        let params = line.params.map_or("{}", RawValue::get).to_owned();
        let Some(id) = line.id else {
            let method = line.method;
            return Ok(Message::Notification { method, params });
        };
        let Params { meta } = serde_json::from_str(&params)
            .map_err(|error| Failure::new(-32602, format!("`params`: {error}")))?;
        Ok(Message::Request(Request {
            id: id.get().to_owned(),
            method: line.method,
            params,
            meta,
        }))
    }
}

impl Request {
    /// What features may know of a notification.
    pub fn nobody() -> Context {
        Context {
            protocol_version: REVISION.to_owned(),
            client_info: None,
            client_capabilities: "{}".to_owned(),
            identity: None,
            headers: Vec::new(),
            session_id: None,
            meta: None,
            input_responses: Vec::new(),
            request_state: None,
            progress_token: None,
            log_level: None,
            prepared: None,
        }
    }

    /// What features may know of this request.
    pub fn context(&self) -> Context {
        let json = |key: &str| self.meta.get(key).map(Value::to_string);
        let version = self.meta.get("io.modelcontextprotocol/protocolVersion");
        let nobody = Request::nobody();
        Context {
            protocol_version: version
                .and_then(Value::as_str)
                .map_or(nobody.protocol_version.clone(), str::to_owned),
            client_info: json("io.modelcontextprotocol/clientInfo"),
            meta: Some(Value::Object(self.meta.clone()).to_string()),
            progress_token: json("progressToken"),
            ..nobody
        }
    }

    /// The line of its result.
    pub fn result(&self, result: &str) -> Vec<u8> {
        let result: Map<String, Value> = match serde_json::from_str(result) {
            Ok(result) => result,
            Err(_) => {
                return Failure::new(-32603, "a link did not answer with an object").line(&self.id);
            }
        };
        let kind = result.get("resultType").and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != "complete") {
            // Its state would have to be sealed, and its question to reach the user.
            let failure = Failure::new(-32603, "this transport asks clients nothing");
            return failure.line(&self.id);
        }
        let mut typed = json!({"resultType": "complete"});
        if let Some(typed) = typed.as_object_mut() {
            typed.extend(result);
        }
        line(&self.id, "result", &typed)
    }
}

/// An error of JSON-RPC.
pub struct Failure(Value);

impl Failure {
    fn new(code: i32, message: impl Into<String>) -> Failure {
        Failure(json!({"code": code, "message": message.into()}))
    }

    /// The line for a request of this id.
    pub fn line(&self, id: &str) -> Vec<u8> {
        line(id, "error", &self.0)
    }
}

impl From<types::Error> for Failure {
    fn from(error: types::Error) -> Failure {
        let mut failure = Failure::new(error.code, error.message);
        if let Some(data) = error.data.and_then(|data| serde_json::from_str(&data).ok()) {
            failure.0["data"] = data;
        }
        failure
    }
}

fn line(id: &str, member: &str, value: &Value) -> Vec<u8> {
    // What was read as JSON is a value on one line again.
    let id: Value = serde_json::from_str(id).unwrap_or_default();
    let mut line = json!({"jsonrpc": "2.0", "id": id, member: value})
        .to_string()
        .into_bytes();
    line.push(b'\n');
    line
}
