//! Where a component comes from, as users write it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
pub use oci_client::Reference;

use super::digest::Digest;
use crate::app;

/// Where a component is. Its text alone tells which, not what exists on this machine.
#[derive(Clone, PartialEq)]
pub enum Source {
    File(PathBuf),
    /// An image in a registry.
    Image(Reference),
    Url(Download),
}

/// A file on the web, whose content is known.
#[derive(Clone, PartialEq)]
pub struct Download {
    url: reqwest::Url,
    pub digest: Digest,
}

impl Source {
    /// Reads a path or a reference. A reference begins with the host of its registry and has a
    /// tag or a digest; all else is a path, and what begins with `./` always is.
    pub fn parse(text: &str) -> Result<Source> {
        ensure!(!text.is_empty(), "the name of a component is empty");
        if let Some(reference) = text.strip_prefix("oci://") {
            bail!("`{text}` is a URL; write the reference by itself: `{reference}`");
        }
        if text.contains("://") {
            bail!(
                "`{text}` is a URL, whose content may change; say in spin.toml what it is: \
                 `source = {{ url = \"{text}\", digest = \"sha256:…\" }}`"
            );
        }
        let (host, last) = match text.split_once('/') {
            Some((host, rest)) => (host, rest.rsplit('/').next().unwrap_or(rest)),
            None => return Ok(Source::File(text.into())),
        };
        if !last.contains(':') || host.is_empty() || host.starts_with('.') || is_drive(host) {
            return Ok(Source::File(text.into()));
        }
        ensure!(
            is_host(host),
            "`{text}` names no registry: begin with its host, as in `ghcr.io/{text}`, or with `./` if it is a file"
        );
        let reference = text.parse::<Reference>();
        let reference = reference.map_err(|error| {
            anyhow::anyhow!(
                "`{text}` is not a reference to a registry ({error}); it reads like \
                 `ghcr.io/org/weather:1.2.0`; begin with `./` if it is a file"
            )
        })?;
        if let Some(digest) = reference.digest() {
            digest
                .parse::<Digest>()
                .with_context(|| format!("cannot use `{text}`"))?;
        }
        Ok(Source::Image(reference))
    }
}

impl Source {
    /// The path, if it is one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Source::File(path) => Some(path),
            _ => None,
        }
    }

    /// The reference, if it is one whose content may change.
    pub fn tag(&self) -> Option<&Reference> {
        match self {
            Source::Image(reference) if reference.digest().is_none() => Some(reference),
            _ => None,
        }
    }

    /// The last part of its name: that of a file without its extension, or of a repository.
    pub fn name(&self) -> String {
        let name = match self {
            Source::File(path) => path.file_stem().unwrap_or_default().to_string_lossy(),
            Source::Image(reference) => {
                let repository = reference.repository();
                repository.rsplit('/').next().unwrap_or(repository).into()
            }
            Source::Url(download) => {
                let name = download
                    .url
                    .path_segments()
                    .and_then(|mut parts| parts.next_back());
                let name = name.unwrap_or_default();
                name.strip_suffix(".wasm").unwrap_or(name).into()
            }
        };
        name.into_owned()
    }

    /// What a manifest in this folder means by it.
    pub fn in_dir(self, dir: &Path) -> Source {
        match self {
            Source::File(path) => Source::File(app::in_dir(dir, &path)),
            other => other,
        }
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port && (text.contains(':') || name == "localhost" || name.contains('.'))
}

/// Whether a path that begins so is on a drive of Windows.
fn is_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// Whether a host is this machine, which needs no TLS.
pub fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Download {
    pub fn new(url: &str, digest: &str) -> Result<Download> {
        let parsed = reqwest::Url::parse(url);
        let parsed = parsed.map_err(|error| anyhow::anyhow!("`{url}` is no URL: {error}"))?;
        let host = parsed.host_str().unwrap_or_default();
        ensure!(
            parsed.scheme() == "https" || (parsed.scheme() == "http" && is_loopback(host)),
            "`{url}` must begin with `https://`; only this machine is asked without TLS"
        );
        Ok(Download {
            url: parsed,
            digest: digest.parse()?,
        })
    }

    pub fn url(&self) -> &reqwest::Url {
        &self.url
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::File(path) => path.display().fmt(f),
            Source::Image(reference) => reference.fmt(f),
            Source::Url(download) => download.url.fmt(f),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_references() {
        for path in [
            "a.wasm",
            "weather:1.2.0",
            "target/wasm32-wasip2/release/a.wasm",
            "./ghcr.io/org/weather:1.2.0",
            "../localhost:5000/weather:1.2.0",
            "/ghcr.io/org/weather:1.2.0",
            "C:/components/weather:1",
            "my.app/weather.wasm",
            "my.app/weather@2.wasm",
        ] {
            assert_eq!(Source::parse(path).unwrap(), Source::File(path.into()));
        }
        let digest = format!("ghcr.io/org/weather@sha256:{}", "0f".repeat(32));
        for reference in [
            "ghcr.io/org/weather:1.2.0",
            "localhost/weather:latest",
            "localhost:5000/a/b/weather:1",
            "127.0.0.1:5000/weather:1",
            &digest,
        ] {
            match Source::parse(reference).unwrap() {
                Source::Image(image) => assert_eq!(image.to_string(), reference),
                other => panic!("`{reference}` is {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let error = |text: &str| format!("{:#}", Source::parse(text).unwrap_err());
        assert_eq!(
            error("org/weather:1"),
            "`org/weather:1` names no registry: begin with its host, as in `ghcr.io/org/weather:1`, or \
             with `./` if it is a file"
        );
        assert_eq!(
            error("ghcr.io/Org/weather:1"),
            "`ghcr.io/Org/weather:1` is not a reference to a registry (invalid reference format); it \
             reads like `ghcr.io/org/weather:1.2.0`; begin with `./` if it is a file"
        );
        assert_eq!(
            error("oci://ghcr.io/org/weather:1"),
            "`oci://ghcr.io/org/weather:1` is a URL; write the reference by itself: `ghcr.io/org/weather:1`"
        );
        assert!(error("https://example.com/a.wasm").contains("digest = \"sha256:…\""));
        let sha512 = format!("ghcr.io/org/weather@sha512:{}", "0f".repeat(64));
        assert!(error(&sha512).ends_with("must be `sha256:` and 64 hexadecimal digits"));
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["ghcr.io", "localhost.example.com:80", "10.0.0.1:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
        let digest = format!("sha256:{}", "0f".repeat(32));
        assert!(Download::new("http://127.0.0.1:8000/a.wasm", &digest).is_ok());
        assert!(Download::new("http://example.com/a.wasm", &digest).is_err());
        assert!(Download::new("https://example.com/a.wasm", "sha256:00").is_err());
    }
}
