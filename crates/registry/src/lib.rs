//! Components in registries and on the web: pulls, caches, locks and pushes them.
//!
//! `Resolver::resolve` turns each source that a user writes into a component.

mod artifact;
mod cache;
mod client;
mod credentials;
mod download;
mod fetch;
mod labels;
mod lock;
mod push;
mod source;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use oci_client::manifest::OciImageManifest;
use spin_mcp_component::{Digest, Pulled, Resolved};
use tokio::runtime::Runtime;

use artifact::Layer;
use cache::Cache;
use client::Client;
pub use fetch::{Document, fetch};
pub use labels::{Catalog, Labels};
use lock::Lock;
pub use push::{Publication, Pushed, check_target, name_of, push};
pub use source::{Download, Reference, Source};

/// An image and its manifest.
pub struct Image {
    pub digest: Digest,
    pub manifest: OciImageManifest,
    layer: Layer,
}

/// Resolves sources to components.
pub struct Resolver {
    cache: Cache,
    /// The lock of the app, if there is an app.
    lock: Option<Lock>,
    /// The lock must not change.
    locked: bool,
    runtime: Runtime,
}

impl Resolver {
    /// A resolver without an app and its lock.
    pub fn new() -> Result<Resolver> {
        Ok(Resolver {
            cache: Cache::of_user()?,
            lock: None,
            locked: false,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// A resolver for the app in this folder. If `locked`, a tag that is not in `mcp.lock` is an
    /// error.
    pub fn of_app(dir: &Path, locked: bool) -> Result<Resolver> {
        Ok(Resolver {
            lock: Some(Lock::open(dir)?),
            locked,
            ..Resolver::new()?
        })
    }

    /// Resolves a source. A component whose digest is known and cached needs no network.
    pub fn resolve(&mut self, source: &Source) -> Result<Resolved> {
        let (bytes, digest) = match source {
            Source::File(path) => return Ok(Resolved::File(path.clone())),
            Source::Image(reference) => {
                let image = self.image(reference)?;
                (self.component(reference, &image), image.layer.digest)
            }
            Source::Url(download) => (self.download(download), download.digest.clone()),
        };
        Ok(Resolved::Pulled(Pulled {
            origin: source.to_string(),
            digest,
            bytes: Arc::new(bytes.with_context(|| format!("cannot pull `{source}`"))?),
        }))
    }

    /// The image of a reference: by its digest, or that in the lock, or else from the registry. It is
    /// added to the lock.
    pub fn image(&mut self, reference: &Reference) -> Result<Image> {
        let known = match (reference.digest(), &self.lock) {
            (Some(digest), _) => Some(digest.parse()?),
            (None, Some(lock)) => lock.get(&reference.to_string()).cloned(),
            (None, None) => None,
        };
        if let (None, true, Some(lock)) = (&known, self.locked, &self.lock) {
            bail!(
                "`{}` has no digest for `{reference}`, and `--locked` forbids changing it; run the command \
                 without `--locked`, and commit the file",
                lock.path().display()
            );
        }
        let image = self.pull_manifest(reference, known);
        let image = image.with_context(|| format!("cannot pull `{reference}`"))?;
        if let (None, Some(lock)) = (reference.digest(), &mut self.lock) {
            lock.set(&reference.to_string(), image.digest.clone());
        }
        Ok(image)
    }

    /// Moves a tag to what the registry has now. Returns the digests before and after.
    pub fn update(&mut self, reference: &Reference) -> Result<(Option<Digest>, Digest)> {
        let image = self
            .pull_manifest(reference, None)
            .and_then(|image| self.component(reference, &image).map(|_| image));
        let digest = image
            .with_context(|| format!("cannot pull `{reference}`"))?
            .digest;
        let lock = self.lock.as_mut().context("tags can only move in an app")?;
        Ok((lock.set(&reference.to_string(), digest.clone()), digest))
    }

    /// Removes all references but these from the lock. Fails if the lock must not change and has
    /// others.
    pub fn retain(&mut self, used: &[String]) -> Result<()> {
        let Some(lock) = &mut self.lock else {
            return Ok(());
        };
        lock.retain(used);
        match self.locked {
            true => lock.check(),
            false => Ok(()),
        }
    }

    /// Writes the lock, if it changes.
    pub fn save(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), Lock::save)
    }

    fn pull_manifest(&self, reference: &Reference, known: Option<Digest>) -> Result<Image> {
        let cached = match &known {
            Some(digest) => self
                .cache
                .read(digest)?
                .map(|manifest| (manifest, digest.clone())),
            None => None,
        };
        let (manifest, digest) = match cached {
            Some(cached) => cached,
            None => {
                let exact = match &known {
                    Some(digest) => reference.clone_with_digest(digest.to_string()),
                    None => reference.clone(),
                };
                let pulled = Client::pull(&exact, async |client| client.manifest(&exact).await);
                let pulled = self.runtime.block_on(pulled);
                let locked = known.is_some() && reference.digest().is_none();
                let (manifest, digest) = pulled.map_err(|error| match locked {
                    true => error.context(format!(
                        "`mcp.lock` has the digest `{}`; `spin mcp update` asks the registry again",
                        exact.digest().unwrap_or_default()
                    )),
                    false => error,
                })?;
                self.cache.write(&manifest)?;
                (manifest, digest)
            }
        };
        let (manifest, layer) =
            artifact::read(&manifest).map_err(|problem| anyhow!("{problem}"))?;
        Ok(Image {
            digest,
            manifest,
            layer,
        })
    }

    /// The component of an image.
    pub fn component(&self, reference: &Reference, image: &Image) -> Result<Vec<u8>> {
        let Layer { digest, size } = &image.layer;
        if let Some(bytes) = self.cache.read(digest)? {
            return Ok(bytes);
        }
        self.runtime
            .block_on(Client::pull(reference, async |client| {
                let response = client.blob(reference, digest).await?;
                let shown = reference.to_string();
                download::keep(&self.cache, response, digest, Some(*size), &shown).await
            }))
    }

    fn download(&self, download: &Download) -> Result<Vec<u8>> {
        if let Some(bytes) = self.cache.read(&download.digest)? {
            return Ok(bytes);
        }
        self.runtime.block_on(async {
            let url = download.url();
            let http = client::builder(url.scheme() == "https").build()?;
            let host = url.host_str().unwrap_or_default();
            let response = http.get(url.clone()).send().await;
            let response = response.map_err(|error| {
                anyhow!(
                    "cannot reach `{host}`: {}; try again",
                    client::last_cause(&error)
                )
            })?;
            if !response.status().is_success() {
                bail!("`{host}` answered {}; correct the URL", response.status());
            }
            download::keep(&self.cache, response, &download.digest, None, url.as_str()).await
        })
    }
}
