//! The component of an adapter.

use std::collections::HashSet;

use anyhow::{Context as _, Result, bail};
use spin_mcp_component::{
    imports,
    rewrite::replace_imports::{Core, Fate, ReplaceImports},
};
use spin_mcp_framework as framework;
use wasm_encoder::{
    Alias, BlockType, Component, ComponentAliasSection, ComponentImportSection,
    ComponentOuterAliasKind, Function, Instruction, MemArg, RawSection, ValType,
    reencode::{ReencodeComponent as _, RoundtripReencoder},
};
use wasmparser::{ComponentTypeRef, Parser, Payload, TypeBounds};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{
    Resolve, Type, TypeId, WorldId, WorldItem,
    abi::{AbiVariant, WasmSignature, WasmType},
};

use super::{Tool, schema::Schemas, types::parts};
use crate::{check, wire};

const CATALOG: &str = "spin-mcp:catalog";
const ADAPTER: &str = "spin-mcp:adapter";
/// The module of the functions that a world imports directly.
const ROOT: &str = "$root";

/// A component that exports `tools` and imports the functions.
pub fn adapter(
    plain: &Resolve,
    world: WorldId,
    tools: &[(Tool<'_>, Schemas)],
    table: &[u8],
) -> Result<Vec<u8>> {
    let (core, bindgen) = metadata::decode(framework::adapter())?;
    let core = core.context("the adapter has no component type")?;
    let targets = tools.iter().map(|(tool, _)| Target {
        module: tool.interface.as_deref().unwrap_or(ROOT),
        name: &tool.function.name,
        signature: plain.wasm_signature(AbiVariant::GuestImport, tool.function),
    });
    let targets: Vec<_> = targets.collect();
    let mut module = rewrite(&core, &targets, table)?;
    let mut resolve = plain.clone();
    prune(&mut resolve, world, tools);
    resolve.importize(world, Some("adapted".to_owned()))?;
    let own = resolve.merge(bindgen.resolve)?;
    let own = own.map_world(bindgen.world, Default::default())?;
    let imports = resolve.worlds[own].imports.clone();
    let imports = imports.into_iter();
    let kept = imports.filter(|(key, _)| resolve.name_world_key(key).starts_with("spin-mcp:"));
    resolve.worlds[own].imports = kept.collect();
    resolve.merge_worlds(world, own, &mut Default::default())?;
    embed_component_metadata(&mut module, &resolve, own, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default();
    encoder.merge_imports_based_on_semver(false);
    encoder.module(&module)?.encode()
}

/// Removes functions that are not tools from what a world exports, and types that no tool uses.
fn prune(resolve: &mut Resolve, world: WorldId, tools: &[(Tool<'_>, Schemas)]) {
    let mut used = HashSet::new();
    let kept: HashSet<_> = tools
        .iter()
        .map(|(tool, _)| {
            let params = tool.function.params.iter().map(|param| param.ty);
            params
                .chain(tool.function.result)
                .for_each(|ty| mark(resolve, ty, &mut used));
            (tool.interface.clone(), tool.function.name.clone())
        })
        .collect();
    let mut exports = resolve.worlds[world].exports.clone();
    exports.retain(|key, item| match item {
        WorldItem::Function(function) => kept.contains(&(None, function.name.clone())),
        WorldItem::Interface { id, .. } => {
            let name = Some(resolve.name_world_key(key));
            let interface = &mut resolve.interfaces[*id];
            interface
                .functions
                .retain(|function, _| kept.contains(&(name.clone(), function.clone())));
            interface.types.retain(|_, ty| used.contains(ty));
            !interface.functions.is_empty() || !interface.types.is_empty()
        }
        WorldItem::Type { id, .. } => used.contains(id),
    });
    let world = &mut resolve.worlds[world];
    world.exports = exports;
    let imports = world.imports.clone();
    world.imports.retain(|_, item| match item {
        WorldItem::Type { id, .. } => used.contains(id),
        _ => true,
    });
    for (_, item) in imports {
        if let WorldItem::Interface { id, .. } = item {
            let interface = &mut resolve.interfaces[id];
            interface.types.retain(|_, ty| used.contains(ty));
            interface.functions.clear();
        }
    }
}

/// A type and those that it is made of.
fn mark(resolve: &Resolve, ty: Type, used: &mut HashSet<TypeId>) {
    if let Type::Id(id) = ty
        && used.insert(id)
    {
        let parts = parts(resolve, id).into_iter();
        parts.for_each(|part| mark(resolve, part, used));
    }
}

/// A component that exports the interfaces without functions that no host has; none without any.
pub fn types(plain: &Resolve, world: WorldId) -> Result<Option<Vec<u8>>> {
    let imports = plain.worlds[world].imports.iter();
    let names = imports.filter_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } => {
            let (name, interface) = (plain.name_world_key(key), &plain.interfaces[*id]);
            let is_own = !check::is_of_host(&name) && !name.starts_with("spin-mcp:");
            (is_own && interface.functions.is_empty()).then_some(name)
        }
        _ => None,
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return Ok(None);
    }
    let mut resolve = plain.clone();
    imports::exports(&mut resolve, world, "types", &names)?;
    let mut module = wasm_encoder::Module::new().finish();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    wire::without_code(&ComponentEncoder::default().module(&module)?.encode()?).map(Some)
}

/// A function as the adapter imports it.
struct Target<'a> {
    module: &'a str,
    name: &'a str,
    signature: WasmSignature,
}

/// The core module of the adapter with the imports of these functions, and none of WASI: it uses
/// that only to report a panic.
fn rewrite(core: &[u8], targets: &[Target<'_>], table: &[u8]) -> Result<Vec<u8>> {
    let core = Core::read(core)?;
    if let Some(name) = core.other_import {
        bail!("it imports `{name}`, which is not a function");
    }
    let fates = vec![Fate::Replace; core.imports.len()];
    let mut module = ReplaceImports::new(&core, fates);
    let address = module.append_data(table);
    let targets = targets.iter().map(|target| {
        let values = |types: &[WasmType]| types.iter().map(|ty| value(*ty)).collect();
        let signature = &target.signature;
        let ty = module.add_type(values(&signature.params), values(&signature.results));
        (module.add_import(target.module, target.name, ty), signature)
    });
    let targets: Vec<_> = targets.collect();
    let module = module.encode(|_, index| {
        let import = &core.imports[index];
        let mut code = Function::new([]);
        match (import.module, import.name) {
            (CATALOG, "address") => {
                code.instruction(&Instruction::I32Const(address as i32));
            }
            (CATALOG, "length") => {
                code.instruction(&Instruction::I32Const(table.len() as i32));
            }
            (ADAPTER, "call") => call(&targets, &mut code),
            (CATALOG | ADAPTER, name) => bail!("it imports `{name}`, which is unknown"),
            _ => {
                code.instruction(&Instruction::Unreachable);
            }
        }
        code.instruction(&Instruction::End);
        Ok(code)
    });
    Ok(module?.finish())
}

fn value(ty: WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// `call(index, params, result)`: one block for each function, and one around them.
fn call(targets: &[(u32, &WasmSignature)], code: &mut Function) {
    let (index, params, result) = (0, 1, 2);
    let count = targets.len() as u32;
    for _ in 0..=count {
        code.instruction(&Instruction::Block(BlockType::Empty));
    }
    code.instruction(&Instruction::LocalGet(index));
    code.instruction(&Instruction::BrTable((0..count).collect(), count));
    for (target, signature) in targets {
        code.instruction(&Instruction::End);
        if !signature.results.is_empty() {
            code.instruction(&Instruction::LocalGet(result));
        }
        let flat = signature.params.len() - usize::from(signature.retptr);
        if signature.indirect_params {
            code.instruction(&Instruction::LocalGet(params));
        } else {
            for (place, ty) in signature.params[..flat].iter().enumerate() {
                code.instruction(&Instruction::LocalGet(params));
                code.instruction(&load(*ty, place as u64 * 8));
            }
        }
        if signature.retptr {
            code.instruction(&Instruction::LocalGet(result));
        }
        code.instruction(&Instruction::Call(*target));
        if let Some(ty) = signature.results.first() {
            code.instruction(&store(*ty));
        }
        code.instruction(&Instruction::Return);
    }
    code.instruction(&Instruction::End);
    code.instruction(&Instruction::Unreachable);
}

fn at(offset: u64, align: u32) -> MemArg {
    MemArg {
        offset,
        align,
        memory_index: 0,
    }
}

fn load(ty: WasmType, offset: u64) -> Instruction<'static> {
    match value(ty) {
        ValType::I64 => Instruction::I64Load(at(offset, 3)),
        ValType::F32 => Instruction::F32Load(at(offset, 2)),
        ValType::F64 => Instruction::F64Load(at(offset, 3)),
        _ => Instruction::I32Load(at(offset, 2)),
    }
}

/// What it stores begins as the value does in memory, since that is little-endian.
fn store(ty: WasmType) -> Instruction<'static> {
    match value(ty) {
        ValType::I64 => Instruction::I64Store(at(0, 3)),
        ValType::F32 => Instruction::F32Store(at(0, 2)),
        ValType::F64 => Instruction::F64Store(at(0, 3)),
        _ => Instruction::I32Store(at(0, 2)),
    }
}

/// The component without its imports of types, which its code can name where they are defined: hosts
/// need not know the types that a world defines outside of interfaces.
pub fn without_type_imports(component: &[u8]) -> Result<Vec<u8>> {
    let (mut encoded, mut depth) = (Component::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        if depth == 0
            && let Some((id, range)) = payload.as_section()
        {
            let data = &component[range.start as usize..range.end as usize];
            match &payload {
                Payload::ComponentImportSection(section) => {
                    for import in section.clone() {
                        let import = import?;
                        if let ComponentTypeRef::Type(TypeBounds::Eq(index)) = import.ty {
                            let mut aliases = ComponentAliasSection::new();
                            aliases.alias(Alias::Outer {
                                kind: ComponentOuterAliasKind::Type,
                                count: 0,
                                index,
                            });
                            encoded.section(&aliases);
                            continue;
                        }
                        let mut imports = ComponentImportSection::new();
                        let ty = RoundtripReencoder.component_type_ref(import.ty)?;
                        imports.import(import.name, ty);
                        encoded.section(&imports);
                    }
                }
                _ => {
                    encoded.section(&RawSection { id, data });
                }
            }
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(encoded.finish())
}
