//! Makes the feature of an OpenAPI document: how its operations are called becomes static data in the
//! component `openapi`, as the catalog does in a server. Its tools are known without running it.

use anyhow::{Context as _, Result, ensure};
use spin_mcp_contract::{Grant, Part, Runtime, Wasi};
use spin_mcp_framework as framework;
use spin_mcp_openapi::{OpenApi, Tool};
use spin_mcp_protocol::{
    catalog::{Side, portable},
    types::tool_types::{self, ToolAnnotations},
};

use crate::{
    list::{Lists, MAX_BYTES},
    part::{self, Loaded},
    plan::STORES,
    specialize::{Wiring, specialize},
};

/// The feature, and adds what its author should know.
pub fn load(
    part: &Part,
    of: &OpenApi,
    (wasi, runtime): (Wasi, Runtime),
    warnings: &mut Vec<String>,
) -> Result<Loaded> {
    let name = &part.name;
    let made = of
        .make(part.prefix.as_deref().unwrap_or_default())
        .with_context(|| format!("cannot make feature `{name}`"))?;
    let variables = of.variables();
    if let (Some(variable), Runtime::Wasmtime) = (variables.first(), runtime) {
        anyhow::bail!(
            "feature `{name}` reads the variable `{variable}`, which `--runtime wasmtime` does not have; compose for \
             Spin, or remove it from `headers` and `query`"
        );
    }
    let is_secret = !variables.is_empty();
    let [_, config] = STORES;
    let wiring = Wiring {
        unused: [config].into_iter().filter(|_| !is_secret).collect(),
        ..Wiring::default()
    };
    let component = specialize(framework::openapi(), &wiring, &made.table)?;
    let tools: Vec<_> = made.tools.into_iter().map(tool).collect();
    let length = |tool: &tool_types::Tool| {
        tool.input_schema.len() + tool.output_schema.as_ref().map_or(0, String::len)
    };
    ensure!(
        tools.iter().map(length).sum::<usize>() <= MAX_BYTES,
        "the tools of feature `{name}` have more than {} MB; choose some with `include`",
        MAX_BYTES / 1_000_000
    );
    warnings.extend(made.left_out.first().map(|(operation, why)| {
        let more = match made.left_out.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "feature `{name}` leaves out `{operation}`{more}: {why}; if that is right, name what is left out in `exclude`"
        )
    }));
    let allow = [Grant::Http, Grant::Variables];
    let part = Part {
        allow: allow[..=usize::from(is_secret)].to_vec(),
        ..part.clone()
    };
    let lists = Lists {
        tools,
        ..Lists::default()
    };
    let loaded = part::load_bytes(&part, component.into(), wasi)?;
    Ok(Loaded {
        api: Some((lists, made.server.to_string())),
        ..loaded
    })
}

fn tool(tool: Tool) -> tool_types::Tool {
    let output = tool
        .output_schema
        .map(|schema| portable(&schema.to_string(), Side::Output));
    tool_types::Tool {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: portable(&tool.input_schema.to_string(), Side::Input),
        output_schema: output,
        annotations: Some(ToolAnnotations {
            title: None,
            read_only: Some(tool.read_only),
            destructive: Some(tool.destructive),
            idempotent: Some(tool.idempotent),
            open_world: Some(true),
        }),
        icons: vec![],
        meta: None,
    }
}
