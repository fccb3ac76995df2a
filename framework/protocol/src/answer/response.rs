//! JSON-RPC responses, and what all results have in common.

use crate::{
    call::{Call, CallResponse},
    catalog::Catalog,
    wire::{
        MAX_RESULT,
        failure::Failure,
        json::{self, Object, Value},
        message::SERVER_INFO,
        types::types::Error,
    },
};

pub fn of_feature(call: &Call<'_>, error: &Error) -> CallResponse {
    let response = call.fail(&Failure::of_feature(error, call.client.version));
    // An error has a message and data of the feature's making.
    if response.body.len() > MAX_RESULT {
        call.fail(&too_large(call))
    } else {
        response
    }
}

/// A response whose result `write` appends. `size` is what it takes about.
pub fn respond(
    call: &Call<'_>,
    size: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> CallResponse {
    // Found out before it is written where it can be: a component has little memory.
    if size > MAX_RESULT {
        return call.fail(&too_large(call));
    }
    let mut body = Vec::with_capacity(size + call.catalog.server_info().len() + 256);
    let mut response = Object::begin(&mut body);
    response.string("jsonrpc", "2.0");
    response.json("id", call.id.as_bytes());
    if let Err(failure) = write(response.key("result")) {
        return call.fail(&failure);
    }
    response.end();
    if body.len() > MAX_RESULT {
        return call.fail(&too_large(call));
    }
    CallResponse {
        status: 200,
        body,
        failure: None,
    }
}

pub fn too_large(call: &Call<'_>) -> Failure {
    Failure::internal(format!(
        "{} answered with more than {MAX_RESULT} bytes; let it return less at a time",
        call.target.describe()
    ))
}

/// A response with this result, an object, and who the server is.
pub fn respond_with(call: &Call<'_>, result: Result<Vec<u8>, Failure>) -> CallResponse {
    match result {
        Ok(object) if object.len() > MAX_RESULT => call.fail(&too_large(call)),
        Ok(object) => CallResponse {
            status: 200,
            body: whole(&call.catalog, call.id, &object),
            failure: None,
        },
        Err(failure) => call.fail(&failure),
    }
}

/// A JSON-RPC response whose result is these parts together.
pub fn ready(id: &str, result: &[&[u8]]) -> Vec<u8> {
    let (before, between, after) = (&b"{\"jsonrpc\":\"2.0\",\"id\":"[..], b",\"result\":", b"}");
    let length: usize = result.iter().map(|part| part.len()).sum();
    let mut out =
        Vec::with_capacity(before.len() + id.len() + between.len() + length + after.len());
    out.extend_from_slice(before);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(between);
    result.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(after);
    out
}

/// A response to a modern client with this result, and who the server is.
pub fn whole(catalog: &Catalog<'_>, id: &str, result: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(result.len() + catalog.server_info().len() + 256);
    let mut response = Object::begin(&mut body);
    response.string("jsonrpc", "2.0");
    response.json("id", id.as_bytes());
    let mut object = Object::begin(response.key("result"));
    let text = str::from_utf8(result).unwrap_or_default();
    let result = Value::parse(text).ok();
    let is_meta = |key: &Value<'_>| key.is_str("_meta");
    for (key, value) in result.iter().flat_map(Value::members) {
        if !is_meta(&key) {
            // Well-formed, as part of what was read.
            let _ = json::compact(object.raw_key(key), value.text);
        }
    }
    let meta = result.and_then(|result| result.member("_meta"));
    write_named(object.key("_meta"), catalog, meta);
    object.end();
    response.end();
    body
}

pub fn begin_complete<'o>(out: &'o mut Vec<u8>, call: &Call<'_>) -> Object<'o> {
    let mut object = Object::begin(out);
    if call.client.version.is_modern() {
        object.string("resultType", "complete");
    }
    object
}

/// Appends an array.
pub fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The feature's metadata and, for modern clients, who the server is.
pub fn write_meta(
    object: &mut Object<'_>,
    call: &Call<'_>,
    meta: Option<&str>,
) -> Result<(), Failure> {
    let modern = call.client.version.is_modern();
    if !modern && meta.is_none() {
        return Ok(());
    }
    let meta = match meta.map(Value::parse) {
        None => None,
        Some(Ok(meta)) if meta.is_object() => Some(meta),
        Some(_) => return Err(broken(call, "metadata that is not a JSON object")),
    };
    match meta {
        // Well-formed, as it was read.
        Some(meta) if !modern => drop(json::compact(object.key("_meta"), meta.text)),
        _ => write_named(object.key("_meta"), &call.catalog, meta),
    }
    Ok(())
}

/// Appends metadata with who the server is, whatever it said of that.
pub fn write_named(out: &mut Vec<u8>, catalog: &Catalog<'_>, meta: Option<Value<'_>>) {
    let mut written = Object::begin(out);
    written.json(SERVER_INFO, catalog.server_info());
    let members = meta.iter().flat_map(Value::members);
    for (key, value) in members.filter(|(key, _)| !key.is_str(SERVER_INFO)) {
        // Well-formed, as part of what was read.
        let _ = json::compact(written.raw_key(key), value.text);
    }
    written.end();
}

/// What the feature answered is of no use to a client.
pub fn broken(call: &Call<'_>, what: &str) -> Failure {
    Failure::internal(format!("{} answered with {what}", call.target.describe()))
}
