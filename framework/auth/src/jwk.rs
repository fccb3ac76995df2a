//! The keys of an issuer: a JWK set (RFC 7517).

use std::ops::RangeInclusive;

use p256::elliptic_curve::point::AffineCoordinates as _;
use rsa::BoxedUint;
use spin_mcp_protocol::json::Value;

use crate::{
    algorithm::{Algorithm, PublicKey},
    encoding::{Object, decode},
};

/// The largest set that is read, in bytes.
pub const MAX_SET: usize = 64 * 1024;

/// The most keys of a set.
pub const MAX_KEYS: usize = 64;

/// The sizes of an RSA modulus that are accepted, in bits.
const RSA_BITS: RangeInclusive<u32> = 2048..=4096;

/// A JWK set.
#[derive(Clone, Copy)]
pub struct Set<'a>(Value<'a>);

impl<'a> Set<'a> {
    /// None if the text is not a set, is too large, or names a member twice.
    pub fn read(text: &'a str) -> Option<Set<'a>> {
        if text.len() > MAX_SET {
            return None;
        }
        let keys = Object::read(text)?.member("keys")?;
        let fits = keys.text.starts_with('[') && keys.elements().count() <= MAX_KEYS;
        fits.then_some(Set(keys))
    }

    /// The keys that a token with this `alg` and `kid` may be signed with. A key that this server
    /// does not understand is skipped: the others must go on working.
    ///
    /// A token without `kid` gets a key only if there is no choice.
    pub fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Vec<PublicKey> {
        let candidates = self.keys().filter(|key| {
            let named = |kid| key.member("kid").is_some_and(|name| name.is_str(kid));
            is_for(key, algorithm) && kid.is_none_or(named)
        });
        let mut keys: Vec<_> = candidates
            .filter_map(|key| public(&key, algorithm))
            .collect();
        if kid.is_none() && keys.len() > 1 {
            keys.clear();
        }
        keys
    }

    /// How many keys verify signatures of some algorithm.
    pub fn usable(&self) -> usize {
        let usable = |key: &Object<'_>| {
            let mut algorithms = Algorithm::ALL.into_iter();
            algorithms.any(|algorithm| is_for(key, algorithm) && public(key, algorithm).is_some())
        };
        self.keys().filter(usable).count()
    }

    fn keys(&self) -> impl Iterator<Item = Object<'a>> {
        self.0.elements().filter_map(Object::of)
    }
}

/// Whether the key says that it is for something else.
fn is_for(key: &Object<'_>, algorithm: Algorithm) -> bool {
    let alg = key.member("alg").is_none_or(|alg| {
        alg.as_str()
            .is_some_and(|name| Algorithm::named(&name) == Some(algorithm))
    });
    let usage = key.member("use").is_none_or(|usage| usage.is_str("sig"));
    let operations = key.member("key_ops").is_none_or(|operations| {
        let mut operations = operations.elements();
        operations.any(|operation| operation.is_str("verify"))
    });
    // Whoever can read a private key can sign tokens with it.
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let public = private.iter().all(|name| key.member(name).is_none());
    alg && usage && operations && public
}

fn public(key: &Object<'_>, algorithm: Algorithm) -> Option<PublicKey> {
    let is = |name, expected| key.member(name).is_some_and(|value| value.is_str(expected));
    let bytes = |name| decode(&key.member(name)?.as_str()?);
    let number = |name| -> Option<[u8; 32]> { bytes(name)?.try_into().ok() };
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 if is("kty", "RSA") => {
            rsa_key(&bytes("n")?, &bytes("e")?)
        }
        Algorithm::Es256 if is("kty", "EC") && is("crv", "P-256") => {
            let (x, y) = (number("x")?.into(), number("y")?.into());
            let point = p256::AffinePoint::from_coordinates(&x, &y).into_option()?;
            let key = p256::ecdsa::VerifyingKey::from_affine(point).ok()?;
            Some(PublicKey::P256(Box::new(key)))
        }
        Algorithm::EdDsa if is("kty", "OKP") && is("crv", "Ed25519") => {
            let key = ed25519_dalek::VerifyingKey::from_bytes(&number("x")?).ok()?;
            // Anybody can sign for a key of small order.
            (!key.is_weak()).then(|| PublicKey::Ed25519(Box::new(key)))
        }
        _ => None,
    }
}

fn rsa_key(n: &[u8], e: &[u8]) -> Option<PublicKey> {
    // Bound the work before any arithmetic.
    if n.len() > *RSA_BITS.end() as usize / 8 + 1 || e.len() > 5 {
        return None;
    }
    let n = BoxedUint::from_be_slice_vartime(n);
    let e = BoxedUint::from_be_slice_vartime(e);
    if !RSA_BITS.contains(&n.bit_width()) {
        return None;
    }
    let key = rsa::PublicKey::new(n, e).ok()?;
    Some(PublicKey::Rsa(Box::new(key)))
}
