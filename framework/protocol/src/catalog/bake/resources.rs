//! The resources and resource templates of a catalog.

use super::{
    entries::{Entries, Extras},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::{
    catalog::{
        uri_template,
        written::{resource_json, template_json},
    },
    wire::uri::{UriFault, check_uri},
};

/// The longest URI of a resource that is listed, in bytes.
const MAX_URI: usize = 2048;

pub fn add_resources<'a>(
    entries: &mut Entries<'a>,
    slot: usize,
    feature: &'a FeatureInput,
    writer: &mut Writer,
) -> Result<(), BuildError> {
    for resource in &feature.resources {
        let uri = &resource.uri;
        check(uri).map_err(|problem| BuildError::Uri {
            feature: feature.name.clone(),
            uri: uri.clone(),
            problem,
        })?;
        entries.claim(uri, feature)?;
        Extras {
            meta: resource.meta.as_deref(),
            icons: &resource.icons,
            annotations: resource.annotations.as_ref(),
            mime_type: resource.mime_type.as_deref(),
        }
        .check(entries.kind, feature, uri)?;
        add(entries, slot, uri, resource_json(resource), writer);
    }
    Ok(())
}

pub fn add_templates<'a>(
    entries: &mut Entries<'a>,
    slot: usize,
    feature: &'a FeatureInput,
    writer: &mut Writer,
) -> Result<(), BuildError> {
    for template in &feature.resource_templates {
        let text = &template.uri_template;
        uri_template::check(text).map_err(|problem| BuildError::UriTemplate {
            feature: feature.name.clone(),
            uri_template: text.clone(),
            problem,
        })?;
        entries.claim(text, feature)?;
        Extras {
            meta: template.meta.as_deref(),
            icons: &template.icons,
            annotations: template.annotations.as_ref(),
            mime_type: template.mime_type.as_deref(),
        }
        .check(entries.kind, feature, text)?;
        add(entries, slot, text, template_json(template), writer);
    }
    Ok(())
}

fn add(entries: &mut Entries<'_>, slot: usize, uri: &str, json: Vec<u8>, writer: &mut Writer) {
    entries.json.push((json.clone(), json));
    writer.text(&mut entries.records, uri.as_bytes());
    entries.records.push(slot as u32);
}

/// Checks the URI of an author. The error says what is wrong.
fn check(uri: &str) -> Result<(), String> {
    match uri.len() {
        0..=MAX_URI => check_uri(uri).map_err(|fault| match fault {
            UriFault::NoScheme => "it has no scheme; begin it with one, such as `file:`".to_owned(),
            UriFault::Escape => {
                "a `%` has no two hexadecimal digits after it; write it as `%25`".to_owned()
            }
            UriFault::Character(c) => {
                format!("it contains `{}`; percent-encode it", c.escape_debug())
            }
        }),
        length => Err(format!("it has {length} bytes; it may have {MAX_URI}")),
    }
}
