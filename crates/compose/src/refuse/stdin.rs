//! Keeps stdin from features: it holds the messages of the server's client.
//!
//! Nothing gives a component of WASI 0.2 a stream that is closed, and standard libraries open
//! stdin whether anybody reads it or not. So the core modules of a feature get a handle that
//! stands for no stream, and answer by themselves where they use it. Where a module does not
//! import it by its name, as toolchains do, opening stdin traps.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use wasm_encoder::{
    BlockType, CodeSection, Component, Function, FunctionSection, Instruction, MemArg, Module,
    ModuleSection, RawSection, reencode, reencode::Reencode,
};
use wasmparser::{FuncType, Parser, Payload, TypeRef, ValType};

const STDIN: &str = "wasi:cli/stdin@0.2.";
const STREAMS: &str = "wasi:io/streams@0.2.";
/// Larger than any handle of a component.
const NOWHERE: i32 = 1 << 30;

/// The component with stdin closed; none if nothing in it opens stdin.
pub fn close(component: &[u8]) -> Result<Option<Vec<u8>>> {
    let (mut closed, mut changed, mut depth) = (Component::new(), false, 0);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let section = payload.as_section().filter(|_| depth == 0);
        if let Some((id, range)) = section {
            let data = &component[range.start as usize..range.end as usize];
            let nested = match &payload {
                Payload::ComponentSection { .. } => close(data)?,
                _ => None,
            };
            let module = match &payload {
                Payload::ModuleSection { .. } => close_in_module(data)?,
                _ => None,
            };
            changed |= nested.is_some() || module.is_some();
            match module {
                Some(module) => closed.section(&ModuleSection(&module)),
                None => closed.section(&RawSection {
                    id,
                    data: nested.as_deref().unwrap_or(data),
                }),
            };
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(changed.then(|| closed.finish()))
}

/// What a module does with stdin.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Open,
    /// A call that says that the stream is closed, in a result whose error lies at `offset`.
    Read {
        offset: u64,
    },
    Drop,
}

impl Use {
    fn of(module: &str, name: &str) -> Option<Use> {
        if module.starts_with(STDIN) {
            return (name == "get-stdin").then_some(Use::Open);
        }
        if !module.starts_with(STREAMS) {
            return None;
        }
        match name {
            "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
                Some(Use::Read { offset: 4 })
            }
            "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
                Some(Use::Read { offset: 8 })
            }
            "[resource-drop]input-stream" => Some(Use::Drop),
            _ => None,
        }
    }

    /// Whether an import is what it is called.
    fn has_type(self, ty: &FuncType) -> bool {
        let (params, results): (&[_], &[_]) = match self {
            Use::Open => (&[], &[ValType::I32]),
            Use::Read { .. } => (&[ValType::I32, ValType::I64, ValType::I32], &[]),
            Use::Drop => (&[ValType::I32], &[]),
        };
        (ty.params(), ty.results()) == (params, results)
    }

    /// What stands for the import `index`.
    fn body(self, index: u32) -> Function {
        let mut code = Function::new([]);
        let mut put = |instruction| {
            code.instruction(&instruction);
        };
        if self == Use::Open {
            put(Instruction::I32Const(NOWHERE));
            put(Instruction::End);
            return code;
        }
        put(Instruction::LocalGet(0));
        put(Instruction::I32Const(NOWHERE));
        put(Instruction::I32Eq);
        put(Instruction::If(BlockType::Empty));
        if let Use::Read { offset } = self {
            // `err`, and of its cases `closed`.
            for offset in [0, offset] {
                put(Instruction::LocalGet(2));
                put(Instruction::I32Const(1));
                put(Instruction::I32Store8(MemArg {
                    offset,
                    align: 0,
                    memory_index: 0,
                }));
            }
        }
        put(Instruction::Else);
        let params = match self {
            Use::Read { .. } => 3,
            _ => 1,
        };
        for param in 0..params {
            put(Instruction::LocalGet(param));
        }
        put(Instruction::Call(index));
        put(Instruction::End);
        put(Instruction::End);
        code
    }
}

/// A function that stands for an import of the module.
struct Stand {
    import: u32,
    ty: u32,
    of: Use,
}

#[derive(Default)]
struct Rewrite {
    stands: Vec<Stand>,
    /// Where the stands of imports are.
    moved: HashMap<u32, u32>,
}

/// The module with stdin closed; none if it does not open it.
fn close_in_module(core: &[u8]) -> Result<Option<Module>> {
    let (mut types, mut stands, mut functions) = (Vec::new(), Vec::<Stand>::new(), 0);
    let (mut has_memory, mut has_code) = (false, false);
    for payload in Parser::new(0).parse_all(core) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.push(ty?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(ty) => {
                            if let Some(of) = Use::of(import.module, import.name)
                                && types.get(ty as usize).is_some_and(|ty| of.has_type(ty))
                            {
                                let import = functions;
                                stands.push(Stand { import, ty, of });
                            }
                            functions += 1;
                        }
                        TypeRef::Memory(memory) => has_memory |= !memory.memory64,
                        _ => {}
                    }
                }
                if !stands.iter().any(|stand| stand.of == Use::Open) {
                    return Ok(None);
                }
            }
            Payload::FunctionSection(section) => {
                functions += section.count();
                has_code = section.count() > 0;
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    has_memory |= !memory?.memory64;
                }
            }
            Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    if stands.is_empty() || !has_memory || !has_code {
        return Ok(None);
    }
    let moved = stands.iter().zip(functions..);
    let moved = moved.map(|(stand, index)| (stand.import, index)).collect();
    let mut module = Module::new();
    Rewrite { stands, moved }
        .parse_core_module(&mut module, Parser::new(0), core)
        .map_err(|error| anyhow!("cannot close stdin: {error}"))?;
    Ok(Some(module))
}

type Outcome<T = ()> = std::result::Result<T, reencode::Error>;

impl Reencode for Rewrite {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.moved.get(&index).copied().unwrap_or(index))
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_function_section(self, section, reader)?;
        for stand in &self.stands {
            section.function(stand.ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_code_section(self, section, reader)?;
        for stand in &self.stands {
            section.function(&stand.of.body(stand.import));
        }
        Ok(())
    }
}
