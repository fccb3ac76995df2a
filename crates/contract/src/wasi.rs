//! The WASI version and the host that a server is composed for.

use serde::Deserialize;

use crate::Kind;

/// The WASI version that a server is composed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
pub enum Wasi {
    /// Runs on every host; one instance for each request.
    #[default]
    #[value(name = "0.2")]
    #[serde(rename = "0.2")]
    P2,
    /// Runs on Spin 4.1 and Wasmtime 48 or later; instances serve many requests.
    #[value(name = "0.3")]
    #[serde(rename = "0.3")]
    P3,
}

impl Wasi {
    pub fn as_str(self) -> &'static str {
        match self {
            Wasi::P2 => "0.2",
            Wasi::P3 => "0.3",
        }
    }

    /// The kind of the framework's functions that may wait.
    pub fn kind(self) -> Kind {
        match self {
            Wasi::P2 => Kind::Sync,
            Wasi::P3 => Kind::Async,
        }
    }
}

/// The host whose limits a server must keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Spin, and what runs Spin apps: at most 32 linear memories; a key-value store for servers
    /// that keep state.
    #[default]
    Spin,
    /// Wasmtime: no limits and no stores.
    Wasmtime,
}
