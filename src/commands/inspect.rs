//! `mcp inspect`.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::compose::World;
use crate::compose::record::{Record, Size};
use crate::plain;
use crate::registry::{Catalog, Image, Labels, Reference, Resolver, Source};

/// Show what a composed MCP server, or a component in a registry, offers, holds and needs.
///
/// Nothing that is shown runs. What a component in a registry offers is what was published with it; what
/// it exports and needs is read from the component itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # What the server of the current folder offers
  spin mcp inspect mcp.wasm

  # The names of its tools
  spin mcp inspect mcp.wasm --json | jq -r '.features[].tools[].name'

  # What a component in a registry offers and needs
  spin mcp inspect ghcr.io/org/weather:1.2.0")]
pub struct InspectCommand {
    /// The file of a composed server, or a reference to a registry
    #[arg(value_name = "SERVER", value_parser = super::source())]
    server: Source,

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
        let shown = &self.server;
        let (path, image) = match &self.server {
            Source::Image(reference) => {
                let mut resolver = Resolver::new()?;
                let image = resolver.image(reference)?;
                (
                    resolver.component(reference, &image)?,
                    Some((reference, image)),
                )
            }
            source => (Resolver::new()?.resolve(source)?.path, None),
        };
        let bytes = fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
        let record = Record::read(&bytes)
            .with_context(|| format!("`{shown}` is not a WebAssembly component, or damaged"))?;
        let Some(record) = record else {
            if let Some((reference, image)) = image {
                return self.published(&Published::new(reference, &image, &bytes)?);
            }
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
            "{} {}, for WASI {}, composed by mcp {}",
            plain::line(&record.name),
            plain::line(version),
            plain::line(&record.wasi),
            plain::line(&record.mcp)
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
        writeln!(stdout, "{}", plain::line(need))?;
        for feature in &record.features {
            let digest: String = feature.sha256.chars().take(12).collect();
            let from = feature.source.as_deref();
            let from = from.map(|from| format!(" from {}", plain::line(from)));
            let from = from.unwrap_or_default();
            let name = plain::line(&feature.name);
            writeln!(
                stdout,
                "\nfeature {name}{from} (sha256 {})",
                plain::line(&digest)
            )?;
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

/// A component in a registry.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    reference: String,
    /// Of its manifest.
    digest: String,
    #[serde(flatten)]
    labels: Labels,
    size: Size,
    exports: Vec<String>,
    imports: Vec<String>,
    /// What it offers, as it was published.
    catalog: Option<Catalog>,
}

impl Published {
    fn new(reference: &Reference, image: &Image, component: &[u8]) -> Result<Published> {
        let damaged = || format!("`{reference}` is not a WebAssembly component, or damaged");
        let world = World::read(component).with_context(damaged)?;
        let annotations = image.manifest.annotations.clone().unwrap_or_default();
        let catalog = Catalog::read(&annotations);
        Ok(Published {
            reference: reference.to_string(),
            digest: image.digest.to_string(),
            labels: Labels::read(&annotations),
            size: Size::of(component)?,
            exports: world.exports,
            imports: world
                .imports
                .into_iter()
                .map(|import| import.name)
                .collect(),
            catalog: catalog.with_context(|| format!("cannot inspect `{reference}`"))?,
        })
    }
}

impl InspectCommand {
    fn published(&self, published: &Published) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        if self.json {
            writeln!(stdout, "{}", serde_json::to_string_pretty(published)?)?;
            return Ok(());
        }
        let labels = &published.labels;
        let title = labels.title.as_ref().unwrap_or(&published.reference);
        let version = labels.version.as_deref().unwrap_or("without a version");
        writeln!(stdout, "{} {}", plain::line(title), plain::line(version))?;
        writeln!(stdout, "{}", published.digest)?;
        writeln!(
            stdout,
            "{} KB, {} core modules, {} linear memories",
            published.size.bytes.div_ceil(1000),
            published.size.core_modules,
            published.size.memories
        )?;
        for (name, label) in [
            ("description", &labels.description),
            ("source", &labels.source),
            ("license", &labels.license),
            ("contract", &labels.contract),
        ] {
            if let Some(label) = label {
                writeln!(stdout, "{name}: {}", plain::line(label))?;
            }
        }
        writeln!(stdout)?;
        match &published.catalog {
            Some(catalog) => offers(&mut stdout, catalog)?,
            None => writeln!(stdout, "was published without a list of what it offers")?,
        }
        for export in &published.exports {
            writeln!(stdout, "  exports {}", plain::line(export))?;
        }
        for import in published.imports.iter().filter(|import| !is_basic(import)) {
            writeln!(stdout, "  needs {}", plain::line(import))?;
        }
        Ok(())
    }
}

fn offers(stdout: &mut impl Write, catalog: &Catalog) -> std::io::Result<()> {
    for tool in &catalog.tools {
        entry(stdout, "tool", &tool.name, &tool.description)?;
    }
    for resource in &catalog.resources {
        entry(stdout, "resource", &resource.uri, &resource.description)?;
    }
    for template in &catalog.resource_templates {
        entry(
            stdout,
            "template",
            &template.uri_template,
            &template.description,
        )?;
    }
    for prompt in &catalog.prompts {
        entry(stdout, "prompt", &prompt.name, &prompt.description)?;
    }
    Ok(())
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
    writeln!(stdout, "{}", plain::line(line.trim_end()))
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
