//! Requests as clients of both eras send them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{http::Request, server::Server};

pub const MODERN: &str = "2026-07-28";
pub const LEGACY: &str = "2025-11-25";

/// A request of revision 2026-07-28, with its headers and `_meta`.
pub fn modern(method: &str, params: Value) -> Request {
    modern_with(method, params, json!({}))
}

/// The same from a client with these capabilities.
pub fn modern_with(method: &str, mut params: Value, capabilities: Value) -> Request {
    let name = params
        .get("name")
        .or(params.get("uri"))
        .or(params.get("taskId"))
        .and_then(Value::as_str)
        .map(str::to_string);
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1.0.0"});
    meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    let request = Request::post(body(method, params))
        .header("MCP-Protocol-Version", MODERN)
        .header("Mcp-Method", method);
    match name {
        Some(name) => request.header("Mcp-Name", &name),
        None => request,
    }
}

/// A request of revision 2025-11-25 in a session, or outside of one.
pub fn legacy(session: Option<&str>, method: &str, params: Value) -> Request {
    let request = Request::post(body(method, params)).header("MCP-Protocol-Version", LEGACY);
    match session {
        Some(session) => request.header("Mcp-Session-Id", session),
        None => request,
    }
}

/// The request that opens a session of this revision.
pub fn initialize(version: &str) -> Request {
    Request::post(body("initialize", client(version, json!({}))))
}

/// The parameters of `initialize`.
pub fn client(version: &str, capabilities: Value) -> Value {
    let info = json!({"name": "test", "version": "1.0.0"});
    json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": info})
}

/// The id of a new session of revision 2025-11-25, of a client with these capabilities.
pub fn session(server: &Server, capabilities: Value) -> String {
    session_at(server.address(), capabilities)
}

pub fn session_at(address: SocketAddr, capabilities: Value) -> String {
    let request = Request::post(body("initialize", client(LEGACY, capabilities)));
    let response = request.send(address);
    let session = response.header("mcp-session-id");
    let session = session.unwrap_or_else(|| panic!("no session: {}", response.text()));
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(message(session, &ready).send(address).status, 202);
    session.to_owned()
}

/// A message of a session that is not a request, or a request with an id of its own.
pub fn message(session: &str, message: &Value) -> Request {
    Request::post(message.to_string())
        .header("MCP-Protocol-Version", LEGACY)
        .header("Mcp-Session-Id", session)
}

/// What a client replies to a request of the server: `outcome` is `{"result": …}` or
/// `{"error": …}`.
pub fn reply(session: &str, id: &Value, mut outcome: Value) -> Request {
    outcome["jsonrpc"] = json!("2.0");
    outcome["id"] = id.clone();
    message(session, &outcome)
}

/// A request of a session without a body.
pub fn bare(method: &str, session: &str) -> Request {
    let mut request = message(session, &json!({}));
    request.method = method.into();
    request.body.clear();
    request
        .without("Content-Type")
        .set("Accept", "text/event-stream")
}

/// A call of a tool, in revision 2026-07-28.
pub fn call(tool: &str, arguments: Value) -> Request {
    modern("tools/call", json!({"name": tool, "arguments": arguments}))
}

fn body(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// The text of the first piece of content of a tool's result.
pub fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {message}"))
}
