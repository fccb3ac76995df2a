//! `mcp push`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::build::counts;
use spin_mcp_compose::describe;
use spin_mcp_registry::{self as registry, Labels, Publication, Reference, Source};

/// Publish a feature, a middleware or a saved sequence in a registry.
///
/// The component becomes a WebAssembly artifact, which `spin mcp compose` and `wkg oci pull` take, with
/// what it offers in the annotations of its manifest. `docker login` and `spin registry login` store
/// the credentials. A composed server goes with its app: `spin registry push`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Publish a feature
  spin mcp push ghcr.io/org/weather:1.2.0 weather.wasm --description 'Weather for any place'

  # See what was published
  spin mcp inspect ghcr.io/org/weather:1.2.0")]
pub struct PushCommand {
    /// Where to publish it: registry, repository and tag
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: Reference,

    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Its name for people [default: the last part of the repository]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// What it is good for, in a sentence [default: what the component says]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Where its source code is [default: what the component says]
    #[arg(long, value_name = "URL")]
    source: Option<String>,

    /// Its licence, as an SPDX expression [default: what the component says]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,

    /// Publish no lists, since they depend on the request
    #[arg(long)]
    dynamic: bool,
}

/// Reads a reference to a registry.
fn reference(text: &str) -> Result<Reference> {
    match Source::parse(text)? {
        Source::Image(reference) => Ok(reference),
        _ => bail!("expected registry, repository and tag, such as `ghcr.io/org/weather:1.2.0`"),
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
        let offers = offers.map(|offers| counts(std::iter::once(offers)));
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
