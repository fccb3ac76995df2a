//! What to compose, from `spin.toml` or the command line.

use std::fmt;

use spin_mcp_protocol::{types::types::CacheHint, waits::StreamLimits};

use crate::{Auth, ComponentSource, Part, Runtime, Wasi};

/// What the server says about itself, and which clients it answers.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    pub name: String,
    pub version: Option<String>,
    pub title: Option<String>,
    pub instructions: Option<String>,
    pub website: Option<String>,
    /// The origins of web pages that may call the server, such as `https://app.example.com`. Loopback
    /// origins always may.
    pub allowed_origins: Vec<String>,
    /// The hosts that a request may name. Empty: all.
    pub allowed_hosts: Vec<String>,
    /// The headers of a request that features may read, in lower case.
    pub headers: Vec<String>,
    /// The extensions that the server supports: their identifiers, and JSON objects.
    pub extensions: Vec<(String, String)>,
    /// The key-value store of a server that keeps state on Spin. None: `default`.
    pub store: Option<String>,
    /// How long clients may cache the lists of features that do not say it. None: five minutes, in
    /// shared caches, too.
    pub cache: Option<CacheHint>,
    /// How often streams look for changes, and how long they stay silent and open.
    pub streams: StreamLimits,
    /// How many entries a page of a list has, at least one. None: 100.
    pub page_size: Option<usize>,
}

/// What to compose.
#[derive(Clone, Debug)]
pub struct Composition {
    pub wasi: Wasi,
    pub runtime: Runtime,
    pub server: ServerConfig,
    /// In the order of the lists that clients see.
    pub features: Vec<Part>,
    /// The first sees a request first.
    pub middleware: Vec<Part>,
    /// Who may call the server. None: anybody who reaches it.
    pub auth: Option<Auth>,
    /// Components that replace parts of the framework.
    pub overrides: Vec<Override>,
    /// Compose a sequence of middleware and features for other servers, not a server.
    pub sequence: bool,
}

/// A part of the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Framework {
    /// Speaks MCP with clients, and hands requests to the middleware.
    Transport,
    /// Has the catalog, and calls features. Comes after the middleware.
    Router,
    /// Answers what features and middleware ask about a request, and sends notifications.
    Context,
}

impl Framework {
    pub const ALL: [Framework; 3] = [Framework::Transport, Framework::Router, Framework::Context];

    pub fn as_str(self) -> &'static str {
        match self {
            Framework::Transport => "transport",
            Framework::Router => "router",
            Framework::Context => "context",
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A component that replaces a part of the framework.
#[derive(Clone, Debug)]
pub struct Override {
    pub part: Framework,
    /// A component, or a core module as `framework/server` builds it, which compose makes a component
    /// of.
    pub component: ComponentSource,
}
