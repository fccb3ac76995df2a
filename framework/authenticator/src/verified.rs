//! Tokens that this instance verified: to verify one again takes a hundred times as long as to
//! find it here.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use spin_mcp_auth::Caller;

/// The most tokens, and for how many seconds one is known.
const MOST: usize = 1024;
const SECONDS: u64 = 60;

/// Callers by the hash of their token.
#[derive(Default)]
pub struct Verified(BTreeMap<[u8; 32], (Caller, u64)>);

impl Verified {
    pub fn get(&self, resource: &str, token: &str, now: u64) -> Option<Caller> {
        let (caller, until) = self.0.get(&hash(resource, token))?;
        (now < *until).then(|| caller.clone())
    }

    pub fn put(&mut self, resource: &str, token: &str, caller: &Caller, now: u64) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if self.0.len() >= MOST {
            self.clear();
        }
        let until = caller.expires.unwrap_or(u64::MAX).min(now + SECONDS);
        let hash = hash(resource, token);
        self.0.insert(hash, (caller.clone(), until));
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Tokens have no NUL.
fn hash(resource: &str, token: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(token)
        .chain_update([0])
        .chain_update(resource)
        .finalize()
        .into()
}
