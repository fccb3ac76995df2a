//! The resources and resource templates of a catalog.

use super::{
    entries::{Entries, check_meta},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::catalog::{
    uri_template,
    written::{resource_json, template_json},
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
        check_uri(uri).map_err(|problem| BuildError::Uri {
            feature: feature.name.clone(),
            uri: uri.clone(),
            problem,
        })?;
        entries.claim(uri, feature)?;
        check_meta(entries.kind, feature, uri, resource.meta.as_deref())?;
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
        check_meta(entries.kind, feature, text, template.meta.as_deref())?;
        add(entries, slot, text, template_json(template), writer);
    }
    Ok(())
}

fn add(entries: &mut Entries<'_>, slot: usize, uri: &str, json: Vec<u8>, writer: &mut Writer) {
    entries.json.push((json.clone(), json));
    writer.text(&mut entries.records, uri.as_bytes());
    entries.records.push(slot as u32);
}

/// Checks that a URI has a scheme and no character that would end it within text, as RFC 3986
/// requires. Letters beyond ASCII need not be encoded. The error says what is wrong.
fn check_uri(uri: &str) -> Result<(), String> {
    if uri.len() > MAX_URI {
        return Err(format!("it has {} bytes; it may have {MAX_URI}", uri.len()));
    }
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return Err("it has no scheme; begin it with one, such as `file:`".to_owned());
    }
    let is_out_of_place = |c: &char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    match uri.chars().find(is_out_of_place) {
        Some(c) => Err(format!(
            "it contains `{}`; percent-encode it",
            c.escape_debug()
        )),
        None => Ok(()),
    }
}
