//! The input for baking a catalog.

use crate::{
    catalog::{access::Access, flags::Flags, list_kind::ListKind},
    state::waits::StreamLimits,
    wire::types::{
        prompt_types::Prompt,
        resource_types::ResourceTemplate,
        tool_types::Tool,
        types::{CacheHint, CacheScope, Icon, ResourceInfo},
    },
};

/// The input for baking a catalog.
#[derive(Clone, Debug, Default)]
pub struct CatalogInput {
    pub server: ServerInput,
    /// In the order of the manifest.
    pub features: Vec<FeatureInput>,
}

/// The description of the server.
#[derive(Clone, Debug)]
pub struct ServerInput {
    pub name: String,
    pub version: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub website: Option<String>,
    pub icons: Vec<Icon>,
    pub instructions: Option<String>,
    /// The extensions that the server supports: their identifiers, and JSON objects.
    pub extensions: Vec<(String, String)>,
    /// The origins of browsers that may call, besides loopback ones: exact, such as
    /// `https://example.com`.
    pub allowed_origins: Vec<String>,
    /// The hosts that the server accepts, besides loopback ones: `mcp.example.com` for any port,
    /// or `mcp.example.com:8443`. Empty: it accepts all.
    pub allowed_hosts: Vec<String>,
    /// Who may send requests. None: the server has no authorization.
    pub access: Option<Access>,
    /// The headers of a request that features may read, in lower case.
    pub request_headers: Vec<String>,
    /// The entries on a page of a list; at least one. None: as [`entries_on_a_page`] says.
    pub page_size: Option<usize>,
    /// The key-value store that instances share. None, or an empty name: there is none.
    pub store: Option<String>,
    /// The cache hint for discovery, and for lists of features that give none.
    pub cache: CacheHint,
    /// The limits of streams. Values out of bounds become the nearest allowed ones.
    pub streams: StreamLimits,
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
            extensions: Vec::new(),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            access: None,
            request_headers: Vec::new(),
            page_size: None,
            store: None,
            cache: CacheHint {
                ttl_ms: 300_000,
                scope: CacheScope::Public,
            },
            streams: StreamLimits::default(),
        }
    }
}

/// How many entries a page of a list has unless the author says so. Many clients read one page of
/// tools and no more.
pub fn entries_on_a_page(kind: ListKind) -> usize {
    match kind {
        ListKind::Tools => 1_000,
        _ => 100,
    }
}

/// The lists and properties of one feature.
#[derive(Clone, Debug, Default)]
pub struct FeatureInput {
    /// The name of the component, for messages.
    pub name: String,
    pub flags: Flags,
    /// The prefix for the names of its tools and prompts.
    pub prefix: Option<String>,
    pub tools: Vec<Tool>,
    pub resources: Vec<ResourceInfo>,
    pub resource_templates: Vec<ResourceTemplate>,
    pub prompts: Vec<Prompt>,
    /// The strictest cache hint that the feature gave for a list.
    pub cache: Option<CacheHint>,
}
