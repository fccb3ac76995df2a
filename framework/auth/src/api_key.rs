//! API keys: secrets that the server knows by their hash alone.
//!
//! A key is `smcp_`, 32 random bytes in base64url, and a checksum by which scanners for secrets
//! recognize it. The secret has 256 bits, so one round of SHA-256 protects it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use spin_mcp_protocol::json::{Kind, Value};
use subtle::ConstantTimeEq as _;

use crate::{
    Caller, Invalid,
    encoding::Object,
    settings::{string, strings},
};

/// What a key begins with. A token that begins so is never read as a JWT.
pub const PREFIX: &str = "smcp_";

/// The issuer of the callers that API keys name.
pub const ISSUER: &str = "key:";

/// A key that the server accepts.
#[derive(Debug)]
pub struct ApiKey {
    /// The caller's subject.
    pub subject: String,
    pub sha256: [u8; 32],
    pub scopes: Vec<String>,
    /// In seconds since 1970.
    pub expires: Option<u64>,
}

impl ApiKey {
    pub(crate) fn read(value: Value<'_>) -> Option<ApiKey> {
        let value = Object::of(value)?;
        Some(ApiKey {
            subject: string(value.member("subject")?)?,
            sha256: hash(&string(value.member("sha256")?)?)?,
            scopes: strings(value.member("scopes")?)?,
            expires: match value.member("expires") {
                Some(expires) if expires.kind != Kind::Null => Some(expires.text.parse().ok()?),
                _ => None,
            },
        })
    }
}

/// Reads a SHA-256 in hexadecimal.
pub fn hash(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let digits = &text[2 * at..2 * at + 2];
        if digits.starts_with('+') {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(hash)
}

/// The key with this secret.
pub fn key(secret: &[u8; 32]) -> String {
    let body = URL_SAFE_NO_PAD.encode(secret);
    let sum = checksum(&body);
    format!("{PREFIX}{body}{sum}")
}

fn checksum(body: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..3])
}

/// The caller with this key. The time does not depend on how much of a hash is right.
pub fn check(keys: &[ApiKey], key: &str, now: u64) -> Result<Caller, Invalid> {
    let hash = Sha256::digest(key);
    let mut found = None;
    for known in keys {
        if bool::from(known.sha256.ct_eq(&hash)) {
            found = Some(known);
        }
    }
    let found = found.ok_or(Invalid::Key)?;
    if found.expires.is_some_and(|expires| now >= expires) {
        return Err(Invalid::Expired);
    }
    Ok(Caller {
        subject: found.subject.clone(),
        issuer: ISSUER.to_owned(),
        scopes: found.scopes.clone(),
        claims: "{}".to_owned(),
        expires: found.expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(key: &str, expires: Option<u64>) -> ApiKey {
        ApiKey {
            subject: "ci".to_owned(),
            sha256: Sha256::digest(key).into(),
            scopes: vec!["mcp:read".to_owned()],
            expires,
        }
    }

    #[test]
    fn a_key_names_its_caller() {
        let (one, other) = (key(&[1; 32]), key(&[2; 32]));
        assert_eq!(one.len(), PREFIX.len() + 43 + 4);
        let keys = [known(&other, None), known(&one, Some(100))];
        let caller = check(&keys, &one, 99).unwrap();
        assert_eq!((&*caller.issuer, &*caller.subject), ("key:", "ci"));
        assert_eq!(caller.expires, Some(100));
        assert_eq!(check(&keys, &one, 100), Err(Invalid::Expired));
        assert_eq!(check(&keys, &one[..one.len() - 1], 99), Err(Invalid::Key));
        assert_eq!(check(&[], &one, 99), Err(Invalid::Key));
    }

    #[test]
    fn hashes_are_hexadecimal() {
        assert_eq!(hash(&"0f".repeat(32)), Some([15; 32]));
        for text in [
            "",
            "0f",
            &"+1".repeat(32),
            &"0g".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(hash(text), None, "{text}");
        }
    }
}
