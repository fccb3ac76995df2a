//! Whose turn it is in the memory.

use anyhow::{Result, anyhow};
use wasm_encoder::{ExportKind, ValType};

use super::{Fused, Part, Source, source::REALLOC};

/// The interface behind which the memories of the others are.
pub const MEMORIES: &str = "spin-mcp:framework/memories@0.1.0";

/// The globals of `turns.wat`, which the fused module has in front of those of its members.
pub const GLOBALS: u32 = 4;
pub const PAGES: u32 = 1;
pub const STDERR: u32 = 3;

/// The functions of `turns.wat`, which the fused module has in front of those of its members.
pub const GROW: u32 = 0;
const FIRST_ELEMENT: u32 = 1;

const I32: ValType = ValType::I32;

/// A component that exports `MEMORIES`. It keeps a memory for each number: `prepare` makes room for
/// one, `save` copies it there, and `load` returns it without its last eight bytes, which `tail`
/// returns: the caller has no other place for the address of the rest.
pub fn memories() -> Result<Vec<u8>> {
    Ok(wat::parse_str(include_str!("memories.wat"))?)
}

/// The pages that the memory begins with: those of the member that needs most.
pub fn pages(sources: &[Source<'_>]) -> u64 {
    // What was saved returns to where the address of its end was.
    sources.iter().map(|it| it.pages).fold(1, u64::max)
}

/// Imports `MEMORIES`, whose functions come first.
pub fn declare(fused: &mut Fused) -> u32 {
    fused.import(MEMORIES, "prepare", &[I32, I32], &[]);
    fused.import(MEMORIES, "save", &[I32, I32], &[]);
    fused.import(MEMORIES, "saved", &[I32], &[I32]);
    fused.import(MEMORIES, "load", &[I32, I32], &[]);
    fused.import(MEMORIES, "tail", &[I32], &[ValType::I64]) + 1
}

/// How many functions there are for so many members.
pub fn functions(members: usize) -> u32 {
    element(members) + 2
}

pub fn element(member: usize) -> u32 {
    FIRST_ELEMENT + member as u32
}

/// Adds the functions, the first of which has this index.
pub fn define(fused: &mut Fused, sources: &[Source<'_>], parts: &[Part], first: u32) -> Result<()> {
    let members = || sources.iter().zip(parts).zip(0..);
    let reallocs = sources.iter().zip(parts).map(|(source, part)| {
        let realloc = source.realloc().unwrap_or_default();
        part.functions[realloc as usize]
    });
    let imported = (0..fused.memories).chain(reallocs);
    let last = first + functions(sources.len());
    let mut own = Part {
        functions: imported.chain(first..last).collect(),
        types: fused.types.len(),
        globals: 0,
        data: 0,
        elements: 0,
        element: 0,
        grow: None,
    };
    let mut text = include_str!("turns.wat").replace("PAGES", &pages(sources).to_string());
    let mut put = |place: &str, lines: &mut dyn Iterator<Item = String>| {
        text = text.replace(place, &lines.collect::<String>());
    };
    let turn = "(i32.eq (global.get $turn) (i32.const";
    put(
        "MEMBERS",
        &mut members().map(|(_, number)| {
            let ty = "(param i32 i32 i32 i32) (result i32)";
            format!(r#"(import "members" "{number}" (func $allocate{number} {ty}))"#)
        }),
    );
    put(
        "ELEMENTS",
        &mut members().map(|((source, part), _)| {
            let (first, count) = (part.elements, source.elements_in_table);
            format!(
                "(func (param i32) (result i32)
               (if (i32.ge_u (local.get 0) (i32.const {count})) (then unreachable))
               (i32.add (local.get 0) (i32.const {first})))"
            )
        }),
    );
    put(
        "ALLOCATE",
        &mut members().map(|(_, number)| {
            let call = format!(
                "(local.get 0) (local.get 1) (local.get 2) (local.get 3) (call $allocate{number})"
            );
            format!("(if {turn} {number})) (then {call} return))")
        }),
    );
    put(
        "FILL",
        &mut members().map(|((source, part), number)| {
            let segments = source
                .data
                .iter()
                .zip(part.data..)
                .filter_map(|(segment, data)| {
                    let (at, length) = (segment.at?, segment.bytes.len());
                    Some(format!(
                        "(memory.init {data} (i32.const {at}) (i32.const 0) (i32.const {length}))"
                    ))
                });
            format!(
                "(if {turn} {number})) (then {} return))",
                segments.collect::<String>()
            )
        }),
    );
    let segments = sources.iter().flat_map(|source| &source.data);
    put("DATA", &mut segments.map(|_| r#"(data "")"#.to_owned()));
    own.encode(&wat::parse_str(text)?, fused)
        .map_err(|error| anyhow!("cannot add its turns: {error}"))?;
    fused.exports.export(REALLOC, ExportKind::Func, last - 2);
    fused.exports.export("select", ExportKind::Func, last - 1);
    Ok(())
}
