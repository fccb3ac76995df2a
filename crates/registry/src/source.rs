//! The source of a component, as users write it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
pub use oci_client::Reference;

use spin_mcp_component::{Digest, path};

/// The source of a component. Its text alone decides the kind, not what exists on this machine.
#[derive(Clone, PartialEq)]
pub enum Source {
    File(PathBuf),
    /// An image in a registry.
    Image(Reference),
    Url(Download),
}

/// A file on the web, with the digest of its content.
#[derive(Clone, PartialEq)]
pub struct Download {
    url: reqwest::Url,
    pub digest: Digest,
}

impl Source {
    /// Reads a path or a reference. A reference begins with the host of its registry and has a tag
    /// or a digest. Any other text is a path, and so is any text that begins with `./`. What begins with
    /// a host and ends without an extension is neither: which one is meant must be said.
    pub fn parse(text: &str) -> Result<Source> {
        ensure!(!text.is_empty(), "the source is empty");
        if let Some(reference) = text.strip_prefix("oci://") {
            bail!("`{text}` is a URL; write the reference alone: `{reference}`");
        }
        if text.contains("://") {
            bail!(
                "`{text}` is a URL, whose content may change; write its digest in spin.toml: \
                 `source = {{ url = \"{text}\", digest = \"sha256:…\" }}`"
            );
        }
        let (host, last) = match text.split_once('/') {
            Some((host, rest)) => (host, rest.rsplit('/').next().unwrap_or(rest)),
            None => return Ok(Source::File(text.into())),
        };
        ensure!(
            last.contains(['.', ':', '@'])
                || last.is_empty()
                || is_drive(host)
                || !is_host(host)
                || host.starts_with('.'),
            "`{text}` has no tag; write `{text}:latest` or another tag, or begin with `./` if it is a file"
        );
        if !last.contains(':') || host.is_empty() || host.starts_with('.') || is_drive(host) {
            return Ok(Source::File(text.into()));
        }
        ensure!(
            is_host(host),
            "`{text}` names no registry: begin with its host, as in `ghcr.io/{text}`, or with `./` if it is a file"
        );
        let reference = reference(text).with_context(|| {
            format!(
                "`{text}` is not a reference such as `ghcr.io/org/weather:1.2.0`; begin with `./` if it is a \
                 file"
            )
        })?;
        Ok(Source::Image(reference))
    }
}

/// Reads a reference. The parser of `oci-client` compiles a regular expression of megabytes, which
/// takes longer than composing.
fn reference(text: &str) -> Result<Reference> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest.parse::<Digest>()?.to_string())),
        None => (text, None),
    };
    let (host, rest) = name.split_once('/').context("the host is missing")?;
    let (repository, tag) = match rest.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (rest, None),
    };
    ensure!(
        repository.len() <= 255 && repository.split('/').all(is_repository_part),
        "`{repository}` must be lower-case words with `/`, `-`, `_` or `.` between them"
    );
    if let Some(tag) = tag {
        let all = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        ensure!(
            (1..=128).contains(&tag.len()) && tag.chars().all(all) && !tag.starts_with(['.', '-']),
            "tag `{tag}` must be letters, digits, `_`, `.` and `-`"
        );
    }
    // All names of Docker Hub become one, as in its own tools.
    let hub = ["docker.io", "index.docker.io"].contains(&host);
    let host = if hub { "docker.io" } else { host }.to_owned();
    let repository = match hub && !repository.contains('/') {
        true => format!("library/{repository}"),
        false => repository.to_owned(),
    };
    Ok(match (tag.map(str::to_owned), digest) {
        (Some(tag), Some(digest)) => Reference::with_tag_and_digest(host, repository, tag, digest),
        (None, Some(digest)) => Reference::with_digest(host, repository, digest),
        (tag, None) => Reference::with_tag(host, repository, tag.context("the tag is missing")?),
    })
}

fn is_repository_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(word)
        && part.ends_with(word)
        && part.chars().all(|c| word(c) || "._-".contains(c))
}

impl Source {
    /// The path of a file.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Source::File(path) => Some(path),
            _ => None,
        }
    }

    /// The reference of an image whose content may change.
    pub fn tag(&self) -> Option<&Reference> {
        match self {
            Source::Image(reference) if reference.digest().is_none() => Some(reference),
            _ => None,
        }
    }

    /// The name of the component: that of the file without its extension, or the last part of the
    /// repository.
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

    /// The source with its path relative to this folder.
    pub fn in_dir(self, dir: &Path) -> Source {
        match self {
            Source::File(path) => Source::File(path::in_dir(dir, &path)),
            other => other,
        }
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |name: &str| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
    };
    is_port
        && !name.is_empty()
        && is_name(name)
        && (text.contains(':') || name == "localhost" || name.contains('.'))
}

/// Whether it is the name of a Windows drive.
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
        let parsed = parsed.map_err(|error| anyhow::anyhow!("`{url}` is not a URL: {error}"))?;
        let host = parsed.host_str().unwrap_or_default();
        ensure!(
            parsed.scheme() == "https" || (parsed.scheme() == "http" && is_loopback(host)),
            "`{url}` must begin with `https://`; only loopback hosts work without TLS"
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
    fn paths_and_references_are_distinct() {
        for path in [
            "a.wasm",
            "weather:1.2.0",
            "target/wasm32-wasip2/release/a.wasm",
            "./ghcr.io/org/weather:1.2.0",
            "../localhost:5000/weather:1.2.0",
            "/ghcr.io/org/weather:1.2.0",
            "C:/components/weather:1",
            "my.app/weather.wasm",
            "./ghcr.io/org/weather",
            "../localhost/weather",
            "my-app/weather",
            "C:/weather",
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
            &digest.replace('@', ":1.2.0@"),
        ] {
            match Source::parse(reference).unwrap() {
                Source::Image(image) => assert_eq!(image.to_string(), reference),
                other => panic!("`{reference}` is {other:?}"),
            }
        }
    }

    /// `reference` agrees with the parser of `oci-client`.
    #[test]
    fn references_are_those_of_the_library() {
        for text in [
            "ghcr.io/org/weather:1.2.0",
            "docker.io/weather:1",
            "index.docker.io/weather:1",
            "docker.io/org/weather:1",
            "localhost:5000/a_b/c--d/e.f:A_b.c-d",
        ] {
            assert_eq!(reference(text).unwrap(), text.parse::<Reference>().unwrap());
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let error = |text: &str| format!("{:#}", Source::parse(text).unwrap_err());
        assert_eq!(
            error("org/weather:1"),
            "`org/weather:1` names no registry: begin with its host, as in `ghcr.io/org/weather:1`, or \
             with `./` if it is a file"
        );
        assert_eq!(
            error("ghcr.io/Org/weather:1"),
            "`ghcr.io/Org/weather:1` is not a reference such as `ghcr.io/org/weather:1.2.0`; begin with `./` if \
             it is a file: `Org/weather` must be lower-case words with `/`, `-`, `_` or `.` between them"
        );
        for untagged in [
            "ghcr.io/org/weather",
            "localhost:5000/weather",
            "docker.io/weather",
        ] {
            assert_eq!(
                error(untagged),
                format!(
                    "`{untagged}` has no tag; write `{untagged}:latest` or another tag, or begin with `./` if it is a \
                     file"
                )
            );
        }
        for wrong in [
            "ghcr.io/org/weather:",
            "ghcr.io/org/weather:.1",
            "ghcr.io/org//weather:1",
            "ghcr.io/org/../weather:1",
            "ghcr.io/org/weather-:1",
            "ghcr.io/org/weather:1/2:3",
            "ghcr.io/org/weather:1?a=b",
            "ghcr.io/org/weather:1@sha256:00",
        ] {
            let error = error(wrong);
            assert!(error.contains("is not a reference such as"), "{error}");
        }
        assert_eq!(
            error("oci://ghcr.io/org/weather:1"),
            "`oci://ghcr.io/org/weather:1` is a URL; write the reference alone: `ghcr.io/org/weather:1`"
        );
        assert!(error("https://example.com/a.wasm").contains("digest = \"sha256:…\""));
        let sha512 = format!("ghcr.io/org/weather@sha512:{}", "0f".repeat(64));
        assert!(error(&sha512).ends_with("must be `sha256:` and 64 hexadecimal digits"));
    }

    #[test]
    fn only_loopback_hosts_work_without_tls() {
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
