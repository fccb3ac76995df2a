//! Answers within the core module of a part, where that is possible: what it imported becomes a
//! function of its own that refuses with constants, or gives its settings. It costs no instance,
//! no memory and no call between components.
//!
//! It takes a component as `wit-component` makes them of one core module, which is encoded again
//! without the imports. Other components, and refusals that take more than constants, are left to
//! the components that refuse.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use wasm_encoder::{
    CodeSection, EntityType, Function, FunctionSection, Ieee32, Ieee64, ImportSection, Instruction,
    MemArg, Module, ValType, reencode, reencode::Reencode,
};
use wasmparser::{CanonicalFunction, CanonicalOption, ExternalKind, Parser, Payload, TypeRef};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{
    Function as WitFunction, Handle, InterfaceId, Resolve, SizeAlign, Type, TypeDefKind, TypeOwner,
    abi::{AbiVariant, WasmType},
};

use super::{
    answer::{Answers, origin},
    module::traps,
};
use crate::compose::{
    imports::Imports,
    load::{SETTINGS, World},
};

/// What an asynchronous call returns that is over.
const RETURNED: i32 = 2;
const ASYNC: &str = "[async-lower]";
/// What toolchains call the function that makes room for what an import returns.
const REALLOC: &str = "cabi_realloc";
/// Bytes of settings that are written by code, which takes twice as much.
const MAX_SETTINGS: usize = 16 << 10;
/// Bytes of a component that holds its settings. To compile a larger one again whenever they
/// change takes longer than an instance less saves.
const MAX_COMPONENT: usize = 2 << 20;

/// A part that answers by itself.
pub struct Inlined {
    pub component: Vec<u8>,
    /// The interfaces that it does not import any more.
    pub interfaces: Vec<String>,
}

/// Takes as many of the interfaces that are refused as possible out of the imports of a
/// component, and `settings`, if it imports that; none if it is not made in the way that this
/// can change.
pub fn inline(
    component: &[u8],
    wit: &Imports,
    refusing: &[String],
    settings: &str,
) -> Option<Inlined> {
    let mut interfaces = candidates(wit, refusing);
    let is_small = settings.len() <= MAX_SETTINGS && component.len() <= MAX_COMPONENT;
    if is_small && wit.names().any(|name| name == SETTINGS) && reads_settings(wit) {
        interfaces.push(SETTINGS.to_owned());
    }
    if interfaces.is_empty() {
        return None;
    }
    let component = without(component, wit, &interfaces, settings).ok()?;
    Some(Inlined {
        component,
        interfaces,
    })
}

/// Whether what a component takes for `settings` is that.
fn reads_settings(wit: &Imports) -> bool {
    let resolve = wit.resolve();
    let mut functions = resolve.interfaces[wit.id(SETTINGS)].functions.values();
    functions.all(|function| {
        let text = function.result.as_ref().map(|ty| dealias(resolve, ty));
        function.name == "get" && function.params.is_empty() && text == Some(Type::String)
    })
}

fn dealias(resolve: &Resolve, ty: &Type) -> Type {
    match ty {
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Type(ty) => dealias(resolve, ty),
            _ => *ty,
        },
        ty => *ty,
    }
}

/// The interfaces all of whose functions answer with constants.
fn candidates(wit: &Imports, refusing: &[String]) -> Vec<String> {
    let resolve = wit.resolve();
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let constants = Constants { resolve, sizes };
    let mut chosen = refusing.to_vec();
    chosen.retain(|name| {
        let id = wit.id(name);
        let mut functions = resolve.interfaces[id].functions.values();
        functions.all(|function| traps(name) || constants.answer(id, function).is_some())
    });
    // An interface stays where one that stays is made of it.
    loop {
        let before = chosen.len();
        let stay = |user: &&str| !chosen.iter().any(|name| name == user);
        let staying: Vec<_> = wit.names().filter(stay).collect();
        chosen.retain(|name| !staying.iter().any(|user| wit.uses(user, name)));
        if chosen.len() == before {
            return chosen;
        }
    }
}

struct Constants<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
}

impl Constants<'_> {
    /// The bytes of the result, unless it takes a text or a resource, or the call brings what
    /// has to be given up.
    fn answer(&self, interface: InterfaceId, function: &WitFunction) -> Option<Vec<u8>> {
        let mut params = function.params.iter();
        if params.any(|param| self.brings(interface, &param.ty)) {
            return None;
        }
        let Some(result) = &function.result else {
            return Some(Vec::new());
        };
        // A text cannot lie there, so its address would show.
        let answers = [(0, 0), (u32::MAX, 1)].map(|text| {
            let answers = Answers {
                resolve: self.resolve,
                sizes: &self.sizes,
                own: &|_| false,
                text,
            };
            answers.of(result).map(|answer| answer.bytes)
        });
        let [first, second] = answers;
        (first == second).then_some(first).flatten()
    }

    fn brings(&self, interface: InterfaceId, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        let brings = |ty: &Option<Type>| ty.as_ref().is_some_and(|ty| self.brings(interface, ty));
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty)
            | TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _) => self.brings(interface, ty),
            TypeDefKind::Map(key, value) => {
                self.brings(interface, key) || self.brings(interface, value)
            }
            TypeDefKind::Handle(Handle::Own(resource)) => {
                // Of the interface's own there are none.
                let resource = origin(self.resolve, *resource);
                self.resolve.types[resource].owner != TypeOwner::Interface(interface)
            }
            TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
            TypeDefKind::Record(record) => record
                .fields
                .iter()
                .any(|field| self.brings(interface, &field.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| self.brings(interface, ty)),
            TypeDefKind::Result(result) => brings(&result.ok) || brings(&result.err),
            TypeDefKind::Variant(variant) => variant.cases.iter().any(|case| brings(&case.ty)),
            _ => false,
        }
    }
}

/// The component without these imports.
fn without(
    component: &[u8],
    wit: &Imports,
    interfaces: &[String],
    settings: &str,
) -> Result<Vec<u8>> {
    let core = only_module(component)?;
    let mut resolve = wit.resolve().clone();
    let world = wit.world();
    let mut module = Rewrite::new(core, &resolve, wit, interfaces, settings)?.run(core)?;
    let mut imports = resolve.worlds[world].imports.clone();
    imports.retain(|key, _| !interfaces.contains(&resolve.name_world_key(key)));
    resolve.worlds[world].imports = imports;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default();
    encoder.merge_imports_based_on_semver(false);
    let encoded = encoder.module(&module)?.encode()?;
    let (before, after) = (World::read(component)?, World::read(&encoded)?);
    let expected = before.imports.iter().map(|import| &import.name);
    let mut expected: Vec<_> = expected.filter(|name| !interfaces.contains(name)).collect();
    let mut imported: Vec<_> = after.imports.iter().map(|import| &import.name).collect();
    expected.sort();
    imported.sort();
    if before.exports != after.exports || expected != imported {
        bail!("it is not made in the usual way");
    }
    Ok(encoded)
}

/// The one module of a component that is not glue of `wit-component`.
fn only_module(component: &[u8]) -> Result<&[u8]> {
    let (mut depth, mut modules) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection {
                unchecked_range: range,
                ..
            } => {
                modules.push(&component[range.start as usize..range.end as usize]);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentCanonicalSection(section) if depth == 0 => {
                for function in section {
                    if let CanonicalFunction::Lift { options, .. }
                    | CanonicalFunction::Lower { options, .. } = function?
                        && options.iter().any(|option| {
                            matches!(
                                option,
                                CanonicalOption::UTF16 | CanonicalOption::CompactUTF16
                            )
                        })
                    {
                        bail!("its texts are not in UTF-8");
                    }
                }
            }
            _ => {}
        }
    }
    let (main, glue) = modules.split_first().context("it has no module")?;
    for module in glue {
        for payload in Parser::new(0).parse_all(module) {
            // Adapters have code of their own, and state.
            if let Payload::GlobalSection(_) | Payload::MemorySection(_) = payload? {
                bail!("it has several modules");
            }
        }
    }
    Ok(main)
}

/// A function of the module that was an import.
struct Body {
    ty: u32,
    code: Function,
}

struct Rewrite {
    /// For each imported function, whether it stays.
    kept: Vec<bool>,
    bodies: Vec<Body>,
    /// Where each imported function is.
    moved: Vec<u32>,
}

impl Rewrite {
    fn new(
        core: &[u8],
        resolve: &Resolve,
        wit: &Imports,
        interfaces: &[String],
        settings: &str,
    ) -> Result<Rewrite> {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        let constants = Constants { resolve, sizes };
        let by_track: HashMap<_, _> = interfaces.iter().map(|name| (track(name), name)).collect();
        let (mut kept, mut bodies, mut defined) = (Vec::new(), Vec::new(), 0);
        let (mut getters, mut realloc) = (Vec::new(), None);
        for payload in Parser::new(0).parse_all(core) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            bail!("it imports `{}`, which is not a function", import.name);
                        };
                        let interface = by_track.get(&track(import.module));
                        kept.push(interface.is_none());
                        if let Some(interface) = interface {
                            let id = wit.id(interface);
                            let function = resolve.interfaces[id]
                                .functions
                                .get(import.name.trim_start_matches(ASYNC));
                            let is_async = import.name.starts_with(ASYNC);
                            let code = match function {
                                Some(_) if *interface == SETTINGS => {
                                    getters.push((bodies.len(), is_async));
                                    trap()
                                }
                                Some(function) if !traps(interface) => {
                                    constants.body(id, function, is_async)?
                                }
                                // Of the resources of the interface, there are none.
                                _ => trap(),
                            };
                            bodies.push(Body { ty, code });
                        }
                    }
                }
                Payload::FunctionSection(section) => defined = section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if (export.name, export.kind) == (REALLOC, ExternalKind::Func) {
                            realloc = Some(export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        for (index, is_async) in getters {
            let realloc = realloc.filter(|index| *index as usize >= kept.len());
            let realloc = realloc.context("nothing makes room for its settings")?;
            bodies[index].code = getter(settings, realloc - bodies.len() as u32, is_async);
        }
        let stay = kept.iter().filter(|kept| **kept).count() as u32;
        let (mut next_kept, mut next_body) = (0, stay + defined);
        let moved = kept.iter().map(|kept| {
            let next = match kept {
                true => &mut next_kept,
                false => &mut next_body,
            };
            *next += 1;
            *next - 1
        });
        Ok(Rewrite {
            moved: moved.collect(),
            kept,
            bodies,
        })
    }

    fn run(mut self, core: &[u8]) -> Result<Vec<u8>> {
        let mut module = Module::new();
        self.parse_core_module(&mut module, Parser::new(0), core)
            .map_err(|error| anyhow::anyhow!("cannot rewrite the module: {error}"))?;
        Ok(module.finish())
    }
}

/// An interface and the versions that `wit-component` takes for the same.
fn track(interface: &str) -> String {
    match interface.rsplit_once('@') {
        Some((path, version)) if !version.contains('-') => {
            let mut parts = version.splitn(3, '.');
            let compatible = match (parts.next(), parts.next()) {
                (Some("0"), Some(minor)) => format!("0.{minor}"),
                (Some(major), _) => major.to_owned(),
                _ => version.to_owned(),
            };
            format!("{path}@{compatible}")
        }
        _ => interface.to_owned(),
    }
}

fn trap() -> Function {
    let mut code = Function::new([]);
    code.instruction(&Instruction::Unreachable);
    code.instruction(&Instruction::End);
    code
}

/// A function of the module that returns a text: the caller's to free.
fn getter(text: &str, realloc: u32, is_async: bool) -> Function {
    const RETURNS: u32 = 0;
    const TEXT: u32 = 1;
    let mut code = Function::new([(1, ValType::I32)]);
    let mut put = |instruction| {
        code.instruction(&instruction);
    };
    let at = |offset| MemArg {
        offset,
        align: 0,
        memory_index: 0,
    };
    let length = text.len() as i32;
    for argument in [0, 0, 1, length] {
        put(Instruction::I32Const(argument));
    }
    put(Instruction::Call(realloc));
    put(Instruction::LocalSet(TEXT));
    let (words, rest) = text.as_bytes().as_chunks();
    for (offset, word) in (0..).step_by(8).zip(words) {
        put(Instruction::LocalGet(TEXT));
        put(Instruction::I64Const(i64::from_le_bytes(*word)));
        put(Instruction::I64Store(at(offset)));
    }
    for (offset, byte) in (words.len() as u64 * 8..).zip(rest) {
        put(Instruction::LocalGet(TEXT));
        put(Instruction::I32Const((*byte).into()));
        put(Instruction::I32Store8(at(offset)));
    }
    for (offset, value) in [
        (0, Instruction::LocalGet(TEXT)),
        (4, Instruction::I32Const(length)),
    ] {
        put(Instruction::LocalGet(RETURNS));
        put(value);
        put(Instruction::I32Store(at(offset)));
    }
    if is_async {
        put(Instruction::I32Const(RETURNED));
    }
    put(Instruction::End);
    code
}

impl Constants<'_> {
    /// A function of the module that stands for an import.
    fn body(
        &self,
        interface: InterfaceId,
        function: &WitFunction,
        is_async: bool,
    ) -> Result<Function> {
        let bytes = self.answer(interface, function).context("not a constant")?;
        let variant = match is_async {
            true => AbiVariant::GuestImportAsync,
            false => AbiVariant::GuestImport,
        };
        let signature = self.resolve.wasm_signature(variant, function);
        let mut code = Function::new([]);
        if signature.retptr {
            let pointer = signature.params.len() as u32 - 1;
            for (offset, byte) in bytes.iter().enumerate() {
                code.instruction(&Instruction::LocalGet(pointer));
                code.instruction(&Instruction::I32Const((*byte).into()));
                code.instruction(&Instruction::I32Store8(MemArg {
                    offset: offset as u64,
                    align: 0,
                    memory_index: 0,
                }));
            }
        }
        match (is_async, signature.results.first()) {
            (true, _) => {
                code.instruction(&Instruction::I32Const(RETURNED));
            }
            (false, None) => {}
            (false, Some(ty)) => {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(&bytes);
                let bits = u64::from_le_bytes(word);
                code.instruction(&match ty {
                    WasmType::I64 | WasmType::PointerOrI64 => Instruction::I64Const(bits as i64),
                    WasmType::F32 => Instruction::F32Const(Ieee32::new(bits as u32)),
                    WasmType::F64 => Instruction::F64Const(Ieee64::new(bits)),
                    _ => Instruction::I32Const(bits as i32),
                });
            }
        }
        code.instruction(&Instruction::End);
        Ok(code)
    }
}

type Outcome<T = ()> = std::result::Result<T, reencode::Error>;

impl Reencode for Rewrite {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(match self.moved.get(index as usize) {
            Some(moved) => *moved,
            None => index - self.bodies.len() as u32,
        })
    }

    fn parse_import_section(
        &mut self,
        section: &mut ImportSection,
        reader: wasmparser::ImportSectionReader<'_>,
    ) -> Outcome {
        for (import, kept) in reader.into_imports().zip(&self.kept) {
            let import = import?;
            if let (true, TypeRef::Func(ty)) = (*kept, import.ty) {
                section.import(import.module, import.name, EntityType::Function(ty));
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_function_section(self, section, reader)?;
        for body in &self.bodies {
            section.function(body.ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_code_section(self, section, reader)?;
        for body in &self.bodies {
            section.function(&body.code);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_what_they_are_called() {
        let types = r#"(import "spin-mcp:server/types@0.1.0" (instance $types
            (type $text string)
            (export "json" (type (eq $text)))))
          (alias export $types "json" (type $json))"#;
        let aliased = r#"(alias outer 1 $json (type $outer))
          (export "json" (type $own (eq $outer)))
          (export "get" (func (result $own)))"#;
        for (types, exports, expected) in [
            ("", r#"(export "get" (func (result string)))"#, true),
            (types, aliased, true),
            (
                "",
                r#"(export "get" (func (param "a" u32) (result string)))"#,
                false,
            ),
            ("", r#"(export "get" (func (result (list u8))))"#, false),
            ("", r#"(export "get" (func))"#, false),
            ("", r#"(export "other" (func (result string)))"#, false),
        ] {
            let text = format!("(component {types} (import \"{SETTINGS}\" (instance {exports})))");
            let wit = Imports::read(&wat::parse_str(&text).unwrap()).unwrap();
            assert_eq!(reads_settings(&wit), expected, "{text}");
        }
    }
}
