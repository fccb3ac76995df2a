//! The description of the server in the catalog, as JSON.

use super::{
    bake::input::{FeatureInput, ServerInput},
    flags::Flags,
    list_kind::ListKind,
};
use crate::wire::{
    content,
    failure::supported_versions,
    json::Object,
    message::SERVER_INFO,
    types::types::{CacheHint, CacheScope},
};

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
///
/// Capabilities by which one request affects another need shared state. Extensions are declared
/// since 2026-07-28.
pub fn capabilities(
    features: &[FeatureInput],
    extensions: &[(String, String)],
    modern: bool,
    shared: bool,
) -> Vec<u8> {
    let any = |flags: Flags| features.iter().any(|feature| feature.flags.contains(flags));
    let changes = Flags::LIST_CHANGED.with(Flags::DYNAMIC);
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    if any(Flags::COMPLETIONS) {
        object.json("completions", b"{}");
    }
    let tasks = shared && any(Flags::TASKS);
    if modern && (tasks || !extensions.is_empty()) {
        let mut written = Object::begin(object.key("extensions"));
        for (name, settings) in extensions {
            written.json(name, settings.as_bytes());
        }
        if tasks {
            written.json("io.modelcontextprotocol/tasks", b"{}");
        }
        written.end();
    }
    if any(Flags::LOG) {
        object.json("logging", b"{}");
    }
    for kind in [ListKind::Prompts, ListKind::Resources, ListKind::Tools] {
        if !any(kind.flag()) {
            continue;
        }
        let mut written = Object::begin(object.key(kind.member()));
        if shared && any(kind.flag().with(changes)) {
            written.bool("listChanged", true);
        }
        if shared && kind == ListKind::Resources && any(Flags::RESOURCE_UPDATED) {
            written.bool("subscribe", true);
        }
        written.end();
    }
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

/// The result of `initialize` after `protocolVersion`
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

/// The members of a result after the list and its cursor, and the closing brace.
pub fn list_end(cache: CacheHint, server_info: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::resume(&mut out);
    cache_hint(&mut object, cache);
    meta(&mut object, server_info);
    object.end();
    out
}
