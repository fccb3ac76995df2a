//! The files of a policy.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

/// How the names of files with tests end.
const TEST: &str = "_test.rego";

/// A file in Rego.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in messages.
    pub name: String,
    pub text: String,
}

/// The files of a policy, and those of its tests.
#[derive(Debug, Default)]
pub struct Files {
    pub policy: Vec<Source>,
    pub tests: Vec<Source>,
}

impl Files {
    /// Reads a policy at `paths`, which are relative to `dir`: files, or folders of files. The tests are
    /// the files beside them whose names end with `_test.rego`.
    pub fn read<'a>(dir: &Path, paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Files> {
        let mut files = Files::default();
        for path in paths {
            let shown = path.display();
            let found = dir.join(path);
            let is_dir = found.is_dir();
            if !is_dir {
                push(&mut files.policy, dir, path)?;
            }
            let folder = match is_dir {
                true => path.as_path(),
                false => path.parent().unwrap_or(Path::new("")),
            };
            let entries = fs::read_dir(dir.join(folder));
            let entries = entries.with_context(|| format!("cannot read the policy `{shown}`"))?;
            let mut names = Vec::new();
            for entry in entries {
                let name = entry?.file_name();
                names.extend(
                    name.into_string()
                        .ok()
                        .filter(|name| name.ends_with(".rego")),
                );
            }
            names.sort();
            for name in names {
                match name.ends_with(TEST) {
                    true => push(&mut files.tests, dir, &folder.join(name))?,
                    false if is_dir => push(&mut files.policy, dir, &folder.join(name))?,
                    false => {}
                }
            }
        }
        ensure!(
            !files.policy.is_empty(),
            "a policy needs a file with `package mcp`, such as `policy.rego`"
        );
        Ok(files)
    }
}

/// Adds a file unless it is there.
fn push(sources: &mut Vec<Source>, dir: &Path, path: &Path) -> Result<()> {
    // The same on each system, since compose places the names in the component.
    let name = path.to_string_lossy().replace('\\', "/");
    if sources.iter().any(|source| source.name == name) {
        return Ok(());
    }
    let text = fs::read_to_string(dir.join(path));
    let text = text.with_context(|| format!("cannot read the policy `{name}`"))?;
    sources.push(Source { name, text });
    Ok(())
}
