//! Closes stdin for a component, because stdin holds the messages of the server's client.
//!
//! A component of WASI 0.2 cannot be given a closed stream, and standard libraries open stdin even
//! if nothing reads it. So the core modules of the component get a handle that belongs to no stream,
//! and answer themselves where they use it. A module that does not import stdin by the name that
//! toolchains use traps when it opens stdin.

use anyhow::{Context as _, Result};
use wasm_encoder::{BlockType, Function, Instruction, MemArg};
use wasmparser::{FuncType, ValType};

use super::{
    edit_modules,
    replace_imports::{Core, Fate, ReplaceImports},
};

const STDIN: &str = "wasi:cli/stdin@0.2.";
const STREAMS: &str = "wasi:io/streams@0.2.";
/// Larger than any handle of a component.
const NOWHERE: i32 = 1 << 30;

/// The component with stdin closed; none if nothing in it opens stdin.
pub fn close(component: &[u8]) -> Result<Option<Vec<u8>>> {
    edit_modules(component, &|level| {
        let modules = level.modules.iter();
        modules.map(|module| close_in_module(module)).collect()
    })
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

    /// Whether an import has the type that its name promises.
    fn has_type(self, ty: &FuncType) -> bool {
        let (params, results): (&[_], &[_]) = match self {
            Use::Open => (&[], &[ValType::I32]),
            Use::Read { .. } => (&[ValType::I32, ValType::I64, ValType::I32], &[]),
            Use::Drop => (&[ValType::I32], &[]),
        };
        (ty.params(), ty.results()) == (params, results)
    }

    /// The function in the place of the import `index`.
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

/// The module with stdin closed; none if it does not open stdin.
fn close_in_module(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let core = Core::read(module)?;
    let uses = core.imports.iter().map(|import| {
        let of = Use::of(import.module, import.name)?;
        of.has_type(core.ty(import)?).then_some(of)
    });
    let uses: Vec<_> = uses.collect();
    let has_memory = core.memories.iter().any(|memory| !memory.memory64);
    if !uses.contains(&Some(Use::Open)) || !has_memory || core.defined == 0 {
        return Ok(None);
    }
    let fates = uses.iter().map(|of| match of {
        Some(_) => Fate::Wrap,
        None => Fate::Keep,
    });
    let module = ReplaceImports::new(&core, fates.collect());
    let closed = module.encode(|module, index| {
        let of = uses[index].context("an import that stays has no function")?;
        Ok(of.body(module.import(index)))
    });
    let closed = closed.context("cannot close stdin")?;
    Ok(Some(closed.finish()))
}
