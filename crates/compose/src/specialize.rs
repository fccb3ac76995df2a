//! Makes the components of the framework for exactly these features. The framework's server is a
//! core module that imports `tools` and its like once.
//!
//! - Each interface of a feature becomes an import of its own (`tools0`, `prompts0`, `tools1`, …).
//!   The module's one import of an interface becomes a function that reads the slot from the upper
//!   bits of the request id and forwards its arguments unchanged: a table jump, and nothing else
//!   between server and feature.
//! - The catalog becomes static data, which an instance uses without reading or parsing it.
//! - Interfaces that no feature needs are not imported.

use anyhow::{Context as _, Result, bail, ensure};
use spin_mcp_component::rewrite::replace_imports::{Core, Fate, Import, ReplaceImports};
use spin_mcp_contract::{Framework, Wasi};
use spin_mcp_framework as framework;
use spin_mcp_protocol::{request_id::SLOT_SHIFT, services::ServerPart};
use wasm_encoder::{BlockType, Function, Instruction, MemArg, ValType as EncodedType};
use wasmparser::ValType;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{
    Function as WitFunction, FunctionKind, Interface, InterfaceId, Param, Resolve, Type, TypeDef,
    TypeDefKind, TypeId,
};
use wit_parser::{TypeOwner, WorldId, WorldItem, WorldKey};

use crate::{
    fuse::SELECT,
    overrides::Overrides,
    plan::{Plan, Shape},
};

/// Where a request id in memory holds the slot, in bytes.
const SLOT_OFFSET: u64 = SLOT_SHIFT as u64 / 8;
/// The module that gives the server the place of the catalog.
const CATALOG_MODULE: &str = "spin-mcp:catalog";

/// Parts of `wasi:cli` that the framework never calls, or calls only while it panics. `refusals` is
/// about the imports of features.
const ABSENT: [&str; 2] = ["wasi:cli/exit@", "wasi:cli/terminal-"];
/// The same, unless variables of the environment configure the server.
const ENVIRONMENT: &str = "wasi:cli/environment@";

/// What becomes of the imports of a part of the framework.
#[derive(Default)]
pub struct Wiring<'a> {
    pub dispatches: &'a [Dispatch],
    /// The slots of the features that take turns.
    pub turns: &'a [usize],
    /// Interfaces that are not called in this server, whether the part imports them or not.
    pub unused: Vec<&'a str>,
    /// Whether it reads the environment of its host.
    pub environment: bool,
    /// Which part of the server it is.
    pub part: ServerPart,
}

impl Wiring<'_> {
    /// Whether the functions of an interface stay imports.
    fn keeps(&self, interface: &str) -> bool {
        let mut dispatches = self.dispatches.iter();
        interface != CATALOG_MODULE
            && !dispatches.any(|dispatch| dispatch.interface == interface)
            && !self.unused.contains(&interface)
            && !self.is_absent(interface)
    }

    fn is_absent(&self, interface: &str) -> bool {
        let absent = ABSENT.iter().any(|absent| interface.starts_with(absent));
        absent || (!self.environment && interface.starts_with(ENVIRONMENT))
    }
}

/// An interface that features export and the server calls.
pub struct Dispatch {
    /// Such as `spin-mcp:server/tools@0.1.0`.
    pub interface: &'static str,
    /// The import of the feature in each slot, if it exports this interface. Without any, the
    /// server does not import it.
    pub plugs: Vec<Option<String>>,
}

impl Dispatch {
    /// The imports, without the slots of features that lack the interface.
    fn plugs(&self) -> impl Iterator<Item = &str> {
        self.plugs.iter().flatten().map(String::as_str)
    }
}

/// The parts of the framework as components for a server.
#[derive(Default)]
pub struct Specialized {
    pub transport: Option<Vec<u8>>,
    /// The router, or the whole server; none in a sequence without features.
    pub router: Option<Vec<u8>>,
    pub context: Option<Vec<u8>>,
}

impl Specialized {
    /// `transport`: the catalog of the transport, if there is one.
    pub fn new(
        wasi: Wasi,
        plan: &Plan,
        overrides: &Overrides,
        (transport, catalog): (&[u8], &[u8]),
    ) -> Result<Specialized> {
        let auth = plan.auth.is_some();
        let component =
            |part, wiring, catalog| overrides.component(part, wasi, auth, &wiring, catalog);
        let (transport, router) = match plan.shape {
            Shape::Server { whole } => {
                let server = match auth {
                    true => framework::server_with_auth(wasi),
                    false => framework::server(wasi, whole),
                };
                (None, Some(specialize(server, &plan.router(), catalog)?))
            }
            Shape::Chain => (
                Some(component(
                    Framework::Transport,
                    plan.transport(),
                    transport,
                )?),
                Some(component(Framework::Router, plan.router(), catalog)?),
            ),
            Shape::Sequence if plan.has_features() => {
                let router = framework::router(plan.kind.wasi());
                (None, Some(specialize(router, &plan.router(), catalog)?))
            }
            Shape::Sequence => (None, None),
        };
        let context = plan.has_context.then(|| {
            let wiring = Wiring::default();
            overrides.component(Framework::Context, wasi, auth, &wiring, &[])
        });
        Ok(Specialized {
            transport,
            router,
            context: context.transpose()?,
        })
    }
}

/// Makes a component for these features out of a part of the framework.
pub fn specialize(part: &[u8], wiring: &Wiring<'_>, catalog: &[u8]) -> Result<Vec<u8>> {
    let (stripped, mut bindgen) =
        metadata::decode(part).context("cannot read the component type of the server")?;
    let core = stripped.context("the server has no component type")?;
    let world = bindgen.world;
    for dispatch in wiring.dispatches {
        replace_interface(&mut bindgen.resolve, world, dispatch)?;
    }
    for interface in &wiring.unused {
        remove_unused(&mut bindgen.resolve, world, interface);
    }
    remove_absent(&mut bindgen.resolve, world, wiring);
    if !wiring.turns.is_empty() {
        import_select(&mut bindgen.resolve, world);
    }
    let mut module = rewrite(&core, wiring, catalog)?;
    embed_component_metadata(&mut module, &bindgen.resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&module)?
        .encode()
        .context("cannot encode the server component")
}

/// Takes an interface out of the imports, if it is one of them.
fn remove_import(resolve: &mut Resolve, world: WorldId, interface: &str) -> Option<InterfaceId> {
    let imports = resolve.worlds[world].imports.iter();
    let (key, id) = imports.into_iter().find_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } if resolve.name_world_key(key) == interface => {
            Some((key.clone(), *id))
        }
        _ => None,
    })?;
    resolve.worlds[world].imports.shift_remove(&key);
    Some(id)
}

/// Takes an interface out of the imports, unless one that stays uses its types.
fn remove_unused(resolve: &mut Resolve, world: WorldId, interface: &str) {
    let imports = resolve.worlds[world].imports.values();
    let uses = imports.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(resolve.interface_direct_deps(*id)),
        _ => None,
    });
    let mut uses = uses.flatten().filter_map(|id| resolve.id_of(id));
    let stays = uses.any(|used| used == interface);
    drop(uses);
    if !stays {
        remove_import(resolve, world, interface);
    }
}

/// Adds the import that makes it the turn of a feature.
fn import_select(resolve: &mut Resolve, world: WorldId) {
    let select = WitFunction {
        name: SELECT.to_owned(),
        kind: FunctionKind::Freestanding,
        params: vec![Param {
            name: "feature".to_owned(),
            ty: Type::U32,
            span: Default::default(),
        }],
        result: None,
        docs: Default::default(),
        stability: Default::default(),
        external_id: None,
        span: Default::default(),
    };
    let key = WorldKey::Name(SELECT.to_owned());
    resolve.worlds[world]
        .imports
        .insert(key, WorldItem::Function(select));
}

fn remove_absent(resolve: &mut Resolve, world: WorldId, wiring: &Wiring<'_>) {
    let imports = resolve.worlds[world].imports.clone();
    let kept = imports
        .into_iter()
        .filter(|(key, _)| !wiring.is_absent(&resolve.name_world_key(key)));
    resolve.worlds[world].imports = kept.collect();
}

/// Replaces the import of an interface by imports of the same shape under plain names.
fn replace_interface(resolve: &mut Resolve, world: WorldId, dispatch: &Dispatch) -> Result<()> {
    let Some(original) = remove_import(resolve, world, dispatch.interface) else {
        ensure!(
            dispatch.plugs().next().is_none(),
            "the server that this `mcp` carries does not call `{}`, which a feature exports; this is a \
             defect of `mcp`: please report it",
            dispatch.interface
        );
        return Ok(());
    };
    for name in dispatch.plugs() {
        let id = clone_interface(resolve, original);
        let (key, item) = (WorldKey::Name(name.to_owned()), interface(id));
        resolve.worlds[world].imports.insert(key, item);
    }
    Ok(())
}

/// An interface that a world imports or exports.
pub fn interface(id: InterfaceId) -> WorldItem {
    WorldItem::Interface {
        id,
        stability: Default::default(),
        external_id: None,
        docs: Default::default(),
        span: Default::default(),
    }
}

/// An interface without a name, of the same shape.
pub fn clone_interface(resolve: &mut Resolve, original: InterfaceId) -> InterfaceId {
    let interface = resolve.interfaces[original].clone();
    let clone = resolve.interfaces.alloc(Interface {
        name: None,
        types: Default::default(),
        functions: Default::default(),
        package: None,
        clone_of: Some(original),
        ..interface.clone()
    });
    let mut types: Vec<(TypeId, TypeId)> = Vec::new();
    for (name, id) in &interface.types {
        let kind = clone_kind(resolve, &types, resolve.types[*id].kind.clone());
        let owner = TypeOwner::Interface(clone);
        let copy = resolve.types.alloc(TypeDef {
            kind,
            owner,
            ..resolve.types[*id].clone()
        });
        types.push((*id, copy));
        resolve.interfaces[clone].types.insert(name.clone(), copy);
    }
    for (name, function) in &interface.functions {
        let mut copy: WitFunction = function.clone();
        for param in &mut copy.params {
            param.ty = clone_type(resolve, &types, param.ty);
        }
        copy.result = copy.result.map(|ty| clone_type(resolve, &types, ty));
        resolve.interfaces[clone]
            .functions
            .insert(name.clone(), copy);
    }
    clone
}

/// A type with the named types of the interface replaced by their copies.
fn clone_type(resolve: &mut Resolve, types: &[(TypeId, TypeId)], ty: Type) -> Type {
    let Type::Id(id) = ty else { return ty };
    if let Some((_, copy)) = types.iter().find(|(from, _)| *from == id) {
        return Type::Id(*copy);
    }
    let definition = resolve.types[id].clone();
    if definition.owner != TypeOwner::None {
        return ty;
    }
    let kind = clone_kind(resolve, types, definition.kind.clone());
    Type::Id(resolve.types.alloc(TypeDef { kind, ..definition }))
}

fn clone_kind(resolve: &mut Resolve, types: &[(TypeId, TypeId)], kind: TypeDefKind) -> TypeDefKind {
    let mut copy = |ty: Type| clone_type(resolve, types, ty);
    match kind {
        TypeDefKind::Option(ty) => TypeDefKind::Option(copy(ty)),
        TypeDefKind::List(ty) => TypeDefKind::List(copy(ty)),
        TypeDefKind::Type(ty) => TypeDefKind::Type(copy(ty)),
        TypeDefKind::Result(mut result) => {
            result.ok = result.ok.map(&mut copy);
            result.err = result.err.map(&mut copy);
            TypeDefKind::Result(result)
        }
        TypeDefKind::Tuple(mut tuple) => {
            tuple.types.iter_mut().for_each(|ty| *ty = copy(*ty));
            TypeDefKind::Tuple(tuple)
        }
        // The functions of the contract use all other kinds only as named types.
        other => other,
    }
}

/// A function of a feature.
#[derive(Clone, Copy)]
struct Target {
    function: u32,
    /// What makes it the turn of the feature, and the number there, if the feature takes turns.
    select: Option<(u32, usize)>,
}

/// The body of a function that replaces an import.
enum Body {
    /// Forwards to these functions, by slot.
    Dispatch(Vec<Option<Target>>),
    /// It is never called.
    Trap,
    /// Answers that there is nothing: an empty list or `none`, which is zeros where the caller
    /// wants its result.
    Nothing,
    Number(i32),
}

/// Whether a function of an absent interface returns a list or an option.
fn asks(function: &str) -> bool {
    function.starts_with("get-") || function == "initial-cwd"
}

/// The core module with the imports of a component for these features.
fn rewrite(core: &[u8], wiring: &Wiring<'_>, catalog: &[u8]) -> Result<Vec<u8>> {
    let core = Core::read(core)?;
    if let Some(name) = core.other_import {
        bail!("the server imports `{name}`, which is not a function");
    }
    ensure!(!core.memories.is_empty(), "the server has no memory");
    let fates = core.imports.iter();
    let fates = fates.map(|import| match wiring.keeps(import.module) {
        true => Fate::Keep,
        false => Fate::Replace,
    });
    let mut module = ReplaceImports::new(&core, fates.collect());
    let address = module.append_data(catalog);
    let mut bodies = Vec::new();
    let select = (!wiring.turns.is_empty()).then(|| {
        let ty = module.add_type(vec![EncodedType::I32], vec![]);
        module.add_import("$root", SELECT, ty)
    });
    let target = |slot: usize, function| {
        let number = wiring.turns.iter().position(|it| *it == slot);
        Target {
            function,
            select: select.zip(number),
        }
    };
    for import in &core.imports {
        let mut dispatches = wiring.dispatches.iter();
        let dispatch = dispatches.find(|dispatch| dispatch.interface == import.module);
        bodies.push(match (dispatch, import.module, import.name) {
            (Some(dispatch), _, name) if dispatch.plugs().next().is_some() => {
                let plugs = dispatch.plugs.iter().map(Option::as_deref);
                let mut add = |plug| module.add_import(plug, name, import.ty);
                let targets = plugs.map(|plug| plug.map(&mut add)).enumerate();
                let targets = targets.map(|(slot, plug)| plug.map(|plug| target(slot, plug)));
                Body::Dispatch(targets.collect())
            }
            (_, CATALOG_MODULE, "address") => Body::Number(address as i32),
            (_, CATALOG_MODULE, "length") => Body::Number(catalog.len() as i32),
            (_, CATALOG_MODULE, "part") => Body::Number(wiring.part as i32),
            (_, CATALOG_MODULE, name) => bail!("the server imports `{name}`, which is unknown"),
            (None, interface, name) if wiring.is_absent(interface) && asks(name) => Body::Nothing,
            _ => Body::Trap,
        });
    }
    let module = module.encode(|_, index| body(&core, &core.imports[index], &bodies[index]));
    Ok(module.context("cannot rewrite the server")?.finish())
}

/// The function in the place of an import.
fn body(core: &Core<'_>, import: &Import<'_>, body: &Body) -> Result<Function> {
    let mut code = Function::new([]);
    match body {
        Body::Dispatch(targets) => {
            let ty = core.ty(import).context("an import has no type")?;
            forward(ty.params(), targets, &mut code);
        }
        Body::Trap => {
            code.instruction(&Instruction::Unreachable);
        }
        Body::Nothing => {
            let at = MemArg {
                offset: 0,
                align: 2,
                memory_index: 0,
            };
            code.instruction(&Instruction::LocalGet(0));
            code.instruction(&Instruction::I64Const(0));
            code.instruction(&Instruction::I64Store(at));
        }
        Body::Number(number) => {
            code.instruction(&Instruction::I32Const(*number));
        }
    }
    code.instruction(&Instruction::End);
    Ok(code)
}

/// Jumps by slot to the import of the feature, with all arguments.
fn forward(params: &[ValType], targets: &[Option<Target>], body: &mut Function) {
    let call = |body: &mut Function, target: Target| {
        if let Some((select, number)) = target.select {
            body.instruction(&Instruction::I32Const(number as i32));
            body.instruction(&Instruction::Call(select));
        }
        for param in 0..params.len() as u32 {
            body.instruction(&Instruction::LocalGet(param));
        }
        body.instruction(&Instruction::Call(target.function));
    };
    if let [Some(target)] = targets {
        call(body, *target);
        return;
    }
    // One block for each slot and one around them for a slot without a feature.
    let slots = targets.len() as u32;
    for _ in 0..=slots {
        body.instruction(&Instruction::Block(BlockType::Empty));
    }
    body.instruction(&Instruction::LocalGet(0));
    if params.first() == Some(&ValType::I64) {
        body.instruction(&Instruction::I64Const(SLOT_SHIFT.into()));
        body.instruction(&Instruction::I64ShrU);
        body.instruction(&Instruction::I32WrapI64);
    } else {
        // Many parameters of an asynchronous call lie in memory, the id first.
        let at = MemArg {
            offset: SLOT_OFFSET,
            align: 1,
            memory_index: 0,
        };
        body.instruction(&Instruction::I32Load16U(at));
    }
    body.instruction(&Instruction::BrTable((0..slots).collect(), slots));
    for target in targets {
        body.instruction(&Instruction::End);
        match target {
            Some(target) => call(body, *target),
            None => {
                body.instruction(&Instruction::Unreachable);
            }
        }
        body.instruction(&Instruction::Return);
    }
    body.instruction(&Instruction::End);
    body.instruction(&Instruction::Unreachable);
}

#[cfg(test)]
mod tests;
