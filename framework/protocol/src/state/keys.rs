//! The names of values in the shared store. A store keeps a value until someone deletes it, so
//! each name contains the time when its value expires. Features use the store too: keys of
//! another form belong to them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A key consists of `mcp:`, the second of its expiry, the kind, and 16 bytes in base64.
const PREFIX: &str = "mcp:";
const EXPIRY: usize = 8;
const DIGEST: usize = 22;

/// The key of a value that expires at `expires` (milliseconds since 1970). `kind` says what the
/// value is, in letters and dashes. `of` is hashed, so it may have any length and may come from
/// a client.
pub fn key(kind: &str, expires: u64, of: &[u8]) -> String {
    debug_assert!(is_kind(kind), "{kind}");
    let seconds = u32::try_from(expires.div_ceil(1000)).unwrap_or(u32::MAX);
    format!("{PREFIX}{seconds:08x}:{kind}:{}", digest(of))
}

/// 16 bytes in base64.
pub(super) fn digest(of: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(of)[..16])
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty()
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// When the value of a key expires, in milliseconds; none if `key` did not make this name.
pub(super) fn expiry(name: &str) -> Option<u64> {
    let (seconds, rest) = name.strip_prefix(PREFIX)?.split_at_checked(EXPIRY)?;
    let (kind, digest) = rest.strip_prefix(':')?.split_once(':')?;
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let of_digest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let ours = seconds.bytes().all(hexadecimal)
        && is_kind(kind)
        && digest.len() == DIGEST
        && digest.bytes().all(of_digest);
    if !ours {
        return None;
    }
    let seconds = u32::from_str_radix(seconds, 16).ok()?;
    Some(u64::from(seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_795_000_000_000;

    #[test]
    fn names_hold_the_expiry_the_kind_and_a_digest() {
        assert_eq!(
            key("task", 1_000, b"abc"),
            "mcp:00000001:task:ungWv48Bz-pBQUDeXa4iIw"
        );
        assert_eq!(expiry(&key("log-level", NOW, b"")), Some(NOW));
        assert_eq!(expiry(&key("a", NOW + 1, b"")), Some(NOW + 1000));
        assert_eq!(
            expiry(&key("a", u64::MAX, b"")),
            Some(u64::from(u32::MAX) * 1000)
        );
        assert_ne!(key("a", NOW, b"x"), key("a", NOW, b"y"));
    }

    #[test]
    fn names_of_another_form_do_not_expire() {
        let others = [
            "mcp:key",
            "mcp:key:0011223344556677",
            "users:1",
            // Features may write keys like these.
            "mcp:00000001",
            "mcp:00000001:",
            "mcp:00000001:a:b",
            "mcp:00000001:A:ungWv48Bz-pBQUDeXa4iIw",
            "mcp:00000001::ungWv48Bz-pBQUDeXa4iIw",
            "mcp:0000000A:a:ungWv48Bz-pBQUDeXa4iIw",
            "mcp:+0000001:a:ungWv48Bz-pBQUDeXa4iIw",
            "mcp:00000001:a:ungWv48Bz-pBQUDeXa4iI=",
            "mcp:00000001:a:ungWv48Bz-pBQUDeXa4iIw:",
            "mcp:é0000001:a:ungWv48Bz-pBQUDeXa4iIw",
        ];
        for name in others {
            assert_eq!(expiry(name), None, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_name_is_read(name in "(mcp:)?[0-9a-f]{0,9}:?[a-z-]{0,4}:?\\PC{0,24}") {
            if let Some(at) = expiry(&name) {
                prop_assert_eq!(name.len(), name.trim().len());
                prop_assert!(at <= u64::from(u32::MAX) * 1000);
            }
        }
    }
}
