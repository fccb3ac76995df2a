//! The component that exports `settings` for the parts that do not answer themselves, as static
//! data.

use anyhow::{Context as _, Result};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::part::Loaded;

/// The size of a string that a function returns: its address and its length.
const RETURNED: usize = 8;

/// The export for the part at this index.
pub fn export(index: usize) -> String {
    format!("settings{index}")
}

/// One component for all parts that need it; none if there is none.
pub fn component(parts: &[Loaded]) -> Result<Option<Vec<u8>>> {
    let readers: Vec<_> = parts
        .iter()
        .enumerate()
        .filter_map(|(index, part)| Some((export(index), part.settings.as_deref()?)))
        .collect();
    if readers.is_empty() {
        return Ok(None);
    }
    let exports = readers.iter().map(|(export, _)| {
        format!("export {export}: interface {{ use spin-mcp:server/types@0.1.0.{{json}}; get: func() -> json; }}\n")
    });
    let world = format!(
        "package spin-mcp:provider;\nworld settings {{\n{}}}",
        exports.collect::<String>()
    );
    let mut resolve = Resolve::default();
    resolve.push_str("server.wit", spin_mcp_contract::WIT)?;
    let package = resolve.push_str("settings.wit", &world)?;
    let world = resolve.select_world(&[package], Some("settings"))?;
    let mut module = module(&readers);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let encoded = ComponentEncoder::default().module(&module)?.encode();
    encoded
        .map(Some)
        .context("cannot encode the settings of the parts")
}

/// A module whose functions return the texts.
fn module(readers: &[(String, &str)]) -> Vec<u8> {
    let (mut types, mut functions, mut code) = (
        TypeSection::new(),
        FunctionSection::new(),
        CodeSection::new(),
    );
    let mut exports = ExportSection::new();
    types.ty().function([], [ValType::I32]);
    let mut data = vec![0; readers.len() * RETURNED];
    for (index, (export, text)) in readers.iter().enumerate() {
        let returned = index * RETURNED;
        let [address, length] =
            [data.len(), text.len()].map(|number| (number as u32).to_le_bytes());
        data[returned..returned + 4].copy_from_slice(&address);
        data[returned + 4..returned + RETURNED].copy_from_slice(&length);
        data.extend_from_slice(text.as_bytes());
        functions.function(0);
        exports.export(&format!("{export}#get"), ExportKind::Func, index as u32);
        let mut body = Function::new([]);
        body.instruction(&Instruction::I32Const(returned as i32));
        body.instruction(&Instruction::End);
        code.function(&body);
    }
    let mut memories = MemorySection::new();
    let pages = (data.len() as u64).div_ceil(65_536);
    memories.memory(MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export("memory", ExportKind::Memory, 0);
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(0), data);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&segments);
    module.finish()
}
