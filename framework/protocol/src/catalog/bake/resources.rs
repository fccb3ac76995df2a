//! The resources and resource templates of a catalog.

use super::{
    entries::{Entries, Extras},
    error::BuildError,
    input::FeatureInput,
    writer::Writer,
};
use crate::catalog::check;

pub fn add_resources<'a>(
    entries: &mut Entries<'a>,
    slot: usize,
    feature: &'a FeatureInput,
    writer: &mut Writer,
) -> Result<(), BuildError> {
    for resource in &feature.resources {
        let uri = &resource.uri;
        let json = check::resource(&feature.name, resource)?;
        entries.claim(uri, feature)?;
        Extras {
            meta: resource.meta.as_deref(),
            icons: &resource.icons,
            annotations: resource.annotations.as_ref(),
            mime_type: resource.mime_type.as_deref(),
        }
        .check(entries.kind, feature, uri)?;
        add(entries, slot, uri, json, writer);
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
        let json = check::template(&feature.name, template)?;
        entries.claim(text, feature)?;
        Extras {
            meta: template.meta.as_deref(),
            icons: &template.icons,
            annotations: template.annotations.as_ref(),
            mime_type: template.mime_type.as_deref(),
        }
        .check(entries.kind, feature, text)?;
        add(entries, slot, text, json, writer);
    }
    Ok(())
}

fn add(entries: &mut Entries<'_>, slot: usize, uri: &str, json: Vec<u8>, writer: &mut Writer) {
    entries.json.push((json.clone(), json));
    writer.text(&mut entries.records, uri.as_bytes());
    entries.records.push(slot as u32);
}
