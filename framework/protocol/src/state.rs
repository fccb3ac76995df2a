//! How the values that this server keeps in the store are named.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The key of a value that is of no use from `expires` on (milliseconds since 1970). `of` is
/// hashed, so it may have any length and be what a client sent.
pub(crate) fn key(kind: &str, expires: u64, of: &[u8]) -> String {
    let seconds = u32::try_from(expires.div_ceil(1000)).unwrap_or(u32::MAX);
    let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(of)[..16]);
    format!("mcp:{seconds:08x}:{kind}:{digest}")
}
