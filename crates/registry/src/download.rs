//! Downloads a component into the cache, and checks its size and digest.

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

/// The time limit of a download.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Reads a component with this digest, and this size if it is known, into the cache. A terminal
/// shows the progress.
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
            "the download took longer than {} minutes",
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
                "the connection failed after {}{} bytes: {}; try again",
                bytes.len(),
                size.map(|size| format!(" of {size}")).unwrap_or_default(),
                last_cause(&error)
            ),
        };
        let received = (bytes.len() + piece.len()) as u64;
        if let Some(size) = size.filter(|size| received > *size) {
            bail!("the download is larger than the {size} bytes in its manifest");
        }
        ensure!(
            received <= MAX_COMPONENT,
            "the download is larger than {} MB, the limit for a component",
            MAX_COMPONENT / 1_000_000
        );
        hash.update(&piece);
        bytes.extend_from_slice(&piece);
        file.write_all(&piece)
            .context("cannot write to the cache")?;
        progress.set_position(received);
    }
    if let Some(size) = size.filter(|size| (bytes.len() as u64) < *size) {
        bail!(
            "the download ended after {} of {size} bytes; try again",
            bytes.len()
        );
    }
    let found = Digest::from(hash);
    ensure!(
        found == *digest,
        "wrong content: its digest is `{found}`, not `{digest}`"
    );
    cache.keep(file, digest)?;
    Ok(bytes)
}
