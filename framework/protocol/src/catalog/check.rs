//! What clients refuse in an entry of a list. Compose refuses it, too; lists that are made at run time
//! leave the entry out.

use super::{
    bake::error::BuildError,
    list_kind::ListKind,
    portable::{Side, portable},
    schema::{self, HeaderParameter, SchemaError},
    uri_template,
    written::{prompt_json, resource_json, template_json, tool_json},
};
use crate::wire::{
    types::{
        prompt_types::Prompt, resource_types::ResourceTemplate, tool_types::Tool,
        types::ResourceInfo,
    },
    uri::{UriFault, check_uri},
};

/// The longest URI of a resource that is listed, in bytes.
const MAX_URI: usize = 2048;
/// The longest name of a prompt, in bytes.
const MAX_NAME: usize = 256;

/// A tool by the name that clients see: the parameters that they mirror into headers.
pub fn tool(feature: &str, tool: &Tool, name: &str) -> Result<Vec<HeaderParameter>, BuildError> {
    schema::check_tool_name(name).map_err(|problem| BuildError::ToolName {
        feature: feature.to_owned(),
        tool: name.to_owned(),
        problem,
    })?;
    mirrored(tool).map_err(|problem| BuildError::InputSchema {
        feature: feature.to_owned(),
        tool: name.to_owned(),
        problem,
    })
}

/// The parameters of a tool that clients mirror into headers, by the schema that they get.
pub fn mirrored(tool: &Tool) -> Result<Vec<HeaderParameter>, SchemaError> {
    match schema::header_parameters(&tool.input_schema) {
        // Clients do not get the `null` of a property that can be absent.
        Err(SchemaError::Header { .. }) => {
            schema::header_parameters(&portable(&tool.input_schema, Side::Input))
        }
        result => result,
    }
}

/// A tool for clients.
pub fn written_tool(
    feature: &str,
    tool: &Tool,
    name: &str,
    legacy: bool,
) -> Result<Vec<u8>, BuildError> {
    tool_json(tool, name, legacy).map_err(|member| BuildError::NotAnObject {
        kind: ListKind::Tools,
        feature: feature.to_owned(),
        name: name.to_owned(),
        member,
    })
}

/// A resource for clients.
pub fn resource(feature: &str, resource: &ResourceInfo) -> Result<Vec<u8>, BuildError> {
    let uri = &resource.uri;
    let problem = match uri.len() {
        0..=MAX_URI => check_uri(uri).err().map(|fault| match fault {
            UriFault::NoScheme => "it has no scheme; begin it with one, such as `file:`".to_owned(),
            UriFault::Escape => {
                "a `%` has no two hexadecimal digits after it; write it as `%25`".to_owned()
            }
            UriFault::Character(c) => {
                format!("it contains `{}`; percent-encode it", c.escape_debug())
            }
        }),
        length => Some(format!("it has {length} bytes; it may have {MAX_URI}")),
    };
    match problem {
        None => Ok(resource_json(resource)),
        Some(problem) => Err(BuildError::Uri {
            feature: feature.to_owned(),
            uri: uri.clone(),
            problem,
        }),
    }
}

/// A resource template for clients.
pub fn template(feature: &str, template: &ResourceTemplate) -> Result<Vec<u8>, BuildError> {
    match uri_template::check(&template.uri_template) {
        Ok(()) => Ok(template_json(template)),
        Err(problem) => Err(BuildError::UriTemplate {
            feature: feature.to_owned(),
            uri_template: template.uri_template.clone(),
            problem,
        }),
    }
}

/// A prompt for clients, by the name that they see.
pub fn prompt(feature: &str, prompt: &Prompt, name: &str) -> Result<Vec<u8>, BuildError> {
    let control = name.chars().find(|c| c.is_control());
    let problem = match (name.len(), control) {
        (0, _) => Some(format!(
            "the name is empty; it must have 1 to {MAX_NAME} bytes"
        )),
        (length, _) if length > MAX_NAME => Some(format!(
            "the name has {length} bytes; it may have {MAX_NAME}"
        )),
        (_, Some(c)) => Some(format!(
            "the name contains the control character `{}`; leave it out",
            c.escape_debug()
        )),
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(BuildError::PromptName {
            feature: feature.to_owned(),
            prompt: name.to_owned(),
            problem,
        });
    }
    for (index, argument) in prompt.arguments.iter().enumerate() {
        let mut known = prompt.arguments[..index].iter();
        if known.any(|known| known.name == argument.name) {
            return Err(BuildError::DuplicateArgument {
                feature: feature.to_owned(),
                prompt: name.to_owned(),
                argument: argument.name.clone(),
            });
        }
    }
    Ok(prompt_json(prompt, name))
}
