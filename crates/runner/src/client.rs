//! A client of one server, without a connection.
//!
//! It sends revision 2026-07-28 with all headers, as a remote client does.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use hyper::{
    Request,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json, value::RawValue};
use spin_mcp_protocol::schema::{self, HeaderParameter};

use super::{
    PATH, Runner,
    events::Events,
    message::{CallError, Message, Notice},
};

const REVISION: &str = "2026-07-28";

/// Lists and calls the tools of a server.
pub struct ToolClient<'a> {
    server: &'a Runner,
    /// What the server gets as credentials.
    token: Option<&'a str>,
}

/// A tool as `tools/list` describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedTool {
    pub name: String,
    input_schema: Box<RawValue>,
}

impl<'a> ToolClient<'a> {
    pub fn new(server: &'a Runner, token: Option<&'a str>) -> Self {
        Self { server, token }
    }

    /// The name in the server's `serverInfo`.
    pub async fn server_name(&self) -> Result<Option<String>, CallError> {
        let result: Value = self.ask("server/discover", json!({})).await?;
        let name = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo/name");
        Ok(name.and_then(Value::as_str).map(str::to_owned))
    }

    /// All tools in the server's order.
    pub async fn tools(&self) -> Result<Vec<ListedTool>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            tools: Vec<ListedTool>,
            next_cursor: Option<String>,
        }
        let mut tools = Vec::new();
        let mut params = json!({});
        loop {
            let page: Page = self.ask("tools/list", params).await?;
            tools.extend(page.tools);
            match page.next_cursor {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(tools),
            }
        }
    }

    /// Calls a tool with `arguments`, a JSON object. Returns the result as the server sent it.
    pub async fn call(
        &self,
        tool: &ListedTool,
        arguments: &str,
        notice: impl FnMut(Notice),
    ) -> Result<Box<RawValue>, CallError> {
        let parsed: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| {
            CallError::Invalid(format!("the arguments are not a JSON object: {error}"))
        })?;
        let parameters = schema::header_parameters(tool.input_schema.get()).map_err(|error| {
            CallError::Invalid(format!("tool `{}` cannot be called: {error}", tool.name))
        })?;
        let mut headers = vec![("mcp-name".to_owned(), header_value(&tool.name))];
        headers.extend(
            parameters
                .iter()
                .filter_map(|parameter| mirrored(parameter, &parsed)),
        );

        // Pass the text on, because parsing could change numbers.
        let arguments = RawValue::from_string(arguments.to_owned())?;
        let mut meta = meta();
        meta["progressToken"] = json!(1);
        meta["io.modelcontextprotocol/logLevel"] = json!("info");
        let params = format!(
            r#"{{"name":{},"arguments":{},"_meta":{meta}}}"#,
            json!(tool.name),
            arguments.get(),
        );
        self.send("tools/call", &params, headers, notice).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        mut params: Value,
    ) -> Result<T, CallError> {
        params["_meta"] = meta();
        let result = self
            .send(method, &params.to_string(), Vec::new(), |_| {})
            .await?;
        Ok(serde_json::from_str(result.get())?)
    }

    async fn send(
        &self,
        method: &str,
        params: &str,
        headers: Vec<(String, String)>,
        mut notice: impl FnMut(Notice),
    ) -> Result<Box<RawValue>, CallError> {
        let mut request = Request::post(PATH)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", REVISION)
            .header("mcp-method", method);
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let request = request
            .body(Bytes::from(body))
            .map_err(|error| CallError::Invalid(format!("cannot make the request: {error}")))?;

        let response = self.server.request(request).await;
        let status = response.status();
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let mut body = response.into_body();
        let (mut events, mut whole) = (Events::default(), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| CallError::Malformed(error.to_string()))?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            if !is_stream {
                whole.extend_from_slice(data);
                continue;
            }
            for event in events.push(data) {
                match Message::read(&event)? {
                    Message::Notice(said) => notice(said),
                    Message::Answer(answer) => return answer,
                    Message::Other => {}
                }
            }
        }
        match Message::read(&whole) {
            Ok(Message::Answer(answer)) => answer,
            _ if is_stream => Err(CallError::Malformed(
                "the stream ends without a result".into(),
            )),
            _ => {
                let text = String::from_utf8_lossy(&whole[..whole.len().min(200)]);
                Err(CallError::Malformed(format!(
                    "status {status} and `{}`",
                    text.trim()
                )))
            }
        }
    }
}

/// The `_meta` of every request.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {
            "name": "spin-mcp",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// The header of a parameter, if the arguments contain it.
fn mirrored(
    parameter: &HeaderParameter,
    arguments: &Map<String, Value>,
) -> Option<(String, String)> {
    let (first, rest) = parameter.path.split_first()?;
    let value = rest
        .iter()
        .try_fold(arguments.get(first)?, |value, name| value.get(name))?;
    let text = match value {
        Value::String(text) => header_value(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(bool) => bool.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some((format!("mcp-param-{}", parameter.header), text))
}

/// Encodes a text as a header value.
fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
    match plain && text.trim() == text && !looks_encoded {
        true => text.to_owned(),
        false => format!("=?base64?{}?=", STANDARD.encode(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_encoded_if_necessary() {
        for plain in ["us-west1", "", "a b", "a\tb", "=?base64?x"] {
            assert_eq!(header_value(plain), plain);
        }
        for (text, value) in [
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(header_value(text), value);
        }
    }

    fn mirror(schema: Value, arguments: Value) -> Vec<(String, String)> {
        let parameters = schema::header_parameters(&schema.to_string()).unwrap();
        let arguments = arguments.as_object().unwrap();
        parameters
            .iter()
            .filter_map(|parameter| mirrored(parameter, arguments))
            .collect()
    }

    #[test]
    fn arguments_with_a_header_in_the_schema_are_mirrored() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "plain": {"type": "string"},
            "deep": {"type": "object", "properties": {
                "n": {"type": "integer", "x-mcp-header": "N"},
                "b": {"type": "boolean", "x-mcp-header": "B"},
            }},
        }});
        let mut headers = mirror(
            schema.clone(),
            json!({"region": "ü", "plain": "x", "deep": {"n": -7, "b": true}}),
        );
        headers.sort();
        let expected = [
            ("mcp-param-B", "true"),
            ("mcp-param-N", "-7"),
            ("mcp-param-Region", "=?base64?w7w=?="),
        ];
        assert_eq!(
            headers,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert!(mirror(schema, json!({"region": null, "deep": 5})).is_empty());
    }
}
