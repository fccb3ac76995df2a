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
        for feature in &record.features {
            writeln!(
                stdout,
                "\nfeature {} (sha256 {})",
                feature.name,
                &feature.sha256[..12.min(feature.sha256.len())]
            )?;
            for tool in &feature.tools {
                let description = tool
                    .description
                    .as_deref()
                    .unwrap_or_default()
                    .lines()
                    .next()
                    .unwrap_or_default();
                writeln!(stdout, "  tool {:<24} {description}", tool.name)?;
            }
            for import in feature.imports.iter().filter(|import| !is_basic(import)) {
                writeln!(stdout, "  needs {import}")?;
            }
        }
        Ok(())
    }
}

/// What every component imports.
fn is_basic(import: &str) -> bool {
    [
        "spin-mcp:",
        "wasi:io/",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:random/",
    ]
    .iter()
    .any(|basic| import.starts_with(basic))
}
