//! The header and the parts of a signed token (RFC 7515, compact serialization).

use crate::{
    Invalid, MAX_TOKEN,
    algorithm::Algorithm,
    encoding::{Object, decode},
    settings::strings,
};

/// The longest `kid`, in bytes.
const MAX_KID: usize = 256;

/// A token whose signature was not checked yet.
#[derive(Debug)]
pub struct Jws<'a> {
    pub algorithm: Algorithm,
    /// The media type, in lower case and without `application/`.
    pub typ: Option<String>,
    pub kid: Option<String>,
    /// A JSON object, which [`claims`](crate::claims) reads.
    pub payload: String,
    /// What is signed.
    pub signed: &'a str,
    pub signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub fn read(token: &'a str) -> Result<Jws<'a>, Invalid> {
        Self::parts(token).ok_or(Invalid::Malformed)
    }

    fn parts(token: &'a str) -> Option<Jws<'a>> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if signature.is_empty() || payload.contains('.') {
            return None;
        }
        let header = String::from_utf8(decode(header)?).ok()?;
        let header = Object::read(&header)?;
        // What these ask for is not done here: extensions, nested, encrypted or compressed tokens,
        // and payloads that are not encoded. A key within the token proves nothing.
        let refused = ["crit", "cty", "enc", "zip", "b64", "jwk"];
        if refused.iter().any(|name| header.member(name).is_some()) {
            return None;
        }
        let text = |name| match header.member(name) {
            None => Some(None),
            Some(value) => Some(Some(value.as_str()?.into_owned())),
        };
        // Nor do these, but issuers send them.
        for name in ["jku", "x5u", "x5t", "x5t#S256"] {
            text(name)?;
        }
        if let Some(chain) = header.member("x5c") {
            strings(chain)?;
        }
        let kid = text("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return None;
        }
        let typ = text("typ")?.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/")
                .map_or(typ.clone(), str::to_owned)
        });
        Some(Jws {
            algorithm: Algorithm::named(&text("alg")??)?,
            typ,
            kid,
            payload: String::from_utf8(decode(payload)?).ok()?,
            signed,
            signature: decode(signature)?,
        })
    }
}
