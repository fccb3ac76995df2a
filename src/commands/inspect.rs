//! `mcp inspect`.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use spin_mcp_component::{Size, World};
use spin_mcp_contract::record::{
    Offers, PromptRecord, Record, ResourceRecord, ResourceTemplateRecord,
};
use spin_mcp_contract::{Grants, server};
use spin_mcp_registry::{Catalog, Image, Labels, Reference, Resolver, Source};
use spin_mcp_runner::plain;

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
        let mut resolver = Resolver::new()?;
        let (bytes, image) = match &self.server {
            Source::Image(reference) => {
                let image = resolver.image(reference)?;
                let bytes = resolver.component(reference, &image)?;
                (bytes, Some((reference, image)))
            }
            Source::File(path) => {
                let bytes = fs::read(path);
                (
                    bytes.with_context(|| format!("cannot read `{shown}`"))?,
                    None,
                )
            }
            source => (resolver.resolve(source)?.read()?.into_owned(), None),
        };
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
        if !record.middleware.is_empty() {
            writeln!(stdout, "\n{}", what_clients_see(&record))?;
            if let Some(seen) = &record.offers
                && !offers_all(&record)
            {
                offers(&mut stdout, seen)?;
            }
        }
        for link in &record.middleware {
            let source = link.source.as_deref();
            heading(&mut stdout, "middleware", &link.name, source, &link.sha256)?;
            grants(&mut stdout, &link.grants)?;
        }
        for feature in &record.features {
            let source = feature.source.as_deref();
            heading(
                &mut stdout,
                "feature",
                &feature.name,
                source,
                &feature.sha256,
            )?;
            if feature.dynamic {
                writeln!(stdout, "  lists that depend on the request")?;
            }
            offers(&mut stdout, &feature.offers)?;
            grants(&mut stdout, &feature.grants)?;
        }
        Ok(())
    }
}

/// A heading for what clients see through middleware.
fn what_clients_see(record: &Record) -> &'static str {
    match record.offers {
        None => "clients see what the middleware shows them, which depends on the client",
        Some(_) if offers_all(record) => "clients see all that the features offer",
        Some(_) => "clients see",
    }
}

/// Whether the middleware shows what the features offer as it is.
fn offers_all(record: &Record) -> bool {
    let all = |seen: &Offers| {
        let features = || record.features.iter().map(|feature| &feature.offers);
        features().flat_map(|of| &of.tools).eq(&seen.tools)
            && features().flat_map(|of| &of.resources).eq(&seen.resources)
            && features()
                .flat_map(|of| &of.resource_templates)
                .eq(&seen.resource_templates)
            && features().flat_map(|of| &of.prompts).eq(&seen.prompts)
    };
    record.offers.as_ref().is_some_and(all)
}

fn heading(
    stdout: &mut impl Write,
    role: &str,
    name: &str,
    source: Option<&str>,
    sha256: &str,
) -> std::io::Result<()> {
    let digest: String = sha256.chars().take(12).collect();
    let from = source.map(|source| format!(" from {}", plain::line(source)));
    let from = from.unwrap_or_default();
    let (name, digest) = (plain::line(name), plain::line(&digest));
    writeln!(stdout, "\n{role} {name}{from} (sha256 {digest})")
}

fn grants(stdout: &mut impl Write, grants: &Grants) -> std::io::Result<()> {
    let allowed = grants.allowed.iter().map(|grant| ("allowed", grant));
    let refused = grants.notable_refusals();
    for (kind, grant) in allowed.chain(refused.map(|grant| ("refused", grant))) {
        entry(stdout, kind, &grant.grant, &Some(grant.packages()))?;
    }
    Ok(())
}

fn offers(stdout: &mut impl Write, offers: &Offers) -> std::io::Result<()> {
    for tool in &offers.tools {
        entry(stdout, "tool", &tool.name, &tool.description)?;
    }
    beside_tools(
        stdout,
        &offers.resources,
        &offers.resource_templates,
        &offers.prompts,
    )
}

fn beside_tools(
    stdout: &mut impl Write,
    resources: &[ResourceRecord],
    templates: &[ResourceTemplateRecord],
    prompts: &[PromptRecord],
) -> std::io::Result<()> {
    for resource in resources {
        entry(stdout, "resource", &resource.uri, &resource.description)?;
    }
    for template in templates {
        let uri = &template.uri_template;
        entry(stdout, "template", uri, &template.description)?;
    }
    for prompt in prompts {
        entry(stdout, "prompt", &prompt.name, &prompt.description)?;
    }
    Ok(())
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
    #[serde(skip)]
    is_middleware: bool,
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
            is_middleware: server::is_middleware(&world),
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
            Some(catalog) => {
                for tool in &catalog.tools {
                    entry(&mut stdout, "tool", &tool.name, &tool.description)?;
                }
                let (resources, templates) = (&catalog.resources, &catalog.resource_templates);
                beside_tools(&mut stdout, resources, templates, &catalog.prompts)?;
            }
            None if published.is_middleware => {
                writeln!(stdout, "is a middleware, and offers nothing itself")?;
            }
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
