//! The code of a function in the place of an import.

use anyhow::{Context as _, Result};
use wasm_encoder::{Function, Ieee32, Ieee64, Instruction, MemArg, ValType};
use wit_parser::abi::{WasmSignature, WasmType};

use super::Reply;

/// What an asynchronous call returns when it is over.
const RETURNED: i32 = 2;

pub fn trap() -> Function {
    let mut code = Function::new([]);
    code.instruction(&Instruction::Unreachable);
    code.instruction(&Instruction::End);
    code
}

/// Answers at once, as an import of this signature does. `realloc`: the function that allocates
/// what an import returns.
pub fn answer(
    reply: &Reply,
    signature: &WasmSignature,
    is_async: bool,
    realloc: Option<u32>,
) -> Result<Function> {
    let params = signature.params.len() as u32;
    let mut code = Function::new([(1, ValType::I32)]);
    if signature.retptr {
        let returns = params - 1;
        store(&mut code, returns, &reply.bytes);
        for offset in &reply.texts {
            let realloc = realloc.context("nothing allocates a text")?;
            code.instruction(&Instruction::LocalGet(returns));
            text(&mut code, &reply.text, realloc, params);
            code.instruction(&Instruction::I32Store(at(*offset)));
        }
    }
    match (is_async, signature.results.first()) {
        (true, _) => {
            code.instruction(&Instruction::I32Const(RETURNED));
        }
        (false, None) => {}
        (false, Some(ty)) => {
            let mut word = [0; 8];
            word[..reply.bytes.len()].copy_from_slice(&reply.bytes);
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

/// Leaves the address of a new text on the stack. The caller frees it.
fn text(code: &mut Function, text: &str, realloc: u32, local: u32) {
    for argument in [0, 0, 1, text.len() as i32] {
        code.instruction(&Instruction::I32Const(argument));
    }
    code.instruction(&Instruction::Call(realloc));
    code.instruction(&Instruction::LocalSet(local));
    store(code, local, text.as_bytes());
    code.instruction(&Instruction::LocalGet(local));
}

/// Writes bytes to the address in a local.
fn store(code: &mut Function, local: u32, bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks();
    for (offset, word) in (0..).step_by(8).zip(words) {
        code.instruction(&Instruction::LocalGet(local));
        code.instruction(&Instruction::I64Const(i64::from_le_bytes(*word)));
        code.instruction(&Instruction::I64Store(at(offset)));
    }
    for (offset, byte) in (words.len() * 8..).zip(rest) {
        code.instruction(&Instruction::LocalGet(local));
        code.instruction(&Instruction::I32Const((*byte).into()));
        code.instruction(&Instruction::I32Store8(at(offset)));
    }
}

fn at(offset: usize) -> MemArg {
    MemArg {
        offset: offset as u64,
        align: 0,
        memory_index: 0,
    }
}
