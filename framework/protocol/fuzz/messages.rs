//! Checks what a server sends: JSON-RPC messages, as another parser reads them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::wire::json::{Fault, Value};

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members of an object.
fn object(json: &str) -> Members<'_> {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"))
}

/// The members of an object that the server writes itself. No name occurs twice.
fn own(json: &str) -> Members<'_> {
    let members = object(json);
    // The answer of a feature may nest as deep as a request, and the response nests deeper.
    match Value::parse(json) {
        Ok(value) => assert_eq!(value.members().count(), members.len(), "{json}"),
        Err(fault) => assert_eq!(fault, Fault::Depth, "{json}"),
    }
    members
}

fn message(bytes: &[u8]) -> Members<'_> {
    assert!(!bytes.contains(&b'\n'), "more than one line");
    let members = own(str::from_utf8(bytes).expect("not UTF-8"));
    assert_eq!(members["jsonrpc"].get(), "\"2.0\"");
    members
}

fn has_only(members: &Members<'_>, known: &[&str]) {
    for name in members.keys() {
        assert!(known.contains(&name.as_str()), "an unknown member `{name}`");
    }
}

fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|e| panic!("{e}: {value}"))
}

/// Checks a response; with an `id` (JSON), to that request. Gives its result.
pub fn response<'a>(bytes: &'a [u8], id: Option<&str>) -> Option<Members<'a>> {
    let members = message(bytes);
    has_only(&members, &["jsonrpc", "id", "result", "error"]);
    if id.is_some() {
        assert_eq!(members.get("id").map(|id| id.get()), id);
    }
    match (members.get("result"), members.get("error")) {
        (Some(result), None) => {
            assert!(members.contains_key("id"), "a result without `id`");
            Some(object(result.get()))
        }
        (None, Some(error)) => {
            let error = own(error.get());
            has_only(&error, &["code", "message", "data"]);
            let code: i32 = error["code"].get().parse().unwrap();
            assert_ne!(code, 0);
            text(error["message"]);
            None
        }
        _ => panic!("not one of `result` and `error`: {}", bytes.escape_ascii()),
    }
}

pub fn notification(bytes: &[u8]) {
    let members = message(bytes);
    has_only(&members, &["jsonrpc", "method", "params"]);
    assert!(text(members["method"]).starts_with("notifications/"));
    members.get("params").map(|params| object(params.get()));
}

/// Checks a request to the client. Gives its `id`.
pub fn request(bytes: &[u8]) -> String {
    let members = message(bytes);
    has_only(&members, &["jsonrpc", "id", "method", "params"]);
    text(members["method"]);
    object(members["params"].get());
    let id = text(members["id"]);
    assert!(!id.is_empty());
    id
}
