//! Pulled content by its digest, in one folder of the user for all projects. A file gets its name
//! when it is complete, and is checked against that name on every read.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use etcetera::BaseStrategy as _;
use tempfile::NamedTempFile;

use spin_mcp_component::Digest;

pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache of this user: `spin-mcp` in `$XDG_CACHE_HOME`, or in the system's cache folder.
    pub fn of_user() -> Result<Cache> {
        let base =
            etcetera::choose_base_strategy().context("cannot find the user's cache folder")?;
        Ok(Cache {
            dir: base.cache_dir().join("spin-mcp/sha256"),
        })
    }

    /// The content, if it is there and undamaged.
    pub fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        Ok((Digest::of(&bytes) == *digest).then_some(bytes))
    }

    /// A file to write content to. It is removed on drop, unless `keep` gets it.
    pub fn start(&self) -> Result<NamedTempFile> {
        fs::create_dir_all(&self.dir)
            .and_then(|()| NamedTempFile::with_prefix_in(".partial-", &self.dir))
            .with_context(|| format!("cannot write to `{}`", self.dir.display()))
    }

    /// Makes the file the content of this digest. The caller has checked that it is.
    pub fn keep(&self, file: NamedTempFile, digest: &Digest) -> Result<()> {
        let path = self.path(digest);
        file.persist(&path)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(())
    }

    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut file = self.start()?;
        file.write_all(bytes)
            .with_context(|| format!("cannot write to `{}`", self.dir.display()))?;
        self.keep(file, &Digest::of(bytes))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_content_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache {
            dir: dir.path().join("new"),
        };
        let digest = Digest::of(b"content");
        assert_eq!(cache.read(&digest).unwrap(), None);
        cache.write(b"content").unwrap();
        assert_eq!(cache.read(&digest).unwrap().unwrap(), b"content");
        fs::write(cache.path(&digest), b"c0ntent").unwrap();
        assert_eq!(cache.read(&digest).unwrap(), None);
        cache.write(b"content").unwrap();
        assert_eq!(cache.read(&digest).unwrap().unwrap(), b"content");
    }

    #[test]
    fn a_file_that_is_not_kept_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache {
            dir: dir.path().to_owned(),
        };
        drop(cache.start().unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
