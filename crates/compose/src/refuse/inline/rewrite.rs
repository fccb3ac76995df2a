//! Encodes a module again, with functions of its own in place of imports.

use std::collections::HashMap;

use anyhow::{Context as _, Result, anyhow, bail};
use wasm_encoder::{
    CodeSection, EntityType, Function, FunctionSection, ImportSection, Module, reencode,
    reencode::Reencode,
};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValType};
use wit_parser::abi::WasmSignature;

use super::{
    code::{self, Callable},
    reply::{Import, Reply},
    track,
};

/// What toolchains call the function that makes room for what an import returns, the name that
/// is taken first.
const REALLOC: [&str; 2] = ["cabi_import_realloc", "cabi_realloc"];

/// What becomes of an imported function.
pub enum Fate {
    Stays,
    /// It is never called.
    Traps,
    Answers {
        reply: Reply,
        signature: WasmSignature,
        is_async: bool,
    },
}

/// The module, each of whose imports becomes what `fate` says of its interface and name.
pub fn rewrite(core: &[u8], fate: impl Fn(&str, &str) -> Result<Fate>) -> Result<Vec<u8>> {
    let read = Core::read(core)?;
    let imports = read.imports.iter();
    let fates = imports.map(|(interface, name)| fate(interface, name));
    let fates = fates.collect::<Result<Vec<_>>>()?;
    let mut rewrite = Rewrite::new(&read, &fates)?;
    for (fate, ty) in fates.iter().zip(&read.types) {
        let code = match fate {
            Fate::Stays => continue,
            Fate::Traps => code::trap(),
            Fate::Answers {
                reply,
                signature,
                is_async,
            } => {
                let drops = reply.brought.iter();
                let callable = Callable {
                    realloc: read.realloc.map(|index| rewrite.moved(index)),
                    drops: drops
                        .map(|brought| rewrite.index(&read, &brought.drop))
                        .collect(),
                };
                code::answer(reply, signature, *is_async, &callable)?
            }
        };
        rewrite.bodies.push((*ty, code));
    }
    let mut module = Module::new();
    rewrite
        .parse_core_module(&mut module, Parser::new(0), core)
        .map_err(|error| anyhow!("cannot rewrite the module: {error}"))?;
    Ok(module.finish())
}

/// What there is to know of a module.
#[derive(Default)]
struct Core<'a> {
    /// The imported functions.
    imports: Vec<(&'a str, &'a str)>,
    /// Their types.
    types: Vec<u32>,
    defined: u32,
    realloc: Option<u32>,
    /// The type of functions that drop a resource.
    drop: Option<u32>,
}

impl<'a> Core<'a> {
    /// Where an import is, of whatever version of its interface if there is none of that one.
    fn position(&self, (interface, name): &Import) -> Option<usize> {
        let mut imports = self.imports.iter();
        let is_exact = imports.clone().any(|(other, _)| other == interface);
        imports.position(|(other, function)| {
            function == name
                && match is_exact {
                    true => other == interface,
                    false => track(other) == track(interface),
                }
        })
    }

    fn read(core: &'a [u8]) -> Result<Core<'a>> {
        let (mut read, mut exports) = (Core::default(), HashMap::new());
        for payload in Parser::new(0).parse_all(core) {
            match payload? {
                Payload::TypeSection(section) => {
                    for (index, ty) in (0..).zip(section.into_iter_err_on_gc_types()) {
                        let ty = ty?;
                        if ty.params() == [ValType::I32] && ty.results().is_empty() {
                            read.drop = Some(index);
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            bail!("it imports `{}`, which is not a function", import.name);
                        };
                        read.imports.push((import.module, import.name));
                        read.types.push(ty);
                    }
                }
                Payload::FunctionSection(section) => read.defined = section.count(),
                Payload::MemorySection(section) if section.count() > 1 => {
                    bail!("it has several memories")
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            exports.insert(export.name, export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        read.realloc = REALLOC.iter().find_map(|name| exports.get(name).copied());
        Ok(read)
    }
}

/// The functions of the new module: the imports that stay, imports that drop, the functions that
/// were defined, and those that were imports.
struct Rewrite {
    kept: Vec<bool>,
    /// Where each imported function goes.
    moved: Vec<u32>,
    added: Vec<Import>,
    /// The type of what is added.
    drop: u32,
    bodies: Vec<(u32, Function)>,
}

impl Rewrite {
    fn new(read: &Core<'_>, fates: &[Fate]) -> Result<Rewrite> {
        let kept: Vec<_> = fates
            .iter()
            .map(|fate| matches!(fate, Fate::Stays))
            .collect();
        let brought = fates.iter().flat_map(|fate| match fate {
            Fate::Answers { reply, .. } => &reply.brought[..],
            _ => &[],
        });
        let mut added = Vec::new();
        for drop in brought.map(|brought| &brought.drop) {
            if read.position(drop).is_none() && !added.contains(drop) {
                added.push(drop.clone());
            }
        }
        let drop = match added.is_empty() {
            true => 0,
            false => read.drop.context("it has no type of what drops")?,
        };
        let imports = kept.iter().filter(|kept| **kept).count() + added.len();
        let (mut next_kept, mut next_body) = (0, imports as u32 + read.defined);
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
            added,
            drop,
            bodies: Vec::new(),
        })
    }

    /// How many imports stay.
    fn kept(&self) -> u32 {
        self.kept.iter().filter(|kept| **kept).count() as u32
    }

    /// Where a function of the old module is.
    fn moved(&self, index: u32) -> u32 {
        match self.moved.get(index as usize) {
            Some(moved) => *moved,
            None => index - self.moved.len() as u32 + self.kept() + self.added.len() as u32,
        }
    }

    /// Where an import that stays or was added is.
    fn index(&self, read: &Core<'_>, import: &Import) -> u32 {
        match read.position(import) {
            Some(position) => self.moved[position],
            None => {
                let added = self.added.iter().take_while(|added| *added != import);
                self.kept() + added.count() as u32
            }
        }
    }
}

type Outcome<T = ()> = std::result::Result<T, reencode::Error>;

impl Reencode for Rewrite {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.moved(index))
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
        for (module, name) in &self.added {
            section.import(module, name, EntityType::Function(self.drop));
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_function_section(self, section, reader)?;
        for (ty, _) in &self.bodies {
            section.function(*ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_code_section(self, section, reader)?;
        for (_, code) in &self.bodies {
            section.function(code);
        }
        Ok(())
    }
}
