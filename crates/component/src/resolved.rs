//! A component that is on this machine.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::Digest;

/// The largest component that is pulled, in bytes.
pub const MAX_COMPONENT: u64 = 200_000_000;

#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    File(PathBuf),
    Pulled(Pulled),
}

/// What came from a registry or the web, as it was checked.
#[derive(Clone, PartialEq)]
pub struct Pulled {
    /// What the user calls it.
    pub origin: String,
    pub digest: Digest,
    pub bytes: Arc<Vec<u8>>,
}

impl Resolved {
    /// What it consists of. An error is something that the user knows by another name.
    pub fn read(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            Resolved::File(path) => read(path).map(Cow::Owned),
            Resolved::Pulled(pulled) => Ok(Cow::Borrowed(&pulled.bytes)),
        }
    }
}

/// Reads a file that may be of any size. What is no file may have no end, or keep its reader
/// waiting.
fn read(path: &Path) -> Result<Vec<u8>> {
    ensure!(fs::metadata(path)?.is_file(), "it is not a file");
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_COMPONENT + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_COMPONENT,
        "it has more than {} MB, which is the most that a component may have",
        MAX_COMPONENT / 1_000_000
    );
    Ok(bytes)
}

impl fmt::Display for Resolved {
    /// Where it comes from, as the user wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolved::File(path) => path.display().fmt(f),
            Resolved::Pulled(pulled) => f.write_str(&pulled.origin),
        }
    }
}

impl fmt::Debug for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.origin, self.digest)
    }
}
