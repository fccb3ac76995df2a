//! The components that replace parts of the framework.

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::Parser;
use wit_component::metadata;

use spin_mcp_component::{World, guard};
use spin_mcp_contract::{
    ComponentSource, Framework, Kind, Override, Wasi, interface::AUTHENTICATOR,
};
use spin_mcp_framework as framework;

use crate::{
    part::Loaded,
    specialize::{Wiring, specialize},
    wire::CONTROL,
};

#[derive(Default)]
pub struct Overrides(Vec<LoadedOverride>);

struct LoadedOverride {
    part: Framework,
    /// The name that the user gave it.
    shown: String,
    bytes: Vec<u8>,
}

impl LoadedOverride {
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

impl Overrides {
    pub fn read(overrides: &[Override]) -> Result<Overrides> {
        let mut loaded = Overrides::default();
        for Override { part, component } in overrides {
            ensure!(
                !loaded.has(*part),
                "two components override the {part}; remove one"
            );
            let ComponentSource::Resolved(resolved) = component else {
                bail!("`{component}` is a middleware, which cannot replace the {part}");
            };
            let shown = component.to_string();
            let bytes = resolved.read();
            let bytes = bytes
                .with_context(|| format!("cannot read `{shown}`, which overrides the {part}"))?;
            ensure!(
                Parser::is_core_wasm(&bytes) || Parser::is_component(&bytes),
                "`{shown}`, which overrides the {part}, is not a WebAssembly component; build it for \
                 `wasm32-wasip2`"
            );
            loaded.0.push(LoadedOverride {
                part: *part,
                shown,
                bytes: bytes.into_owned(),
            });
        }
        Ok(loaded)
    }

    pub fn has(&self, part: Framework) -> bool {
        self.get(part).is_some()
    }

    fn get(&self, part: Framework) -> Option<&LoadedOverride> {
        self.0.iter().find(|own| own.part == part)
    }

    /// The component of a part of the framework for this server. `auth`: the transport asks an
    /// authenticator.
    pub fn component(
        &self,
        part: Framework,
        wasi: Wasi,
        auth: bool,
        wiring: &Wiring<'_>,
        catalog: &[u8],
    ) -> Result<Vec<u8>> {
        match self.get(part) {
            None => specialize(shipped(part, wasi, auth), wiring, catalog),
            Some(own) if own.is_module() => guard(|| specialize(&own.bytes, wiring, catalog))
                .with_context(|| format!("cannot make a component of `{}`", own.shown)),
            Some(own) => Ok(own.bytes.clone()),
        }
    }

    /// The kind of middleware that an overriding transport calls, and how messages name the
    /// transport.
    pub fn transport(&self) -> Result<Option<(Kind, String)>> {
        let transport = self.get(Framework::Transport);
        let Some(own) = transport.filter(|own| !own.is_module()) else {
            return Ok(None);
        };
        let (shown, world) = (&own.shown, own.world()?);
        let imports = |name: &str| world.imports.iter().any(|import| import.name == name);
        let kinds = Kind::ALL.map(|kind| imports(kind.handler()));
        let kind = match kinds {
            [true, false] => Kind::Sync,
            [false, true] => Kind::Async,
            _ => bail!(
                "`{shown}` overrides the transport, but does not import exactly one of `{}` and `{}`, which it passes \
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
            "`{shown}` overrides the transport, but exports nothing that a host calls, such as \
             `wasi:http/incoming-handler@0.2.4`"
        );
        ensure!(
            imports(CONTROL),
            "`{shown}` overrides the transport, but does not import `{CONTROL}`, so features and middleware could \
             not ask about a request"
        );
        Ok(Some((kind, format!("transport `{shown}`"))))
    }

    /// Refuses an overriding transport that would let everybody in.
    pub fn check_access(&self) -> Result<()> {
        let Some(own) = self.get(Framework::Transport) else {
            return Ok(());
        };
        let imports = match own.is_module() {
            true => metadata::decode(&own.bytes).is_ok_and(|(_, bindgen)| {
                let imports = bindgen.resolve.worlds[bindgen.world].imports.keys();
                let mut names = imports.map(|key| bindgen.resolve.name_world_key(key));
                names.any(|name| name == AUTHENTICATOR)
            }),
            false => {
                let imports = own.world()?.imports;
                imports.iter().any(|import| import.name == AUTHENTICATOR)
            }
        };
        ensure!(
            imports,
            "`{}` overrides the transport, but does not import `{AUTHENTICATOR}`, so it would serve every caller; let it \
             call the authenticator, or remove the table `auth`",
            own.shown
        );
        Ok(())
    }

    /// Refuses an overriding router that could not be called, or would not call these features.
    pub fn check_router(&self, kind: Kind, features: &[Loaded]) -> Result<()> {
        let router = self.get(Framework::Router);
        let Some(own) = router.filter(|own| !own.is_module()) else {
            return Ok(());
        };
        let (shown, world) = (&own.shown, own.world()?);
        ensure!(
            world.exports.iter().any(|export| export == kind.handler()),
            "`{shown}` overrides the router, but does not export `{}`, which middleware calls",
            kind.handler()
        );
        for (slot, feature) in features.iter().enumerate() {
            for interface in &feature.interfaces {
                let plug = interface.plug(feature.kind, slot);
                ensure!(
                    world.imports.iter().any(|import| import.name == plug),
                    "`{shown}` overrides the router, but does not import `{plug}`, so it would never call {}",
                    feature.shown()
                );
            }
        }
        Ok(())
    }
}

fn shipped(part: Framework, wasi: Wasi, auth: bool) -> &'static [u8] {
    match part {
        Framework::Transport if auth => framework::server_with_auth(wasi),
        Framework::Transport => framework::transport(wasi),
        Framework::Router => framework::router(wasi),
        Framework::Context => framework::context(wasi),
    }
}
