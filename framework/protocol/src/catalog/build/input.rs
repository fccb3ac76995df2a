//! What a catalog is made of.

use crate::{
    catalog::flags::Flags,
    state::waits::StreamLimits,
    wire::types::{
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
    /// The key-value store that instances share. None, or an empty name: there is none.
    pub store: Option<String>,
    /// For discovery, and for lists of features that say nothing themselves.
    pub cache: CacheHint,
    /// What is out of bounds becomes the nearest that is not.
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
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            page_size: 100,
            store: None,
            cache: CacheHint {
                ttl_ms: 300_000,
                scope: CacheScope::Public,
            },
            streams: StreamLimits::default(),
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
