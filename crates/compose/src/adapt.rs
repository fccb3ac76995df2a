//! Makes a feature of a component that exports functions and knows nothing of MCP: each function
//! becomes a tool. An adapter in front of the component exports `tools`, and imports the functions.
//!
//! The component that comes of it is loaded like any other feature, so what the component imports is
//! granted and refused as everywhere.

pub mod docs;
mod encode;
mod names;
mod schema;
mod types;

use std::collections::HashSet;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use spin_mcp_component::{World, guard};
use spin_mcp_contract::interface::PACKAGE;
use spin_mcp_values::table::Table;
use wit_component::{DecodedWasm, decode};
use wit_parser::{Function, Resolve, WorldId, WorldItem, WorldKey};

use crate::wire;
use types::Types;

/// A component with an adapter.
#[derive(Debug)]
pub struct Adapted {
    adapter: Vec<u8>,
    table: Vec<u8>,
    /// Exports the interfaces without functions that the component and its adapter import.
    types: Option<Vec<u8>>,
    /// What the component exports, by name.
    exports: HashSet<String>,
    /// The functions that are not tools, and why.
    pub left_out: Vec<String>,
}

/// A function that becomes a tool.
struct Tool<'a> {
    /// The interface of the function; none if the world exports it directly.
    interface: Option<String>,
    function: &'a Function,
}

impl Tool<'_> {
    /// As messages name it: `example:text/api#count`.
    fn shown(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.function.name),
            None => self.function.name.clone(),
        }
    }
}

/// Whether a component exports functions, and no interface of the contract.
fn is_plain(world: &World, resolve: &Resolve, id: WorldId) -> bool {
    let exports = resolve.worlds[id].exports.iter();
    let mut functions = exports.flat_map(|(key, item)| functions(resolve, key, item));
    !world
        .exports
        .iter()
        .any(|export| export.starts_with(PACKAGE))
        && functions.any(|tool| !is_for_hosts(&tool))
}

/// Whether hosts call a function, such as `wasi:cli/run`.
fn is_for_hosts(tool: &Tool<'_>) -> bool {
    let interface = tool.interface.as_deref();
    interface.is_some_and(|interface| interface.starts_with("wasi:"))
}

/// Whether componentize-py exported it, which called it before it wrote the component.
fn is_of_python(tool: &Tool<'_>) -> bool {
    tool.interface.as_deref() == Some("exports") && tool.function.name == "init"
}

fn functions<'a>(resolve: &'a Resolve, key: &WorldKey, item: &'a WorldItem) -> Vec<Tool<'a>> {
    match item {
        WorldItem::Function(function) => vec![Tool {
            interface: None,
            function,
        }],
        WorldItem::Interface { id, .. } => {
            let interface = Some(resolve.name_world_key(key));
            let functions = resolve.interfaces[*id].functions.values();
            let tool = |function| Tool {
                interface: interface.clone(),
                function,
            };
            functions.map(tool).collect()
        }
        WorldItem::Type { .. } => vec![],
    }
}

/// The tools that a component without MCP has when it is composed, as JSON; none for another
/// component. No code of it runs.
pub fn tools(component: &[u8]) -> Result<Option<Value>> {
    let taken = docs::take(component)?;
    let (component, docs) = match &taken {
        Some((component, docs)) => (&**component, Some(docs)),
        None => (component, None),
    };
    let adapted = Adapted::new(component, &World::read(component)?, docs)?;
    Ok(adapted.map(|adapted| adapted.offers()))
}

impl Adapted {
    /// Makes the adapter of a component; none if it is not one that needs an adapter.
    pub fn new(component: &[u8], world: &World, docs: Option<&Value>) -> Result<Option<Adapted>> {
        let decoded = guard(|| decode(component));
        let Ok(DecodedWasm::Component(mut resolve, id)) = decoded else {
            return Ok(None);
        };
        if !is_plain(world, &resolve, id) {
            return Ok(None);
        }
        if let Some(docs) = docs {
            docs::add(&mut resolve, id, docs);
        }
        let exports = resolve.worlds[id].exports.iter();
        let all = exports.flat_map(|(key, item)| functions(&resolve, key, item));
        let (mut tools, mut left_out) = (Vec::new(), Vec::new());
        for tool in all.filter(|tool| !is_of_python(tool)) {
            let schemas = match is_for_hosts(&tool) {
                true => Err("only hosts call it".to_owned()),
                false => schema::schemas(&resolve, tool.function),
            };
            match schemas {
                Ok(schemas) => tools.push((tool, schemas)),
                Err(why) => left_out.push(format!("`{}` is not a tool: {why}", tool.shown())),
            }
        }
        if tools.is_empty() {
            bail!(
                "none of its functions can be a tool: {}",
                left_out.join("; ")
            );
        }
        let table = Types::new(&resolve).table(&tools);
        let exports = resolve.worlds[id].exports.keys();
        let exports = exports.map(|key| resolve.name_world_key(key)).collect();
        let adapter = guard(|| encode::adapter(&resolve, id, &tools, &table));
        let types = guard(|| encode::types(&resolve, id));
        Ok(Some(Adapted {
            adapter: adapter.context("cannot make its adapter")?,
            table,
            types: types.context("cannot export the types that it imports")?,
            exports,
            left_out,
        }))
    }

    /// What clients see of the tools, and what is not a tool.
    fn offers(&self) -> Value {
        let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let tools = Table(&self.table).tools().map(|tool| {
            let mut shown = json!({
                "name": tool.name,
                "description": tool.description,
                "inputSchema": schema(tool.input_schema),
            });
            if !tool.output_schema.is_empty() {
                shown["outputSchema"] = schema(tool.output_schema);
            }
            shown
        });
        json!({"tools": tools.collect::<Vec<_>>(), "leftOut": self.left_out})
    }

    /// The feature that the component and its adapter are together.
    pub fn join(&self, component: &[u8]) -> Result<Vec<u8>> {
        let exports = |name: &str| self.exports.contains(name);
        let joined = wire::adapted(component, &self.adapter, self.types.as_deref(), &exports);
        encode::without_type_imports(&joined.context("cannot connect its adapter")?)
    }
}

#[cfg(test)]
mod tests;
