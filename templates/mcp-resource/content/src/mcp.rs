{% if async == "yes" %}
{%- assign fn = "async fn" %}{% assign await = ".await" %}
{%- assign body = "Answer<'static, Body>" %}{% assign found = "Answer<'_, Option<Body>>" %}
{%- else %}
{%- assign fn = "fn" %}{% assign await = "" %}
{%- assign body = "Result<Body, String>" %}{% assign found = "Result<Option<Body>, String>" %}
{%- endif -%}
//! Makes resources out of functions. A resource is listed and read by its URI; a template stands
//! for all resources whose URIs fit it, and its function gets what the variables stand for.

use std::collections::BTreeMap;
{%- if async == "yes" %}
use std::pin::Pin;
{%- endif %}

use percent_encoding::percent_decode_str;
{%- if async == "yes" %}
use spin_sdk::wit_bindgen;

wit_bindgen::generate!({
    path: "wit",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    generate_all,
});
use exports::spin_mcp::server::{
    completions_async::Guest as Completions, resources_async::Guest as Resources,
};
{%- else %}

wit_bindgen::generate!({ path: "wit", generate_all });
use exports::spin_mcp::server::{completions::Guest as Completions, resources::Guest as Resources};
{%- endif %}
use spin_mcp::server::completion_types::{Completion, CompletionArgument, CompletionReference};
use spin_mcp::server::resource_types::{
    ReadOutcome, ReadResult, ResourceList, ResourceTemplate, ResourceTemplateList,
};
pub use spin_mcp::server::types::ResourceBody as Body;
use spin_mcp::server::types::{Error, ResourceContents, ResourceInfo};

/// A resource that clients see in the list.
pub struct Resource {
    pub uri: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub mime_type: &'static str,
    /// What it holds, text or bytes, or why that cannot be read.
    pub read: fn() -> {{ body }},
}

/// A family of resources.
pub struct Template {
    /// With variables, such as `notes:///{name}`.
    pub uri: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub mime_type: &'static str,
    /// Likewise, of one of them; `None` if it is not there.
    pub read: fn(&Variables) -> {{ found }},
    /// What a variable may stand for, for the client to suggest.
    pub completions: &'static [(&'static str, Values)],
}
{%- if async == "yes" %}

/// What a function gives once it has waited.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + 'a>>;
{%- endif %}

pub type Values = fn() -> Vec<String>;

/// What the variables of a template stand for, by their names.
pub type Variables = BTreeMap<&'static str, String>;

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::Text(text)
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Body::Text(text.into())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::Blob(bytes)
    }
}

struct Component;

impl Resources for Component {
    {{ fn }} list_resources(_request: u64, cursor: Option<String>) -> Result<ResourceList, Error> {
        first_page(cursor)?;
        let resources = crate::RESOURCES.iter().map(|resource| ResourceInfo {
            uri: resource.uri.into(),
            name: resource.name.into(),
            title: None,
            description: Some(resource.description.into()),
            mime_type: Some(resource.mime_type.into()),
            size: None,
            annotations: None,
            icons: vec![],
            meta: None,
        });
        Ok(ResourceList {
            resources: resources.collect(),
            next_cursor: None,
            cache: None,
        })
    }

    {{ fn }} list_resource_templates(
        _request: u64,
        cursor: Option<String>,
    ) -> Result<ResourceTemplateList, Error> {
        first_page(cursor)?;
        let templates = crate::TEMPLATES.iter().map(|template| ResourceTemplate {
            uri_template: template.uri.into(),
            name: template.name.into(),
            title: None,
            description: Some(template.description.into()),
            mime_type: Some(template.mime_type.into()),
            annotations: None,
            icons: vec![],
            meta: None,
        });
        Ok(ResourceTemplateList {
            resource_templates: templates.collect(),
            next_cursor: None,
            cache: None,
        })
    }

    {{ fn }} read_resource(_request: u64, uri: String) -> Result<Option<ReadOutcome>, Error> {
        let found = read(&uri){{ await }}.map_err(|why| error(-32603, why))?;
        Ok(found.map(|(body, mime_type)| {
            ReadOutcome::Complete(ReadResult {
                contents: vec![ResourceContents {
                    uri,
                    mime_type: Some(mime_type.into()),
                    body,
                    meta: None,
                }],
                cache: None,
                meta: None,
            })
        }))
    }
}

impl Completions for Component {
    {{ fn }} complete(
        _request: u64,
        reference: CompletionReference,
        argument: CompletionArgument,
        _context: Vec<(String, String)>,
    ) -> Result<Option<Completion>, Error> {
        let CompletionReference::ResourceTemplate(uri) = reference else {
            return Ok(None);
        };
        let template = crate::TEMPLATES.iter().find(|template| template.uri == uri);
        Ok(template.map(|template| {
            let mut known = template.completions.iter();
            let known = known.find(|(variable, _)| *variable == argument.name);
            let values = known.map_or(vec![], |(_, values)| values());
            completion(values, &argument.value)
        }))
    }
}

export!(Component);

{{ fn }} read(uri: &str) -> Result<Option<(Body, &'static str)>, String> {
    if let Some(resource) = crate::RESOURCES.iter().find(|resource| resource.uri == uri) {
        return Ok(Some(((resource.read)(){{ await }}?, resource.mime_type)));
    }
    for template in crate::TEMPLATES {
        if let Some(variables) = variables(template.uri, uri)
            && let Some(body) = (template.read)(&variables){{ await }}?
        {
            return Ok(Some((body, template.mime_type)));
        }
    }
    Ok(None)
}

/// What the variables of a template stand for in a URI, if the URI fits. A variable ends where
/// the template goes on, and holds no `/`, `?` or `#` unless they are percent-encoded.
fn variables(template: &'static str, uri: &str) -> Option<Variables> {
    let mut parts = template.split('{');
    let mut rest = uri.strip_prefix(parts.next()?)?;
    let mut variables = Variables::new();
    for part in parts {
        let (name, literal) = part.split_once('}')?;
        let end = match literal {
            "" => rest.len(),
            _ => rest.find(literal)?,
        };
        let (value, after) = rest.split_at(end);
        if value.contains(['/', '?', '#']) {
            return None;
        }
        let value = percent_decode_str(value).decode_utf8().ok()?;
        variables.insert(name, value.into_owned());
        rest = &after[literal.len()..];
    }
    rest.is_empty().then_some(variables)
}

/// Those of the values that begin with what was typed.
fn completion(mut values: Vec<String>, typed: &str) -> Completion {
    values.retain(|value| value.starts_with(typed));
    Completion {
        total: u32::try_from(values.len()).ok(),
        values,
        has_more: false,
    }
}

/// Lists have one page, which is asked for without a cursor.
fn first_page(cursor: Option<String>) -> Result<(), Error> {
    match cursor {
        None => Ok(()),
        Some(_) => Err(error(-32602, "the list has one page, without a cursor")),
    }
}

fn error(code: i32, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}
