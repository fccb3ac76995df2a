//! Checks what features list and bakes it into the catalog of the server.

use anyhow::{Result, bail};
use spin_mcp_protocol::{
    catalog::{self, BuildError, CatalogInput, FeatureInput, Flags, ServerInput},
    types::tool_types::Tool,
};

use super::{
    ServerConfig,
    feature::{Kind, Loaded},
};

/// The version of a server that names none.
const NO_VERSION: &str = "0.0.0";

pub fn bake(server: &ServerConfig, features: &[Loaded], lists: &[Vec<Tool>]) -> Result<Vec<u8>> {
    let mut inputs = Vec::new();
    for (feature, tools) in features.iter().zip(lists) {
        for tool in tools {
            check_schema(feature, tool, "inputSchema", &tool.input_schema)?;
            if let Some(schema) = &tool.output_schema {
                check_schema(feature, tool, "outputSchema", schema)?;
            }
        }
        inputs.push(FeatureInput {
            name: feature.name.clone(),
            flags: flags(feature),
            prefix: feature.prefix.clone(),
            tools: tools.clone(),
            cache: None,
        });
    }
    let server = ServerInput {
        name: server.name.clone(),
        version: server
            .version
            .clone()
            .unwrap_or_else(|| NO_VERSION.to_owned()),
        title: server.title.clone(),
        website: server.website.clone(),
        instructions: server.instructions.clone(),
        allowed_origins: server.allowed_origins.clone(),
        allowed_hosts: server.allowed_hosts.clone(),
        ..ServerInput::default()
    };
    match catalog::build(&CatalogInput {
        server,
        features: inputs,
    }) {
        Ok(catalog) => Ok(catalog),
        Err(BuildError::DuplicateTool {
            tool,
            first,
            second,
        }) if first != second => bail!(
            "features `{first}` and `{second}` both have a tool `{tool}`; set `prefix` on one of them in \
             spin.toml, or name the feature with it: `--prefix {second}={second}-`"
        ),
        Err(error) => Err(error.into()),
    }
}

fn flags(feature: &Loaded) -> Flags {
    let mut flags = Flags::default();
    for (holds, flag) in [
        (feature.kind == Kind::Async, Flags::ASYNC),
        (feature.uses_request, Flags::USES_REQUEST),
        (feature.sends_progress, Flags::PROGRESS),
        (feature.logs, Flags::LOG),
        (feature.prompts, Flags::PROMPTS),
        (feature.resources, Flags::RESOURCES),
    ] {
        if holds {
            flags = flags.with(flag);
        }
    }
    flags
}

/// Refuses a schema that its own dialect does not allow; never fetches one.
fn check_schema(feature: &Loaded, tool: &Tool, member: &str, schema: &str) -> Result<()> {
    let refuse = |problem: String| {
        Err(anyhow::anyhow!(
            "tool `{}` of feature `{}` has an invalid `{member}`: {problem}",
            tool.name.escape_debug(),
            feature.name
        ))
    };
    let schema: serde_json::Value = match serde_json::from_str(schema) {
        Ok(schema) => schema,
        Err(error) => return refuse(error.to_string()),
    };
    // The dialect of MCP unless the schema names another.
    let validated = match schema.get("$schema") {
        None => jsonschema::draft202012::meta::validate(&schema),
        Some(_) => jsonschema::meta::validate(&schema),
    };
    match validated {
        Ok(()) => Ok(()),
        Err(error) => match error.instance_path().as_str() {
            "" => refuse(error.to_string()),
            path => refuse(format!("{error} at `{path}`")),
        },
    }
}
