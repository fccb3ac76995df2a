//! Composes feature components into one MCP server.

mod catalog;
mod chain;
mod describe;
mod graph;
mod hosts;
mod listing;
mod load;
mod probe;
mod record;
mod refuse;
mod settings;
mod specialize;
mod stdio;
mod swap;

use anyhow::{Context as _, Result, ensure};
use spin_mcp_component::Size;
use spin_mcp_contract::{
    Composition, Framework, Interface, Kind, Need, Record, Runtime, interface::REQUEST, state,
};
use spin_mcp_framework as framework;
use spin_mcp_protocol::services::ServerPart;

pub use describe::{Description, describe};
use listing::Lists;
use load::Loaded;
use specialize::{Dispatch, Wiring};
use swap::Swapped;

/// The linear memories that Spin allows a component.
const SPIN_MEMORIES: usize = 32;
/// What Spin has for servers that keep state, and Wasmtime has not.
const STORES: [&str; 3] = [
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "wasi:config/store@0.2.0-draft-2024-09-27",
];

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
    let is_swapped = swapped.has(Framework::Transport) || swapped.has(Framework::Router);
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
        let hub = swapped.component(Framework::Router, wasi, &hub, &catalog)?;
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
            Some(swapped.component(Framework::Context, wasi, &wiring, &[])?)
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
    let features = features.map(|((feature, lists), needs)| record::feature(feature, lists, needs));
    let features = features.collect();
    let middleware = links.iter().zip(needs);
    let middleware = middleware.map(|(link, needs)| record::middleware(link, needs));
    let record = record::server(composition, store, (features, middleware.collect()), offers);
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
    let memories = Size::of(component)
        .context("cannot read the composed server")?
        .memories;
    ensure!(
        runtime != Runtime::Spin || memories <= SPIN_MEMORIES,
        "the server would have {memories} linear memories, and Spin allows a component {SPIN_MEMORIES}; put \
         several features into one component, or compose for Wasmtime alone with `--runtime wasmtime`"
    );
    Ok(())
}
