//! `mcp push`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use spin_mcp_compose::describe;
use spin_mcp_registry::{self as registry, Labels, Publication, Reference, Source};

use crate::terminal;

/// Publish a feature, a middleware or a sequence in a registry.
///
/// The component becomes a WebAssembly artifact that `spin mcp compose` and `wkg oci pull` can pull.
/// The annotations of its manifest list what it offers. `docker login` or `spin registry login`
/// stores the credentials. To publish a composed server, push its app with `spin registry push`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Publish a feature
  spin mcp push ghcr.io/org/weather:1.2.0 weather.wasm --description 'Weather for any place'

  # Show what was published
  spin mcp inspect ghcr.io/org/weather:1.2.0")]
pub struct PushCommand {
    /// The registry, repository and tag
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: Reference,

    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Its name for people [default: the last part of the repository]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// What it does, in a sentence [default: the component's own metadata]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Where its source code is [default: the component's own metadata]
    #[arg(long, value_name = "URL")]
    source: Option<String>,

    /// Its licence, as an SPDX expression [default: the component's own metadata]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,

    /// Publish no lists, because they depend on the request
    #[arg(long)]
    dynamic: bool,
}

/// Reads a reference to a registry.
fn reference(text: &str) -> Result<Reference> {
    match Source::parse(text)? {
        Source::Image(reference) => Ok(reference),
        _ => bail!("expected a registry, repository and tag, such as `ghcr.io/org/weather:1.2.0`"),
    }
}

impl PushCommand {
    pub fn run(self) -> Result<()> {
        let labels = Labels {
            title: self.title,
            description: self.description,
            source: self.source,
            license: self.license,
            ..Labels::default()
        };
        registry::check_target(&self.reference)?;
        let name = registry::name_of(&self.reference);
        let description = describe(name, &self.file, self.dynamic)?;
        let publication = Publication {
            file: &self.file,
            component: description.component,
            world: description.world,
            offers: description.offers,
            labels,
        };
        let pushed = registry::push(&self.reference, publication)?;
        let offers = pushed.offers.as_ref();
        let offers = offers.map(|offers| terminal::counts(std::iter::once(offers)));
        let mut stdout = std::io::stdout().lock();
        writeln!(
            stdout,
            "pushed `{}`: {}{} KB\n{}",
            self.reference,
            offers.unwrap_or_default(),
            pushed.bytes.div_ceil(1000),
            pushed.digest
        )?;
        Ok(())
    }
}
