//! Wires the components of a server together.

use anyhow::{Context as _, Result};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, types::Package};
use wasm_encoder::RawSection;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use spin_mcp_component::{World, guard};
use spin_mcp_contract::{Kind, Role, interface::SETTINGS};

use crate::{load::Loaded, refuse::Refusers, settings, stdio};

/// The interface between the transport and the component behind `request`.
pub const CONTROL: &str = "spin-mcp:framework/control@0.1.0";

/// What the transport has ready for the hub of a chain.
pub const PREPARED: &str = "spin-mcp:framework/prepared@0.1.0";

/// What a server is made of.
#[derive(Clone, Copy)]
pub struct Server<'a> {
    /// What calls the features. None: there are none.
    pub hub: Option<&'a [u8]>,
    /// What is in front of it, if that is another component than the hub.
    pub chain: Option<Chain<'a>>,
    /// The component behind `request`, if a part needs it.
    pub request: Option<&'a [u8]>,
    /// The component behind `settings`, likewise.
    pub settings: Option<&'a [u8]>,
    /// Features by their slots; then middleware, the first to see a request first.
    pub parts: &'a [Loaded],
    /// How many of these are left out.
    pub skipped: usize,
    pub refusers: &'a Refusers,
}

/// What is in front of the hub beside middleware.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    pub kind: Kind,
    /// None: the first link is the server's own export.
    pub transport: Option<&'a [u8]>,
}

pub fn encode(server: &Server<'_>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let types = instantiate(&mut graph, "spin-mcp:types", &types_component()?)?;
    let framework = |graph: &mut CompositionGraph, name: &str, component: &[u8]| {
        let instance = instantiate(graph, name, component)?;
        instance.plug_types(graph, &types)?;
        Ok::<_, anyhow::Error>(instance)
    };
    let request = server
        .request
        .map(|component| framework(&mut graph, "spin-mcp:request", component));
    let request = request.transpose()?;
    let settings = server
        .settings
        .map(|component| framework(&mut graph, "spin-mcp:settings", component));
    let settings = settings.transpose()?;
    let hub = server
        .hub
        .map(|component| framework(&mut graph, "spin-mcp:server", component));
    let hub = hub.transpose()?;
    let mut parts = Plugs {
        types: &types,
        request: request.as_ref(),
        settings: settings.as_ref(),
        refusers: Vec::new(),
        substitutes: Vec::new(),
    };
    for (index, component) in server.refusers.components.iter().enumerate() {
        let name = format!("refused:r{index}");
        parts
            .refusers
            .push(instantiate(&mut graph, &name, component)?);
    }
    let mut links = Vec::new();
    for (index, part) in server.parts.iter().enumerate().skip(server.skipped) {
        let refuser = server.refusers.of[index];
        let instance = parts.plug_into(&mut graph, index, part, refuser)?;
        for (hub, interface) in hub
            .iter()
            .flat_map(|hub| part.interfaces.iter().map(move |it| (hub, it)))
        {
            let plug = interface.plug(part.kind, index);
            let export = interface.name(part.kind);
            hub.plug(&mut graph, &plug, &instance, export)
                .with_context(|| mismatch(part))?;
        }
        if part.role == Role::Middleware {
            links.push((part, instance));
        }
    }
    if let (Some(hub), Some(request)) = (&hub, &request) {
        for import in [CONTROL, PREPARED] {
            hub.plug_if_imported(&mut graph, import, request)?;
        }
    }
    let Some(chain) = server.chain else {
        let hub = hub.context("a server without a chain has a hub")?;
        return export(graph, &hub, &hub.world.exports);
    };
    let handler = chain.kind.handler();
    // The last link of a saved sequence imports what will be behind it.
    let mut next = hub.as_ref();
    for (part, link) in links.iter().rev() {
        if let Some(next) = next {
            link.plug_if_imported(&mut graph, handler, next)
                .with_context(|| mismatch(part))?;
        }
        next = Some(link);
    }
    let next = next.context("a chain has a link")?;
    let Some(transport) = chain.transport else {
        return export(graph, next, &[handler.to_owned()]);
    };
    let transport = framework(&mut graph, "spin-mcp:transport", transport)?;
    transport.plug(&mut graph, handler, next, handler)?;
    if let Some(request) = &request {
        transport.plug(&mut graph, CONTROL, request, CONTROL).context(
            "the transport and the component behind `request` do not fit; build both for the same WASI",
        )?;
    }
    export(graph, &transport, &transport.world.exports)
}

fn export(mut graph: CompositionGraph, from: &Instance, exports: &[String]) -> Result<Vec<u8>> {
    for export in exports {
        let node = graph.alias_instance_export(from.node, export)?;
        graph.export(node, export)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}

fn mismatch(part: &Loaded) -> String {
    format!(
        "{} does not fit the contract; build it against this version of the WIT",
        part.shown()
    )
}

/// What the imports of parts lead to.
struct Plugs<'a> {
    types: &'a Instance,
    request: Option<&'a Instance>,
    settings: Option<&'a Instance>,
    refusers: Vec<Instance>,
    /// What stands in for the streams of the process, by its text.
    substitutes: Vec<(String, Instance)>,
}

impl Plugs<'_> {
    /// Instantiates a part with all that the framework has for it.
    fn plug_into(
        &mut self,
        graph: &mut CompositionGraph,
        index: usize,
        part: &Loaded,
        refuser: Option<usize>,
    ) -> Result<Instance> {
        // A name of its own, since the names of parts need not be names of packages.
        let name = format!("part:p{index}");
        let instance = instantiate(graph, &name, &part.component)?;
        instance
            .plug_types(graph, self.types)
            .with_context(|| mismatch(part))?;
        if let Some(refuser) = refuser {
            for import in &part.grants.refusing {
                instance
                    .plug(graph, import, &self.refusers[refuser], import)
                    .with_context(|| format!("cannot refuse `{import}` to {}", part.shown()))?;
            }
        }
        for stdio::Substitute { import, component } in stdio::substitutes(&part.wit) {
            let substitute = self.substitute(graph, component)?;
            instance
                .plug(graph, &import, substitute, &import)
                .with_context(|| format!("cannot keep `{import}` from {}", part.shown()))?;
        }
        if let Some(request) = self.request {
            for import in part.context() {
                instance
                    .plug(graph, &import.name, request, &import.name)
                    .with_context(|| mismatch(part))?;
            }
        }
        if let Some(settings) = self.settings
            && part.settings.is_some()
        {
            instance
                .plug(graph, SETTINGS, settings, &settings::export(index))
                .with_context(|| mismatch(part))?;
        }
        Ok(instance)
    }

    /// One instance does for all parts that want the same.
    fn substitute(&mut self, graph: &mut CompositionGraph, text: String) -> Result<&Instance> {
        let known = self
            .substitutes
            .iter()
            .position(|(known, _)| *known == text);
        let index = known.unwrap_or(self.substitutes.len());
        if known.is_none() {
            let name = format!("stdio:s{index}");
            let made = instantiate(graph, &name, &wat::parse_str(&text)?)?;
            self.substitutes.push((text, made));
        }
        Ok(&self.substitutes[index].1)
    }
}

struct Instance {
    node: NodeId,
    world: World,
}

fn instantiate(graph: &mut CompositionGraph, name: &str, component: &[u8]) -> Result<Instance> {
    let world =
        World::read(component).with_context(|| format!("`{name}` is not a valid component"))?;
    let package = guard(|| Package::from_bytes(name, None, component.to_vec(), graph.types_mut()))
        .with_context(|| format!("cannot read the types of `{name}`"))?;
    let package = graph.register_package(package)?;
    Ok(Instance {
        node: graph.instantiate(package),
        world,
    })
}

impl Instance {
    fn plug(
        &self,
        graph: &mut CompositionGraph,
        import: &str,
        from: &Instance,
        export: &str,
    ) -> Result<()> {
        let argument = graph.alias_instance_export(from.node, export)?;
        Ok(graph.set_instantiation_argument(self.node, import, argument)?)
    }

    fn plug_if_imported(
        &self,
        graph: &mut CompositionGraph,
        interface: &str,
        from: &Instance,
    ) -> Result<()> {
        let mut imports = self.world.imports.iter();
        match imports.any(|import| import.name == interface) {
            true => self.plug(graph, interface, from, interface),
            false => Ok(()),
        }
    }

    /// Plugs the interfaces that hold nothing but types, so that no host has to know them.
    fn plug_types(&self, graph: &mut CompositionGraph, types: &Instance) -> Result<()> {
        for import in &self.world.imports {
            if types.world.exports.contains(&import.name) {
                self.plug(graph, &import.name, types, &import.name)?;
            }
        }
        Ok(())
    }
}

/// A component that exports the contract's types and has no code.
fn types_component() -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    resolve.push_str("server.wit", spin_mcp_contract::WIT)?;
    let package = resolve.push_str(
        "types.wit",
        "package spin-mcp:provider;
         world types {
             export spin-mcp:server/types@0.1.0;
             export spin-mcp:server/tool-types@0.1.0;
             export spin-mcp:server/resource-types@0.1.0;
             export spin-mcp:server/prompt-types@0.1.0;
             export spin-mcp:server/completion-types@0.1.0;
         }",
    )?;
    let world = resolve.select_world(&[package], Some("types"))?;
    let mut module = wasm_encoder::Module::new().finish();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    without_code(&ComponentEncoder::default().module(&module)?.encode()?)
}

/// Takes the core modules and their instances out of a component that uses none of them, so
/// that no instance of a server has to make them.
fn without_code(component: &[u8]) -> Result<Vec<u8>> {
    let mut codeless = wasm_encoder::Component::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let unused = matches!(
            payload,
            Payload::ModuleSection { .. } | Payload::InstanceSection(_) | Payload::CustomSection(_)
        );
        if depth == 0
            && !unused
            && let Some((id, range)) = payload.as_section()
        {
            let data = &component[range.start as usize..range.end as usize];
            codeless.section(&RawSection { id, data });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(codeless.finish())
}
