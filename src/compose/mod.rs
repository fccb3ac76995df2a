//! Composes feature components into one MCP server.

mod catalog;
mod feature;
mod graph;
mod listing;
pub mod record;
mod specialize;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::framework;
pub use feature::{Kind, World};
use record::Record;

/// The generation of WASI that a server is composed for.
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
}

/// The host whose limits a server has to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Spin, and what runs Spin apps: at most 32 linear memories.
    #[default]
    Spin,
    /// Wasmtime: no limit that compose knows of.
    Wasmtime,
}

/// The linear memories that Spin allows a component.
const SPIN_MEMORIES: usize = 32;

/// A component that offers tools.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What messages call it.
    pub name: String,
    /// Its component, or its core module with an embedded component type.
    pub source: PathBuf,
    /// Put before the name of each of its tools.
    pub prefix: Option<String>,
    /// What it may use beside what every feature may.
    pub allow: Vec<Grant>,
}

/// Something that a feature can be allowed to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grant {
    /// The environment variables of the host.
    Env,
}

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
}

/// What to compose.
#[derive(Clone, Debug)]
pub struct Composition {
    pub wasi: Wasi,
    pub runtime: Runtime,
    pub server: ServerConfig,
    /// In the order of the lists that clients see.
    pub features: Vec<Feature>,
}

/// A composed server.
#[derive(Debug)]
pub struct Composed {
    pub component: Vec<u8>,
    /// What is stored in it about itself.
    pub record: Record,
}

/// Composes a server. The same input gives the same bytes.
pub fn compose(composition: &Composition) -> Result<Composed> {
    let wasi = composition.wasi;
    ensure!(
        !composition.features.is_empty(),
        "a server needs at least one feature; name its component"
    );
    let features = composition
        .features
        .iter()
        .map(|feature| feature::load(feature, wasi))
        .collect::<Result<Vec<_>>>()?;
    let lists = listing::list(&features)?;
    let catalog = catalog::bake(&composition.server, &features, &lists)?;

    let plugs: Vec<_> = features
        .iter()
        .enumerate()
        .map(|(slot, feature)| plug_name(feature.kind, slot))
        .collect();
    let needs_request = features.iter().any(|feature| feature.uses_request);
    let kinds: &[Kind] = match wasi {
        Wasi::P2 => &[Kind::Sync],
        Wasi::P3 => &[Kind::Sync, Kind::Async],
    };
    let dispatches: Vec<_> = kinds
        .iter()
        .map(|kind| specialize::Dispatch {
            interface: kind.tools(),
            plugs: features
                .iter()
                .zip(&plugs)
                .map(|(feature, plug)| (feature.kind == *kind).then_some(plug.as_str()))
                .collect(),
        })
        .collect();
    let unused: &[&str] = if needs_request {
        &[]
    } else {
        &[graph::CONTROL]
    };
    let server = specialize::specialize(framework::server(wasi), &dispatches, unused, &catalog)?;
    let mut component = graph::encode(graph::Parts {
        server,
        request: match needs_request {
            true => Some(specialize::specialize(
                framework::request(wasi),
                &[],
                &[],
                &[],
            )?),
            false => None,
        },
        features: &features,
        plugs: &plugs,
    })?;
    let record = Record::new(composition, &features, &lists);
    record.append_to(&mut component)?;
    check_memories(&component, composition.runtime)?;
    Ok(Composed { component, record })
}

/// The server's import for a feature.
fn plug_name(kind: Kind, slot: usize) -> String {
    match kind {
        Kind::Sync => format!("tools{slot}"),
        Kind::Async => format!("tools-async{slot}"),
    }
}

fn check_memories(component: &[u8], runtime: Runtime) -> Result<()> {
    let memories = record::Size::of(component)
        .context("cannot read the composed server")?
        .memories;
    ensure!(
        runtime != Runtime::Spin || memories <= SPIN_MEMORIES,
        "the server would have {memories} linear memories, and Spin allows a component {SPIN_MEMORIES}; put \
         several features into one component, or compose for Wasmtime alone with `--runtime wasmtime`"
    );
    Ok(())
}
