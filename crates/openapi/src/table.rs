//! The static data of the component `openapi`, of which a call reads what it needs.
//!
//! All numbers are little-endian and have 32 bits: how many operations there are; place and length of
//! what holds for all of them; then, sorted by name, place and length of the name and of the
//! operation. Both are JSON.

use serde_json::{Value, json};

use crate::{OpenApi, Server, Template};

pub fn globals(of: &OpenApi, server: &Server) -> Value {
    let all = |templates: &[(String, Template)]| -> Vec<Value> {
        let pairs = templates.iter();
        pairs
            .map(|(name, value)| json!([name, value.table()]))
            .collect()
    };
    json!({
        "tls": server.is_tls,
        "authority": server.authority,
        "path": server.path,
        "headers": all(&of.headers),
        "query": all(&of.query),
        "timeout": of.timeout,
    })
}

pub fn encode(globals: &Value, mut calls: Vec<(String, Value)>) -> Vec<u8> {
    calls.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut places = vec![calls.len() as u32];
    let mut texts: Vec<u8> = vec![];
    let start = 4 * (3 + 4 * calls.len());
    let mut add = |text: &str| {
        places.extend([(start + texts.len()) as u32, text.len() as u32]);
        texts.extend(text.bytes());
    };
    add(&globals.to_string());
    for (name, call) in &calls {
        add(name);
        add(&call.to_string());
    }
    let mut table: Vec<u8> = places.into_iter().flat_map(u32::to_le_bytes).collect();
    table.extend(texts);
    table
}
