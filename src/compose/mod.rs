//! Composes feature components into one MCP server.

mod catalog;
mod chain;
mod describe;
pub mod grants;
mod graph;
mod guard;
mod hosts;
mod imports;
mod interface;
mod listing;
mod load;
mod part;
mod probe;
pub mod record;
mod refuse;
mod settings;
mod specialize;
pub mod state;
mod stdio;
mod swap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use spin_mcp_protocol::{services::ServerPart, types::types::CacheHint};

use crate::framework;
pub use describe::{Description, contract, describe};
pub use grants::Grant;
use interface::{Interface, Kind};
use listing::Lists;
pub use load::World;
use load::{Loaded, REQUEST};
pub use part::{Component, Part, Role};
use record::{FeatureRecord, MiddlewareRecord, Record};
use specialize::{Dispatch, Wiring};
use state::Need;
use swap::Swapped;
pub use swap::{Framework, Override};

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

/// A composed server.
#[derive(Debug)]
pub struct Composed {
    pub component: Vec<u8>,
    /// What is stored in it about itself.
    pub record: Record,
}

/// Composes a server. The same input gives the same bytes.
pub fn compose(composition: &Composition) -> Result<Composed> {
    let (wasi, config) = (composition.wasi, &composition.server);
    ensure!(
        !composition.features.is_empty() || composition.handler,
        "a server needs at least one feature; name its component"
    );
    ensure!(
        !composition.handler || composition.overrides.is_empty(),
        "a link has neither transport nor hub of its own; name what stands in for them where the server is composed"
    );
    let features = composition.features.iter();
    let features = features.map(|part| load::load(part, wasi));
    let mut parts = features.collect::<Result<Vec<_>>>()?;
    let swapped = Swapped::read(&composition.overrides)?;
    let transport = swapped.transport()?;
    let (kind, links) = chain::load(&composition.middleware, &parts, transport, wasi)?;
    parts.extend(links);
    let (features, links) = parts.split_at(composition.features.len());
    swapped.check_hub(kind, features)?;
    let refusers = refuse::refusers(&parts)?;
    hosts::check(&parts)?;
    let mut lists = listing::list(features)?;
    lists.resize_with(parts.len(), Lists::default);

    let needs = parts.iter().zip(&lists);
    let needs: Vec<_> = needs
        .map(|(part, lists)| Need::of(catalog::flags(part, lists)))
        .collect();
    let stateful = !composition.handler && needs.iter().any(|needs| !needs.is_empty());
    let has_store = composition.runtime == Runtime::Spin;
    let store = (stateful && has_store).then(|| match &config.store {
        Some(store) => store.clone(),
        None => state::DEFAULT_STORE.to_owned(),
    });
    let is_swapped = swapped.has(Framework::Transport) || swapped.has(Framework::Hub);
    let is_chain = !links.is_empty() || is_swapped;
    // Streams that stay open are those of the component behind `request`, too; and parts of
    // somebody else's may ask it.
    let needs_request = !composition.handler
        && (stateful || is_swapped || parts.iter().any(|part| part.context().next().is_some()));
    let shown = parts.iter().zip(&lists);
    let catalog = catalog::bake(config, store.as_deref(), is_chain && needs_request, shown)?;
    let mut unused = Vec::new();
    if !needs_request {
        unused.extend([graph::CONTROL, graph::PREPARED]);
    }
    if store.is_none() {
        unused.extend(STORES);
    }
    // Variables are there instead of the stores that Spin has.
    let environment = stateful && !has_store;
    let (nothing, dispatches) = (dispatches(&[]), dispatches(features));
    // What only a saved sequence calls.
    let of_sequence = [&Kind::ALL.map(Kind::handler)[..], &[REQUEST]].concat();
    let hub = Wiring {
        dispatches: &dispatches,
        unused: &[&unused[..], &of_sequence].concat(),
        environment,
        part: ServerPart::Router,
    };
    // The link that the server, or what is behind a saved sequence, is not of.
    let others = Kind::ALL.into_iter().filter(|other| *other != kind);
    let mut not_called = unused.clone();
    not_called.extend(others.map(Kind::handler));
    let (hub, transport) = if composition.handler {
        let wiring = Wiring {
            unused: &[&not_called[..], &[graph::CONTROL, graph::PREPARED]].concat(),
            part: ServerPart::Sequence,
            ..hub
        };
        let part = framework::router(kind.edition());
        let hub = (!features.is_empty()).then(|| specialize::specialize(part, &wiring, &catalog));
        (hub.transpose()?, None)
    } else if is_chain {
        let wiring = Wiring {
            dispatches: &nothing,
            unused: &not_called,
            part: ServerPart::Transport,
            ..hub
        };
        let transport = swapped.component(Framework::Transport, wasi, &wiring, &catalog)?;
        let hub = swapped.component(Framework::Hub, wasi, &hub, &catalog)?;
        (Some(hub), Some(transport))
    } else {
        let whole = stateful || features.iter().any(needs_whole);
        let server = framework::server(wasi, whole);
        let wiring = Wiring {
            part: ServerPart::Server,
            ..hub
        };
        (
            Some(specialize::specialize(server, &wiring, &catalog)?),
            None,
        )
    };
    let request = match needs_request {
        true => {
            let wiring = Wiring::default();
            Some(swapped.component(Framework::Request, wasi, &wiring, &[])?)
        }
        false => None,
    };
    let settings = settings::component(&parts)?;
    let server = graph::Server {
        hub: hub.as_deref(),
        chain: (is_chain || composition.handler).then_some(graph::Chain {
            kind,
            transport: transport.as_deref(),
        }),
        request: request.as_deref(),
        settings: settings.as_deref(),
        parts: &parts,
        skipped: 0,
        refusers: &refusers,
    };
    let offers = match links.is_empty() {
        true => None,
        false => probe::offers(&server, composition, &lists)?,
    };
    let mut component = graph::encode(&server)?;
    let mut needs = needs.into_iter();
    let features = features.iter().zip(&lists).zip(&mut needs);
    let features =
        features.map(|((feature, lists), needs)| FeatureRecord::new(feature, lists, needs));
    let features = features.collect();
    let middleware = links.iter().zip(needs);
    let middleware = middleware.map(|(link, needs)| MiddlewareRecord::new(link, needs));
    let record = Record::new(composition, store, (features, middleware.collect()), offers);
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
