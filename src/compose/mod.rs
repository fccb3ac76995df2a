//! Composes feature components into one MCP server.

mod catalog;
mod describe;
mod feature;
pub mod grants;
mod graph;
mod guard;
mod hosts;
mod imports;
mod interface;
mod listing;
pub mod record;
mod refuse;
mod specialize;
pub mod state;
mod stdio;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use spin_mcp_protocol::types::types::CacheHint;

use crate::framework;
pub use describe::{Description, contract, describe};
use feature::Loaded;
pub use feature::World;
pub use grants::Grant;
use interface::{Interface, Kind};
use record::{FeatureRecord, Record};
use specialize::{Dispatch, Wiring};
use state::Need;

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
    /// Spin, and what runs Spin apps: at most 32 linear memories; a key-value store for servers
    /// that keep state.
    #[default]
    Spin,
    /// Wasmtime: no limit that compose knows of; no store.
    Wasmtime,
}

/// The linear memories that Spin allows a component.
const SPIN_MEMORIES: usize = 32;
/// What Spin has for servers that keep state, and Wasmtime has not.
const STORES: [&str; 3] = [
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "wasi:config/store@0.2.0-draft-2024-09-27",
];

/// A component that offers tools, resources or prompts.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What messages call it.
    pub name: String,
    /// Its component, or its core module with an embedded component type.
    pub source: PathBuf,
    /// What the user calls it, unless that is `source`.
    pub origin: Option<String>,
    /// Put before the name of each of its tools and prompts.
    pub prefix: Option<String>,
    /// What it may use beside what every feature may.
    pub allow: Vec<Grant>,
    /// Its lists depend on the request: they are not read now, but asked for with every one.
    pub dynamic: bool,
}

impl Feature {
    /// Where it comes from, as the user wrote it.
    fn shown(&self) -> String {
        let path = || self.source.display().to_string();
        self.origin.clone().unwrap_or_else(path)
    }
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
    let refusers = refuse::refusers(&features)?;
    hosts::check(&features)?;
    let lists = listing::list(&features)?;
    let records: Vec<_> = features
        .iter()
        .zip(&lists)
        .map(|(feature, lists)| {
            let state = Need::of(catalog::flags(feature, lists));
            FeatureRecord::new(feature, lists, state)
        })
        .collect();
    let stateful = records.iter().any(|feature| !feature.state.is_empty());
    let has_store = composition.runtime == Runtime::Spin;
    let store = (stateful && has_store).then(|| match &composition.server.store {
        Some(store) => store.clone(),
        None => state::DEFAULT_STORE.to_owned(),
    });
    let catalog = catalog::bake(&composition.server, store.as_deref(), &features, &lists)?;

    // Streams that stay open are those of the component behind `request`, too.
    let needs_request = stateful
        || features
            .iter()
            .any(|feature| feature.context().next().is_some());
    let mut unused = Vec::new();
    if !needs_request {
        unused.push(graph::CONTROL);
    }
    if store.is_none() {
        unused.extend(STORES);
    }
    let wiring = Wiring {
        dispatches: &dispatches(&features),
        unused: &unused,
        // Variables are there instead of those that Spin has.
        environment: stateful && !has_store,
    };
    let whole = stateful || features.iter().any(needs_whole);
    let server = specialize::specialize(framework::server(wasi, whole), &wiring, &catalog)?;
    let request = match needs_request {
        true => Some(specialize::specialize(
            framework::request(wasi),
            &Wiring::default(),
            &[],
        )?),
        false => None,
    };
    let mut component = graph::encode(graph::Parts {
        server,
        request,
        features: &features,
        refusers,
    })?;
    let record = Record::new(composition, store, records);
    record.append_to(&mut component)?;
    check_memories(&component, composition.runtime)?;
    Ok(Composed { component, record })
}

/// Whether a feature offers more than tools that are in the catalog.
fn needs_whole(feature: &Loaded) -> bool {
    let beyond = |interface: &Interface| *interface != Interface::Tools;
    feature.dynamic || feature.interfaces.iter().any(beyond)
}

/// Which features are behind each interface that the server calls.
fn dispatches(features: &[Loaded]) -> Vec<Dispatch> {
    let mut dispatches = Vec::new();
    for kind in Kind::ALL {
        for interface in Interface::ALL {
            let plug = |(slot, feature): (usize, &Loaded)| {
                let exports = feature.kind == kind && feature.exports(interface);
                exports.then(|| interface.plug(kind, slot))
            };
            dispatches.push(Dispatch {
                interface: interface.name(kind),
                plugs: features.iter().enumerate().map(plug).collect(),
            });
        }
    }
    dispatches
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
