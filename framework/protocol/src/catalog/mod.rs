//! The baked catalog: what a server offers, in a form that an instance uses without parsing.
//!
//! Compose bakes it ([`build`]); instances read it ([`Catalog`]). List answers are ready JSON,
//! and a tool is found by binary search.

mod build;
mod cursor;
mod describe;
mod layout;

use layout::{MAGIC, TEXT, WORD, header, page, rule, slot, tool};

pub use build::{BuildError, CatalogInput, FeatureInput, ServerInput, build};

/// What is known of a feature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u32);

impl Flags {
    /// Its functions are the asynchronous ones, such as those of `tools-async`.
    pub const ASYNC: Flags = Flags(1);
    /// Imports `progress` of `request`.
    pub const PROGRESS: Flags = Flags(2);
    /// Imports `log` of `request`.
    pub const LOG: Flags = Flags(4);
    /// Imports anything of `request`.
    pub const USES_REQUEST: Flags = Flags(8);
    /// Exports `prompts`.
    pub const PROMPTS: Flags = Flags(16);
    /// Exports `resources`.
    pub const RESOURCES: Flags = Flags(32);
    /// Exports `tools`.
    pub const TOOLS: Flags = Flags(64);
    /// Exports `completions`.
    pub const COMPLETIONS: Flags = Flags(128);
    /// Imports `input-responses` or `request-state` of `request`: it may ask the client.
    pub const INPUT: Flags = Flags(256);
    /// Imports `resource-updated` of `request`.
    pub const RESOURCE_UPDATED: Flags = Flags(512);
    /// Imports `list-changed` of `request`.
    pub const LIST_CHANGED: Flags = Flags(1024);
    /// Its lists depend on the request, so they are not in the catalog.
    pub const DYNAMIC: Flags = Flags(2048);
    /// Has a tool that may answer with a task.
    pub const TASKS: Flags = Flags(4096);

    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// A catalog as compose baked it.
///
/// Reading one costs a few loads. Bytes that were damaged after their first words give empty
/// answers, never a panic.
#[derive(Clone, Copy, Debug)]
pub struct Catalog<'a> {
    bytes: &'a [u8],
}

/// A page of the list of tools.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page<'a> {
    /// JSON arrays, for modern and for legacy clients.
    pub modern: &'a [u8],
    pub legacy: &'a [u8],
    /// The cursor of the page after it.
    pub next: Option<&'a str>,
}

/// A tool of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

/// A feature of a catalog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot<'a> {
    /// The name of the component.
    pub name: &'a str,
    /// What its tools have before their names; may be empty.
    pub prefix: &'a str,
    pub flags: Flags,
}

/// A parameter that clients mirror into a header.
#[derive(Clone, Copy, Debug)]
pub struct HeaderRule<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

impl<'a> Catalog<'a> {
    /// None: these bytes are not a whole catalog of this version.
    pub fn new(bytes: &'a [u8]) -> Option<Catalog<'a>> {
        let catalog = Catalog { bytes };
        let whole = bytes.starts_with(MAGIC)
            && bytes.len() >= header::SIZE
            && catalog.word(header::LENGTH) == bytes.len();
        whole.then_some(catalog)
    }

    fn word(&self, at: usize) -> usize {
        let word = self
            .bytes
            .get(at..)
            .and_then(|bytes| bytes.first_chunk::<WORD>());
        word.map_or(0, |word| u32::from_le_bytes(*word) as usize)
    }

    fn bytes(&self, at: usize) -> &'a [u8] {
        let (start, length) = (self.word(at), self.word(at + WORD));
        self.bytes
            .get(start..)
            .and_then(|bytes| bytes.get(..length))
            .unwrap_or_default()
    }

    fn text(&self, at: usize) -> &'a str {
        str::from_utf8(self.bytes(at)).unwrap_or_default()
    }

    /// The offsets of the records of a table.
    fn records(self, table: usize, size: usize) -> impl ExactSizeIterator<Item = usize> + use<'a> {
        let start = self.word(table);
        // A damaged count must not make anybody count to it.
        let count = self.word(table + WORD).min(self.bytes.len() / size);
        (0..count).map(move |index| start.saturating_add(index * size))
    }

    fn record(&self, table: usize, size: usize, index: usize) -> Option<usize> {
        self.records(table, size).nth(index)
    }

    /// The name of the server.
    pub fn name(&self) -> &'a str {
        self.text(header::NAME)
    }

    /// JSON: how the server presents itself, an `Implementation` object.
    pub fn server_info(&self) -> &'a [u8] {
        self.bytes(header::SERVER_INFO)
    }

    /// What is known of all features together.
    pub fn flags(&self) -> Flags {
        Flags(self.word(header::FLAGS) as u32)
    }

    fn digest(&self) -> u64 {
        (self.word(header::DIGEST) as u64) | (self.word(header::DIGEST + WORD) as u64) << 32
    }

    /// JSON: the result of `server/discover`.
    pub(crate) fn discover(&self) -> &'a [u8] {
        self.bytes(header::DISCOVER)
    }

    /// JSON: what follows `protocolVersion` in the result of `initialize`.
    pub(crate) fn initialize(&self) -> &'a [u8] {
        self.bytes(header::INITIALIZE)
    }

    /// JSON: what follows the list and its cursor in a modern result.
    pub(crate) fn list_end(&self) -> &'a [u8] {
        self.bytes(header::LIST_END)
    }

    /// The pages of the list of tools. There is always one.
    pub fn pages(&self) -> impl ExactSizeIterator<Item = Page<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::PAGES, page::SIZE)
            .map(move |at| catalog.page_at(at))
    }

    fn page_at(&self, at: usize) -> Page<'a> {
        let next = self.text(at + page::NEXT);
        Page {
            modern: self.bytes(at + page::MODERN),
            legacy: self.bytes(at + page::LEGACY),
            next: (!next.is_empty()).then_some(next),
        }
    }

    /// The page that a cursor of this catalog names; the first without one.
    pub(crate) fn page(&self, cursor: Option<&str>) -> Option<Page<'a>> {
        let index = match cursor {
            None => 0,
            Some(cursor) => cursor::read(cursor, self.digest())?,
        };
        self.record(header::PAGES, page::SIZE, index)
            .map(|at| self.page_at(at))
    }

    /// The tool that clients know by this name.
    pub fn tool(&self, name: &str) -> Option<Tool<'a>> {
        let (mut low, mut high) = (0, self.records(header::SORTED, WORD).len());
        while low < high {
            let middle = low.midpoint(high);
            let index = self.word(self.record(header::SORTED, WORD, middle)?);
            let at = self.record(header::TOOLS, tool::SIZE, index)?;
            match self.bytes(at + tool::NAME).cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(Tool { catalog: *self, at }),
            }
        }
        None
    }

    /// In the order of the manifest.
    pub fn tools(&self) -> impl ExactSizeIterator<Item = Tool<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::TOOLS, tool::SIZE)
            .map(move |at| Tool { catalog, at })
    }

    /// The features in the order of the manifest: `Tool::slot` is an index into it.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::SLOTS, slot::SIZE)
            .map(move |at| Slot {
                name: catalog.text(at + slot::NAME),
                prefix: catalog.text(at + slot::PREFIX),
                flags: Flags(catalog.word(at + slot::FLAGS) as u32),
            })
    }

    /// Origins that may call although they are not loopback ones.
    pub fn allowed_origins(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::ORIGINS, TEXT)
            .map(move |at| catalog.text(at))
    }

    /// Hosts that the server answers for, beside loopback ones. None: any.
    pub fn allowed_hosts(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::HOSTS, TEXT)
            .map(move |at| catalog.text(at))
    }
}

impl<'a> Tool<'a> {
    /// The name that clients know.
    pub fn name(&self) -> &'a str {
        self.catalog.text(self.at + tool::NAME)
    }

    /// The name that the feature knows: without the prefix.
    pub fn feature_name(&self) -> &'a str {
        self.name()
            .get(self.catalog.word(self.at + tool::PREFIX_LENGTH)..)
            .unwrap_or_default()
    }

    /// The index of its feature.
    pub fn slot(&self) -> usize {
        self.catalog.word(self.at + tool::SLOT)
    }

    /// What is known of its feature.
    pub fn flags(&self) -> Flags {
        let slot = self.catalog.record(header::SLOTS, slot::SIZE, self.slot());
        Flags(slot.map_or(0, |at| self.catalog.word(at + slot::FLAGS) as u32))
    }

    /// The parameters that clients mirror into headers.
    pub fn header_rules(&self) -> impl Iterator<Item = HeaderRule<'a>> + use<'a> {
        let catalog = self.catalog;
        let first = catalog.word(self.at + tool::FIRST_RULE);
        let count = catalog.word(self.at + tool::RULES);
        catalog
            .records(header::RULES, rule::SIZE)
            .skip(first)
            .take(count)
            .map(move |at| HeaderRule { catalog, at })
    }

    pub(crate) fn server_info(&self) -> &'a [u8] {
        self.catalog.server_info()
    }
}

impl<'a> HeaderRule<'a> {
    /// In lower case, such as `mcp-param-region`.
    pub fn header(&self) -> &'a str {
        self.catalog.text(self.at + rule::HEADER)
    }

    /// The names of the properties that lead to the value in the arguments.
    pub fn path(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let catalog = self.catalog;
        let first = catalog.word(self.at + rule::FIRST_SEGMENT);
        let count = catalog.word(self.at + rule::SEGMENTS);
        catalog
            .records(header::SEGMENTS, TEXT)
            .skip(first)
            .take(count)
            .map(move |at| catalog.text(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_catalog_holds_what_was_put_in() {
        let bytes = testing::catalog();
        let catalog = Catalog::new(&bytes).unwrap();
        assert_eq!(catalog.name(), "test");
        let names: Vec<_> = catalog
            .tools()
            .map(|tool| (tool.name(), tool.feature_name(), tool.slot()))
            .collect();
        assert_eq!(
            names,
            [
                ("zeta", "zeta", 0),
                ("alpha", "alpha", 0),
                ("two.query", "query", 1),
                ("two.plain", "plain", 1)
            ]
        );
        let slots: Vec<_> = catalog
            .slots()
            .map(|slot| (slot.name, slot.prefix))
            .collect();
        assert_eq!(slots, [("one", ""), ("two", "two.")]);
        assert!(
            catalog
                .tools()
                .next()
                .unwrap()
                .flags()
                .contains(Flags::LOG.with(Flags::PROGRESS))
        );
        assert!(!catalog.tools().nth(2).unwrap().flags().contains(Flags::LOG));
        assert!(
            catalog
                .tools()
                .nth(2)
                .unwrap()
                .flags()
                .contains(Flags::ASYNC)
        );
        assert_eq!(
            catalog.allowed_origins().collect::<Vec<_>>(),
            ["https://app.example.com"]
        );
        assert_eq!(catalog.allowed_hosts().count(), 0);
    }

    #[test]
    fn tools_are_found_by_their_exact_name() {
        let bytes = testing::catalog();
        let catalog = Catalog::new(&bytes).unwrap();
        for tool in catalog.tools() {
            assert_eq!(catalog.tool(tool.name()).unwrap().name(), tool.name());
        }
        for name in ["", "a", "query", "Alpha", "alpha ", "zzz"] {
            assert!(catalog.tool(name).is_none(), "{name}");
        }
    }

    #[test]
    fn header_rules_belong_to_their_tool() {
        let bytes = testing::catalog();
        let catalog = Catalog::new(&bytes).unwrap();
        let rules = |name| {
            let tool = catalog.tool(name).unwrap();
            let rules = tool
                .header_rules()
                .map(|rule| (rule.header(), rule.path().collect::<Vec<_>>().join("/")));
            rules.collect::<Vec<_>>()
        };
        assert_eq!(rules("zeta"), []);
        assert_eq!(
            rules("two.query"),
            [
                ("mcp-param-count", "deep/count".to_owned()),
                ("mcp-param-flag", "flag".to_owned()),
                ("mcp-param-region", "region".to_owned()),
            ]
        );
        assert_eq!(rules("two.plain"), []);
    }

    #[test]
    fn other_bytes_are_not_a_catalog() {
        let bytes = testing::catalog();
        assert!(Catalog::new(&[]).is_none());
        assert!(Catalog::new(MAGIC).is_none());
        assert!(Catalog::new(&bytes[..bytes.len() - 1]).is_none());
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(Catalog::new(&other).is_none());
    }

    #[test]
    fn damage_is_no_panic() {
        let bytes = testing::catalog();
        for at in header::FLAGS..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xFF;
            let Some(catalog) = Catalog::new(&damaged) else {
                continue;
            };
            for tool in catalog.tools().take(10) {
                let _ = (
                    tool.feature_name(),
                    tool.flags(),
                    tool.header_rules()
                        .map(|rule| rule.path().count())
                        .sum::<usize>(),
                );
            }
            let _ = (
                catalog.tool("two.query"),
                catalog.pages().count(),
                catalog.slots().count(),
            );
        }
    }
}
