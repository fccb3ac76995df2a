//! An issuer with a key for each algorithm. The keys are for tests only.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    EncodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};

use crate::{Settings, Verdict, algorithm::Algorithm, bearer::credentials, encoding::decode};

pub const ISSUER: &str = "https://auth.example.com/";
pub const RESOURCE: &str = "https://mcp.example.com/mcp";
pub const NOW: u64 = 1_800_000_000;

/// An RSA key (RFC 8017, appendix A.1.2).
const RSA: &str = "MIIEowIBAAKCAQEAofgsBtkETHKK/bYMnjfGZnY9LVZxI12sUgiaDDAg11W7W+hGpfYodqYVN0oSdUMCwuceag\
     F8XGbvAcerO8B3xuCCWoidJQyRY4AjdnNy0J1NJ4GZsvtut0kTr8Or7GZiRLURw/9QRS8q6WNRok2GyEQm10cR\
     IZQYfTpid3lLT2SwRorRc2HgY3gFXUGAH76LongUMrY0bOksNSmjoluW9uw35dlHHUE8LpNIs124lYBIL6KXzq\
     uz9LnaDSyRJzO3GYYoJIhUjgOkMO+Wezq7OgGBRTF9yLS18xByMjVhnrVvpOxllMB6ElDt9l4ro1r5+ut3O/93\
     uKpom1zhnEC9PwIDAQABAoIBAAScjVTL6gFcw4X8vOLmVtuaTeO3oBEh4Fvc55yXVfx7jnWTDNaPm5dvcXNO0q\
     XTf+IELZKsFkS/5xK82FcVA9eTWkgbtxfpHk5f/lRENVS3HdSG9UbUy+6x5VcYuS3J9ZUU4ZgcDjhpKf9yIYeb\
     3AZ+BHoy+y9/EB3hGIK5UMJxDCTujsQn+fZvGgWHE6eftb1tWVHcbd9ES5ato99n6ObcqDJ0x7JJwUbuRWhMuk\
     81yTIvwpKMyIZTI9J7Zs0NcIT1TUMweVc5+2saLYDCKQjHarc6ZV1Nz4U6k/IM/EjoywmXfcRzMQw9FL/c2kHt\
     fM+UHwOlaNzBxFkOXXyfggUCgYEAy+GMoi5zqJrgmLxJAvqXBiZuqyqgH85fjc3L1lRi/bbGsTXTP3pOFMRCZK\
     jcjMOvmlIeI/TbV0I3cxpPKrZvJVw0vvxh6gudsdv7kTYXl6l9YJmy9/ah35tNiPwTiSKDPVnI78ODxxn9Uq7j\
     3T7WlPH2bMzCNXmMGbi8E+LjhF0CgYEAy1/T9kvFtLhqmv+fUxcE1k/uatrcfLtTZJJahHw+W9Fvx3WDOw2DEj\
     k5RQGHufKnIwy2ERKttbryfH6dKztEPEnBRXq/aIPwdtIxOdzsE1h6cNdOLc/92usQ2jtY9cKqfn28rI8XZ6yd\
     Z4Sw9lnCZ62poZhse8cEHq1zYsgNbksCgYAfrCFRzI+RIMZFU/KvsMgnX28PziZj6oZznAXPfPqH2Y4SV39CvD\
     hHB5oc0xK4F2o/OgSOp2ovqwy8J9kmlIK9tg5HoSOA3V8ZE0iIbXPKzry4dggUd078Ur7/ydErG55xuHH7tU7S\
     blopLxwc8bcaGmCi1EhTUFeQY19sY3HezQKBgB8QIfXqmOYDjPTjulgcmfaJ+uaDS04Z5qDj4cN+np+zm5khj8\
     vDQpPT/bVWiH6UW4b0+BIfgjzRsxvk0ui5grCaq1SLbRTvohjj/fTSk5RY3UrC+APzUtjPMqHCktHmy9fKKLlK\
     mc6SBPC8ybK2/wSK9+/gsiEtwqlU4NzjpXmFAoGBAKOyfGaMzmA0pCvJBN0YYLJMzcR9P99CPG6gCrylR9INjF\
     d4vbUPKS1JxIWIWHxcKrwHwhnUllhIMXCp7yotvpxIy7qfynzIzfY72saWu+aJHlS4xPbyc/yt0PlSP+Ns7Z+r\
     pYgz7pzz8yRu716ZSYq+8FwgMCVzwuoytBHAO64P";

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_der() -> Vec<u8> {
    STANDARD.decode(RSA).unwrap()
}

fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn ed25519_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[9; 32])
}

pub fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 => "RS256",
        Algorithm::Ps256 => "PS256",
        Algorithm::Es256 => "ES256",
        Algorithm::EdDsa => "EdDSA",
    }
}

/// The `kid` of the key for an algorithm. Both algorithms with RSA share a key.
pub fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => "rsa",
        Algorithm::Es256 => "ec",
        Algorithm::EdDsa => "ed",
    }
}

pub fn rsa_jwk() -> Value {
    let key = EncodingKey::from_rsa_der(&rsa_der());
    let jwk = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::RS256).unwrap();
    let AlgorithmParameters::RSA(key) = jwk.algorithm else {
        panic!("no RSA key");
    };
    json!({ "kty": "RSA", "kid": "rsa", "use": "sig", "n": key.n, "e": key.e })
}

pub fn ec_jwk() -> Value {
    let point = p256_key().verifying_key().to_sec1_point(false);
    let point = point.as_bytes();
    json!({
        "kty": "EC", "kid": "ec", "crv": "P-256", "alg": "ES256",
        "x": encode(&point[1..33]), "y": encode(&point[33..]),
    })
}

pub fn ed_jwk() -> Value {
    let key = ed25519_key().verifying_key();
    json!({ "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": encode(key.as_bytes()) })
}

pub fn set() -> Value {
    json!({ "keys": [rsa_jwk(), ec_jwk(), ed_jwk()] })
}

pub fn sign(algorithm: Algorithm, message: &str) -> Vec<u8> {
    let message = message.as_bytes();
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let algorithm = name(algorithm).parse().unwrap();
            let key = EncodingKey::from_rsa_der(&rsa_der());
            decode(&jsonwebtoken::crypto::sign(message, &key, algorithm).unwrap()).unwrap()
        }
        Algorithm::Es256 => {
            let signature: p256::ecdsa::Signature = p256_key().sign(message);
            signature.to_vec()
        }
        Algorithm::EdDsa => ed25519_key().sign(message).to_bytes().to_vec(),
    }
}

/// A token with this header and payload, as texts, and its signature.
pub fn token_of(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(sign(algorithm, &signed));
    format!("{signed}.{signature}")
}

pub fn header(algorithm: Algorithm) -> Value {
    json!({ "alg": name(algorithm), "kid": kid(algorithm), "typ": "at+jwt" })
}

pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "u-17", "client_id": "c-1",
        "exp": NOW + 300, "iat": NOW - 10, "scope": "mcp:read mcp:write",
    })
}

pub fn settings() -> Value {
    json!({
        "implies": { "admin": ["mcp:write"], "mcp:write": ["mcp:read"] },
        "issuers": [{
            "issuer": ISSUER, "audience": null,
            "algorithms": ["RS256", "PS256", "ES256", "EdDSA"], "types": ["at+jwt", "jwt", ""],
            "require": {}, "subject": "sub", "scope_claims": ["scope", "scp"], "leeway": 30,
            "jwks": { "fetch": true },
        }],
        "api_keys": [],
        "store": null,
    })
}

/// What the server says to a token.
pub fn judge(settings: &Value, set: &str, token: &str) -> Verdict {
    let settings = Settings::read(&settings.to_string()).unwrap();
    let header = format!("Bearer {token}").into_bytes();
    let headers = [("authorization".to_owned(), header)];
    let credentials = credentials(&headers);
    settings.authenticate(credentials, RESOURCE, |_| Some(set), NOW)
}
