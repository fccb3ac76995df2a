//! The parts of the framework, each of which somebody else's component can stand in for.

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::Parser;

use spin_mcp_component::{World, guard};
use spin_mcp_contract::{Component, Framework, Kind, Override, Wasi};

use crate::{
    graph::CONTROL,
    load::Loaded,
    specialize::{Wiring, specialize},
};
use spin_mcp_framework as framework;

/// The parts that stand in for those of `mcp`.
#[derive(Default)]
pub struct Swapped(Vec<Swap>);

struct Swap {
    part: Framework,
    /// What the user calls it.
    shown: String,
    bytes: Vec<u8>,
}

impl Swap {
    fn is_module(&self) -> bool {
        Parser::is_core_wasm(&self.bytes)
    }

    fn world(&self) -> Result<World> {
        World::read(&self.bytes).with_context(|| {
            let shown = &self.shown;
            format!("`{shown}` is damaged or not a valid component; build it again")
        })
    }
}

impl Swapped {
    pub fn read(overrides: &[Override]) -> Result<Swapped> {
        let mut swapped = Swapped::default();
        for Override { part, component } in overrides {
            ensure!(
                !swapped.has(*part),
                "there are two components for `{part}`; remove one"
            );
            let Component::Resolved(resolved) = component else {
                bail!("`{component}` is a middleware, which cannot stand in for `{part}`");
            };
            let shown = component.to_string();
            let bytes = resolved.read();
            let bytes = bytes.with_context(|| format!("cannot read `{shown}` for `{part}`"))?;
            ensure!(
                Parser::is_core_wasm(&bytes) || Parser::is_component(&bytes),
                "`{shown}`, which is to stand in for `{part}`, is not a WebAssembly component; build it for \
                 `wasm32-wasip2`"
            );
            swapped.0.push(Swap {
                part: *part,
                shown,
                bytes: bytes.into_owned(),
            });
        }
        Ok(swapped)
    }

    pub fn has(&self, part: Framework) -> bool {
        self.get(part).is_some()
    }

    fn get(&self, part: Framework) -> Option<&Swap> {
        self.0.iter().find(|swap| swap.part == part)
    }

    /// The component of a part of the framework for this server.
    pub fn component(
        &self,
        part: Framework,
        wasi: Wasi,
        wiring: &Wiring<'_>,
        catalog: &[u8],
    ) -> Result<Vec<u8>> {
        match self.get(part) {
            None => specialize(own(part, wasi), wiring, catalog),
            Some(swap) if swap.is_module() => guard(|| specialize(&swap.bytes, wiring, catalog))
                .with_context(|| format!("cannot make a component of `{}`", swap.shown)),
            Some(swap) => Ok(swap.bytes.clone()),
        }
    }

    /// Of which kind a transport of somebody else has the chain, and what the user calls it.
    pub fn transport(&self) -> Result<Option<(Kind, String)>> {
        let transport = self.get(Framework::Transport);
        let Some(swap) = transport.filter(|swap| !swap.is_module()) else {
            return Ok(None);
        };
        let (shown, world) = (&swap.shown, swap.world()?);
        let imports = |name: &str| world.imports.iter().any(|import| import.name == name);
        let kinds = Kind::ALL.map(|kind| imports(kind.handler()));
        let kind = match kinds {
            [true, false] => Kind::Sync,
            [false, true] => Kind::Async,
            _ => bail!(
                "`{shown}` is to be the transport, which imports either `{}` or `{}`, the chain that it hands \
                 requests to",
                Kind::Sync.handler(),
                Kind::Async.handler()
            ),
        };
        ensure!(
            world
                .exports
                .iter()
                .any(|export| export.starts_with("wasi:")),
            "`{shown}` is to be the transport, but exports nothing that a host could call, such as \
             `wasi:http/incoming-handler@0.2.4`"
        );
        ensure!(
            imports(CONTROL),
            "`{shown}` is to be the transport, but does not import `{CONTROL}`, so no part could ask about a \
             request"
        );
        Ok(Some((kind, format!("transport `{shown}`"))))
    }
}

impl Swapped {
    /// Refuses a hub of somebody else that could not be called, or would not call these features.
    pub fn check_hub(&self, kind: Kind, features: &[Loaded]) -> Result<()> {
        let hub = self.get(Framework::Router);
        let Some(swap) = hub.filter(|swap| !swap.is_module()) else {
            return Ok(());
        };
        let (shown, world) = (&swap.shown, swap.world()?);
        ensure!(
            world.exports.iter().any(|export| export == kind.handler()),
            "`{shown}` is to be the hub, but does not export `{}`, by which links call it",
            kind.handler()
        );
        for (slot, feature) in features.iter().enumerate() {
            for interface in &feature.interfaces {
                let plug = interface.plug(feature.kind, slot);
                ensure!(
                    world.imports.iter().any(|import| import.name == plug),
                    "`{shown}` is to be the hub, but does not import `{plug}`, so it would never call {}",
                    feature.shown()
                );
            }
        }
        Ok(())
    }
}

fn own(part: Framework, wasi: Wasi) -> &'static [u8] {
    match part {
        Framework::Transport => framework::transport(wasi),
        Framework::Router => framework::router(wasi),
        Framework::Context => framework::context(wasi),
    }
}
