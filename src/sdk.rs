//! Folders of an app that are an SDK of `spin mcp`. The author owns everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use spin_mcp_app::App;
use spin_mcp_component::{Digest, file, path::in_dir};

use crate::templates;

/// The file of an SDK folder that says what was installed.
pub const FILE: &str = "version.json";

/// The version of the SDKs in this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An SDK in this program.
pub struct Sdk {
    name: &'static str,
    files: BTreeMap<&'static str, &'static [u8]>,
}

/// What was installed in a folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct Version {
    sdk: String,
    version: String,
    /// Of all files.
    digest: String,
    /// The digest of each file. A file that was edited before it could be renewed keeps that of the
    /// file that it was made of.
    files: BTreeMap<String, String>,
}

/// An SDK folder of an app.
pub struct Folder {
    path: PathBuf,
    sdk: Sdk,
    /// What was installed, if that is known.
    installed: Option<Version>,
}

/// What became of a folder.
#[derive(Default)]
pub struct Renewed {
    written: usize,
    removed: usize,
    kept: Vec<PathBuf>,
}

impl Sdk {
    /// The SDK in a folder of the templates.
    pub fn of(folder: &str) -> Self {
        let mut sdks = templates::SDKS.iter();
        let name = sdks
            .find(|(path, _)| *path == folder)
            .map_or("", |(_, name)| name);
        let files = templates::folder(folder).collect();
        Self { name, files }
    }

    pub fn version(&self) -> Version {
        let digests = self
            .files
            .iter()
            .map(|(path, bytes)| (path.to_string(), digest(bytes)));
        let files: BTreeMap<_, _> = digests.collect();
        let all: Vec<_> = files
            .iter()
            .flat_map(|(path, digest)| [path.as_str(), digest])
            .collect();
        Version {
            sdk: self.name.into(),
            version: VERSION.into(),
            digest: digest(all.join("\n").as_bytes()),
            files,
        }
    }

    fn title(&self) -> &'static str {
        match self.name {
            "python" => "Python",
            "typescript" => "TypeScript",
            "rust" => "Rust",
            name => name,
        }
    }
}

impl Version {
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts are JSON") + "\n"
    }

    /// Whether a later program installed it.
    fn is_later(&self) -> bool {
        let parts = |version: &str| -> Vec<u64> {
            let numbers = version.split(['-', '+']).next().unwrap_or_default();
            numbers
                .split('.')
                .map(|part| part.parse().unwrap_or(0))
                .collect()
        };
        parts(&self.version) > parts(VERSION)
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().to_owned()
}

/// The SDK folders of an app, and the part that each is of.
pub fn folders(app: &App) -> Result<Vec<(String, Folder)>> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for part in app.parts().filter(|part| part.build.is_some()) {
        for (template, name) in templates::SDKS {
            let folder = template
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            let path = in_dir(&part.workdir, folder);
            if !path.is_dir() || !seen.insert(path.clone()) {
                continue;
            }
            let sdk = Sdk::of(template);
            let installed = match fs::read(path.join(FILE)) {
                Ok(text) => Some(serde_json::from_slice::<Version>(&text).with_context(|| {
                    format!(
                        "cannot read `{}`; restore it, or delete it and run `spin mcp update --force`",
                        path.join(FILE).display()
                    )
                })?),
                Err(_) => None,
            };
            let is_sdk = match &installed {
                Some(installed) => installed.sdk == *name,
                // Most of its files are there.
                None => {
                    let there = sdk.files.keys().filter(|file| path.join(file).is_file());
                    2 * there.count() > sdk.files.len()
                }
            };
            match is_sdk {
                true => found.push((
                    part.name.clone(),
                    Folder {
                        path,
                        sdk,
                        installed,
                    },
                )),
                // Another SDK can have a folder of this name.
                false => drop(seen.remove(&path)),
            }
        }
    }
    Ok(found)
}

/// Prints a note for each SDK folder that is not that of this program.
pub fn note(app: &App) -> Result<()> {
    for (
        _,
        Folder {
            path,
            sdk,
            installed,
        },
    ) in folders(app)?
    {
        let Some(installed) =
            installed.filter(|installed| installed.digest != sdk.version().digest)
        else {
            continue;
        };
        let next = match installed.is_later() {
            true => "this `spin mcp` is older; update it",
            false => "`spin mcp update` renews it",
        };
        eprintln!(
            "note: the {} SDK in `{}` is {}, and this `spin mcp` has {VERSION}; {next}",
            sdk.title(),
            path.display(),
            installed.version
        );
    }
    Ok(())
}

impl Folder {
    /// Replaces what was installed and not edited since; with `force`, all files of the SDK.
    /// Returns the lines to print.
    pub fn renew(&self, force: bool) -> Result<Vec<String>> {
        let (shown, title) = (self.path.display(), self.sdk.title());
        ensure!(
            !self.path.is_symlink() || force,
            "`{shown}` is a link; renew the folder that it leads to, or `--force` writes there"
        );
        let Some(installed) = &self.installed else {
            ensure!(
                force,
                "`{shown}` has no `{FILE}`, so edited files of the {title} SDK cannot be recognized; save your \
                 changes, then `spin mcp update --force` replaces them"
            );
            let none = BTreeMap::new();
            let renewed = self.write(&none, force)?;
            return Ok(vec![format!(
                "`{shown}`: the {title} SDK is now {VERSION}: {renewed}"
            )]);
        };
        ensure!(
            !installed.is_later() || force,
            "the {title} SDK in `{shown}` is {}, and this `spin mcp` has {VERSION}; update `spin mcp`, or go back with \
             `--force`",
            installed.version
        );
        let renewed = self.write(&installed.files, force)?;
        let mut lines = vec![match renewed.written + renewed.removed {
            0 => format!("`{shown}`: the {title} SDK is still {VERSION}"),
            _ => format!(
                "`{shown}`: the {title} SDK was {}, is now {VERSION}: {renewed}",
                installed.version
            ),
        }];
        lines.extend(renewed.kept.iter().map(|file| {
            format!(
                "`{}` was edited and stays as it is; `--force` replaces it",
                file.display()
            )
        }));
        Ok(lines)
    }

    /// `was`: the digests of what was installed.
    fn write(&self, was: &BTreeMap<String, String>, force: bool) -> Result<Renewed> {
        let mut renewed = Renewed::default();
        let mut version = self.sdk.version();
        let mut all: BTreeSet<&str> = self.sdk.files.keys().copied().collect();
        // This file can be from anywhere, and names files to remove.
        let inside = |path: &&str| {
            let mut parts = Path::new(path).components();
            parts.all(|part| matches!(part, Component::Normal(_)))
        };
        all.extend(was.keys().map(String::as_str).filter(inside));
        for name in all {
            let path = self.path.join(name);
            let now = fs::read(&path).ok();
            let new = self.sdk.files.get(name).copied();
            if now.as_deref() == new {
                continue;
            }
            let is_own = now
                .as_deref()
                .is_none_or(|now| was.get(name) == Some(&digest(now)));
            if !force && (!is_own || path.is_symlink()) {
                match was.get(name) {
                    Some(was) => version.files.insert(name.into(), was.clone()),
                    None => version.files.remove(name),
                };
                renewed.kept.push(path);
                continue;
            }
            match new {
                Some(new) => {
                    file::replace(&path, new)?;
                    renewed.written += 1;
                }
                None => {
                    fs::remove_file(&path)
                        .with_context(|| format!("cannot remove `{}`", path.display()))?;
                    renewed.removed += 1;
                }
            }
        }
        // Last, so that a renewal that fails halfway can be run again.
        file::replace(&self.path.join(FILE), version.text().as_bytes())?;
        Ok(renewed)
    }
}

impl std::fmt::Display for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = |number| match number {
            1 => "1 file".to_owned(),
            number => format!("{number} files"),
        };
        write!(f, "{} written", files(self.written))?;
        match self.removed {
            0 => Ok(()),
            removed => write!(f, ", {} removed", files(removed)),
        }
    }
}
