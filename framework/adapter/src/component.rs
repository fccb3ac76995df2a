//! The component around the functions.

use std::slice;

use spin_mcp_values::{
    Memory as _, Problem, answer, flatten, lower,
    table::{Table, Tool},
};

use crate::arena;
use bindings::{
    exports::spin_mcp::server::tools::Guest,
    spin_mcp::server::{
        tool_types::{self, ToolList, ToolOutcome, ToolResult},
        types::{ContentBlock, Error, TextContent},
    },
};

mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package spin-mcp:adapter;
            world adapter {
                export spin-mcp:server/tools@0.1.0;
            }
        ",
        world: "spin-mcp:adapter/adapter",
        generate_all,
    });
}

// What compose places in this module, as in a server.
#[link(wasm_import_module = "spin-mcp:catalog")]
unsafe extern "C" {
    fn address() -> *const u8;
    fn length() -> usize;
}

// Calls the function with this index. Its parameters are flat values of eight bytes each, or lie where
// the address says, if there are too many.
#[link(wasm_import_module = "spin-mcp:adapter")]
unsafe extern "C" {
    fn call(index: u32, params: *const u64, result: u32);
}

struct Component;

bindings::export!(Component with_types_in bindings);

fn table() -> Table<'static> {
    // SAFETY: compose replaces both functions by the place of static data that nothing else
    // uses, and that is never written.
    Table(unsafe { slice::from_raw_parts(address(), length()) })
}

impl Guest for Component {
    fn list_tools(_: u64, _: Option<String>) -> Result<ToolList, Error> {
        let tools = table().tools().map(|tool| tool_types::Tool {
            name: tool.name.to_owned(),
            title: None,
            description: Some(tool.description.to_owned()),
            input_schema: tool.input_schema.to_owned(),
            output_schema: (!tool.output_schema.is_empty()).then(|| tool.output_schema.to_owned()),
            annotations: None,
            icons: Vec::new(),
            meta: None,
        });
        Ok(ToolList {
            tools: tools.collect(),
            next_cursor: None,
            cache: None,
        })
    }

    fn call_tool(_: u64, name: String, arguments: String) -> Result<Option<ToolOutcome>, Error> {
        let mut tools = table().tools().zip(0..);
        let Some((tool, index)) = tools.find(|(tool, _)| tool.name == name) else {
            return Ok(None);
        };
        arena::with(arena::Arena::clear);
        let (text, structured_content, is_error) = match run(tool, index, &arguments) {
            Ok(answer) => (answer.text, answer.structured, answer.is_error),
            Err(problem) => (problem.to_string(), None, true),
        };
        arena::with(arena::Arena::clear);
        let text = TextContent {
            text,
            annotations: None,
            meta: None,
        };
        Ok(Some(ToolOutcome::Complete(ToolResult {
            content: vec![ContentBlock::Text(text)],
            structured_content,
            is_error,
            meta: None,
        })))
    }
}

fn run(tool: Tool<'_>, index: u32, arguments: &str) -> Result<spin_mcp_values::Answer, Problem> {
    let table = table();
    let (params, flat, result) = arena::with(|arena| {
        let params = lower(arena, table, tool.params, arguments)?;
        let is_flat = table.is_flat(tool.params);
        let flat = is_flat.then(|| flatten(arena, table, tool.params, params));
        // A flat result takes up to eight bytes, however small it is in memory.
        let size = tool.result.map_or(0, |ty| table.shape(ty).size.max(8));
        let result = arena.allocate(size, 8).ok_or_else(Problem::too_large)?;
        Ok((params, flat, result))
    })?;
    let params = match &flat {
        Some(flat) => flat.as_ptr(),
        None => params as *const u64,
    };
    // SAFETY: both addresses are where the function with this index takes them.
    unsafe { call(index, params, result) };
    Ok(arena::with(|arena| {
        answer(arena, table, tool.result.map(|ty| (ty, result)))
    }))
}
