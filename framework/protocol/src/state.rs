//! Names of what the store keeps.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The name of a value of a kind that belongs to `of`, until `expires` (milliseconds since
/// 1970). A store has no expiry of its own: a sweep goes by the names.
pub(crate) fn key(kind: &str, expires: u64, of: &[u8]) -> String {
    let digest = Sha256::digest(of);
    let digest = URL_SAFE_NO_PAD.encode(&digest[..16]);
    format!("mcp:{:08x}:{kind}:{digest}", expires / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_expiry() {
        assert_eq!(
            key("task", 0x1234_5678 * 1000, b"abc"),
            "mcp:12345678:task:ungWv48Bz-pBQUDeXa4iIw"
        );
    }
}
