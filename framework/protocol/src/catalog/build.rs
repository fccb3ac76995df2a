//! Baking a catalog: what compose does.

use std::{collections::HashMap, fmt};

use super::{
    Flags, cursor,
    layout::{MAGIC, TEXT, WORD, header, page, rule, slot, tool},
};
use crate::{
    content,
    failure::supported_versions,
    json::{self, Kind, Object, Value},
    message::SERVER_INFO,
    schema::{self, NameError, SchemaError},
    types::{
        tool_types::Tool,
        types::{CacheHint, CacheScope, Icon},
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
    /// What the feature said of its list.
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

    let server_info = server_info(server);
    let capabilities = if flags.contains(Flags::LOG) {
        &br#"{"logging":{},"tools":{}}"#[..]
    } else {
        br#"{"tools":{}}"#
    };
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
    writer.text(&mut words, &discover(server, &server_info, capabilities));
    writer.text(&mut words, &initialize(server, &server_info, capabilities));
    writer.text(
        &mut words,
        &list_end(list_cache.unwrap_or(server.cache), &server_info),
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
                tool_json(tool, &name, legacy).map_err(|member| {
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

/// A tool as clients see it; the member that is not a JSON object if there is one.
fn tool_json(tool: &Tool, name: &str, legacy: bool) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("name", name);
    object.optional("title", tool.title.as_deref());
    object.optional("description", tool.description.as_deref());
    let input = value(&tool.input_schema).ok_or("an input schema")?;
    input_schema(object.key("inputSchema"), input, legacy);
    if let Some(schema) = &tool.output_schema {
        let schema = value(schema).ok_or("an output schema")?;
        // Before 2026-07-28 structured content was always an object.
        if !legacy
            || schema
                .member("type")
                .is_some_and(|kind| kind.is_str("object"))
        {
            compact(object.key("outputSchema"), schema);
        }
    }
    if let Some(annotations) = &tool.annotations {
        let mut written = Object::begin(object.key("annotations"));
        written.optional("title", annotations.title.as_deref());
        let hints = [
            ("readOnlyHint", annotations.read_only),
            ("destructiveHint", annotations.destructive),
            ("idempotentHint", annotations.idempotent),
            ("openWorldHint", annotations.open_world),
        ];
        for (name, hint) in hints {
            if let Some(hint) = hint {
                written.bool(name, hint);
            }
        }
        written.end();
    }
    content::icons(&mut object, &tool.icons);
    if let Some(meta) = &tool.meta {
        compact(object.key("_meta"), value(meta).ok_or("metadata")?);
    }
    object.end();
    Ok(out)
}

fn value(text: &str) -> Option<Value<'_>> {
    Value::parse(text).ok().filter(Value::is_object)
}

fn compact(out: &mut Vec<u8>, value: Value<'_>) {
    json::compact(out, value.text).expect("a value that was read is well-formed");
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

/// https://modelcontextprotocol.io/specification/2026-07-28/schema#implementation
fn server_info(server: &ServerInput) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("name", &server.name);
    object.optional("title", server.title.as_deref());
    object.string("version", &server.version);
    object.optional("description", server.description.as_deref());
    object.optional("websiteUrl", server.website.as_deref());
    content::icons(&mut object, &server.icons);
    object.end();
    out
}

fn cache_hint(object: &mut Object<'_>, hint: CacheHint) {
    object.json("ttlMs", hint.ttl_ms.to_string().as_bytes());
    object.string(
        "cacheScope",
        match hint.scope {
            CacheScope::Private => "private",
            CacheScope::Public => "public",
        },
    );
}

fn meta(object: &mut Object<'_>, server_info: &[u8]) {
    let mut meta = Object::begin(object.key("_meta"));
    meta.json(SERVER_INFO, server_info);
    meta.end();
}

/// https://modelcontextprotocol.io/specification/2026-07-28/server/discover#response
fn discover(server: &ServerInput, server_info: &[u8], capabilities: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("resultType", "complete");
    object.json("supportedVersions", &supported_versions());
    object.json("capabilities", capabilities);
    object.optional("instructions", server.instructions.as_deref());
    cache_hint(&mut object, server.cache);
    meta(&mut object, server_info);
    object.end();
    out
}

/// What follows `protocolVersion`, up to the end of the object
/// (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization).
fn initialize(server: &ServerInput, server_info: &[u8], capabilities: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::resume(&mut out);
    object.json("capabilities", capabilities);
    object.json("serverInfo", server_info);
    object.optional("instructions", server.instructions.as_deref());
    object.end();
    out
}

/// What follows the list and its cursor, up to the end of the object.
fn list_end(cache: CacheHint, server_info: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::resume(&mut out);
    cache_hint(&mut object, cache);
    meta(&mut object, server_info);
    object.end();
    out
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
mod tests {
    use super::*;
    use crate::{Catalog, testing, types::tool_types::ToolAnnotations};

    fn json(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    fn one_feature(tools: Vec<Tool>) -> CatalogInput {
        let feature = FeatureInput {
            name: "one".to_owned(),
            tools,
            ..FeatureInput::default()
        };
        CatalogInput {
            server: ServerInput::default(),
            features: vec![feature],
        }
    }

    fn problem(input: &CatalogInput) -> String {
        build(input).unwrap_err().to_string()
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(testing::catalog(), testing::catalog());
    }

    #[test]
    fn a_server_without_tools_has_one_empty_page() {
        let bytes = build(&CatalogInput::default()).unwrap();
        let pages: Vec<_> = Catalog::new(&bytes).unwrap().pages().collect();
        assert_eq!(pages.len(), 1);
        assert_eq!(
            (pages[0].modern, pages[0].legacy, pages[0].next),
            (&b"[]"[..], &b"[]"[..], None)
        );
    }

    #[test]
    fn pages_hold_all_tools_in_order() {
        for (size, expected) in [(0, 4), (1, 4), (3, 2), (4, 1), (100, 1)] {
            let bytes = testing::catalog_with_pages_of(size);
            let catalog = Catalog::new(&bytes).unwrap();
            assert_eq!(catalog.pages().len(), expected, "{size}");
            let mut names = Vec::new();
            let mut page = catalog.page(None);
            while let Some(current) = page {
                names.extend(
                    json(current.modern)
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|tool| tool["name"].clone()),
                );
                page = current
                    .next
                    .map(|cursor| catalog.page(Some(cursor)).unwrap());
            }
            assert_eq!(names, ["zeta", "alpha", "two.query", "two.plain"], "{size}");
        }
    }

    #[test]
    fn tools_are_written_whole() {
        let icon = Icon {
            src: "data:,".to_owned(),
            mime_type: Some("image/png".to_owned()),
            sizes: Vec::new(),
            theme: None,
        };
        let tool = Tool {
            name: "t".to_owned(),
            title: Some("T".to_owned()),
            description: Some("says \"hi\"".to_owned()),
            input_schema: "{ \"type\": \"object\",\n \"properties\": {\"a\": true, \"b\": false, \"c\": {\"items\": true}} }".to_owned(),
            output_schema: Some("{\"type\":\"array\"}".to_owned()),
            annotations: Some(ToolAnnotations {
                title: Some("A".to_owned()),
                read_only: Some(true),
                destructive: Some(false),
                idempotent: None,
                open_world: Some(true),
            }),
            icons: vec![icon],
            meta: Some("{\"k\": 1}".to_owned()),
        };
        let bytes = build(&one_feature(vec![tool])).unwrap();
        let page = Catalog::new(&bytes).unwrap().page(None).unwrap();
        assert!(!page.modern.contains(&b'\n'));
        let mut expected = serde_json::json!([{
            "name": "t",
            "title": "T",
            "description": "says \"hi\"",
            "inputSchema": {"type": "object", "properties": {"a": true, "b": false, "c": {"items": true}}},
            "outputSchema": {"type": "array"},
            "annotations": {"title": "A", "readOnlyHint": true, "destructiveHint": false, "openWorldHint": true},
            "icons": [{"src": "data:,", "mimeType": "image/png"}],
            "_meta": {"k": 1},
        }]);
        assert_eq!(json(page.modern), expected);
        let tool = expected[0].as_object_mut().unwrap();
        tool.remove("outputSchema");
        tool["inputSchema"]["properties"] =
            serde_json::json!({"a": {}, "b": {"not": {}}, "c": {"items": true}});
        assert_eq!(json(page.legacy), expected);
    }

    #[test]
    fn legacy_clients_see_output_schemas_of_objects() {
        let mut tool = testing::tool("t", r#"{"type":"object"}"#);
        tool.output_schema = Some(r#"{"type":"object","properties":{}}"#.to_owned());
        let bytes = build(&one_feature(vec![tool])).unwrap();
        let page = Catalog::new(&bytes).unwrap().page(None).unwrap();
        assert_eq!(page.modern, page.legacy);
    }

    #[test]
    fn the_strictest_cache_hint_holds_for_the_list() {
        let hint = |ttl_ms, scope| CacheHint { ttl_ms, scope };
        let (private, public) = (CacheScope::Private, CacheScope::Public);
        for (features, ttl, scope) in [
            (vec![], 300_000, "public"),
            (vec![None], 300_000, "public"),
            (vec![Some(hint(7, public))], 7, "public"),
            (vec![Some(hint(900_000, public))], 900_000, "public"),
            (vec![Some(hint(900_000, private)), None], 300_000, "private"),
            (
                vec![Some(hint(7, public)), Some(hint(0, private))],
                0,
                "private",
            ),
        ] {
            let features = features.into_iter().map(|cache| FeatureInput {
                cache,
                ..FeatureInput::default()
            });
            let input = CatalogInput {
                features: features.collect(),
                ..CatalogInput::default()
            };
            let bytes = build(&input).unwrap();
            let catalog = Catalog::new(&bytes).unwrap();
            let end = json(&[b"{\"a\":1", catalog.list_end()].concat());
            assert_eq!(
                (&end["ttlMs"], &end["cacheScope"]),
                (&ttl.into(), &scope.into())
            );
            assert_eq!(json(catalog.discover())["ttlMs"], 300_000);
        }
    }

    #[test]
    fn the_server_presents_itself() {
        let server = ServerInput {
            name: "s".to_owned(),
            version: "1".to_owned(),
            title: Some("S".to_owned()),
            description: Some("d".to_owned()),
            website: Some("https://example.com".to_owned()),
            ..ServerInput::default()
        };
        let bytes = build(&CatalogInput {
            server,
            features: Vec::new(),
        })
        .unwrap();
        let catalog = Catalog::new(&bytes).unwrap();
        let info = serde_json::json!({
            "name": "s", "title": "S", "version": "1", "description": "d", "websiteUrl": "https://example.com"
        });
        assert_eq!(json(catalog.server_info()), info);
        let discovered = json(catalog.discover());
        assert_eq!(discovered["_meta"][SERVER_INFO], info);
        assert_eq!(
            (discovered.get("instructions"), &discovered["capabilities"]),
            (None, &serde_json::json!({"tools": {}}))
        );
        let initialized = json(&[b"{\"a\":1", catalog.initialize()].concat());
        assert_eq!(
            initialized,
            serde_json::json!({"a": 1, "capabilities": {"tools": {}}, "serverInfo": info})
        );
    }

    #[test]
    fn duplicates_name_both_features_and_the_remedy() {
        let mut input = testing::input();
        input.features[0]
            .tools
            .push(testing::tool("two.plain", r#"{"type":"object"}"#));
        assert_eq!(
            problem(&input),
            "features `one` and `two` both have a tool `two.plain`; give one of them a `prefix`"
        );
        let tool = testing::tool("t", r#"{"type":"object"}"#);
        assert_eq!(
            problem(&one_feature(vec![tool.clone(), tool])),
            "feature `one` has two tools of the name `t`; rename one"
        );
    }

    #[test]
    fn tools_that_clients_cannot_use_are_refused() {
        let plain = r#"{"type":"object"}"#;
        assert_eq!(
            problem(&one_feature(vec![testing::tool("a b", plain)])),
            "feature `one` has a tool `a b` that clients cannot call: the name contains ` `; it may contain `A-Z a-z 0-9 _ - .`"
        );
        let mut input = testing::input();
        input.features[1].prefix = Some("no/".to_owned());
        assert!(
            problem(&input)
                .starts_with("feature `two` has a tool `no/query` that clients cannot call")
        );
        assert_eq!(
            problem(&one_feature(vec![testing::tool("t", "{}")])),
            "tool `t` of feature `one` has no valid input schema: the `type` of the input schema is not `object`; \
             add `\"type\": \"object\"` at its top"
        );
        for (member, change) in [
            (
                "an output schema",
                (|tool| tool.output_schema = Some("[]".to_owned())) as fn(&mut Tool),
            ),
            ("metadata", |tool| tool.meta = Some("{".to_owned())),
            ("an input schema", |tool| {
                tool.input_schema = format!(
                    r#"{{"type":"object","a":{}{}}}"#,
                    "[".repeat(70),
                    "]".repeat(70)
                );
            }),
        ] {
            let mut tool = testing::tool("t", plain);
            change(&mut tool);
            assert_eq!(
                problem(&one_feature(vec![tool])),
                format!(
                    "tool `t` of feature `one` has {member} that is not one JSON object of at most 64 levels"
                )
            );
        }
    }
}
