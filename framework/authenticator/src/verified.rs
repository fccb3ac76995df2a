//! Tokens that this instance verified: to verify one again takes a hundred times as long as to
//! find it here.

use sha2::{Digest as _, Sha256};
use spin_mcp_auth::Caller;

/// The most tokens, and for how many seconds one is known.
const MOST: usize = 1024;
const SECONDS: u64 = 60;

/// Each token has one place, by its hash; a newer one takes it.
#[derive(Default)]
pub struct Verified(Vec<Option<Token>>);

struct Token {
    hash: [u8; 32],
    caller: Caller,
    until: u64,
}

impl Verified {
    pub fn get(&self, resource: &str, token: &str, now: u64) -> Option<Caller> {
        let hash = hash(resource, token);
        let found = self.0.get(place(&hash))?.as_ref()?;
        (found.hash == hash && now < found.until).then(|| found.caller.clone())
    }

    pub fn put(&mut self, resource: &str, token: &str, caller: &Caller, now: u64) {
        let hash = hash(resource, token);
        self.0.resize_with(MOST, || None);
        self.0[place(&hash)] = Some(Token {
            hash,
            caller: caller.clone(),
            until: caller.expires.unwrap_or(u64::MAX).min(now + SECONDS),
        });
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn place(hash: &[u8; 32]) -> usize {
    usize::from(u16::from_le_bytes([hash[0], hash[1]])) % MOST
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
