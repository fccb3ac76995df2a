//! A body that goes into the cache as it arrives, and only if it is what was promised.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Response;
use sha2::{Digest as _, Sha256};

use super::cache::Cache;
use super::client::last_cause;
use spin_mcp_component::Digest;
use spin_mcp_component::MAX_COMPONENT;

/// How long the largest component may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Reads a component of this digest, and of this size if that is known, and keeps it. A terminal
/// shows how far it is.
pub async fn keep(
    cache: &Cache,
    response: Response,
    digest: &Digest,
    size: Option<u64>,
    shown: &str,
) -> Result<Vec<u8>> {
    let progress = ProgressBar::new(size.or(response.content_length()).unwrap_or(0));
    let style = "pulling `{msg}` {bytes} of {total_bytes} ({bytes_per_sec})";
    progress.set_style(ProgressStyle::with_template(style)?);
    progress.set_message(shown.to_owned());
    let kept = tokio::time::timeout(
        TIME_LIMIT,
        receive(cache, response, digest, size, &progress),
    );
    let kept = kept.await;
    progress.finish_and_clear();
    kept.unwrap_or_else(|_| {
        bail!(
            "it did not arrive within {} minutes",
            TIME_LIMIT.as_secs() / 60
        )
    })
}

async fn receive(
    cache: &Cache,
    mut response: Response,
    digest: &Digest,
    size: Option<u64>,
    progress: &ProgressBar,
) -> Result<Vec<u8>> {
    let mut file = cache.start()?;
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => bail!(
                "the connection broke after {}{} bytes: {}; try again",
                bytes.len(),
                size.map(|size| format!(" of {size}")).unwrap_or_default(),
                last_cause(&error)
            ),
        };
        let received = (bytes.len() + piece.len()) as u64;
        if let Some(size) = size.filter(|size| received > *size) {
            bail!("more arrives than the {size} bytes that its manifest says; nothing was kept");
        }
        ensure!(
            received <= MAX_COMPONENT,
            "a component may have {} MB at most, and more arrives; nothing was kept",
            MAX_COMPONENT / 1_000_000
        );
        hash.update(&piece);
        bytes.extend_from_slice(&piece);
        file.write_all(&piece)
            .context("cannot write to the cache")?;
        progress.set_position(received);
    }
    if let Some(size) = size.filter(|size| (bytes.len() as u64) < *size) {
        bail!("only {} of {size} bytes arrived; try again", bytes.len());
    }
    let found = Digest::from(hash);
    ensure!(
        found == *digest,
        "what arrived is not what was asked for: its digest is `{found}`, not `{digest}`"
    );
    cache.keep(file, digest)?;
    Ok(bytes)
}
