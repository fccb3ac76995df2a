//! The entries of a catalog: tools, resources, resource templates and prompts.

use super::{
    baked::Catalog,
    flags::Flags,
    layout::{TEXT, WORD, argument, header, prompt, resource, rule, tool},
    list_kind::ListKind,
    uri_template,
};
use crate::wire::uri;

/// A tool of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct ToolEntry<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

/// A parameter that clients mirror into a header.
#[derive(Clone, Copy, Debug)]
pub struct HeaderRule<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

/// A resource template of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct TemplateEntry<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

/// A prompt of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct PromptEntry<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

impl<'a> Catalog<'a> {
    /// The record with this name at its start. `sorted` is the order of the table by name.
    fn find(&self, table: usize, size: usize, sorted: usize, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.count(sorted, WORD));
        while low < high {
            let middle = low.midpoint(high);
            let index = self.word(self.record(sorted, WORD, middle)?);
            let at = self.record(table, size, index)?;
            match self.bytes(at).cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(at),
            }
        }
        None
    }

    /// Whether there is an entry of this name.
    pub fn has(&self, kind: ListKind, name: &str) -> bool {
        match kind {
            ListKind::Tools => self.tool(name).is_some(),
            ListKind::Prompts => self.prompt(name).is_some(),
            ListKind::Resources => self.resource(name).is_some(),
            ListKind::ResourceTemplates => self
                .templates()
                .any(|template| template.uri_template() == name),
        }
    }

    /// The tool with this name, as clients know it.
    pub fn tool(&self, name: &str) -> Option<ToolEntry<'a>> {
        let at = self.find(header::TOOLS, tool::SIZE, header::TOOLS_SORTED, name)?;
        Some(ToolEntry { catalog: *self, at })
    }

    /// In the order of the manifest.
    pub fn tools(&self) -> impl ExactSizeIterator<Item = ToolEntry<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::TOOLS, tool::SIZE)
            .map(move |at| ToolEntry { catalog, at })
    }

    /// The index of the feature that lists this resource.
    pub fn resource(&self, uri: &str) -> Option<usize> {
        let (table, sorted) = (header::RESOURCES, header::RESOURCES_SORTED);
        let at = self.find(table, resource::SIZE, sorted, uri)?;
        Some(self.word(at + resource::SLOT))
    }

    /// The resource whose URI equals this one, as its feature lists it, and the index of the
    /// feature.
    pub fn equal_resource(&self, uri: &str) -> Option<(&'a str, usize)> {
        self.equal(header::RESOURCES, uri)
    }

    /// The same for a resource template.
    pub fn equal_template(&self, uri: &str) -> Option<(&'a str, usize)> {
        self.equal(header::TEMPLATES, uri)
    }

    fn equal(&self, table: usize, uri: &str) -> Option<(&'a str, usize)> {
        let normal = uri::normal(uri);
        let mut all = self.records(table, resource::SIZE);
        let at = all.find(|at| uri::normal(self.text(at + resource::URI)) == normal)?;
        let listed = self.text(at + resource::URI);
        Some((listed, self.word(at + resource::SLOT)))
    }

    /// The URIs of all listed resources, in the order of the manifest.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::RESOURCES, resource::SIZE)
            .map(move |at| catalog.text(at + resource::URI))
    }

    /// In the order of the manifest.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = TemplateEntry<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::TEMPLATES, resource::SIZE)
            .map(move |at| TemplateEntry { catalog, at })
    }

    /// The prompt with this name, as clients know it.
    pub fn prompt(&self, name: &str) -> Option<PromptEntry<'a>> {
        let (table, sorted) = (header::PROMPTS, header::PROMPTS_SORTED);
        let at = self.find(table, prompt::SIZE, sorted, name)?;
        Some(PromptEntry { catalog: *self, at })
    }

    /// In the order of the manifest.
    pub fn prompts(&self) -> impl ExactSizeIterator<Item = PromptEntry<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::PROMPTS, prompt::SIZE)
            .map(move |at| PromptEntry { catalog, at })
    }
}

impl<'a> ToolEntry<'a> {
    /// The name that clients know.
    pub fn name(&self) -> &'a str {
        self.catalog.text(self.at + tool::NAME)
    }

    /// The name that the feature knows, without the prefix.
    pub fn feature_name(&self) -> &'a str {
        self.name()
            .get(self.catalog.word(self.at + tool::PREFIX_LENGTH)..)
            .unwrap_or_default()
    }

    /// The index of its feature.
    pub fn slot(&self) -> usize {
        self.catalog.word(self.at + tool::SLOT)
    }

    /// The flags of its feature.
    pub fn flags(&self) -> Flags {
        self.catalog.slot_flags(self.slot())
    }

    /// The parameters that clients mirror into headers.
    pub fn header_rules(&self) -> impl Iterator<Item = HeaderRule<'a>> + use<'a> {
        let catalog = self.catalog;
        let first = catalog.word(self.at + tool::FIRST_RULE);
        let count = catalog.word(self.at + tool::RULES);
        catalog
            .some_records(header::RULES, rule::SIZE, first, count)
            .map(move |at| HeaderRule { catalog, at })
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
            .some_records(header::SEGMENTS, TEXT, first, count)
            .map(move |at| catalog.text(at))
    }
}

impl<'a> TemplateEntry<'a> {
    pub fn uri_template(&self) -> &'a str {
        self.catalog.text(self.at + resource::URI)
    }

    /// Whether a URI matches, by the rules of [`uri_template::matches`].
    pub fn matches(&self, uri: &str) -> bool {
        uri_template::matches(self.uri_template(), uri)
    }

    /// The index of its feature.
    pub fn slot(&self) -> usize {
        self.catalog.word(self.at + resource::SLOT)
    }

    /// The flags of its feature.
    pub fn flags(&self) -> Flags {
        self.catalog.slot_flags(self.slot())
    }
}

impl<'a> PromptEntry<'a> {
    /// The name that clients know.
    pub fn name(&self) -> &'a str {
        self.catalog.text(self.at + prompt::NAME)
    }

    /// The name that the feature knows, without the prefix.
    pub fn feature_name(&self) -> &'a str {
        self.name()
            .get(self.catalog.word(self.at + prompt::PREFIX_LENGTH)..)
            .unwrap_or_default()
    }

    /// The index of its feature.
    pub fn slot(&self) -> usize {
        self.catalog.word(self.at + prompt::SLOT)
    }

    /// The flags of its feature.
    pub fn flags(&self) -> Flags {
        self.catalog.slot_flags(self.slot())
    }

    /// The names of its arguments, and whether each is required.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = (&'a str, bool)> + use<'a> {
        let catalog = self.catalog;
        let first = catalog.word(self.at + prompt::FIRST_ARGUMENT);
        let count = catalog.word(self.at + prompt::ARGUMENTS);
        catalog
            .some_records(header::ARGUMENTS, argument::SIZE, first, count)
            .map(move |at| {
                let required = catalog.word(at + argument::REQUIRED) != 0;
                (catalog.text(at + argument::NAME), required)
            })
    }
}
