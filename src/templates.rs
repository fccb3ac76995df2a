//! The templates of this version, and how Spin installs them.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::sdk::{self, Sdk};

/// The path and content of each file in the repository's `templates` folder.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The folders in them that are an SDK, each with the name of the SDK.
pub const SDKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdks.rs"));

/// The name and description of a template, from its manifest.
#[derive(Debug, Deserialize)]
pub struct Template {
    pub id: String,
    pub description: String,
}

/// `spin templates install` ran and failed. Its own output says why.
#[derive(Debug, thiserror::Error)]
#[error("`{spin} templates install` failed: {status}")]
pub struct SpinFailed {
    pub spin: String,
    pub status: ExitStatus,
}

impl SpinFailed {
    pub fn exit_code(&self) -> u8 {
        let code = self.status.code();
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

/// All templates, by name.
pub fn all() -> Vec<Template> {
    let manifests = FILES
        .iter()
        .filter(|(path, _)| path.ends_with("/metadata/spin-template.toml"));
    manifests
        .map(|(path, manifest)| {
            toml_edit::de::from_slice(manifest)
                .unwrap_or_else(|error| panic!("a test reads `{path}`: {error}"))
        })
        .collect()
}

/// Writes all templates, as `spin templates install --dir` expects them.
pub fn write(dir: &Path) -> io::Result<()> {
    for (path, bytes) in FILES {
        let path = dir.join("templates").join(path);
        fs::create_dir_all(path.parent().expect("it is in `templates`"))?;
        fs::write(path, bytes)?;
    }
    for (folder, _) in SDKS {
        let version = Sdk::of(folder).version();
        fs::write(
            dir.join("templates").join(folder).join(sdk::FILE),
            version.text(),
        )?;
    }
    Ok(())
}

/// The path and content of each file in a folder of the templates, as Spin installs it.
pub fn folder(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(path, bytes)| {
        let path = path.strip_prefix(folder)?;
        Some((path.strip_suffix(".tmpl").unwrap_or(path), *bytes))
    })
}

/// Installs all templates into this Spin, and replaces those of another version.
pub fn install(spin: &Path) -> Result<()> {
    let dir = tempfile::tempdir().context("cannot create a temporary folder")?;
    write(dir.path()).context("cannot write the templates to a temporary folder")?;
    let shown = spin.display().to_string();
    let status = Command::new(spin)
        .args(["templates", "install", "--upgrade", "--dir"])
        .arg(dir.path())
        .status()
        .with_context(|| {
            format!(
                "cannot start `{shown}`; install Spin (https://spinframework.dev), or set \
                 `SPIN_BIN_PATH` to its program"
            )
        })?;
    if !status.success() {
        let spin = shown;
        return Err(SpinFailed { spin, status }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_a_template_of_that_name() {
        let mut folders: Vec<_> = FILES
            .iter()
            .map(|(path, _)| path.split_once('/').expect("it is in a folder").0)
            .collect();
        folders.dedup();
        let all = all();
        let ids: Vec<_> = all.iter().map(|template| template.id.as_str()).collect();
        assert_eq!(ids, folders);
        assert!(ids.contains(&"mcp-tool"));
    }
}
