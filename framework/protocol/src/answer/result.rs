//! Results of features.

use super::response::{begin_complete, broken, list, respond, write_meta};
use crate::{
    call::{Call, CallResponse},
    wire::{
        MAX_RESULT, content,
        failure::Failure,
        json::{self, Object, Value},
        types::{
            completion_types::Completion,
            prompt_types::PromptResult,
            resource_types::ReadResult,
            tool_types::ToolResult,
            types::{CacheHint, CacheScope},
        },
        version::Version,
    },
};

/// The most values in one completion
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion#completion-results).
const MAX_COMPLETIONS: usize = 100;

/// The cache hint of a resource whose feature gives none: do not cache.
const NO_CACHE: CacheHint = CacheHint {
    ttl_ms: 0,
    scope: CacheScope::Private,
};

pub const NO_COMPLETION: Completion = Completion {
    values: Vec::new(),
    total: None,
    has_more: false,
};

pub fn tool(call: &Call<'_>, result: &ToolResult) -> CallResponse {
    let blocks: usize = result.content.iter().map(content::size).sum();
    let structured = result.structured_content.as_ref().map_or(0, String::len);
    let size = blocks + structured.min(MAX_RESULT) + 64 * result.content.len();
    // Structured content may become much shorter once it is compact.
    let size = if blocks > MAX_RESULT {
        size
    } else {
        size.min(MAX_RESULT)
    };
    respond(call, size, |out| write_tool(out, call, result))
}

/// Writes a `CallToolResult`
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-result).
pub fn write_tool(out: &mut Vec<u8>, call: &Call<'_>, result: &ToolResult) -> Result<(), Failure> {
    let version = call.client.version;
    let mut object = begin_complete(out, call);
    let content = object.key("content");
    match (&result.structured_content, &result.content[..]) {
        // Many clients show only this to the model.
        (Some(structured), []) => {
            content.extend_from_slice(b"[{\"type\":\"text\",\"text\":");
            json::string(content, structured);
            content.extend_from_slice(b"}]");
        }
        (_, blocks) => list(content, blocks, |out, block| {
            content::block(out, block, version)
        }),
    }
    if let Some(structured) = &result.structured_content {
        write_structured(&mut object, call, structured, version)?;
    }
    if result.is_error {
        object.bool("isError", true);
    }
    write_meta(&mut object, call, result.meta.as_deref())?;
    object.end();
    Ok(())
}

/// Before 2026-07-28 structured content had to be an object, and clients refuse anything else.
fn write_structured(
    object: &mut Object<'_>,
    call: &Call<'_>,
    structured: &str,
    version: Version,
) -> Result<(), Failure> {
    let fault = |_| broken(call, "structured content that is not valid JSON");
    if !version.is_modern() && !Value::parse(structured).map_err(fault)?.is_object() {
        return Ok(());
    }
    json::compact(object.key("structuredContent"), structured).map_err(fault)?;
    Ok(())
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/prompts#getting-a-prompt)
pub fn prompt(call: &Call<'_>, result: &PromptResult) -> CallResponse {
    let version = call.client.version;
    let messages = result.messages.iter();
    let size = messages
        .map(|message| content::size(&message.content) + 64)
        .sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        object.optional("description", result.description.as_deref());
        list(object.key("messages"), &result.messages, |out, message| {
            content::prompt_message(out, message, version)
        });
        write_meta(&mut object, call, result.meta.as_deref())?;
        object.end();
        Ok(())
    })
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/resources#reading-resources)
pub fn resource(call: &Call<'_>, result: &ReadResult) -> CallResponse {
    let contents = result.contents.iter();
    let size = contents
        .map(|contents| content::resource_size(contents) + 64)
        .sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        list(object.key("contents"), &result.contents, |out, contents| {
            content::resource_contents(out, contents)
        });
        if call.client.version.is_modern() {
            let hint = result.cache.unwrap_or(NO_CACHE);
            object.json("ttlMs", hint.ttl_ms.to_string().as_bytes());
            object.string(
                "cacheScope",
                match hint.scope {
                    CacheScope::Private => "private",
                    CacheScope::Public => "public",
                },
            );
        }
        write_meta(&mut object, call, result.meta.as_deref())?;
        object.end();
        Ok(())
    })
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion)
pub fn completion(call: &Call<'_>, result: &Completion) -> CallResponse {
    let values = &result.values[..result.values.len().min(MAX_COMPLETIONS)];
    let size = values.iter().map(|value| value.len() + 8).sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        let mut written = Object::begin(object.key("completion"));
        list(written.key("values"), values, |out, value| {
            json::string(out, value)
        });
        if let Some(total) = result.total {
            written.json("total", total.to_string().as_bytes());
        }
        written.bool(
            "hasMore",
            result.has_more || result.values.len() > MAX_COMPLETIONS,
        );
        written.end();
        write_meta(&mut object, call, None)?;
        object.end();
        Ok(())
    })
}
