//! Publishes a component as an artifact that `wkg oci pull` can pull.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use oci_client::RegistryOperation;
use oci_client::client::{Config, ImageLayer};
use oci_client::manifest::OciImageManifest;

use super::artifact::{CONFIG, LAYER, MANIFEST};
use super::client::{Client, MAX_MANIFEST};
use super::labels::{self, Catalog, Labels};
use super::{Digest, Reference};
use spin_mcp_component::{MAX_COMPONENT, World};
use spin_mcp_contract::{
    interface::{PACKAGE, VERSION},
    record::Offers,
};

/// A published component.
pub struct Pushed {
    pub digest: Digest,
    pub bytes: usize,
    /// What it offers, if it is a feature.
    pub offers: Option<Offers>,
}

/// A component to publish.
pub struct Publication<'a> {
    /// Its file, for messages.
    pub file: &'a Path,
    pub component: Vec<u8>,
    pub world: World,
    /// What it offers, or none if that depends on the request.
    pub offers: Option<Offers>,
    pub labels: Labels,
}

/// The default name of a component: the last part of the repository.
pub fn name_of(reference: &Reference) -> &str {
    let repository = reference.repository();
    repository.rsplit('/').next().unwrap_or(repository)
}

/// Refuses a reference that nothing can be pushed to.
pub fn check_target(reference: &Reference) -> Result<()> {
    ensure!(
        reference.digest().is_none(),
        "`{reference}` has a digest, which the content decides; push to a tag"
    );
    Ok(())
}

/// Publishes a component.
pub fn push(reference: &Reference, publication: Publication<'_>) -> Result<Pushed> {
    check_target(reference)?;
    let Publication {
        file,
        component,
        world,
        offers,
        labels,
    } = publication;
    ensure!(
        component.len() as u64 <= MAX_COMPONENT,
        "`{}` has {} MB; the limit for a component is {} MB",
        file.display(),
        component.len().div_ceil(1_000_000),
        MAX_COMPONENT / 1_000_000
    );
    let defaults = Labels {
        title: Some(name_of(reference).to_owned()),
        version: version(reference.tag()),
        contract: (world.exports.iter())
            .any(|name| name.starts_with(PACKAGE))
            .then(|| VERSION[1..].to_owned()),
        ..Labels::default()
    };
    let labels = labels.or(Labels::of_component(&component)?).or(defaults);
    let catalog = offers.clone().map(Catalog::from);
    let config = labels::config(&Digest::of(&component), &world)?;
    let config = Config::new(config, CONFIG.to_owned(), None);
    let bytes = component.len();
    let layer = ImageLayer::new(component, LAYER.to_owned(), None);
    let mut manifest = OciImageManifest::build(
        std::slice::from_ref(&layer),
        &config,
        Some(labels.annotations(catalog.as_ref())?),
    );
    manifest.media_type = Some(MANIFEST.to_owned());
    let manifest = serde_json::to_vec(&manifest)?;
    ensure!(
        manifest.len() <= MAX_MANIFEST,
        "the lists of `{}` make a manifest of {} MB, and registries allow {} MB; shorten its descriptions",
        file.display(),
        manifest.len().div_ceil(1_000_000),
        MAX_MANIFEST >> 20
    );
    let digest = Digest::of(&manifest);
    let progress = ProgressBar::new_spinner();
    progress.set_style(ProgressStyle::with_template("{spinner} pushing `{msg}`")?);
    progress.set_message(reference.to_string());
    progress.enable_steady_tick(std::time::Duration::from_millis(100));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let upload = runtime.block_on(upload(reference, layer, config, manifest));
    progress.finish_and_clear();
    upload.with_context(|| format!("cannot push `{reference}`"))?;
    Ok(Pushed {
        digest,
        bytes,
        offers,
    })
}

async fn upload(
    reference: &Reference,
    layer: ImageLayer,
    config: Config,
    manifest: Vec<u8>,
) -> Result<()> {
    let client = Client::connect(reference, RegistryOperation::Push).await?;
    for blob in [layer.data, config.data] {
        let digest = Digest::of(&blob).to_string();
        let exists = client.oci.blob_exists(reference, &digest).await;
        if !exists.map_err(|error| client.explain(error))? {
            let pushed = client.oci.push_blob(reference, blob, &digest).await;
            pushed.map_err(|error| client.explain(error))?;
        }
    }
    let kind = MANIFEST.parse().expect("it is ASCII");
    let pushed = client
        .oci
        .push_manifest_raw(reference, manifest, kind)
        .await;
    pushed.map(drop).map_err(|error| client.explain(error))
}

/// The tag without `v`, if it looks like a version.
fn version(tag: Option<&str>) -> Option<String> {
    let number = tag?.strip_prefix('v').or(tag)?;
    number
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| number.to_owned())
}
