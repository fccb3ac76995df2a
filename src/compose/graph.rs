//! Wires the components of a server together.

use anyhow::{Context as _, Result};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, types::Package};
use wasm_encoder::RawSection;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::feature::{Loaded, World};
use super::guard::guard;
use super::refuse::Refusers;
use super::stdio;
use crate::framework;

/// The interface between the transport and the component behind `request`.
pub const CONTROL: &str = "spin-mcp:framework/control@0.1.0";

/// The parts of a server.
pub struct Parts<'a> {
    pub server: Vec<u8>,
    /// The component behind `request`, if a feature needs it.
    pub request: Option<Vec<u8>>,
    pub features: &'a [Loaded],
    pub refusers: Refusers,
}

pub fn encode(parts: Parts<'_>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let types = instantiate(&mut graph, "spin-mcp:types", types_component()?)?;
    let mut refusers = Vec::new();
    for (index, component) in parts.refusers.components.into_iter().enumerate() {
        let name = format!("refused:r{index}");
        refusers.push(instantiate(&mut graph, &name, component)?);
    }
    let request = match parts.request {
        Some(component) => Some(instantiate(&mut graph, "spin-mcp:request", component)?),
        None => None,
    };
    if let Some(request) = &request {
        request.plug_types(&mut graph, &types)?;
    }
    let mut substitutes = Vec::<(String, Instance)>::new();
    let server = instantiate(&mut graph, "spin-mcp:server", parts.server)?;
    server.plug_types(&mut graph, &types)?;
    for (slot, feature) in parts.features.iter().enumerate() {
        // A name of its own, since the names of features need not be names of packages.
        let instance = instantiate(
            &mut graph,
            &format!("feature:f{slot}"),
            feature.component.clone(),
        )?;
        let mismatch = || {
            format!(
                "feature `{}` does not fit the contract; build it against this version of the WIT",
                feature.name
            )
        };
        instance
            .plug_types(&mut graph, &types)
            .with_context(mismatch)?;
        if let Some(refuser) = parts.refusers.of[slot] {
            for import in &feature.grants.refusing {
                instance
                    .plug(&mut graph, import, &refusers[refuser], import)
                    .with_context(|| {
                        format!("cannot refuse `{import}` to feature `{}`", feature.name)
                    })?;
            }
        }
        for substitute in stdio::substitutes(&feature.wit) {
            let stdio::Substitute { import, component } = substitute;
            let known = substitutes
                .iter()
                .position(|(known, _)| *known == component);
            let index = known.unwrap_or(substitutes.len());
            if known.is_none() {
                let name = format!("stdio:s{index}");
                let made = instantiate(&mut graph, &name, wat::parse_str(&component)?)?;
                substitutes.push((component, made));
            }
            instance
                .plug(&mut graph, &import, &substitutes[index].1, &import)
                .with_context(|| {
                    format!("cannot keep `{import}` from feature `{}`", feature.name)
                })?;
        }
        if let Some(request) = &request {
            for import in feature.context() {
                instance
                    .plug(&mut graph, &import.name, request, &import.name)
                    .with_context(mismatch)?;
            }
        }
        for interface in &feature.interfaces {
            let plug = interface.plug(feature.kind, slot);
            let export = interface.name(feature.kind);
            server
                .plug(&mut graph, &plug, &instance, export)
                .with_context(mismatch)?;
        }
    }
    if let Some(request) = &request {
        server.plug(&mut graph, CONTROL, request, CONTROL)?;
    }
    for export in &server.world.exports {
        let node = graph.alias_instance_export(server.node, export)?;
        graph.export(node, export)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}

struct Instance {
    node: NodeId,
    world: World,
}

fn instantiate(graph: &mut CompositionGraph, name: &str, component: Vec<u8>) -> Result<Instance> {
    let world =
        World::read(&component).with_context(|| format!("`{name}` is not a valid component"))?;
    let package = guard(|| Package::from_bytes(name, None, component, graph.types_mut()))
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
    resolve.push_str("server.wit", framework::WIT)?;
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
