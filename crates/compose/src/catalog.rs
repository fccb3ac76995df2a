//! Checks what features list, and encodes it as the catalog of the server.

use anyhow::{Result, bail};
use jsonschema::error::ValidationErrorKind;
use spin_mcp_protocol::{
    catalog::{self, Access, BuildError, CatalogInput, FeatureInput, Flags, ListKind, ServerInput},
    types::tool_types::Tool,
};

use spin_mcp_contract::{
    Interface, Kind, Role, ServerConfig,
    interface::{CHANGES, INPUT, REQUEST},
    record::ToolRecord,
};

use crate::{access::cache, apps, list::Lists, part::Loaded};

/// The version of a server that has none.
const NO_VERSION: &str = "0.0.0";

/// The key in the `_meta` of a tool that may answer with a task: the name of the extension.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Encodes the catalog of a server. Its entries are the features by slot, then the middleware, which
/// has flags and offers nothing. `store`: the store that instances share, if they share state.
/// `shares_context`: the transport and the router both call the context component. `access`: who may
/// call the server, if not everybody. `seen`: the tools are those that clients see behind middleware,
/// for the transport.
pub fn bake<'a>(
    server: &ServerConfig,
    store: Option<&str>,
    shares_context: bool,
    access: Option<Access>,
    seen: Option<&[ToolRecord]>,
    parts: impl Iterator<Item = (&'a Loaded, &'a Lists)> + Clone,
) -> Result<Vec<u8>> {
    let mut inputs = Vec::new();
    let asked = [Role::Authenticator, Role::Policy];
    let features = parts.clone();
    let has_apps = apps::check(features.map(|(part, lists)| (&*part.name, part.dynamic, lists)))?;
    for (feature, lists) in parts.filter(|(part, _)| !asked.contains(&part.role)) {
        for tool in &lists.tools {
            check_schema(feature, tool, "inputSchema", &tool.input_schema)?;
            if let Some(schema) = &tool.output_schema {
                check_schema(feature, tool, "outputSchema", schema)?;
            }
        }
        inputs.push(FeatureInput {
            name: feature.name.clone(),
            flags: match shares_context {
                true => flags(feature, lists).with(Flags::USES_REQUEST),
                false => flags(feature, lists),
            },
            prefix: feature.prefix.clone(),
            tools: lists.tools.clone(),
            resources: lists.resources.clone(),
            resource_templates: lists.resource_templates.clone(),
            prompts: lists.prompts.clone(),
            cache: lists.cache.map(|hint| cache(hint, &access)),
        });
    }
    if let Some(seen) = seen {
        inputs.iter_mut().for_each(|input| input.tools.clear());
        inputs.push(FeatureInput {
            name: "behind the middleware".to_owned(),
            tools: seen.iter().map(seen_tool).collect(),
            ..FeatureInput::default()
        });
    }
    let default = ServerInput::default();
    let mut extensions = server.extensions.clone();
    if has_apps && !extensions.iter().any(|(name, _)| name == apps::EXTENSION) {
        extensions.push((apps::EXTENSION.to_owned(), "{}".to_owned()));
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
        extensions,
        page_size: server.page_size,
        cache: cache(server.cache.unwrap_or(default.cache), &access),
        access,
        request_headers: server.headers.clone(),
        streams: server.streams,
        store: store.map(str::to_owned),
        ..default
    };
    match catalog::build(&CatalogInput {
        server,
        features: inputs,
    }) {
        Ok(catalog) => Ok(catalog),
        Err(BuildError::Duplicate {
            kind: kind @ (ListKind::Tools | ListKind::Prompts),
            name,
            first,
            second,
        }) if first != second => {
            let noun = match kind {
                ListKind::Prompts => "prompt",
                _ => "tool",
            };
            bail!(
                "features `{first}` and `{second}` both have a {noun} `{name}`; set `prefix` on one of them in \
                 spin.toml, or name the feature with it: `--prefix {second}={second}-`"
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// As much of a tool as the transport knows.
fn seen_tool(tool: &ToolRecord) -> Tool {
    Tool {
        name: tool.name.clone(),
        title: None,
        description: None,
        input_schema: tool.input_schema.to_string(),
        output_schema: None,
        annotations: None,
        icons: Vec::new(),
        meta: None,
    }
}

/// The flags of a feature or a middleware.
pub fn flags(feature: &Loaded, lists: &Lists) -> Flags {
    let mut flags = Flags::default();
    for (holds, flag) in [
        (feature.kind == Kind::Async, Flags::ASYNC),
        (feature.dynamic, Flags::DYNAMIC),
        (feature.exports(Interface::Tools), Flags::TOOLS),
        (feature.exports(Interface::Resources), Flags::RESOURCES),
        (feature.exports(Interface::Prompts), Flags::PROMPTS),
        (feature.exports(Interface::Completions), Flags::COMPLETIONS),
        (feature.context().next().is_some(), Flags::USES_REQUEST),
        (feature.calls(REQUEST, "progress"), Flags::PROGRESS),
        (feature.calls(REQUEST, "log"), Flags::LOG),
        (feature.calls(REQUEST, "is-cancelled"), Flags::CANCELLED),
        (
            feature.calls(INPUT, "responses") || feature.calls(INPUT, "state"),
            Flags::INPUT,
        ),
        (
            feature.calls(CHANGES, "resource-updated"),
            Flags::RESOURCE_UPDATED,
        ),
        (feature.calls(CHANGES, "list-changed"), Flags::LIST_CHANGED),
        (lists.tools.iter().any(runs_tasks), Flags::TASKS),
    ] {
        if holds {
            flags = flags.with(flag);
        }
    }
    let inside = feature.state.iter().map(|need| need.flag());
    inside.fold(flags, Flags::with)
}

/// Whether a tool may answer with a task.
fn runs_tasks(tool: &Tool) -> bool {
    let meta = tool.meta.as_deref().map(serde_json::from_str);
    matches!(meta, Some(Ok(serde_json::Value::Object(meta))) if meta.contains_key(TASKS))
}

/// Refuses a schema that its dialect does not allow. Never fetches a dialect.
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
    if let Err(error) = validated {
        return match error.instance_path().as_str() {
            "" => refuse(error.to_string()),
            path => refuse(format!("{error} at `{path}`")),
        };
    }
    match jsonschema::validator_for(&schema) {
        Err(error) if matches!(error.kind(), ValidationErrorKind::Referencing(_)) => {
            refuse(format!(
                "{error}, so a `$ref` leads nowhere; write what it names under `$defs` of the same schema"
            ))
        }
        _ => Ok(()),
    }
}
