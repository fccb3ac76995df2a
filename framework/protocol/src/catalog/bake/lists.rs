//! The pages of lists, and their cache hints.

use super::{
    entries::Entries,
    input::{CatalogInput, FeatureInput, entries_on_a_page},
    writer::Writer,
};
use crate::{
    catalog::{baked::stricter, cursor, describe, flags::Flags, layout::page, list_kind::ListKind},
    wire::types::types::{CacheHint, CacheScope},
};

/// Adds the record of a list to the header, and its pages to the table of pages.
pub fn write(
    entries: &Entries<'_>,
    input: &CatalogInput,
    server_info: &[u8],
    writer: &mut Writer,
    header: &mut Vec<u32>,
    records: &mut Vec<u32>,
) {
    let server = &input.server;
    let hints = input
        .features
        .iter()
        .filter(|feature| contributes(feature, entries.kind))
        .map(|feature| feature.cache.unwrap_or(server.cache));
    let mut cache = hints.reduce(stricter).unwrap_or(server.cache);
    // Such a list may depend on who asks. All of its pages say so.
    let dynamic = Flags::DYNAMIC.with(entries.kind.flag());
    if server.access.is_some()
        || (input.features.iter()).any(|feature| feature.flags.contains(dynamic))
    {
        cache.scope = CacheScope::Private;
    }
    let size = server
        .page_size
        .unwrap_or_else(|| entries_on_a_page(entries.kind));
    let pages = pages(&entries.json, size.max(1));
    let parts = pages.iter().map(|(modern, _)| modern.as_slice());
    let digest = digest([entries.kind.member().as_bytes()].into_iter().chain(parts));

    header.extend([digest as u32, (digest >> 32) as u32]);
    write_hint(header, cache);
    writer.text(header, &describe::list_end(cache, server_info));
    header.extend([
        (records.len() * size_of::<u32>() / page::SIZE) as u32,
        pages.len() as u32,
    ]);
    for (index, (modern, legacy)) in pages.iter().enumerate() {
        let next = if index + 1 < pages.len() {
            cursor::write(index + 1, digest)
        } else {
            String::new()
        };
        writer.text(records, modern);
        writer.text(records, legacy);
        writer.text(records, next.as_bytes());
    }
}

/// Whether a feature has entries in a list, or may have entries at run time.
fn contributes(feature: &FeatureInput, kind: ListKind) -> bool {
    let listed = match kind {
        ListKind::Tools => !feature.tools.is_empty(),
        ListKind::Resources => !feature.resources.is_empty(),
        ListKind::ResourceTemplates => !feature.resource_templates.is_empty(),
        ListKind::Prompts => !feature.prompts.is_empty(),
    };
    listed || feature.flags.contains(Flags::DYNAMIC.with(kind.flag()))
}

pub fn write_hint(words: &mut Vec<u32>, hint: CacheHint) {
    words.extend([hint.ttl_ms as u32, (hint.ttl_ms >> 32) as u32]);
    words.push(matches!(hint.scope, CacheScope::Private).into());
}

/// Splits a list into pages of `size` entries, as JSON arrays for modern and for legacy clients.
/// There is at least one page.
fn pages(entries: &[(Vec<u8>, Vec<u8>)], size: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let array = |entries: Vec<&[u8]>| [&b"["[..], &entries.join(&b","[..]), b"]"].concat();
    if entries.is_empty() {
        return vec![(array(Vec::new()), array(Vec::new()))];
    }
    let page = |entries: &[(Vec<u8>, Vec<u8>)]| {
        (
            array(
                entries
                    .iter()
                    .map(|(modern, _)| modern.as_slice())
                    .collect(),
            ),
            array(
                entries
                    .iter()
                    .map(|(_, legacy)| legacy.as_slice())
                    .collect(),
            ),
        )
    };
    entries.chunks(size).map(page).collect()
}

/// FNV-1a, with a separator between the parts.
fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.flat_map(|part| part.iter().copied().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
