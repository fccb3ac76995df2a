//! Publishing a component as the artifact that `wkg oci pull` takes.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use oci_client::RegistryOperation;
use oci_client::client::{Config, ImageLayer};
use oci_client::manifest::OciImageManifest;

use super::artifact::{CONFIG, LAYER, MANIFEST, MAX_COMPONENT};
use super::client::{Client, MAX_MANIFEST};
use super::labels::{self, Catalog, Labels};
use super::{Digest, Reference};
use crate::compose::{self, record::Offers};

/// A component that is in a registry.
pub struct Pushed {
    pub digest: Digest,
    pub bytes: usize,
    /// What it offers, if it is a feature.
    pub offers: Option<Offers>,
}

/// Publishes the component in a file. `dynamic`: its lists depend on the request, so they are
/// not published.
pub fn push(reference: &Reference, file: &Path, labels: Labels, dynamic: bool) -> Result<Pushed> {
    ensure!(
        reference.digest().is_none(),
        "`{reference}` has a digest, which the content decides; push to a tag"
    );
    let repository = reference.repository();
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let description = compose::describe(name, file, dynamic)?;
    let component = description.component;
    ensure!(
        component.len() as u64 <= MAX_COMPONENT,
        "`{}` has {} MB, and a component may have {} MB at most",
        file.display(),
        component.len().div_ceil(1_000_000),
        MAX_COMPONENT / 1_000_000
    );
    let defaults = Labels {
        title: Some(name.to_owned()),
        version: version(reference.tag()),
        contract: Some(compose::contract().to_owned()),
        ..Labels::default()
    };
    let labels = labels.or(Labels::of_component(&component)?).or(defaults);
    let catalog = description.offers.clone().map(Catalog::from);
    let config = labels::config(&Digest::of(&component), &description.world)?;
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
        "what `{}` lists makes a manifest of {} MB, and registries take {} MB; shorten its descriptions",
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
        offers: description.offers,
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

/// The version that a tag is, if it reads like one.
fn version(tag: Option<&str>) -> Option<String> {
    let number = tag?.strip_prefix('v').or(tag)?;
    number
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| number.to_owned())
}
