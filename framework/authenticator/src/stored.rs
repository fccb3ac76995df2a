//! The keys of an issuer in the shared store.
//!
//! Features can write to the store too. If the server has a key of its own (the variable
//! `mcp_state_key`), a value of the store counts only if it was made with that key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use spin_mcp_auth::jwk;

/// The longest that keys are used without asking the issuer again, in seconds.
pub const LONGEST: u64 = 24 * 60 * 60;

/// How far the clocks of instances may differ, in seconds.
pub const SKEW: u64 = 60;

/// A value begins with its format, the second of the fetch, and the second until which it is fresh.
/// The JWK set follows, and for `SEALED` a tag.
const PLAIN: u8 = 1;
const SEALED: u8 = 2;
const TAG: usize = 32;

/// Keys, and for how long they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// A JWK set.
    pub set: String,
    /// In seconds since 1970.
    pub fetched: u64,
    pub fresh_until: u64,
}

/// The names of what the store holds for an issuer: its keys, and the last attempt to fetch them.
/// Both are overwritten in place, so they need not expire.
pub fn names(issuer: &str) -> [String; 2] {
    let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(issuer)[..16]);
    [
        format!("mcp:jwks:{digest}"),
        format!("mcp:jwks:{digest}:try"),
    ]
}

impl Stored {
    pub fn encode(&self, issuer: &str, key: Option<&[u8; 32]>) -> Vec<u8> {
        let mut out = vec![if key.is_some() { SEALED } else { PLAIN }];
        out.extend(self.fetched.to_le_bytes());
        out.extend(self.fresh_until.to_le_bytes());
        out.extend_from_slice(self.set.as_bytes());
        if let Some(key) = key {
            let tag = mac(key, issuer, &out).finalize().into_bytes();
            out.extend_from_slice(&tag);
        }
        out
    }

    /// None for what this server did not write, and for keys that are not from the past.
    pub fn decode(
        mut bytes: &[u8],
        issuer: &str,
        key: Option<&[u8; 32]>,
        now: u64,
    ) -> Option<Stored> {
        if let Some(key) = key {
            let (before, tag) = bytes.split_last_chunk::<TAG>()?;
            mac(key, issuer, before).verify_slice(tag).ok()?;
            bytes = before;
        }
        let format = if key.is_some() { SEALED } else { PLAIN };
        let bytes = bytes.strip_prefix(&[format])?;
        let (fetched, bytes) = bytes.split_first_chunk()?;
        let (fresh_until, set) = bytes.split_first_chunk()?;
        let set = str::from_utf8(set).ok()?;
        let fetched = u64::from_le_bytes(*fetched);
        let is_past = fetched <= now.saturating_add(SKEW);
        (is_past && jwk::Set::read(set).is_some()).then(|| Stored {
            set: set.to_owned(),
            fetched,
            fresh_until: u64::from_le_bytes(*fresh_until).min(fetched.saturating_add(LONGEST)),
        })
    }
}

fn mac(key: &[u8; 32], issuer: &str, value: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mac = Hmac::<Sha256>::new(&block.into());
    mac.chain_update(b"spin-mcp jwks\0")
        .chain_update((issuer.len() as u64).to_le_bytes())
        .chain_update(issuer)
        .chain_update(value)
}

/// An attempt to fetch keys, by any instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// In seconds since 1970.
    pub at: u64,
    /// Names the instance.
    pub by: u64,
    /// Whether it has ended.
    pub done: bool,
}

impl Attempt {
    pub fn encode(&self) -> [u8; 17] {
        let mut out = [0; 17];
        out[..8].copy_from_slice(&self.at.to_le_bytes());
        out[8..16].copy_from_slice(&self.by.to_le_bytes());
        out[16] = u8::from(self.done);
        out
    }

    /// None for what this server did not write, and for attempts that are not from the past.
    pub fn decode(bytes: &[u8], now: u64) -> Option<Attempt> {
        let (at, bytes) = bytes.split_first_chunk()?;
        let (by, done) = bytes.split_first_chunk()?;
        let at = u64::from_le_bytes(*at);
        (at <= now.saturating_add(SKEW)).then_some(Attempt {
            at,
            by: u64::from_le_bytes(*by),
            done: done == [1],
        })
    }
}
