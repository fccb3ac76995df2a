//! Baking a catalog: what compose does.

use std::{collections::HashMap, fmt};

use super::{
    Flags, cursor, describe,
    layout::{MAGIC, TEXT, WORD, header, page, rule, slot, tool},
};
use crate::{
    schema::{self, NameError, SchemaError},
    types::{
        prompt_types::Prompt,
        resource_types::ResourceTemplate,
        tool_types::Tool,
        types::{CacheHint, CacheScope, Icon, ResourceInfo},
    },
};

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
    /// The key-value store that instances share. None: there is none.
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
    /// Put before the names of its tools.
    pub prefix: Option<String>,
    pub tools: Vec<Tool>,
    pub resources: Vec<ResourceInfo>,
    pub resource_templates: Vec<ResourceTemplate>,
    pub prompts: Vec<Prompt>,
    /// What the feature said of its lists: the strictest of what it said of any.
    pub cache: Option<CacheHint>,
}

/// Why there is no catalog.
#[derive(Clone, PartialEq, Debug)]
pub enum BuildError {
    /// Two features, or one feature twice, have a tool of one name.
    DuplicateTool {
        tool: String,
        first: String,
        second: String,
    },
    /// A tool's name, with its prefix, is not one.
    ToolName {
        feature: String,
        tool: String,
        problem: NameError,
    },
    /// A tool's input schema cannot be one.
    InputSchema {
        feature: String,
        tool: String,
        problem: SchemaError,
    },
    /// A tool's member of that name is not a JSON object.
    NotAnObject {
        feature: String,
        tool: String,
        member: &'static str,
    },
    /// It would be larger than 4 GiB.
    TooLarge,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::DuplicateTool {
                tool,
                first,
                second,
            } if first == second => {
                write!(
                    f,
                    "feature `{first}` has two tools of the name `{tool}`; rename one"
                )
            }
            BuildError::DuplicateTool {
                tool,
                first,
                second,
            } => {
                write!(
                    f,
                    "features `{first}` and `{second}` both have a tool `{tool}`; give one of them a `prefix`"
                )
            }
            BuildError::ToolName {
                feature,
                tool,
                problem,
            } => {
                write!(
                    f,
                    "feature `{feature}` has a tool `{}` that clients cannot call: {problem}",
                    tool.escape_debug()
                )
            }
            BuildError::InputSchema {
                feature,
                tool,
                problem,
            } => {
                write!(
                    f,
                    "tool `{tool}` of feature `{feature}` has no valid input schema: {problem}"
                )
            }
            BuildError::NotAnObject {
                feature,
                tool,
                member,
            } => {
                write!(
                    f,
                    "tool `{tool}` of feature `{feature}` has {member} that is not one JSON object of at most {} levels",
                    crate::MAX_DEPTH
                )
            }
            BuildError::TooLarge => {
                f.write_str("the tools of this server take more than 4 GiB to describe")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// The catalog of these features. The same input gives the same bytes.
pub fn build(input: &CatalogInput) -> Result<Vec<u8>, BuildError> {
    let server = &input.server;
    let mut writer = Writer::default();
    let mut tools = Tools::default();
    let mut flags = Flags::default();
    let mut slots = Vec::new();
    for (slot, feature) in input.features.iter().enumerate() {
        flags = flags.with(feature.flags);
        tools.add(slot, feature, &mut writer)?;
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        writer.text(&mut slots, feature.name.as_bytes());
        writer.text(&mut slots, prefix.as_bytes());
        slots.push(feature.flags.0);
    }

    let server_info = describe::server_info(server);
    let capabilities = describe::capabilities(flags);
    let list_cache = input
        .features
        .iter()
        .map(|feature| feature.cache.unwrap_or(server.cache))
        .reduce(stricter);

    let pages = tools.pages(server.page_size.max(1));
    let digest = digest(pages.iter().map(|(modern, _)| modern.as_slice()));
    let mut page_records = Vec::new();
    for (index, (modern, legacy)) in pages.iter().enumerate() {
        let next = if index + 1 < pages.len() {
            cursor::write(index + 1, digest)
        } else {
            String::new()
        };
        writer.text(&mut page_records, modern);
        writer.text(&mut page_records, legacy);
        writer.text(&mut page_records, next.as_bytes());
    }

    let mut sorted: Vec<u32> = (0..tools.names.len() as u32).collect();
    sorted.sort_by_key(|&index| &tools.names[index as usize]);
    let mut texts = |list: &[String]| {
        let mut words = Vec::new();
        list.iter()
            .for_each(|text| writer.text(&mut words, text.as_bytes()));
        words
    };
    let (origins, hosts) = (texts(&server.allowed_origins), texts(&server.allowed_hosts));

    let mut words = vec![flags.0, digest as u32, (digest >> 32) as u32];
    writer.text(&mut words, server.name.as_bytes());
    writer.text(&mut words, &server_info);
    writer.text(
        &mut words,
        &describe::discover(server, &server_info, &capabilities),
    );
    writer.text(
        &mut words,
        &describe::initialize(server, &server_info, &capabilities),
    );
    writer.text(
        &mut words,
        &describe::list_end(list_cache.unwrap_or(server.cache), &server_info),
    );
    let tables = [
        (page_records, page::SIZE),
        (tools.records, tool::SIZE),
        (sorted, WORD),
        (slots, slot::SIZE),
        (tools.rules, rule::SIZE),
        (tools.segments, TEXT),
        (origins, TEXT),
        (hosts, TEXT),
    ];
    writer.finish(words, tables)
}

/// The texts of a catalog, which follow its header.
#[derive(Default)]
struct Writer {
    texts: Vec<u8>,
    /// Where each text is.
    offsets: HashMap<Vec<u8>, u32>,
}

impl Writer {
    /// Appends a reference to a text. Equal texts are stored once.
    fn text(&mut self, words: &mut Vec<u32>, text: &[u8]) {
        let offset = match self.offsets.get(text) {
            Some(offset) => *offset,
            None => {
                // One that does not fit is found out at the end, by the length of the whole.
                let offset = (header::SIZE + self.texts.len()) as u32;
                self.texts.extend_from_slice(text);
                self.offsets.insert(text.to_vec(), offset);
                offset
            }
        };
        words.extend([offset, text.len() as u32]);
    }

    /// The whole: `words` are the header without its tables, and without the length that it
    /// begins with; `tables` come with the size of their records in bytes.
    fn finish(
        self,
        mut words: Vec<u32>,
        tables: [(Vec<u32>, usize); 8],
    ) -> Result<Vec<u8>, BuildError> {
        let mut offset = header::SIZE + self.texts.len();
        for (table, size) in &tables {
            words.extend([offset as u32, (table.len() * WORD / size) as u32]);
            offset += table.len() * WORD;
        }
        let length = u32::try_from(offset).map_err(|_| BuildError::TooLarge)?;
        let mut out = Vec::with_capacity(offset);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        out.extend_from_slice(&self.texts);
        out.extend(
            tables
                .iter()
                .flat_map(|(table, _)| table)
                .flat_map(|word| word.to_le_bytes()),
        );
        Ok(out)
    }
}

/// The tools of all features, as they were added.
#[derive(Default)]
struct Tools<'a> {
    names: Vec<String>,
    /// The feature of each name.
    owners: HashMap<String, &'a str>,
    /// JSON, for modern and for legacy clients.
    json: Vec<(Vec<u8>, Vec<u8>)>,
    records: Vec<u32>,
    rules: Vec<u32>,
    segments: Vec<u32>,
}

impl<'a> Tools<'a> {
    fn add(
        &mut self,
        slot: usize,
        feature: &'a FeatureInput,
        writer: &mut Writer,
    ) -> Result<(), BuildError> {
        let prefix = feature.prefix.as_deref().unwrap_or_default();
        for tool in &feature.tools {
            let name = format!("{prefix}{}", tool.name);
            let of = || (feature.name.clone(), name.clone());
            schema::check_tool_name(&name).map_err(|problem| {
                let (feature, tool) = of();
                BuildError::ToolName {
                    feature,
                    tool,
                    problem,
                }
            })?;
            if let Some(first) = self.owners.insert(name.clone(), &feature.name) {
                let (second, tool) = of();
                return Err(BuildError::DuplicateTool {
                    tool,
                    first: first.to_owned(),
                    second,
                });
            }
            let parameters = schema::header_parameters(&tool.input_schema).map_err(|problem| {
                let (feature, tool) = of();
                BuildError::InputSchema {
                    feature,
                    tool,
                    problem,
                }
            })?;
            let json = |legacy| {
                describe::tool_json(tool, &name, legacy).map_err(|member| {
                    let (feature, tool) = of();
                    BuildError::NotAnObject {
                        feature,
                        tool,
                        member,
                    }
                })
            };
            self.json.push((json(false)?, json(true)?));

            writer.text(&mut self.records, name.as_bytes());
            self.records.extend([prefix.len() as u32, slot as u32]);
            self.records
                .extend([(self.rules.len() / 4) as u32, parameters.len() as u32]);
            for parameter in &parameters {
                let header = format!("mcp-param-{}", parameter.header.to_ascii_lowercase());
                writer.text(&mut self.rules, header.as_bytes());
                self.rules.extend([
                    (self.segments.len() / 2) as u32,
                    parameter.path.len() as u32,
                ]);
                parameter
                    .path
                    .iter()
                    .for_each(|segment| writer.text(&mut self.segments, segment.as_bytes()));
            }
            self.names.push(name);
        }
        Ok(())
    }

    /// JSON arrays of so many tools each, for modern and for legacy clients. One at least.
    fn pages(&self, size: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let array = |tools: Vec<&[u8]>| [&b"["[..], &tools.join(&b","[..]), b"]"].concat();
        if self.json.is_empty() {
            return vec![(array(Vec::new()), array(Vec::new()))];
        }
        let page = |tools: &[(Vec<u8>, Vec<u8>)]| {
            (
                array(tools.iter().map(|(modern, _)| modern.as_slice()).collect()),
                array(tools.iter().map(|(_, legacy)| legacy.as_slice()).collect()),
            )
        };
        self.json.chunks(size).map(page).collect()
    }
}

/// What holds for a list of both.
fn stricter(a: CacheHint, b: CacheHint) -> CacheHint {
    let private = matches!(a.scope, CacheScope::Private) || matches!(b.scope, CacheScope::Private);
    CacheHint {
        ttl_ms: a.ttl_ms.min(b.ttl_ms),
        scope: if private {
            CacheScope::Private
        } else {
            CacheScope::Public
        },
    }
}

/// FNV-1a, with something between the parts.
fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.flat_map(|part| part.iter().copied().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
