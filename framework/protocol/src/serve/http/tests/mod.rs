mod bodies;
mod clients;
mod empty_lists;
mod heads;
mod legacy_clients;
mod modern;

use serde_json::{Value, json};

use super::*;
use crate::{
    testing::{
        self, LEGACY_HEADERS, TestServices, headers, legacy_request, modern_headers, modern_request,
    },
    wire::MAX_BODY,
};

type List = Vec<(String, Vec<u8>)>;

/// Sends a request as a transport would. A call is reported as 200 and the tool's name.
fn send(catalog: &[u8], method: &str, headers: &List, body: &str) -> (u16, Value, HttpResponse) {
    send_to("/mcp", catalog, method, headers, body)
}

fn send_to(
    path: &str,
    catalog: &[u8],
    method: &str,
    headers: &List,
    body: &str,
) -> (u16, Value, HttpResponse) {
    let services = &mut TestServices::default();
    let catalog = Catalog::new(catalog).unwrap();
    let request = HttpRequest {
        method,
        path,
        ..testing::post(headers)
    };
    let response = match check_head(&request, &catalog) {
        Err(response) => response,
        Ok(head) => match handle(&catalog, &head, body.as_bytes(), services) {
            HttpOutcome::Reply(response) => response,
            HttpOutcome::Call(call) => {
                let called = json!({"call": testing::name(&call)});
                HttpResponse::json(200, called.to_string().into_bytes())
            }
            _ => panic!("nothing here listens"),
        },
    };
    let length = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-length")
        .unwrap();
    assert_eq!(length.1, response.body.len().to_string());
    let json = if response.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&response.body).unwrap()
    };
    (response.status, json, response)
}

fn post(headers: &List, body: &str) -> (u16, Value) {
    let (status, json, _) = send(&testing::catalog(), "POST", headers, body);
    (status, json)
}

fn error(headers: &List, body: &str) -> (u16, i64, Value, String) {
    let (status, json) = post(headers, body);
    assert_eq!(json["jsonrpc"], "2.0");
    let message = json["error"]["message"]
        .as_str()
        .unwrap_or_else(|| panic!("{body} gave {json}"));
    (
        status,
        json["error"]["code"].as_i64().unwrap(),
        json["id"].clone(),
        message.to_owned(),
    )
}

fn legacy() -> List {
    headers(&LEGACY_HEADERS)
}

fn with(mut list: List, more: &[(&str, &str)]) -> List {
    list.extend(headers(more));
    list
}

fn without(list: List, name: &str) -> List {
    list.into_iter()
        .filter(|(other, _)| !other.eq_ignore_ascii_case(name))
        .collect()
}

/// A session that `initialize` began with these parameters.
fn initialize(params: &str) -> (Value, String) {
    let (status, json, response) = send(
        &testing::catalog(),
        "POST",
        &legacy(),
        &legacy_request("initialize", params),
    );
    assert_eq!(status, 200);
    let id = response
        .headers
        .iter()
        .find(|(name, _)| *name == "mcp-session-id")
        .unwrap();
    (json["result"].clone(), id.1.clone().into_owned())
}
