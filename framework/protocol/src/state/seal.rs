//! Sealed state: a client carries it, but cannot read it, change it, or use it for another
//! request
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#server-requirements-basic-workflow).
//!
//! State is sealed with XChaCha20-Poly1305 and bound to the caller and the request. A seal is
//! valid until it expires, any number of times. A feature must make sure itself that something
//! happens only once.

mod arguments;
mod key;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{AeadInPlace as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::{state::services::Services, wire::failure::Failure};
use key::Key;

/// The largest state that can be sealed, in bytes.
pub const MAX_STATE: usize = 32 << 10;

/// Before the ciphertext: format, id of the key, nonce. The ciphertext holds the expiry and the
/// state. Its tag follows.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const BEFORE: usize = 1 + key::ID + NONCE;
const EXPIRY: usize = 8;
const TAG: usize = 16;
const LEAST: usize = BEFORE + EXPIRY + TAG;

/// The request to which state is bound.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The caller; empty if it is not authenticated.
    pub principal: &'a str,
    pub method: &'a str,
    /// The name of a tool or prompt, or the URI of a resource.
    pub target: &'a str,
    /// A JSON object. Two spellings of the same object are equal, except that numbers are
    /// compared as they are written.
    pub arguments: &'a str,
}

impl Binding<'_> {
    fn associated(&self) -> [u8; 32] {
        let arguments = arguments::normal(self.arguments);
        let [principal, method, target] =
            [self.principal, self.method, self.target].map(str::as_bytes);
        associated(b"request-state", &[principal, method, target, &arguments])
    }
}

/// Seals state for `lifetime_ms` milliseconds. Fails if it is longer than `MAX_STATE`, or if
/// there is no key.
pub fn seal<S: Services>(
    services: &mut S,
    binding: &Binding<'_>,
    lifetime_ms: u64,
    plain: &[u8],
) -> Result<String, Failure> {
    if plain.len() > MAX_STATE {
        return Err(Failure::internal(format!(
            "the request state is {} bytes long; at most {MAX_STATE} bytes can be sent",
            plain.len()
        )));
    }
    let expires = services.now().saturating_add(lifetime_ms);
    encrypt(services, &binding.associated(), expires, plain)
}

/// Opens state that was sealed for this request, and refuses everything else. The client learns
/// the reason only if the state expired.
pub fn open<S: Services>(
    services: &mut S,
    binding: &Binding<'_>,
    sealed: &str,
) -> Result<Vec<u8>, Failure> {
    let opened = match decode(sealed, LEAST..=LEAST + MAX_STATE) {
        Some(sealed) => decrypt(services, || binding.associated(), sealed)?,
        None => None,
    };
    let Some((expires, plain)) = opened else {
        return Err(Failure::invalid_params(
            "invalid `requestState`: it does not belong to this request; call again without it",
        ));
    };
    if expires <= services.now() {
        return Err(Failure::invalid_params(
            "invalid `requestState`: it expired; call again without it",
        ));
    }
    Ok(plain)
}

/// Makes a text that cannot be guessed, valid for this purpose for `lifetime_ms` milliseconds;
/// returns its expiry too (milliseconds since 1970).
pub fn mint_ticket<S: Services>(
    services: &mut S,
    purpose: &[u8],
    lifetime_ms: u64,
) -> Result<(String, u64), Failure> {
    let expires = services.now().saturating_add(lifetime_ms);
    let associated = associated(b"ticket", &[purpose]);
    let ticket = encrypt(services, &associated, expires, b"")?;
    Ok((ticket, expires))
}

/// The expiry of a ticket that `mint_ticket` made for this purpose (milliseconds since 1970);
/// none if it expired, or is anything else. Fails only if the key cannot be read.
pub fn check_ticket<S: Services>(
    services: &mut S,
    purpose: &[u8],
    ticket: &str,
) -> Result<Option<u64>, Failure> {
    let Some(sealed) = decode(ticket, LEAST..=LEAST) else {
        return Ok(None);
    };
    let opened = decrypt(services, || associated(b"ticket", &[purpose]), sealed)?;
    let now = services.now();
    Ok(opened
        .map(|(expires, _)| expires)
        .filter(|&expires| expires > now))
}

/// A hash of these parts. Lengths keep one part from passing for another.
fn associated(what: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"spin-mcp seal\0");
    hash.update([FORMAT]);
    for part in [what].iter().chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn encrypt<S: Services>(
    services: &mut S,
    associated: &[u8],
    expires: u64,
    plain: &[u8],
) -> Result<String, Failure> {
    let Key { id, bytes } = key::current(services)?;
    let nonce = Sha256::new_with_prefix(b"spin-mcp nonce\0")
        .chain_update(services.random())
        .chain_update(services.random())
        .finalize();
    let nonce = XNonce::from_slice(&nonce[..NONCE]);
    let mut out = Vec::with_capacity(LEAST + plain.len());
    out.push(FORMAT);
    out.extend_from_slice(&id);
    out.extend_from_slice(nonce);
    out.extend_from_slice(&expires.to_le_bytes());
    out.extend_from_slice(plain);
    let tag = XChaCha20Poly1305::new(&bytes.into())
        .encrypt_in_place_detached(nonce, associated, &mut out[BEFORE..])
        .map_err(|_| Failure::internal("the request state cannot be sealed"))?;
    out.extend_from_slice(&tag);
    Ok(URL_SAFE_NO_PAD.encode(out))
}

/// The decoded bytes, if their number is within `lengths`.
fn decode(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    // Base64 encodes three bytes as four characters.
    if text.len() > lengths.end().div_ceil(3) * 4 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    lengths.contains(&bytes.len()).then_some(bytes)
}

/// The expiry and the state that `encrypt` wrote; none for anything else.
fn decrypt<S: Services>(
    services: &mut S,
    associated: impl FnOnce() -> [u8; 32],
    mut sealed: Vec<u8>,
) -> Result<Option<(u64, Vec<u8>)>, Failure> {
    let Some((before, text)) = sealed.split_at_mut_checked(BEFORE) else {
        return Ok(None);
    };
    let Some((text, tag)) = text.split_last_chunk_mut::<TAG>() else {
        return Ok(None);
    };
    let (format, rest) = before.split_at(1);
    let Some((id, nonce)) = rest.split_first_chunk().filter(|_| format == [FORMAT]) else {
        return Ok(None);
    };
    let Some(Key { bytes, .. }) = key::of_id(services, id)? else {
        return Ok(None);
    };
    let opened = XChaCha20Poly1305::new(&bytes.into()).decrypt_in_place_detached(
        XNonce::from_slice(nonce),
        &associated(),
        text,
        Tag::from_slice(tag),
    );
    if opened.is_err() {
        return Ok(None);
    }
    let opened = text.split_first_chunk::<EXPIRY>();
    Ok(opened.map(|(expires, plain)| (u64::from_le_bytes(*expires), plain.to_vec())))
}

#[cfg(test)]
mod tests;
