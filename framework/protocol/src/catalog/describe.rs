//! What a catalog says of tools and server, as JSON.

use super::{Flags, build::ServerInput};
use crate::{
    content,
    failure::supported_versions,
    json::{self, Kind, Object, Value},
    message::SERVER_INFO,
    types::{
        tool_types::Tool,
        types::{CacheHint, CacheScope},
    },
};

/// A tool as clients see it; the member that is not a JSON object if there is one.
pub fn tool_json(tool: &Tool, name: &str, legacy: bool) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("name", name);
    object.optional("title", tool.title.as_deref());
    object.optional("description", tool.description.as_deref());
    let input = value(&tool.input_schema).ok_or("an input schema")?;
    input_schema(object.key("inputSchema"), input, legacy);
    if let Some(schema) = &tool.output_schema {
        let schema = value(schema).ok_or("an output schema")?;
        // Before 2026-07-28 structured content was always an object.
        if !legacy
            || schema
                .member("type")
                .is_some_and(|kind| kind.is_str("object"))
        {
            compact(object.key("outputSchema"), schema);
        }
    }
    if let Some(annotations) = &tool.annotations {
        let mut written = Object::begin(object.key("annotations"));
        written.optional("title", annotations.title.as_deref());
        let hints = [
            ("readOnlyHint", annotations.read_only),
            ("destructiveHint", annotations.destructive),
            ("idempotentHint", annotations.idempotent),
            ("openWorldHint", annotations.open_world),
        ];
        for (name, hint) in hints {
            if let Some(hint) = hint {
                written.bool(name, hint);
            }
        }
        written.end();
    }
    content::icons(&mut object, &tool.icons);
    if let Some(meta) = &tool.meta {
        compact(object.key("_meta"), value(meta).ok_or("metadata")?);
    }
    object.end();
    Ok(out)
}

fn value(text: &str) -> Option<Value<'_>> {
    Value::parse(text).ok().filter(Value::is_object)
}

fn compact(out: &mut Vec<u8>, value: Value<'_>) {
    json::compact(out, value.text).expect("a value that was read is well-formed");
}

/// Before 2026-07-28 the schema of a property had to be an object, and clients refuse the
/// whole list otherwise: `true` becomes `{}`, and `false` becomes `{"not":{}}`.
fn input_schema(out: &mut Vec<u8>, schema: Value<'_>, legacy: bool) {
    if !legacy {
        return compact(out, schema);
    }
    let mut object = Object::begin(out);
    for (key, value) in schema.members() {
        let out = object.raw_key(key);
        if !(key.is_str("properties") && value.is_object()) {
            compact(out, value);
            continue;
        }
        let mut properties = Object::begin(out);
        for (name, property) in value.members() {
            let out = properties.raw_key(name);
            match (property.kind, property.text) {
                (Kind::Bool, "true") => out.extend_from_slice(b"{}"),
                (Kind::Bool, _) => out.extend_from_slice(br#"{"not":{}}"#),
                _ => compact(out, property),
            }
        }
        properties.end();
    }
    object.end();
}

/// https://modelcontextprotocol.io/specification/2026-07-28/schema#implementation
pub fn server_info(server: &ServerInput) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("name", &server.name);
    object.optional("title", server.title.as_deref());
    object.string("version", &server.version);
    object.optional("description", server.description.as_deref());
    object.optional("websiteUrl", server.website.as_deref());
    content::icons(&mut object, &server.icons);
    object.end();
    out
}

/// https://modelcontextprotocol.io/specification/2026-07-28/schema#servercapabilities
pub fn capabilities(flags: Flags) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    for (name, flag) in [
        ("logging", Flags::LOG),
        ("prompts", Flags::PROMPTS),
        ("resources", Flags::RESOURCES),
    ] {
        if flags.contains(flag) {
            object.json(name, b"{}");
        }
    }
    object.json("tools", b"{}");
    object.end();
    out
}

fn cache_hint(object: &mut Object<'_>, hint: CacheHint) {
    object.json("ttlMs", hint.ttl_ms.to_string().as_bytes());
    object.string(
        "cacheScope",
        match hint.scope {
            CacheScope::Private => "private",
            CacheScope::Public => "public",
        },
    );
}

fn meta(object: &mut Object<'_>, server_info: &[u8]) {
    let mut meta = Object::begin(object.key("_meta"));
    meta.json(SERVER_INFO, server_info);
    meta.end();
}

/// https://modelcontextprotocol.io/specification/2026-07-28/server/discover#response
pub fn discover(server: &ServerInput, server_info: &[u8], capabilities: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("resultType", "complete");
    object.json("supportedVersions", &supported_versions());
    object.json("capabilities", capabilities);
    object.optional("instructions", server.instructions.as_deref());
    cache_hint(&mut object, server.cache);
    meta(&mut object, server_info);
    object.end();
    out
}

/// What follows `protocolVersion`, up to the end of the object
/// (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization).
pub fn initialize(server: &ServerInput, server_info: &[u8], capabilities: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::resume(&mut out);
    object.json("capabilities", capabilities);
    object.json("serverInfo", server_info);
    object.optional("instructions", server.instructions.as_deref());
    object.end();
    out
}

/// What follows the list and its cursor, up to the end of the object.
pub fn list_end(cache: CacheHint, server_info: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::resume(&mut out);
    cache_hint(&mut object, cache);
    meta(&mut object, server_info);
    object.end();
    out
}
