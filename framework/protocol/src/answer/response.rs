//! JSON-RPC responses, and the members that all results share.

use crate::{
    call::{Call, CallResponse, target::Target},
    catalog::{Catalog, Flags},
    wire::{
        MAX_RESULT,
        failure::{Failure, METHOD_NOT_FOUND},
        json::{self, Object, Value},
        message::SERVER_INFO,
        types::types::Error,
    },
};

/// Whether the router knows the method, so that an error comes from a feature.
fn has_method(call: &Call<'_>) -> bool {
    let needed = match call.target {
        Target::Tool { .. } => Flags::TOOLS,
        Target::Prompt { .. } => Flags::PROMPTS,
        Target::Resource { .. } => Flags::RESOURCES,
        Target::Completion { .. } => Flags::COMPLETIONS,
        Target::List(_) => return true,
        Target::Method(_) => return false,
    };
    call.catalog.flags().contains(needed)
}

pub fn of_feature(call: &Call<'_>, error: &Error) -> CallResponse {
    let mut failure = Failure::of_feature(error, call.client.version);
    if call.passed.is_some() && failure.code == METHOD_NOT_FOUND && !has_method(call) {
        failure = Failure::method_not_found(call.target.method(), call.client.version);
    }
    let response = call.fail(&failure);
    // The message and the data of an error come from the feature, so they may have any size.
    if response.body.len() > MAX_RESULT {
        call.fail(&too_large(call))
    } else {
        response
    }
}

/// A response whose result `write` appends. `size` is an estimate of its length in bytes.
pub fn respond(
    call: &Call<'_>,
    size: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> CallResponse {
    // Memory is scarce in a component, so check the size before writing where it is known.
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
        event_id: None,
    }
}

pub fn too_large(call: &Call<'_>) -> Failure {
    Failure::internal(format!(
        "{} answered with more than {MAX_RESULT} bytes; let it return less at a time",
        call.target.describe()
    ))
}

/// A response with this JSON object as its result; the server's name is added.
pub fn respond_with(call: &Call<'_>, result: Result<Vec<u8>, Failure>) -> CallResponse {
    match result {
        Ok(object) if object.len() > MAX_RESULT => call.fail(&too_large(call)),
        Ok(object) => CallResponse {
            status: 200,
            body: whole(&call.catalog, call.id, &object),
            failure: None,
            event_id: None,
        },
        Err(failure) => call.fail(&failure),
    }
}

/// A JSON-RPC response. Its result is the concatenation of these parts.
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

/// A response to a modern client, with this JSON object as its result; the server's name is
/// added.
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
            // This cannot fail: the value is part of well-formed JSON.
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

/// Writes an array.
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

/// Writes `_meta`: the feature's metadata and, for modern clients, the server's name.
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
        // This cannot fail: the text was read before.
        Some(meta) if !modern => drop(json::compact(object.key("_meta"), meta.text)),
        _ => write_named(object.key("_meta"), &call.catalog, meta),
    }
    Ok(())
}

/// Writes `_meta` with the server's name, which replaces any other.
pub fn write_named(out: &mut Vec<u8>, catalog: &Catalog<'_>, meta: Option<Value<'_>>) {
    let mut written = Object::begin(out);
    written.json(SERVER_INFO, catalog.server_info());
    let members = meta.iter().flat_map(Value::members);
    for (key, value) in members.filter(|(key, _)| !key.is_str(SERVER_INFO)) {
        // This cannot fail: the value is part of well-formed JSON.
        let _ = json::compact(written.raw_key(key), value.text);
    }
    written.end();
}

/// The failure if an answer cannot be sent to a client.
pub fn broken(call: &Call<'_>, what: &str) -> Failure {
    Failure::internal(format!("{} answered with {what}", call.target.describe()))
}
