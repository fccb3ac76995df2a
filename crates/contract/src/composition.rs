//! What to compose, as `spin.toml` or the command line says it.

use std::fmt;

use spin_mcp_protocol::types::types::CacheHint;

use crate::{Component, Part, Runtime, Wasi};

/// What the server says of itself, and whom it answers.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    pub name: String,
    pub version: Option<String>,
    pub title: Option<String>,
    pub instructions: Option<String>,
    pub website: Option<String>,
    /// Origins of browsers beside loopback ones, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Hosts that a request may name. Empty: any.
    pub allowed_hosts: Vec<String>,
    /// The key-value store of a server that keeps state on Spin. None: `default`.
    pub store: Option<String>,
    /// How long lists may be kept whose features do not say it. None: five minutes, by anybody.
    pub cache: Option<CacheHint>,
    /// The entries on a page of a list, one at least. None: 100.
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
    /// What stands in for parts of the framework.
    pub overrides: Vec<Override>,
    /// It is to be a link of other servers' chains instead of a server.
    pub handler: bool,
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

/// A component that stands in for a part of the framework.
#[derive(Clone, Debug)]
pub struct Override {
    pub part: Framework,
    /// A component; or a core module as `framework/server` and `framework/context` build them,
    /// which compose makes a component of.
    pub component: Component,
}
