//! Decides what a server consists of and what its framework imports, from what its parts are.

use spin_mcp_contract::{
    Composition, Framework, Interface, Kind, Need, Runtime,
    interface::{AUTHENTICATOR, AUTHORIZER, REQUEST},
    state,
};

use crate::{
    catalog,
    list::Lists,
    load::Parts,
    part::Loaded,
    specialize::{Dispatch, Wiring},
    wire::{CONTROL, PREPARED},
};
use spin_mcp_protocol::{
    catalog::{Access, StdioCaller},
    services::ServerPart,
};

/// The interfaces that Spin has for servers that keep state, and Wasmtime does not.
pub const STORES: [&str; 2] = [
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:config/store@0.2.0-draft-2024-09-27",
];

/// How requests reach the features.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// One component that answers clients and calls features.
    Server {
        /// It has all of MCP: not just the tools of its catalog, and more than one request.
        whole: bool,
    },
    /// A transport, then the middleware, then a router.
    Chain,
    /// Middleware and a router that other servers put behind their transport.
    Sequence,
}

pub struct Plan {
    pub shape: Shape,
    pub kind: Kind,
    /// What each part needs shared state for.
    pub needs: Vec<Vec<Need>>,
    /// The key-value store that instances share.
    pub store: Option<String>,
    /// The interfaces that the transport asks before it serves a request; none of a server for
    /// everybody.
    pub auth: Option<Vec<&'static str>>,
    /// Whether a component knows the requests in progress.
    pub has_context: bool,
    /// Whether the framework reads the environment of its host.
    environment: bool,
    /// Whether it reads variables of Spin, even without a store.
    variables: bool,
    dispatches: Vec<Dispatch>,
    /// The slots of the features that take turns.
    turns: Vec<usize>,
    /// The same without any feature.
    nothing: Vec<Dispatch>,
}

impl Plan {
    /// `lists` has one entry for each part.
    pub fn new(composition: &Composition, parts: &Parts, lists: &[Lists]) -> Plan {
        let needs = parts.all.iter().zip(lists);
        let needs = needs.map(|(part, lists)| Need::of(catalog::flags(part, lists)));
        let needs: Vec<_> = needs.collect();
        let stateful = !composition.sequence && needs.iter().any(|needs| !needs.is_empty());
        let has_store = composition.runtime == Runtime::Spin;
        let store = composition.server.store.as_deref();
        let store = store.unwrap_or(state::DEFAULT_STORE);
        let overridden = [Framework::Transport, Framework::Router]
            .into_iter()
            .any(|part| parts.overrides.has(part));
        let features = parts.features();
        let shape = if composition.sequence {
            Shape::Sequence
        } else if overridden || !parts.middleware().is_empty() {
            Shape::Chain
        } else {
            let whole = stateful || features.iter().any(needs_whole);
            Shape::Server { whole }
        };
        // The context component holds the streams that stay open, and an override may call it.
        let asks = |part: &Loaded| part.context().next().is_some();
        let access = composition.auth.as_ref().map(|auth| &auth.access);
        let reads_environment = |access: &Access| {
            access.stdio == StdioCaller::Environment || access.resource.is_none() && !has_store
        };
        let has_context =
            shape != Shape::Sequence && (stateful || overridden || parts.all.iter().any(asks));
        Plan {
            shape,
            kind: parts.kind,
            needs,
            store: (stateful && has_store).then(|| store.to_owned()),
            has_context,
            auth: composition.auth.as_ref().map(|_| {
                let asked = parts.auth().iter();
                asked.flat_map(Loaded::asked).collect()
            }),
            // Without the stores of Spin, variables of the environment configure the server.
            environment: stateful && !has_store || access.is_some_and(reads_environment),
            variables: access.is_some_and(|access| access.resource.is_none()) && has_store,
            dispatches: dispatches(features),
            turns: parts.fused.iter().flat_map(|it| it.slots.clone()).collect(),
            nothing: dispatches(&[]),
        }
    }

    /// Whether the transport and the router must agree on a request through the context component.
    pub fn shares_context(&self) -> bool {
        self.shape == Shape::Chain && self.has_context
    }

    pub fn has_features(&self) -> bool {
        self.dispatches
            .iter()
            .any(|dispatch| !dispatch.plugs.is_empty())
    }

    /// The imports of the component that calls features.
    pub fn router(&self) -> Wiring<'_> {
        let (part, more) = match self.shape {
            Shape::Server { .. } => (ServerPart::Server, of_sequences()),
            Shape::Chain => (ServerPart::Router, of_sequences()),
            Shape::Sequence => {
                let framework = [CONTROL, PREPARED].into_iter();
                (
                    ServerPart::Sequence,
                    self.other_handlers().chain(framework).collect(),
                )
            }
        };
        Wiring {
            turns: &self.turns,
            ..self.wiring(part, &self.dispatches, more)
        }
    }

    /// The imports of the transport in front of middleware.
    pub fn transport(&self) -> Wiring<'_> {
        let handlers = self.other_handlers().collect();
        self.wiring(ServerPart::Transport, &self.nothing, handlers)
    }

    fn wiring<'a>(
        &self,
        part: ServerPart,
        dispatches: &'a [Dispatch],
        more: Vec<&'static str>,
    ) -> Wiring<'a> {
        Wiring {
            dispatches,
            unused: [self.unused(), more].concat(),
            environment: self.environment,
            part,
            ..Wiring::default()
        }
    }

    fn unused(&self) -> Vec<&'static str> {
        let mut unused = Vec::new();
        if !self.has_context {
            unused.extend([CONTROL, PREPARED]);
        }
        if self.store.is_none() {
            let [store, variables] = STORES;
            unused.push(store);
            unused.extend((!self.variables).then_some(variables));
        }
        if let Some(asked) = &self.auth {
            let all = [AUTHENTICATOR, AUTHORIZER].into_iter();
            let all = all.chain(Kind::ALL.map(Kind::keys));
            unused.extend(all.filter(|interface| !asked.contains(interface)));
        }
        unused
    }

    /// The `handler` interface of the kind that the middleware does not have.
    fn other_handlers(&self) -> impl Iterator<Item = &'static str> {
        let others = Kind::ALL.into_iter().filter(|other| *other != self.kind);
        others.map(Kind::handler)
    }
}

/// The interfaces that only the router of a sequence calls.
pub fn of_sequences() -> Vec<&'static str> {
    [&Kind::ALL.map(Kind::handler)[..], &[REQUEST]].concat()
}

/// Whether a feature offers more than tools that are in the catalog.
fn needs_whole(feature: &Loaded) -> bool {
    let beyond = |interface: &Interface| *interface != Interface::Tools;
    feature.dynamic || feature.interfaces.iter().any(beyond)
}

/// The features behind each interface that the server calls.
pub fn dispatches(features: &[Loaded]) -> Vec<Dispatch> {
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
