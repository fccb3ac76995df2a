//! Results of MCP, as the contract types them.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::Error;
use crate::bindings::imports::spin_mcp::server::completion_types::Completion;
use crate::bindings::imports::spin_mcp::server::prompt_types::{
    Prompt, PromptArgument, PromptList, PromptMessage, PromptResult,
};
use crate::bindings::imports::spin_mcp::server::resource_types::{
    ReadResult, ResourceList, ResourceTemplate, ResourceTemplateList,
};
use crate::bindings::imports::spin_mcp::server::tool_types::{
    Tool, ToolAnnotations, ToolList, ToolResult,
};
use crate::bindings::imports::spin_mcp::server::types::{
    Annotations, CacheHint, CacheScope, ContentBlock, EmbeddedResource, Icon, IconTheme,
    MediaContent, ResourceBody, ResourceContents, ResourceInfo, Role, TextContent,
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

type Read<T> = Result<T, Error>;

/// A text that may be absent.
fn text(of: &Value) -> Option<String> {
    of.as_str().map(str::to_owned)
}

/// A text that is there.
fn word(of: &Value) -> String {
    text(of).unwrap_or_default()
}

fn json(of: &Value) -> Option<String> {
    (!of.is_null()).then(|| of.to_string())
}

fn list<T>(of: &Value, each: impl Fn(&Value) -> T) -> Vec<T> {
    of.as_array().into_iter().flatten().map(each).collect()
}

fn all<T>(of: &Value, each: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    of.as_array().into_iter().flatten().map(each).collect()
}

fn bytes(of: &Value) -> Read<Vec<u8>> {
    let decoded = BASE64.decode(of.as_str().unwrap_or_default());
    decoded
        .map_err(|why| Error::internal(format!("the server sent bytes that are not base64: {why}")))
}

fn role(of: &Value) -> Role {
    match of.as_str() {
        Some("assistant") => Role::Assistant,
        _ => Role::User,
    }
}

fn annotations(of: &Value) -> Option<Annotations> {
    of.is_object().then(|| Annotations {
        audience: list(&of["audience"], role),
        priority: of["priority"].as_f64(),
        last_modified: text(&of["lastModified"]),
    })
}

fn icon(of: &Value) -> Icon {
    Icon {
        src: word(&of["src"]),
        mime_type: text(&of["mimeType"]),
        sizes: list(&of["sizes"], word),
        theme: match of["theme"].as_str() {
            Some("light") => Some(IconTheme::Light),
            Some("dark") => Some(IconTheme::Dark),
            _ => None,
        },
    }
}

fn cache(of: &Value) -> Option<CacheHint> {
    Some(CacheHint {
        ttl_ms: of["ttlMs"].as_u64()?,
        scope: match of["cacheScope"].as_str() {
            Some("public") => CacheScope::Public,
            _ => CacheScope::Private,
        },
    })
}

fn resource(of: &Value) -> ResourceInfo {
    ResourceInfo {
        uri: word(&of["uri"]),
        name: word(&of["name"]),
        title: text(&of["title"]),
        description: text(&of["description"]),
        mime_type: text(&of["mimeType"]),
        size: of["size"].as_u64(),
        annotations: annotations(&of["annotations"]),
        icons: list(&of["icons"], icon),
        meta: json(&of["_meta"]),
    }
}

fn contents(of: &Value) -> Read<ResourceContents> {
    Ok(ResourceContents {
        uri: word(&of["uri"]),
        mime_type: text(&of["mimeType"]),
        body: match &of["blob"] {
            Value::Null => ResourceBody::Text(word(&of["text"])),
            blob => ResourceBody::Blob(bytes(blob)?),
        },
        meta: json(&of["_meta"]),
    })
}

fn block(of: &Value) -> Read<ContentBlock> {
    let annotations = annotations(&of["annotations"]);
    let meta = json(&of["_meta"]);
    let media = |annotations, meta| {
        Ok::<_, Error>(MediaContent {
            data: bytes(&of["data"])?,
            mime_type: word(&of["mimeType"]),
            annotations,
            meta,
        })
    };
    Ok(match of["type"].as_str() {
        Some("text") => ContentBlock::Text(TextContent {
            text: word(&of["text"]),
            annotations,
            meta,
        }),
        Some("image") => ContentBlock::Image(media(annotations, meta)?),
        Some("audio") => ContentBlock::Audio(media(annotations, meta)?),
        Some("resource_link") => ContentBlock::ResourceLink(resource(of)),
        Some("resource") => ContentBlock::EmbeddedResource(EmbeddedResource {
            contents: contents(&of["resource"])?,
            annotations,
            meta,
        }),
        _ => {
            let kind = &of["type"];
            return Err(Error::internal(format!(
                "there is no content of the type {kind}"
            )));
        }
    })
}

pub(super) fn tool_list(of: &Value) -> ToolList {
    ToolList {
        tools: list(&of["tools"], |tool| {
            let hints = &tool["annotations"];
            Tool {
                name: word(&tool["name"]),
                title: text(&tool["title"]),
                description: text(&tool["description"]),
                input_schema: tool["inputSchema"].to_string(),
                output_schema: json(&tool["outputSchema"]),
                annotations: hints.is_object().then(|| ToolAnnotations {
                    title: text(&hints["title"]),
                    read_only: hints["readOnlyHint"].as_bool(),
                    destructive: hints["destructiveHint"].as_bool(),
                    idempotent: hints["idempotentHint"].as_bool(),
                    open_world: hints["openWorldHint"].as_bool(),
                }),
                icons: list(&tool["icons"], icon),
                meta: json(&tool["_meta"]),
            }
        }),
        next_cursor: text(&of["nextCursor"]),
        cache: cache(of),
    }
}

pub(super) fn tool_result(of: &Value) -> Read<ToolResult> {
    let mut content = all(&of["content"], block)?;
    content.retain(|block| !matches!(block, ContentBlock::Text(text) if text.text.is_empty()));
    Ok(ToolResult {
        content,
        structured_content: json(&of["structuredContent"]),
        is_error: of["isError"] == Value::Bool(true),
        meta: json(&of["_meta"]),
    })
}

pub(super) fn resource_list(of: &Value) -> ResourceList {
    ResourceList {
        resources: list(&of["resources"], resource),
        next_cursor: text(&of["nextCursor"]),
        cache: cache(of),
    }
}

pub(super) fn template_list(of: &Value) -> ResourceTemplateList {
    let template = |of: &Value| {
        let about = resource(of);
        ResourceTemplate {
            uri_template: word(&of["uriTemplate"]),
            name: about.name,
            title: about.title,
            description: about.description,
            mime_type: about.mime_type,
            annotations: about.annotations,
            icons: about.icons,
            meta: about.meta,
        }
    };
    ResourceTemplateList {
        resource_templates: list(&of["resourceTemplates"], template),
        next_cursor: text(&of["nextCursor"]),
        cache: cache(of),
    }
}

pub(super) fn read_result(of: &Value) -> Read<ReadResult> {
    Ok(ReadResult {
        contents: all(&of["contents"], contents)?,
        cache: cache(of),
        meta: json(&of["_meta"]),
    })
}

pub(super) fn prompt_list(of: &Value) -> PromptList {
    let argument = |of: &Value| PromptArgument {
        name: word(&of["name"]),
        title: text(&of["title"]),
        description: text(&of["description"]),
        required: of["required"] == Value::Bool(true),
    };
    PromptList {
        prompts: list(&of["prompts"], |prompt| Prompt {
            name: word(&prompt["name"]),
            title: text(&prompt["title"]),
            description: text(&prompt["description"]),
            arguments: list(&prompt["arguments"], argument),
            icons: list(&prompt["icons"], icon),
            meta: json(&prompt["_meta"]),
        }),
        next_cursor: text(&of["nextCursor"]),
        cache: cache(of),
    }
}

pub(super) fn prompt_result(of: &Value) -> Read<PromptResult> {
    Ok(PromptResult {
        description: text(&of["description"]),
        messages: all(&of["messages"], |message| {
            Ok(PromptMessage {
                role: role(&message["role"]),
                content: block(&message["content"])?,
            })
        })?,
        meta: json(&of["_meta"]),
    })
}

pub(super) fn completion(of: &Value) -> Completion {
    let of = &of["completion"];
    Completion {
        values: list(&of["values"], word),
        total: of["total"].as_u64().and_then(|total| total.try_into().ok()),
        has_more: of["hasMore"] == Value::Bool(true),
    }
}
