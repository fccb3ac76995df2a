//! The SHA-256 of content, by which registries, caches and locks name it.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, ensure};
use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::from(Sha256::new_with_prefix(bytes))
    }

    /// Without the name of the algorithm.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// The first digits, for messages.
    pub fn short(&self) -> String {
        format!("sha256:{}", &self.0[..12])
    }
}

impl From<Sha256> for Digest {
    fn from(hash: Sha256) -> Digest {
        let hash = hash.finalize();
        Digest(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl FromStr for Digest {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Digest> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        ensure!(
            hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "digest `{text}` must be `sha256:` and 64 hexadecimal digits"
        );
        Ok(Digest(hex.to_ascii_lowercase()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}
