//! Baking a catalog: what compose does.

mod entries;
mod error;
mod lists;
mod prompts;
mod resources;
mod tools;
mod writer;

use super::{
    Flags, ListKind, describe,
    layout::{TEXT, WORD, argument, page, prompt, resource, rule, slot, tool},
};
use crate::wire::types::{
    prompt_types::Prompt,
    resource_types::ResourceTemplate,
    tool_types::Tool,
    types::{CacheHint, CacheScope, Icon, ResourceInfo},
};

pub use error::BuildError;

/// All that a catalog is made of.
#[derive(Clone, Debug, Default)]
pub struct CatalogInput {
    pub server: ServerInput,
    /// In the order of the manifest.
    pub features: Vec<FeatureInput>,
}

/// How the server presents itself.
#[derive(Clone, Debug)]
pub struct ServerInput {
    pub name: String,
    pub version: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub website: Option<String>,
    pub icons: Vec<Icon>,
    pub instructions: Option<String>,
    /// Origins of browsers that may call, beside loopback ones: exact, such as
    /// `https://example.com`.
    pub allowed_origins: Vec<String>,
    /// Hosts that the server answers for, beside loopback ones, such as `mcp.example.com`
    /// (any port) or `mcp.example.com:8443`. Empty: any.
    pub allowed_hosts: Vec<String>,
    /// Entries on a page of a list; one at least.
    pub page_size: usize,
    /// The key-value store that instances share. None, or an empty name: there is none.
    pub store: Option<String>,
    /// For discovery, and for lists of features that say nothing themselves.
    pub cache: CacheHint,
}

impl Default for ServerInput {
    fn default() -> Self {
        ServerInput {
            name: String::new(),
            version: String::new(),
            title: None,
            description: None,
            website: None,
            icons: Vec::new(),
            instructions: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            page_size: 100,
            store: None,
            cache: CacheHint {
                ttl_ms: 300_000,
                scope: CacheScope::Public,
            },
        }
    }
}

/// What was read from one feature.
#[derive(Clone, Debug, Default)]
pub struct FeatureInput {
    /// The name of the component, for messages.
    pub name: String,
    pub flags: Flags,
    /// Put before the names of its tools and prompts.
    pub prefix: Option<String>,
    pub tools: Vec<Tool>,
    pub resources: Vec<ResourceInfo>,
    pub resource_templates: Vec<ResourceTemplate>,
    pub prompts: Vec<Prompt>,
    /// What the feature said of its lists: the strictest of what it said of any.
    pub cache: Option<CacheHint>,
}

/// The catalog of these features. The same input gives the same bytes.
pub fn build(input: &CatalogInput) -> Result<Vec<u8>, BuildError> {
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

    let server_info = describe::server_info(server);
    let mut words = vec![flags.0];
    writer.text(&mut words, server.name.as_bytes());
    writer.text(&mut words, &server_info);
    writer.text(
        &mut words,
        server.store.as_deref().unwrap_or_default().as_bytes(),
    );
    for shared in [false, true] {
        let capabilities = describe::capabilities(features, true, shared);
        let discover = describe::discover(server, &server_info, &capabilities);
        writer.text(&mut words, &discover);
    }
    for shared in [false, true] {
        let capabilities = describe::capabilities(features, false, shared);
        let initialize = describe::initialize(server, &server_info, &capabilities);
        writer.text(&mut words, &initialize);
    }
    lists::write_hint(&mut words, server.cache);
    let mut pages = Vec::new();
    for entries in [&tools.entries, &resources, &templates, &prompts.entries] {
        lists::write(
            entries,
            input,
            &server_info,
            &mut writer,
            &mut words,
            &mut pages,
        );
    }

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
    writer.finish(words, &tables)
}

#[cfg(test)]
mod tests;
