//! Baking a catalog, which only compose does.

mod access;
mod entries;
pub(super) mod error;
pub(super) mod input;
mod lists;
mod prompts;
mod resources;
mod tools;
mod writer;

use super::{
    describe,
    flags::Flags,
    layout::{TEXT, WORD, argument, page, prompt, resource, rule, slot, tool},
    list_kind::ListKind,
};
use crate::wire::types::types::CacheScope;
use error::BuildError;
use input::CatalogInput;

/// Bakes the catalog of these features. The same input gives the same bytes.
pub fn build(input: &CatalogInput) -> Result<Vec<u8>, BuildError> {
    let mut input = input.clone();
    if input.server.access.is_some() {
        input.server.cache.scope = CacheScope::Private;
    }
    let (server, features) = (&input.server, &input.features);
    let mut writer = writer::Writer::default();
    let mut tools = tools::Tools::default();
    let mut resources = entries::Entries::new(ListKind::Resources);
    let mut templates = entries::Entries::new(ListKind::ResourceTemplates);
    let mut prompts = prompts::Prompts::default();
    let mut flags = Flags::default();
    let mut slots = Vec::new();
    for (slot, feature) in features.iter().enumerate() {
        flags = flags.with(feature.flags);
        tools.add(slot, feature, &mut writer)?;
        resources::add_resources(&mut resources, slot, feature, &mut writer)?;
        resources::add_templates(&mut templates, slot, feature, &mut writer)?;
        prompts.add(slot, feature, &mut writer)?;
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        writer.text(&mut slots, feature.name.as_bytes());
        writer.text(&mut slots, prefix.as_bytes());
        slots.push(feature.flags.0);
    }

    flags = flags.with(access::flags(server));
    let server_info = describe::server_info(server);
    let mut words = vec![flags.0];
    writer.text(&mut words, server.name.as_bytes());
    writer.text(&mut words, &server_info);
    writer.text(
        &mut words,
        server.store.as_deref().unwrap_or_default().as_bytes(),
    );
    for shared in [false, true] {
        let capabilities = describe::capabilities(features, &server.extensions, true, shared);
        let discover = describe::discover(server, &server_info, &capabilities);
        writer.text(&mut words, &discover);
    }
    for shared in [false, true] {
        let capabilities = describe::capabilities(features, &[], false, shared);
        let initialize = describe::initialize(server, &server_info, &capabilities);
        writer.text(&mut words, &initialize);
    }
    lists::write_hint(&mut words, server.cache);
    let streams = server.streams.bounded();
    words.extend([streams.poll_ms, streams.keep_alive_ms, streams.longest_ms]);
    let mut pages = Vec::new();
    for entries in [&tools.entries, &resources, &templates, &prompts.entries] {
        lists::write(
            entries,
            &input,
            &server_info,
            &mut writer,
            &mut words,
            &mut pages,
        );
    }

    let access = access::write(server, &mut writer)?;
    let mut texts = |list: &[String]| {
        let mut words = Vec::new();
        list.iter()
            .for_each(|text| writer.text(&mut words, text.as_bytes()));
        words
    };
    let (origins, hosts) = (texts(&server.allowed_origins), texts(&server.allowed_hosts));
    let sorted = [&tools.entries, &resources, &prompts.entries].map(entries::Entries::sorted);
    let [tools_sorted, resources_sorted, prompts_sorted] = sorted;
    let tables = [
        (pages, page::SIZE),
        (tools.entries.records, tool::SIZE),
        (tools_sorted, WORD),
        (tools.rules, rule::SIZE),
        (tools.segments, TEXT),
        (resources.records, resource::SIZE),
        (resources_sorted, WORD),
        (templates.records, resource::SIZE),
        (prompts.entries.records, prompt::SIZE),
        (prompts_sorted, WORD),
        (prompts.arguments, argument::SIZE),
        (slots, slot::SIZE),
        (origins, TEXT),
        (hosts, TEXT),
    ];
    writer.finish(words, &tables, access)
}

#[cfg(test)]
mod tests;
