//! The tools of a catalog.

use super::{
    BuildError, FeatureInput,
    entries::{Entries, check_meta, compact, object},
    writer::Writer,
};
use crate::{
    catalog::{ListKind, layout},
    content,
    json::{Kind, Object, Value},
    schema,
    types::tool_types::Tool,
};

/// The tools of all features, as they were added.
pub struct Tools<'a> {
    pub entries: Entries<'a>,
    pub rules: Vec<u32>,
    pub segments: Vec<u32>,
}

impl Default for Tools<'_> {
    fn default() -> Self {
        Tools {
            entries: Entries::new(ListKind::Tools),
            rules: Vec::new(),
            segments: Vec::new(),
        }
    }
}

impl<'a> Tools<'a> {
    pub fn add(
        &mut self,
        slot: usize,
        feature: &'a FeatureInput,
        writer: &mut Writer,
    ) -> Result<(), BuildError> {
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        for tool in &feature.tools {
            let name = format!("{prefix}{}", tool.name);
            schema::check_tool_name(&name).map_err(|problem| BuildError::ToolName {
                feature: feature.name.clone(),
                tool: name.clone(),
                problem,
            })?;
            self.entries.claim(&name, feature)?;
            let parameters = schema::header_parameters(&tool.input_schema).map_err(|problem| {
                BuildError::InputSchema {
                    feature: feature.name.clone(),
                    tool: name.clone(),
                    problem,
                }
            })?;
            let json = |legacy| {
                tool_json(tool, &name, legacy).map_err(|member| BuildError::NotAnObject {
                    kind: ListKind::Tools,
                    feature: feature.name.clone(),
                    name: name.clone(),
                    member,
                })
            };
            check_meta(ListKind::Tools, feature, &name, tool.meta.as_deref())?;
            self.entries.json.push((json(false)?, json(true)?));

            let records = &mut self.entries.records;
            writer.text(records, name.as_bytes());
            records.extend([prefix.len() as u32, slot as u32]);
            let rules = self.rules.len() * layout::WORD / layout::rule::SIZE;
            records.extend([rules as u32, parameters.len() as u32]);
            for parameter in &parameters {
                let header = format!("mcp-param-{}", parameter.header.to_ascii_lowercase());
                writer.text(&mut self.rules, header.as_bytes());
                let segments = self.segments.len() * layout::WORD / layout::TEXT;
                self.rules
                    .extend([segments as u32, parameter.path.len() as u32]);
                parameter
                    .path
                    .iter()
                    .for_each(|segment| writer.text(&mut self.segments, segment.as_bytes()));
            }
        }
        Ok(())
    }
}

/// A tool as clients see it; the schema that is not a JSON object if there is one.
fn tool_json(tool: &Tool, name: &str, legacy: bool) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let mut written = Object::begin(&mut out);
    written.string("name", name);
    written.optional("title", tool.title.as_deref());
    written.optional("description", tool.description.as_deref());
    let input = object(&tool.input_schema).ok_or("an input schema")?;
    input_schema(written.key("inputSchema"), input, legacy);
    if let Some(schema) = &tool.output_schema {
        let schema = object(schema).ok_or("an output schema")?;
        // Before 2026-07-28 structured content was always an object.
        if !legacy
            || schema
                .member("type")
                .is_some_and(|kind| kind.is_str("object"))
        {
            compact(written.key("outputSchema"), schema);
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
