//! Turns the `server` of the framework, a core module that imports `tools` and its like once,
//! into a component for exactly these features.
//!
//! - Each interface of a feature becomes an import of its own (`tools0`, `prompts0`, `tools1`, …).
//!   The module's one import of an interface becomes a function that reads the slot out of the upper bits of the request id and
//!   forwards its arguments unchanged: a table jump, and nothing between server and feature.
//! - The catalog becomes static data, which an instance uses without reading or parsing it.
//! - What no feature needs is no import at all.

use anyhow::{Context as _, Result, bail, ensure};
use spin_mcp_protocol::{request_id::SLOT_SHIFT, services::ServerPart};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, Function, FunctionSection, ImportSection, Instruction,
    MemArg, MemoryType, Module, reencode, reencode::Reencode,
};
use wasmparser::{Parser, Payload, TypeRef, ValType};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{
    Function as WitFunction, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
};
use wit_parser::{TypeOwner, WorldId, WorldItem, WorldKey};

/// Where a request id in memory holds the slot, in bytes.
const SLOT_OFFSET: u64 = SLOT_SHIFT as u64 / 8;
const PAGE: u64 = 65_536;
/// The module that gives the server the place of the catalog.
const CATALOG_MODULE: &str = "spin-mcp:catalog";

/// Parts of `wasi:cli` that the framework calls never or only while it panics. What
/// features import is refused: see `refuse`.
const ABSENT: [&str; 2] = ["wasi:cli/exit@", "wasi:cli/terminal-"];
/// The same, unless it is wanted.
const ENVIRONMENT: &str = "wasi:cli/environment@";

/// What becomes of the imports of a part of the framework.
#[derive(Default)]
pub struct Wiring<'a> {
    pub dispatches: &'a [Dispatch],
    /// Interfaces that are not called in this server, whether the part imports them or not.
    pub unused: &'a [&'a str],
    /// It reads the environment of its host.
    pub environment: bool,
    /// Which part of the server it is.
    pub part: ServerPart,
}

impl Wiring<'_> {
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

/// Gives a part of the framework as a component for these features.
pub fn specialize(part: &[u8], wiring: &Wiring<'_>, catalog: &[u8]) -> Result<Vec<u8>> {
    let (stripped, mut bindgen) =
        metadata::decode(part).context("cannot read the component type of the server")?;
    let core = stripped.context("the server has no component type")?;
    let world = bindgen.world;
    for dispatch in wiring.dispatches {
        replace_interface(&mut bindgen.resolve, world, dispatch)?;
    }
    for interface in wiring.unused {
        remove_import(&mut bindgen.resolve, world, interface);
    }
    remove_absent(&mut bindgen.resolve, world, wiring);
    let mut module = Rewrite::new(&core, wiring)?.run(&core, catalog)?;
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
        resolve.worlds[world].imports.insert(
            WorldKey::Name(name.to_owned()),
            WorldItem::Interface {
                id,
                stability: Default::default(),
                external_id: None,
                docs: Default::default(),
                span: Default::default(),
            },
        );
    }
    Ok(())
}

/// An interface without a name, of the same shape.
fn clone_interface(resolve: &mut Resolve, original: InterfaceId) -> InterfaceId {
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
        // What the contract's functions do not hold outside of named types.
        other => other,
    }
}

/// What becomes of an imported function.
enum Import {
    Kept,
    /// Forwarded to the functions of a dispatch's imports.
    Dispatched {
        interface: usize,
    },
    /// Never called.
    Unused,
    /// Answers that there is nothing: an empty list or `none`, which is zeros where the caller
    /// wants its result.
    Nothing,
    CatalogAddress,
    CatalogLength,
    /// Returns this number.
    Part(i32),
}

/// Whether a function of an absent interface returns a list or an option.
fn asks(function: &str) -> bool {
    function.starts_with("get-") || function == "initial-cwd"
}

struct ImportedFunction {
    name: String,
    ty: u32,
    becomes: Import,
}

/// The rewriting of the core module.
struct Rewrite<'a> {
    dispatches: &'a [Dispatch],
    imports: Vec<ImportedFunction>,
    params: Vec<Vec<ValType>>,
    /// Pages of memory before the catalog.
    pages: u64,
    catalog: &'a [u8],
    /// Where each function is, by its old index; defined functions follow.
    moved: Vec<u32>,
    added: u32,
}

impl<'a> Rewrite<'a> {
    fn new(core: &[u8], wiring: &Wiring<'a>) -> Result<Self> {
        let dispatches = wiring.dispatches;
        let (mut imports, mut params, mut pages, mut defined) = (Vec::new(), Vec::new(), None, 0);
        for payload in Parser::new(0).parse_all(core) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        params.push(ty?.params().to_vec());
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            bail!(
                                "the server imports `{}`, which is not a function",
                                import.name
                            );
                        };
                        let dispatch = dispatches
                            .iter()
                            .position(|dispatch| dispatch.interface == import.module);
                        let becomes = match (dispatch, import.module, import.name) {
                            (Some(interface), _, _)
                                if dispatches[interface].plugs().next().is_some() =>
                            {
                                Import::Dispatched { interface }
                            }
                            (Some(_), _, _) => Import::Unused,
                            (_, CATALOG_MODULE, "address") => Import::CatalogAddress,
                            (_, CATALOG_MODULE, "length") => Import::CatalogLength,
                            (_, CATALOG_MODULE, "part") => Import::Part(wiring.part as i32),
                            (_, module, _) if wiring.unused.contains(&module) => Import::Unused,
                            (_, module, name) if wiring.is_absent(module) && asks(name) => {
                                Import::Nothing
                            }
                            (_, module, _) if wiring.is_absent(module) => Import::Unused,
                            _ => Import::Kept,
                        };
                        imports.push(ImportedFunction {
                            name: import.name.to_owned(),
                            ty,
                            becomes,
                        });
                    }
                }
                Payload::FunctionSection(section) => defined = section.count(),
                Payload::MemorySection(section) => {
                    for memory in section {
                        pages = Some(memory?.initial);
                    }
                }
                _ => {}
            }
        }
        let mut rewrite = Rewrite {
            dispatches,
            imports,
            params,
            pages: pages.context("the server has no memory")?,
            catalog: &[],
            moved: Vec::new(),
            added: 0,
        };
        rewrite.place(defined);
        Ok(rewrite)
    }

    /// Settles the new index of every imported function: kept imports, then the new ones,
    /// then the defined functions, then the bodies that stand for imports.
    fn place(&mut self, defined: u32) {
        let kept = self
            .imports
            .iter()
            .filter(|import| matches!(import.becomes, Import::Kept))
            .count() as u32;
        self.added = self
            .imports
            .iter()
            .map(|import| match import.becomes {
                Import::Dispatched { interface } => {
                    self.dispatches[interface].plugs().count() as u32
                }
                _ => 0,
            })
            .sum();
        let (mut next_kept, mut next_body) = (0, kept + self.added + defined);
        for import in &self.imports {
            let next = if matches!(import.becomes, Import::Kept) {
                &mut next_kept
            } else {
                &mut next_body
            };
            self.moved.push(*next);
            *next += 1;
        }
    }

    fn run(mut self, core: &[u8], catalog: &'a [u8]) -> Result<Vec<u8>> {
        self.catalog = catalog;
        let mut module = Module::new();
        self.parse_core_module(&mut module, Parser::new(0), core)
            .map_err(|error| anyhow::anyhow!("cannot rewrite the server: {error}"))?;
        Ok(module.finish())
    }

    fn replaced(&self) -> impl Iterator<Item = &ImportedFunction> {
        self.imports
            .iter()
            .filter(|import| !matches!(import.becomes, Import::Kept))
    }

    fn kept(&self) -> u32 {
        self.imports.len() as u32 - self.replaced().count() as u32
    }

    fn catalog_address(&self) -> u64 {
        self.pages * PAGE
    }

    /// The first of the new imports that a dispatched function forwards to.
    fn first_target(&self, function: &ImportedFunction) -> u32 {
        let mut next = self.kept();
        for import in &self.imports {
            if std::ptr::eq(import, function) {
                break;
            }
            if let Import::Dispatched { interface } = import.becomes {
                next += self.dispatches[interface].plugs().count() as u32;
            }
        }
        next
    }

    /// The function that stands for an import.
    fn body(&self, import: &ImportedFunction) -> Function {
        let mut body = Function::new([]);
        match import.becomes {
            Import::CatalogAddress => {
                body.instruction(&Instruction::I32Const(self.catalog_address() as u32 as i32));
            }
            Import::CatalogLength => {
                body.instruction(&Instruction::I32Const(self.catalog.len() as i32));
            }
            Import::Part(part) => {
                body.instruction(&Instruction::I32Const(part));
            }
            Import::Dispatched { interface } => self.forward(import, interface, &mut body),
            Import::Nothing => {
                let at = MemArg {
                    offset: 0,
                    align: 2,
                    memory_index: 0,
                };
                body.instruction(&Instruction::LocalGet(0));
                body.instruction(&Instruction::I64Const(0));
                body.instruction(&Instruction::I64Store(at));
            }
            Import::Unused | Import::Kept => {
                body.instruction(&Instruction::Unreachable);
            }
        }
        body.instruction(&Instruction::End);
        body
    }

    /// Jumps by slot to the import of the feature, with all arguments.
    fn forward(&self, import: &ImportedFunction, interface: usize, body: &mut Function) {
        let params = &self.params[import.ty as usize];
        let plugs = &self.dispatches[interface].plugs;
        let mut target = self.first_target(import);
        let mut call = |body: &mut Function| {
            for param in 0..params.len() as u32 {
                body.instruction(&Instruction::LocalGet(param));
            }
            body.instruction(&Instruction::Call(target));
            target += 1;
        };
        if plugs.len() == 1 {
            call(body);
            return;
        }
        // One block for each slot and one around them for what is none.
        let slots = plugs.len() as u32;
        for _ in 0..=slots {
            body.instruction(&Instruction::Block(wasm_encoder::BlockType::Empty));
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
        for plug in plugs {
            body.instruction(&Instruction::End);
            match plug {
                Some(_) => call(body),
                None => {
                    body.instruction(&Instruction::Unreachable);
                }
            }
            body.instruction(&Instruction::Return);
        }
        body.instruction(&Instruction::End);
        body.instruction(&Instruction::Unreachable);
    }
}

type Outcome<T = ()> = Result<T, reencode::Error>;

impl Reencode for Rewrite<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        let imports = self.imports.len() as u32;
        Ok(match self.moved.get(index as usize) {
            Some(moved) => *moved,
            None => index - imports + self.kept() + self.added,
        })
    }

    fn parse_import_section(
        &mut self,
        section: &mut ImportSection,
        reader: wasmparser::ImportSectionReader<'_>,
    ) -> Outcome {
        for (import, known) in reader.into_imports().zip(&self.imports) {
            let import = import?;
            if matches!(known.becomes, Import::Kept) {
                section.import(
                    import.module,
                    import.name,
                    wasm_encoder::EntityType::Function(known.ty),
                );
            }
        }
        for import in &self.imports {
            if let Import::Dispatched { interface } = import.becomes {
                for target in self.dispatches[interface].plugs() {
                    section.import(
                        target,
                        &import.name,
                        wasm_encoder::EntityType::Function(import.ty),
                    );
                }
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
        for import in self.replaced() {
            section.function(import.ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_code_section(self, section, reader)?;
        for import in self.replaced() {
            section.function(&self.body(import));
        }
        Ok(())
    }

    /// Room for the catalog behind everything that the linker placed. The allocator was told
    /// the old end when the module was linked, and grows the memory from the new one.
    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Outcome<MemoryType> {
        let mut memory = reencode::utils::memory_type(self, ty);
        memory.minimum += (self.catalog.len() as u64).div_ceil(PAGE);
        Ok(memory)
    }

    fn parse_data_section(
        &mut self,
        section: &mut DataSection,
        reader: wasmparser::DataSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_data_section(self, section, reader)?;
        let address = ConstExpr::i32_const(self.catalog_address() as u32 as i32);
        section.active(0, &address, self.catalog.iter().copied());
        Ok(())
    }

    fn data_count(&mut self, count: u32) -> Outcome<u32> {
        Ok(count + 1)
    }
}

#[cfg(test)]
mod tests;
