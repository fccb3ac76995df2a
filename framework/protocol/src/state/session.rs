//! Session ids that contain the session, so that any instance on any node can serve it
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management).
//!
//! An id does not authenticate its sender: it contains what the client said of itself, and a
//! checksum against damage. It must not grant anything. Only later changes are stored: the end
//! of the session, and its log level.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{
    state::{
        keys,
        services::{Services, Unavailable},
        sweep,
    },
    wire::{
        json::{Object, Value},
        notify::LogLevel,
        version::Version,
    },
};

/// The lifetime of a session, in milliseconds: 7 days.
pub const LIFETIME: u64 = 7 * 24 * 60 * 60 * 1000;
/// The most that clocks of instances may differ, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;

/// The longest id. Hosts limit the size of headers.
const LONGEST: usize = 4096;
/// An id begins with the format, the number of the revision, a nonce, the second in which the
/// session began, and the length of the capabilities. Then follow the capabilities, the client's
/// name, and the checksum.
const FORMAT: u8 = 3;
const NONCE: usize = 16;
const BEFORE: usize = 2 + NONCE + 4 + 2;
const CHECKSUM: usize = 8;

/// A session, as `initialize` settled it.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    pub version: Version,
    /// Milliseconds since 1970. Ids contain whole seconds.
    pub began: u64,
    /// A JSON object.
    pub capabilities: String,
    /// A JSON object.
    pub client_info: Option<String>,
}

/// The stored state of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    pub ended: bool,
    /// The level that the client set last.
    pub level: Option<LogLevel>,
}

impl Session {
    /// When the session expires, in milliseconds since 1970.
    pub fn expires(&self) -> u64 {
        whole_seconds(self.began).saturating_add(LIFETIME)
    }

    /// The id of this session. If it would be too long, it omits the client's name first, which
    /// is only displayed, and then capabilities that this server does not know.
    pub fn to_id(&self, nonce: [u8; NONCE]) -> String {
        let info = self
            .client_info
            .as_deref()
            .map(essential_info)
            .unwrap_or_default();
        let room = LONGEST / 4 * 3 - BEFORE - CHECKSUM;
        let (capabilities, info) = if self.capabilities.len() + info.len() <= room {
            (self.capabilities.clone(), info)
        } else if self.capabilities.len() <= room {
            (self.capabilities.clone(), String::new())
        } else {
            (known_capabilities(&self.capabilities), String::new())
        };
        let mut bytes = vec![FORMAT, self.version.number()];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&((self.began / 1000) as u32).to_le_bytes());
        bytes.extend_from_slice(&(capabilities.len() as u16).to_le_bytes());
        bytes.extend_from_slice(capabilities.as_bytes());
        bytes.extend_from_slice(info.as_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session of an id at `now` (milliseconds since 1970); none if the session is over or
    /// has not begun, or if `to_id` did not make the id.
    pub fn from_id(id: &[u8], now: u64) -> Option<Session> {
        if id.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (bytes, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let (before, texts) = bytes.split_at_checked(BEFORE)?;
        if before[0] != FORMAT || checksum(bytes).to_le_bytes() != *sum {
            return None;
        }
        let version = Version::from_number(before[1]).filter(|version| !version.is_modern())?;
        let (before, length) = before.split_last_chunk()?;
        let length = u16::from_le_bytes(*length);
        let began = u64::from(u32::from_le_bytes(*before.last_chunk()?)) * 1000;
        let (capabilities, info) = texts.split_at_checked(usize::from(length))?;
        let object = |bytes| {
            let text = str::from_utf8(bytes).ok()?;
            Value::parse(text)
                .ok()
                .filter(Value::is_object)
                .map(|value| value.text.to_owned())
        };
        let client_info = if info.is_empty() {
            None
        } else {
            Some(object(info)?)
        };
        let session = Session {
            version,
            began,
            capabilities: object(capabilities)?,
            client_info,
        };
        (began <= now.saturating_add(SKEW) && now < session.expires()).then_some(session)
    }
}

fn whole_seconds(time: u64) -> u64 {
    time / 1000 * 1000
}

/// A digest that identifies a session in the store. All have the same length, so that other
/// bytes can follow. For anyone but the principal that began it, an id is one of another session.
pub fn digest(id: &[u8], principal: &str) -> [u8; 32] {
    match principal {
        "" => Sha256::digest(id).into(),
        // An id does not contain zeros.
        _ => Sha256::digest([id, b"\0", principal.as_bytes()].concat()).into(),
    }
}

fn ended_key(session: &[u8], expires: u64) -> String {
    keys::key("ended", expires, session)
}

fn level_key(session: &[u8], expires: u64) -> String {
    keys::key("log-level", expires, session)
}

/// Ends a session, so that `kept` reports it as ended. This needs a store. `session` is the
/// digest of its id.
pub fn end<S: Services>(services: &mut S, session: &[u8], expires: u64) -> Result<(), Unavailable> {
    set(services, &ended_key(session, expires), b"")
}

/// Stores the level that a client set. This needs a store.
pub fn set_level<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
    level: LogLevel,
) -> Result<(), Unavailable> {
    let name = LogLevel::NAMES[level as usize];
    set(services, &level_key(session, expires), name.as_bytes())
}

/// Reads the stored state of a session; its level only if that matters. Without a store there is
/// none.
pub fn kept<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
    has_level: bool,
) -> Result<Kept, Unavailable> {
    let Some(store) = services.store() else {
        return Ok(Kept::default());
    };
    let (ended, level) = (ended_key(session, expires), level_key(session, expires));
    let keys = [&*ended, &*level];
    let mut values = store.get(&keys[..1 + usize::from(has_level)])?.into_iter();
    let (ended, level) = (values.next().flatten(), values.next().flatten());
    let level = level.and_then(|name| LogLevel::parse(str::from_utf8(&name).ok()?));
    Ok(Kept {
        ended: ended.is_some(),
        level,
    })
}

fn set<S: Services>(services: &mut S, key: &str, value: &[u8]) -> Result<(), Unavailable> {
    if services.store().is_none() {
        let absent = "this server was composed without a key-value store";
        return Err(Unavailable(absent.to_owned()));
    }
    sweep::put(services, &[(key, value)])
}

/// FNV-1a. It does not start from the same value as that of cursors.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0x9ae1_6a3b_2f90_404f, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Only the name, the title and the version.
fn essential_info(info: &str) -> String {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    if let Ok(info) = Value::parse(info) {
        for key in ["name", "title", "version"] {
            object.optional(
                key,
                info.member(key).and_then(|value| value.as_str()).as_deref(),
            );
        }
    }
    object.end();
    String::from_utf8(out).unwrap_or_default()
}

/// Only the capabilities that this server knows, without their settings.
fn known_capabilities(capabilities: &str) -> String {
    const KNOWN: [(&str, &[&str]); 3] = [
        ("elicitation", &["form", "url"]),
        ("roots", &[]),
        ("sampling", &["context", "tools"]),
    ];
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    if let Ok(capabilities) = Value::parse(capabilities) {
        for (name, parts) in KNOWN {
            let Some(capability) = capabilities.member(name) else {
                continue;
            };
            let mut written = Object::begin(object.key(name));
            parts
                .iter()
                .filter(|part| capability.member(part).is_some())
                .for_each(|part| written.json(part, b"{}"));
            written.end();
        }
    }
    object.end();
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests;
