//! Entries of lists, as JSON.

use super::portable::{self, Side};
use crate::wire::{
    content,
    json::{Object, Value},
    types::{
        prompt_types::Prompt, resource_types::ResourceTemplate, tool_types::Tool,
        types::ResourceInfo,
    },
};

/// The text as a JSON object; none if it is not one.
pub fn object(text: &str) -> Option<Value<'_>> {
    Value::parse(text).ok().filter(Value::is_object)
}

/// A tool for clients. The error names the schema that is not a JSON object.
pub fn tool_json(tool: &Tool, name: &str, legacy: bool) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let mut written = Object::begin(&mut out);
    written.string("name", name);
    written.optional("title", tool.title.as_deref());
    written.optional("description", tool.description.as_deref());
    let input = object(&tool.input_schema).ok_or("an input schema")?;
    portable::write(written.key("inputSchema"), input, Side::Input);
    if let Some(schema) = &tool.output_schema {
        let schema = object(schema).ok_or("an output schema")?;
        // Before 2026-07-28 structured content had to be an object.
        if !legacy
            || schema
                .member("type")
                .is_some_and(|kind| kind.is_str("object"))
        {
            portable::write(written.key("outputSchema"), schema, Side::Output);
        }
    }
    if let Some(annotations) = &tool.annotations {
        let mut hints = Object::begin(written.key("annotations"));
        hints.optional("title", annotations.title.as_deref());
        for (name, hint) in [
            ("readOnlyHint", annotations.read_only),
            ("destructiveHint", annotations.destructive),
            ("idempotentHint", annotations.idempotent),
            ("openWorldHint", annotations.open_world),
        ] {
            if let Some(hint) = hint {
                hints.bool(name, hint);
            }
        }
        hints.end();
    }
    content::icons(&mut written, &tool.icons);
    content::meta(&mut written, tool.meta.as_deref());
    written.end();
    Ok(out)
}

pub fn resource_json(resource: &ResourceInfo) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    content::resource_info(&mut object, resource);
    object.end();
    out
}

/// A resource template for clients.
pub fn template_json(template: &ResourceTemplate) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("uriTemplate", &template.uri_template);
    object.string("name", &template.name);
    object.optional("title", template.title.as_deref());
    object.optional("description", template.description.as_deref());
    object.optional("mimeType", template.mime_type.as_deref());
    content::annotations(&mut object, template.annotations.as_ref());
    content::icons(&mut object, &template.icons);
    content::meta(&mut object, template.meta.as_deref());
    object.end();
    out
}

/// A prompt for clients.
pub fn prompt_json(prompt: &Prompt, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("name", name);
    object.optional("title", prompt.title.as_deref());
    object.optional("description", prompt.description.as_deref());
    if !prompt.arguments.is_empty() {
        let list = object.key("arguments");
        for (index, argument) in prompt.arguments.iter().enumerate() {
            list.push(if index == 0 { b'[' } else { b',' });
            let mut written = Object::begin(list);
            written.string("name", &argument.name);
            written.optional("title", argument.title.as_deref());
            written.optional("description", argument.description.as_deref());
            written.bool("required", argument.required);
            written.end();
        }
        list.push(b']');
    }
    content::icons(&mut object, &prompt.icons);
    content::meta(&mut object, prompt.meta.as_deref());
    object.end();
    out
}
