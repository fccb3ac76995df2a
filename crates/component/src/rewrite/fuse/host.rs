//! What fused modules can call of the host: nothing that could be told apart from one module to the
//! other. Handles of a component are in one table, so modules do not get any: the only stream that they
//! have is stderr, whose handle stays here.

use std::collections::BTreeMap;

use wasm_encoder::{BlockType, Function, Instruction, ValType};

use super::{Fused, Source, turns};
use crate::rewrite::replace_imports::Import;

/// The version of WASI whose interfaces the fused module imports.
const VERSION: &str = "@0.2.0";
/// What modules have for a handle.
const HANDLE: i32 = 1;

const STREAMS: &str = "wasi:io/streams";
const POLL: &str = "wasi:io/poll";
const STDERR: Name<'static> = ("wasi:cli/stderr", "get-stderr");
const SUBSCRIBE: Name<'static> = (STREAMS, "[method]output-stream.subscribe");
const BLOCK: Name<'static> = (POLL, "[method]pollable.block");
const DROP_POLLABLE: Name<'static> = (POLL, "[resource-drop]pollable");

/// An interface, without its version, and a function.
type Name<'a> = (&'a str, &'a str);
/// The types of parameters and results.
type Types = (&'static [ValType], &'static [ValType]);

#[derive(Clone, Copy)]
enum Call {
    /// The host does it.
    Pass,
    /// A method of stderr.
    Method,
    /// Returns the handle of stderr.
    Open,
    Subscribe,
    Block,
    Drop,
    /// There is nothing of the kind.
    Trap,
}

const I32: ValType = ValType::I32;
const GET: Types = (&[], &[I32]);
const TAKE: Types = (&[I32], &[]);
const ASK: Types = (&[I32], &[I32]);
const CHECK: Types = (&[I32; 2], &[]);
const WRITE: Types = (&[I32; 4], &[]);
const NUMBER: Types = (&[], &[ValType::I64]);
const BYTES: Types = (&[ValType::I64, I32], &[]);

/// What becomes of a call of a module; none if it must not call this.
fn call(name: Name<'_>) -> Option<(Call, Types)> {
    Some(match name {
        // Stdout belongs to the server.
        STDERR | ("wasi:cli/stdout", "get-stdout") => (Call::Open, GET),
        (STREAMS, "[method]output-stream.check-write") => (Call::Method, CHECK),
        (STREAMS, "[method]output-stream.write") => (Call::Method, WRITE),
        (STREAMS, "[method]output-stream.blocking-write-and-flush") => (Call::Method, WRITE),
        (STREAMS, "[method]output-stream.flush") => (Call::Method, CHECK),
        (STREAMS, "[method]output-stream.blocking-flush") => (Call::Method, CHECK),
        (STREAMS, "[resource-drop]output-stream") => (Call::Drop, TAKE),
        (STREAMS, "[resource-drop]input-stream") => (Call::Trap, TAKE),
        SUBSCRIBE => (Call::Subscribe, ASK),
        BLOCK => (Call::Block, TAKE),
        DROP_POLLABLE => (Call::Drop, TAKE),
        ("wasi:io/error", "[resource-drop]error") => (Call::Pass, TAKE),
        ("wasi:random/insecure-seed", "insecure-seed") => (Call::Pass, TAKE),
        ("wasi:random/random", "get-random-bytes") => (Call::Pass, BYTES),
        ("wasi:random/random", "get-random-u64") => (Call::Pass, NUMBER),
        ("wasi:clocks/wall-clock", "now") => (Call::Pass, TAKE),
        ("wasi:clocks/monotonic-clock", "now" | "resolution") => (Call::Pass, NUMBER),
        _ => return None,
    })
}

/// What an import is in all versions of WASI 0.2.
fn name<'a>(import: &Import<'a>) -> Option<Name<'a>> {
    let (interface, version) = import.module.split_once('@')?;
    version
        .starts_with("0.2.")
        .then_some((interface, import.name))
}

pub fn has(import: &Import<'_>) -> bool {
    name(import).and_then(call).is_some()
}

/// The functions of the fused module in the place of the imports of its members.
pub struct Host<'a>(BTreeMap<Name<'a>, u32>);

impl<'a> Host<'a> {
    /// Adds the functions that these modules call.
    pub fn new(sources: &[Source<'a>], fused: &mut Fused) -> Host<'a> {
        let imports = sources.iter().flat_map(|source| &source.imports);
        let called: BTreeMap<_, _> = imports
            .filter_map(|import| {
                let name = name(import)?;
                Some((name, call(name)?))
            })
            .collect();
        let mut host = Functions::default();
        for (name, (what, _)) in &called {
            match what {
                Call::Pass => host.add(fused, &[*name]),
                Call::Method => host.add(fused, &[STDERR, *name]),
                Call::Block => host.add(fused, &[STDERR, SUBSCRIBE, BLOCK, DROP_POLLABLE]),
                Call::Open | Call::Subscribe | Call::Drop | Call::Trap => {}
            }
        }
        let stderr = host.0.get(&STDERR).map(|get| {
            let mut code = Function::new([]);
            code.instruction(&Instruction::GlobalGet(turns::STDERR));
            code.instruction(&Instruction::I32Eqz);
            code.instruction(&Instruction::If(BlockType::Empty));
            code.instruction(&Instruction::Call(*get));
            code.instruction(&Instruction::GlobalSet(turns::STDERR));
            code.instruction(&Instruction::End);
            code.instruction(&Instruction::GlobalGet(turns::STDERR));
            code.instruction(&Instruction::End);
            fused.function(&[], &[I32], &code)
        });
        let functions = called.into_iter().map(|(name, (what, (params, results)))| {
            let function = match what {
                Call::Pass => host.0[&name],
                _ => {
                    let code = host.code(name, what, params.len() as u32, stderr);
                    fused.function(params, results, &code)
                }
            };
            (name, function)
        });
        Host(functions.collect())
    }

    /// The function in the place of an import that `has` accepts.
    pub fn function(&self, import: &Import<'_>) -> Option<u32> {
        self.0.get(&name(import)?).copied()
    }
}

/// The imports of the fused module.
#[derive(Default)]
struct Functions<'a>(BTreeMap<Name<'a>, u32>);

impl<'a> Functions<'a> {
    fn add(&mut self, fused: &mut Fused, names: &[Name<'a>]) {
        for name in names {
            if let (None, Some((_, (params, results)))) = (self.0.get(name), call(*name)) {
                let interface = format!("{}{VERSION}", name.0);
                let function = fused.import(&interface, name.1, params, results);
                self.0.insert(*name, function);
            }
        }
    }

    fn code(&self, name: Name<'_>, what: Call, params: u32, stderr: Option<u32>) -> Function {
        let mut code = Function::new([(1, I32)]);
        if let Call::Method | Call::Subscribe | Call::Block | Call::Drop = what {
            code.instruction(&Instruction::LocalGet(0));
            code.instruction(&Instruction::I32Const(HANDLE));
            code.instruction(&Instruction::I32Ne);
            code.instruction(&Instruction::If(BlockType::Empty));
            code.instruction(&Instruction::Unreachable);
            code.instruction(&Instruction::End);
        }
        match (what, stderr) {
            (Call::Method, Some(stderr)) => {
                code.instruction(&Instruction::Call(stderr));
                for param in 1..params {
                    code.instruction(&Instruction::LocalGet(param));
                }
                code.instruction(&Instruction::Call(self.0[&name]));
            }
            (Call::Block, Some(stderr)) => {
                code.instruction(&Instruction::Call(stderr));
                code.instruction(&Instruction::Call(self.0[&SUBSCRIBE]));
                code.instruction(&Instruction::LocalTee(params));
                code.instruction(&Instruction::Call(self.0[&BLOCK]));
                code.instruction(&Instruction::LocalGet(params));
                code.instruction(&Instruction::Call(self.0[&DROP_POLLABLE]));
            }
            (Call::Open | Call::Subscribe, _) => {
                code.instruction(&Instruction::I32Const(HANDLE));
            }
            (Call::Drop, _) => {}
            _ => {
                code.instruction(&Instruction::Unreachable);
            }
        }
        code.instruction(&Instruction::End);
        code
    }
}
