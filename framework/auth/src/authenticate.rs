//! From the head of a request to its caller.

use crate::{
    Invalid, Settings, api_key, bearer::Credentials, claims, encoding::Object, jwk::Set, jws::Jws,
};

/// Who sends a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Identifies the caller, together with `issuer`.
    pub subject: String,
    pub issuer: String,
    /// Sorted; with those that they imply.
    pub scopes: Vec<String>,
    /// All claims: a JSON object.
    pub claims: String,
    /// In seconds since 1970.
    pub expires: Option<u64>,
}

/// What is known of a request.
#[derive(PartialEq, Eq, Debug)]
pub enum Verdict {
    Known(Caller),
    /// The request has no credentials.
    Missing,
    /// 401.
    Invalid(Invalid),
    /// The credentials cannot be read: 400.
    Unreadable,
    /// The keys of this issuer (by its index) do not have the one that signed the token. They must
    /// be fetched, once; then the token is judged again.
    Stale(usize),
    /// The keys of this issuer (by its index) are unknown. They must be fetched; if they cannot be,
    /// the answer is 503.
    Unready(usize),
}

impl Settings {
    /// Judges the credentials of a request to the server at `resource`. `keys` returns the JWK set of
    /// an issuer by its index, if it is known; `now` is in seconds since 1970.
    pub fn authenticate<'k>(
        &self,
        credentials: Credentials<'_>,
        resource: &str,
        keys: impl Fn(usize) -> Option<&'k str>,
        now: u64,
    ) -> Verdict {
        let verdict = match credentials {
            Credentials::Absent => return Verdict::Missing,
            Credentials::Malformed => return Verdict::Unreadable,
            Credentials::Bearer(token) if !token.starts_with(api_key::PREFIX) => self
                .token(token, resource, keys, now)
                .unwrap_or_else(Verdict::Invalid),
            Credentials::Bearer(key) | Credentials::ApiKey(key) => {
                api_key::check(&self.api_keys, key, now)
                    .map_or_else(Verdict::Invalid, Verdict::Known)
            }
        };
        match verdict {
            Verdict::Known(mut caller) => {
                self.expand(&mut caller.scopes);
                Verdict::Known(caller)
            }
            verdict => verdict,
        }
    }

    fn token<'k>(
        &self,
        token: &str,
        resource: &str,
        keys: impl Fn(usize) -> Option<&'k str>,
        now: u64,
    ) -> Result<Verdict, Invalid> {
        let jws = Jws::read(token)?;
        let claims = Object::read(&jws.payload).ok_or(Invalid::Malformed)?;
        let named = claims::issuer(&claims).ok_or(Invalid::Issuer)?;
        let mut issuers = self.issuers.iter();
        let index = issuers.position(|issuer| issuer.issuer == named);
        let index = index.ok_or(Invalid::Issuer)?;
        let issuer = &self.issuers[index];
        // An ID token, a DPoP proof and an identity assertion are signed by the same key.
        let typ = jws.typ.as_deref().unwrap_or("");
        if !issuer.types.iter().any(|accepted| accepted == typ) {
            return Err(Invalid::Type);
        }
        if !issuer.algorithms.contains(&jws.algorithm) {
            return Err(Invalid::Signature);
        }
        let Some(set) = keys(index).and_then(Set::read) else {
            return Ok(Verdict::Unready(index));
        };
        let found = set.find(jws.algorithm, jws.kid.as_deref());
        if found.is_empty() {
            return Ok(Verdict::Stale(index));
        }
        let signed = jws.signed.as_bytes();
        let mut verified = found
            .iter()
            .map(|key| key.verifies(jws.algorithm, signed, &jws.signature));
        if !verified.any(|verified| verified) {
            return Err(Invalid::Signature);
        }
        claims::check(&claims, issuer, resource, now).map(Verdict::Known)
    }
}
