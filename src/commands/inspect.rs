//! `mcp inspect`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::compose::record::{Record, Size};

/// Show what a composed MCP server offers, holds and needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # What the server of the current folder offers
  spin mcp inspect mcp.wasm

  # The names of its tools
  spin mcp inspect mcp.wasm --json | jq -r '.features[].tools[].name'")]
pub struct InspectCommand {
    /// The composed server
    #[arg(value_name = "SERVER")]
    server: PathBuf,

    /// Print JSON, with the tools' schemas
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Inspection {
    #[serde(flatten)]
    record: Record,
    size: Size,
}

impl InspectCommand {
    pub fn run(self) -> Result<()> {
        let shown = self.server.display();
        let bytes = fs::read(&self.server).with_context(|| format!("cannot read `{shown}`"))?;
        let record = Record::read(&bytes)
            .with_context(|| format!("`{shown}` is not a WebAssembly component, or damaged"))?;
        let Some(record) = record else {
            bail!(
                "`{shown}` was not composed by `spin mcp compose`, so it does not say what it offers"
            );
        };
        let size = Size::of(&bytes)?;
        let mut stdout = std::io::stdout().lock();
        if self.json {
            let inspection = serde_json::to_string_pretty(&Inspection { record, size })?;
            writeln!(stdout, "{inspection}")?;
            return Ok(());
        }
        let version = record.version.as_deref().unwrap_or("without a version");
        writeln!(
            stdout,
            "{} {version}, for WASI {}, composed by mcp {}",
            record.name, record.wasi, record.mcp
        )?;
        writeln!(
            stdout,
            "{} KB, {} core modules, {} linear memories",
            size.bytes.div_ceil(1000),
            size.core_modules,
            size.memories
        )?;
        let need = record.store_need();
        let need = need.as_deref().unwrap_or("needs no shared store");
        writeln!(stdout, "{need}")?;
        for feature in &record.features {
            let digest = &feature.sha256[..12.min(feature.sha256.len())];
            writeln!(stdout, "\nfeature {} (sha256 {digest})", feature.name)?;
            if feature.dynamic {
                writeln!(stdout, "  lists that depend on the request")?;
            }
            let allowed = feature.grants.allowed.iter();
            let allowed = allowed.map(|grant| ("allowed", grant));
            let refused = feature.grants.notable_refusals();
            let refused = refused.map(|grant| ("refused", grant));
            for tool in &feature.tools {
                entry(&mut stdout, "tool", &tool.name, &tool.description)?;
            }
            for resource in &feature.resources {
                entry(
                    &mut stdout,
                    "resource",
                    &resource.uri,
                    &resource.description,
                )?;
            }
            for template in &feature.resource_templates {
                let uri = &template.uri_template;
                entry(&mut stdout, "template", uri, &template.description)?;
            }
            for prompt in &feature.prompts {
                entry(&mut stdout, "prompt", &prompt.name, &prompt.description)?;
            }
            for (kind, grant) in allowed.chain(refused) {
                entry(&mut stdout, kind, &grant.grant, &Some(grant.packages()))?;
            }
        }
        Ok(())
    }
}

/// One line of a list, with the first line of the description.
fn entry(
    stdout: &mut impl Write,
    kind: &str,
    name: &str,
    description: &Option<String>,
) -> std::io::Result<()> {
    let description = description.as_deref().unwrap_or_default();
    let description = description.lines().next().unwrap_or_default();
    let line = format!("  {kind:<8} {name:<24} {description}");
    writeln!(stdout, "{}", line.trim_end())
}
