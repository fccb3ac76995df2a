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

/// A component from a registry or the web, after its digest was checked.
#[derive(Clone, PartialEq)]
pub struct Pulled {
    /// The name that the user gave it.
    pub origin: String,
    pub digest: Digest,
    pub bytes: Arc<Vec<u8>>,
}

impl Resolved {
    /// Its bytes. The caller adds the name that the user knows to an error.
    pub fn read(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            Resolved::File(path) => read(path).map(Cow::Owned),
            Resolved::Pulled(pulled) => Ok(Cow::Borrowed(&pulled.bytes)),
        }
    }
}

/// Reads a file of any size. A path that is not a file may be endless, or block its reader.
fn read(path: &Path) -> Result<Vec<u8>> {
    ensure!(fs::metadata(path)?.is_file(), "it is not a file");
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_COMPONENT + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_COMPONENT,
        "it has more than {} MB, the limit for a component",
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
