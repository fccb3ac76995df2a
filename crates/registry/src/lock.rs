//! `mcp.lock`: the digest of each tag in `spin.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use spin_mcp_component::{Digest, file, path};

const FILE: &str = "mcp.lock";
const VERSION: u32 = 1;
const HEADER: &str = "\
# Written by `spin mcp`: the digest of each tag in spin.toml. Keep this file under version control.
# `spin mcp update` moves tags.
";

/// The lock of an app.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// The digest of the manifest of each reference, in the file.
    before: BTreeMap<String, Digest>,
    /// The same, to be written.
    images: BTreeMap<String, Digest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    image: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reference: String,
    digest: String,
}

impl Lock {
    /// Reads the lock beside an app's `spin.toml`. Without a file, it is empty.
    pub fn open(dir: &Path) -> Result<Lock> {
        let path = path::in_dir(dir, FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            text => Some(text.with_context(|| format!("cannot read `{}`", path.display()))?),
        };
        let before = read(text.as_deref()).with_context(|| {
            format!(
                "cannot read `{}`; repair it, or delete it and run `spin mcp update`",
                path.display()
            )
        })?;
        let images = before.clone();
        Ok(Lock {
            path,
            before,
            images,
        })
    }

    pub fn get(&self, reference: &str) -> Option<&Digest> {
        self.images.get(reference)
    }

    pub fn set(&mut self, reference: &str, digest: Digest) -> Option<Digest> {
        self.images.insert(reference.to_owned(), digest)
    }

    /// Removes all references but these.
    pub fn retain(&mut self, used: &[String]) {
        self.images.retain(|reference, _| used.contains(reference));
    }

    /// Writes the file if it changes, and removes it if no tag is left.
    pub fn save(&self) -> Result<()> {
        if self.images == self.before {
            return Ok(());
        }
        if self.images.is_empty() {
            return fs::remove_file(&self.path)
                .with_context(|| format!("cannot remove `{}`", self.path.display()));
        }
        let mut text = format!("{HEADER}version = {VERSION}\n");
        for (reference, digest) in &self.images {
            write!(
                text,
                "\n[[image]]\nreference = \"{reference}\"\ndigest = \"{digest}\"\n"
            )
            .expect("a string takes text");
        }
        file::replace(&self.path, text.as_bytes())
    }

    /// Fails if the file has references that are not used.
    pub fn check(&self) -> Result<()> {
        let mut known = self.before.keys();
        match known.find(|reference| !self.images.contains_key(*reference)) {
            None => Ok(()),
            Some(reference) => bail!(
                "`{}` has the unused reference `{reference}`, and `--locked` forbids changing it; run the \
                 command without `--locked`, and commit the file",
                self.path.display()
            ),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn read(text: Option<&str>) -> Result<BTreeMap<String, Digest>> {
    let Some(text) = text else {
        return Ok(BTreeMap::new());
    };
    let file: File = toml_edit::de::from_str(text)
        .map_err(|error| anyhow::anyhow!("{}", error.to_string().trim_end()))?;
    ensure!(
        file.version == VERSION,
        "unknown version {}; this `mcp` reads version {VERSION}",
        file.version
    );
    let entries = file.image.into_iter();
    entries
        .map(|entry| Ok((entry.reference, entry.digest.parse()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_sorted_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut lock = Lock::open(dir.path()).unwrap();
        lock.save().unwrap();
        assert!(
            !dir.path().join(FILE).exists(),
            "an empty lock is not written"
        );
        lock.set("ghcr.io/org/b:1", Digest::of(b"b"));
        lock.set("ghcr.io/org/a:1", Digest::of(b"a"));
        lock.save().unwrap();

        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        let (a, b) = (text.find("org/a:1").unwrap(), text.find("org/b:1").unwrap());
        assert!(a < b, "{text}");
        let mut again = Lock::open(dir.path()).unwrap();
        again.check().unwrap();
        assert_eq!(again.get("ghcr.io/org/b:1"), Some(&Digest::of(b"b")));

        again.retain(&["ghcr.io/org/a:1".into()]);
        let error = again.check().unwrap_err().to_string();
        assert!(
            error.contains("has the unused reference `ghcr.io/org/b:1`"),
            "{error}"
        );
        again.retain(&[]);
        again.save().unwrap();
        assert!(!dir.path().join(FILE).exists());
    }

    #[test]
    fn a_damaged_lock_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = |text: &str| {
            fs::write(dir.path().join(FILE), text).unwrap();
            format!("{:#}", Lock::open(dir.path()).unwrap_err())
        };
        assert!(error("<<<<<<< HEAD\n").contains("delete it and run `spin mcp update`"));
        assert!(error("version = 2\n").ends_with("unknown version 2; this `mcp` reads version 1"));
        let digest = "version = 1\n[[image]]\nreference = \"a\"\ndigest = \"sha256:00\"\n";
        assert!(error(digest).contains("digest `sha256:00` must be"));
    }
}
