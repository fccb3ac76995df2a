//! The files of a policy.

use std::{fs, path::Path};

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
    /// Reads the policy at `path`, which is relative to `dir`: a file, or a folder of files. The tests
    /// are the files beside it whose names end with `_test.rego`.
    pub fn read(dir: &Path, path: &Path) -> Result<Files> {
        let is_dir = dir.join(path).is_dir();
        let folder = match is_dir {
            true => path,
            false => path.parent().unwrap_or(Path::new("")),
        };
        let cannot = || format!("cannot read the policy `{}`", path.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(dir.join(folder)).with_context(cannot)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        let mut files = Files::default();
        for name in names.iter().filter(|name| name.ends_with(".rego")) {
            let path = folder.join(name);
            match name.ends_with(TEST) {
                true => files.tests.push(source(dir, &path)?),
                false if is_dir => files.policy.push(source(dir, &path)?),
                false => {}
            }
        }
        if !is_dir {
            files.policy.push(source(dir, path)?);
        }
        ensure!(
            !files.policy.is_empty(),
            "`{}` has no policy: write a file with `package mcp`, such as `policy.rego`",
            path.display()
        );
        Ok(files)
    }
}

fn source(dir: &Path, path: &Path) -> Result<Source> {
    // The same on each system, since compose places the names in the component.
    let name = path.to_string_lossy().replace('\\', "/");
    let text = fs::read_to_string(dir.join(path));
    let text = text.with_context(|| format!("cannot read the policy `{name}`"))?;
    Ok(Source { name, text })
}
