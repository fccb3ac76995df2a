//! Wires the components of a server together.

use anyhow::{Context as _, Result};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, types::Package};
use wasm_encoder::RawSection;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use spin_mcp_component::{
    World, guard,
    rewrite::fuse::{MEMORIES, memories},
};
use spin_mcp_contract::{
    Kind, Role,
    interface::{REQUEST, SETTINGS},
};

use crate::{
    fuse::{Fused, SELECT},
    part::Loaded,
    plan::{Plan, Shape},
    provide::{Provided, refusals::Refusers, settings, stdio},
    specialize::Specialized,
};

/// The interface between the transport and the context component.
pub const CONTROL: &str = "spin-mcp:framework/control@0.1.0";

/// The interface through which the router gets what the transport prepared.
pub const PREPARED: &str = "spin-mcp:framework/prepared@0.1.0";

/// The components of a server, and how they are connected.
#[derive(Clone, Copy)]
pub struct Components<'a> {
    /// The router, or the whole server; none in a sequence without features.
    pub router: Option<&'a [u8]>,
    /// The parts in front of the router; none if the router answers clients itself.
    pub chain: Option<Chain<'a>>,
    /// The context component, if a part needs it.
    pub context: Option<&'a [u8]>,
    /// The component that exports settings, if a part needs it.
    pub settings: Option<&'a [u8]>,
    /// Features in the order of their slots, then middleware, the first to see a request first.
    pub parts: &'a [Loaded],
    /// The features that are one component.
    pub fused: Option<&'a Fused>,
    /// How many of the first parts are left out.
    pub skipped: usize,
    pub refusers: &'a Refusers,
}

/// How the server calls its middleware.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    pub kind: Kind,
    /// None: the composed component exports the `handler` interface of the first middleware.
    pub transport: Option<&'a [u8]>,
}

impl<'a> Components<'a> {
    pub fn new(
        plan: &Plan,
        framework: &'a Specialized,
        parts: &'a [Loaded],
        provided: &'a Provided,
    ) -> Components<'a> {
        let chain = match plan.shape {
            Shape::Server { .. } => None,
            Shape::Chain | Shape::Sequence => Some(Chain {
                kind: plan.kind,
                transport: framework.transport.as_deref(),
            }),
        };
        Components {
            router: framework.router.as_deref(),
            chain,
            context: framework.context.as_deref(),
            settings: provided.settings.as_deref(),
            parts,
            fused: None,
            skipped: 0,
            refusers: &provided.refusers,
        }
    }
}

pub fn encode(server: &Components<'_>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let front = match &server.chain {
        None => server.router,
        Some(chain) => chain.transport,
    };
    let is_asked = |part: &&Loaded| matches!(part.role, Role::Authenticator | Role::Policy);
    let has_auth = front.is_some() && server.parts.iter().any(|part| is_asked(&part));
    let types = instantiate(&mut graph, "spin-mcp:types", &types_component(has_auth)?)?;
    let framework = |graph: &mut CompositionGraph, name: &str, component: &[u8]| {
        let instance = instantiate(graph, name, component)?;
        instance.plug_types(graph, &types)?;
        Ok::<_, anyhow::Error>(instance)
    };
    let context = server
        .context
        .map(|component| framework(&mut graph, "spin-mcp:context", component));
    let context = context.transpose()?;
    let settings = server
        .settings
        .map(|component| framework(&mut graph, "spin-mcp:settings", component));
    let settings = settings.transpose()?;
    let router = server
        .router
        .map(|component| framework(&mut graph, "spin-mcp:server", component));
    let router = router.transpose()?;
    let fused = server.fused.map(|fused| {
        let instance = framework(&mut graph, "spin-mcp:features", &fused.component)?;
        anyhow::Ok((instance, &fused.slots))
    });
    let fused = fused.transpose()?;
    if let (Some(router), Some((fused, _))) = (&router, &fused) {
        router.plug(&mut graph, SELECT, fused, SELECT)?;
    }
    let mut parts = Plugs {
        types: &types,
        context: context.as_ref(),
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
    let (mut middleware, mut asked) = (Vec::new(), Vec::new());
    for (index, part) in server.parts.iter().enumerate().skip(server.skipped) {
        if is_asked(&part) && !has_auth {
            continue;
        }
        if let (Some(router), Some((fused, slots))) = (&router, &fused)
            && slots.contains(&index)
        {
            for interface in &part.interfaces {
                let plug = interface.plug(part.kind, index);
                router.plug(&mut graph, &plug, fused, &plug)?;
            }
            continue;
        }
        let refuser = server.refusers.of[index];
        let instance = parts.plug_into(&mut graph, index, part, refuser)?;
        for (router, interface) in router
            .iter()
            .flat_map(|router| part.interfaces.iter().map(move |it| (router, it)))
        {
            let plug = interface.plug(part.kind, index);
            let export = interface.name(part.kind);
            router
                .plug(&mut graph, &plug, &instance, export)
                .with_context(|| mismatch(part))?;
        }
        match part.role {
            Role::Feature => {}
            Role::Middleware => middleware.push((part, instance)),
            Role::Authenticator | Role::Policy => asked.push((part, instance)),
        }
    }
    if let (Some(router), Some(context)) = (&router, &context) {
        if !has_auth {
            router.plug_if_imported(&mut graph, REQUEST, context)?;
        }
        for import in [CONTROL, PREPARED] {
            router.plug_if_imported(&mut graph, import, context)?;
        }
    }
    let ask = |graph: &mut CompositionGraph, front: &Instance| {
        for (part, instance) in &asked {
            for export in part.asked() {
                front
                    .plug_if_imported(graph, export, instance)
                    .with_context(|| mismatch(part))?;
            }
        }
        anyhow::Ok(())
    };
    let Some(chain) = server.chain else {
        let router = router.context("a server without a transport has a router")?;
        ask(&mut graph, &router)?;
        return export(graph, &router, &router.world.exports);
    };
    let handler = chain.kind.handler();
    // The last middleware of a sequence without features imports what comes after the sequence.
    let mut next = router.as_ref();
    for (part, instance) in middleware.iter().rev() {
        if let Some(next) = next {
            instance
                .plug_if_imported(&mut graph, handler, next)
                .with_context(|| mismatch(part))?;
        }
        next = Some(instance);
    }
    let next = next.context("a sequence has a feature or a middleware")?;
    let Some(transport) = chain.transport else {
        return export(graph, next, &[handler.to_owned()]);
    };
    let transport = framework(&mut graph, "spin-mcp:transport", transport)?;
    transport.plug(&mut graph, handler, next, handler)?;
    if let Some(context) = &context {
        if !has_auth {
            transport.plug_if_imported(&mut graph, REQUEST, context)?;
        }
        transport.plug(&mut graph, CONTROL, context, CONTROL).context(
            "the transport and the context component do not fit; build both for the same WASI version",
        )?;
    }
    ask(&mut graph, &transport)?;
    export(graph, &transport, &transport.world.exports)
}

/// A part that the transport of another server asks, with what it needs. What that server grants
/// decides about the rest.
pub fn encode_asked(part: &Loaded, provided: &Provided) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let settings = provided.settings.as_deref();
    let settings =
        settings.map(|component| instantiate(&mut graph, "spin-mcp:settings", component));
    let instance = instantiate(&mut graph, "part:p0", &part.component)?;
    if let Some(settings) = settings.transpose()? {
        instance.plug(&mut graph, SETTINGS, &settings, &settings::export(0))?;
    }
    let exports: Vec<_> = part.asked().into_iter().map(str::to_owned).collect();
    export(graph, &instance, &exports)
}

/// A component of features that take turns, and the one that keeps their memories.
pub fn fused(features: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let memories = instantiate(&mut graph, "fused:memories", &memories()?)?;
    let features = instantiate(&mut graph, "fused:features", features)?;
    features.plug(&mut graph, MEMORIES, &memories, MEMORIES)?;
    let exports = [&features.world.exports[..], &[SELECT.to_owned()]].concat();
    export(graph, &features, &exports)
}

/// A component and its adapter, which imports what the component `exports`.
pub fn adapted(
    component: &[u8],
    adapter: &[u8],
    types: Option<&[u8]>,
    exports: &dyn Fn(&str) -> bool,
) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let types = types.map(|types| instantiate(&mut graph, "adapted:types", types));
    let types = types.transpose()?;
    let component = instantiate(&mut graph, "adapted:component", component)?;
    let adapter = instantiate(&mut graph, "adapted:adapter", adapter)?;
    for import in &adapter.world.imports {
        if exports(&import.name) {
            adapter.plug(&mut graph, &import.name, &component, &import.name)?;
        }
    }
    for instance in [&component, &adapter] {
        for import in instance.world.imports.iter().filter(|import| {
            types
                .as_ref()
                .is_some_and(|types| types.world.exports(&import.name))
                && !exports(&import.name)
        }) {
            let types = types.as_ref().context("it was found")?;
            instance.plug(&mut graph, &import.name, types, &import.name)?;
        }
    }
    export(graph, &adapter, &adapter.world.exports)
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

/// The instances that the imports of parts are connected to.
struct Plugs<'a> {
    types: &'a Instance,
    context: Option<&'a Instance>,
    settings: Option<&'a Instance>,
    refusers: Vec<Instance>,
    /// The instances in place of the streams of the process, by the text of their component.
    substitutes: Vec<(String, Instance)>,
}

impl Plugs<'_> {
    /// Instantiates a part, and connects all imports that the framework provides.
    fn plug_into(
        &mut self,
        graph: &mut CompositionGraph,
        index: usize,
        part: &Loaded,
        refuser: Option<usize>,
    ) -> Result<Instance> {
        // Not the name of the part, which need not be a valid package name.
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
        if let Some(context) = self.context {
            for import in part.context() {
                instance
                    .plug(graph, &import.name, context, &import.name)
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

    /// Parts with the same substitute share an instance.
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

    /// Connects the interfaces that hold nothing but types, so that hosts need not know them.
    fn plug_types(&self, graph: &mut CompositionGraph, types: &Instance) -> Result<()> {
        for import in &self.world.imports {
            let is_types = import.name != REQUEST || import.functions.is_empty();
            if is_types && types.world.exports.contains(&import.name) {
                self.plug(graph, &import.name, types, &import.name)?;
            }
        }
        Ok(())
    }
}

/// A component that exports the contract's types and has no code. With `request`, it also exports
/// the types of that interface, which authenticators use.
fn types_component(request: bool) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let contract = resolve.push_str("server.wit", spin_mcp_contract::WIT)?;
    let interface = resolve.packages[contract].interfaces["request"];
    resolve.interfaces[interface].functions.clear();
    let request = match request {
        true => "export spin-mcp:server/request@0.1.0;",
        false => "",
    };
    let world = format!(
        "package spin-mcp:provider;
         world types {{
             export spin-mcp:server/types@0.1.0;
             export spin-mcp:server/tool-types@0.1.0;
             export spin-mcp:server/resource-types@0.1.0;
             export spin-mcp:server/prompt-types@0.1.0;
             export spin-mcp:server/completion-types@0.1.0;
             {request}
         }}"
    );
    let package = resolve.push_str("types.wit", &world)?;
    let world = resolve.select_world(&[package], Some("types"))?;
    let mut module = wasm_encoder::Module::new().finish();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    without_code(&ComponentEncoder::default().module(&module)?.encode()?)
}

/// Removes the core modules of a component that uses none of them, so that instances of a server
/// do not make them.
pub fn without_code(component: &[u8]) -> Result<Vec<u8>> {
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
