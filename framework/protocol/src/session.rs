//! Session ids that carry the session: any instance on any node serves it, and none stores it
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management).
//!
//! An id proves nothing about who sends it: it holds what the client said of itself, and a
//! checksum against damage. Nothing may be granted for it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    json::{Object, Value},
    version::Version,
};

/// The longest id. Hosts bound the headers that carry it.
const LONGEST: usize = 4096;
/// Of format, version and nonce, before two lengths, the texts, and the checksum.
const FORMAT: u8 = 1;
const NONCE: usize = 16;
const BEFORE: usize = 2 + NONCE + 2;
const CHECKSUM: usize = 8;

/// What `initialize` settled.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    pub version: Version,
    /// A JSON object.
    pub capabilities: String,
    /// A JSON object.
    pub client_info: Option<String>,
}

impl Session {
    /// The id of this session. What does not fit is left out: first who the client is, which
    /// is for display, then what this server does not know of the client's capabilities.
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
        let version = Version::ALL
            .iter()
            .position(|&version| version == self.version)
            .unwrap_or_default();
        let mut bytes = vec![FORMAT, version as u8];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&(capabilities.len() as u16).to_le_bytes());
        bytes.extend_from_slice(capabilities.as_bytes());
        bytes.extend_from_slice(info.as_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session of an id; none if `to_id` cannot have written it.
    pub fn from_id(id: &[u8]) -> Option<Session> {
        if id.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (bytes, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let (before, texts) = bytes.split_at_checked(BEFORE)?;
        if before[0] != FORMAT || checksum(bytes).to_le_bytes() != *sum {
            return None;
        }
        let version = *Version::ALL
            .get(usize::from(before[1]))
            .filter(|version| !version.is_modern())?;
        let length = u16::from_le_bytes(*before.last_chunk()?);
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
        Some(Session {
            version,
            capabilities: object(capabilities)?,
            client_info,
        })
    }
}

/// FNV-1a, from another start than that of cursors.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0x9ae1_6a3b_2f90_404f, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Name, version and title.
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

/// Which of the capabilities that this server knows are there, without what they hold.
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
mod tests {
    use super::*;

    fn session(capabilities: &str, client_info: Option<&str>) -> Session {
        Session {
            version: Version::V2025_11_25,
            capabilities: capabilities.to_owned(),
            client_info: client_info.map(str::to_owned),
        }
    }

    fn round_trip(session: &Session) -> Session {
        let id = session.to_id([7; 16]);
        assert!(id.len() <= LONGEST, "{}", id.len());
        assert!(id.bytes().all(|byte| (0x21..=0x7E).contains(&byte)));
        Session::from_id(id.as_bytes()).unwrap()
    }

    #[test]
    fn ids_carry_the_session() {
        for version in Version::ALL
            .into_iter()
            .filter(|version| !version.is_modern())
        {
            let session = Session {
                version,
                ..session(
                    r#"{"roots":{"listChanged":true}}"#,
                    Some(r#"{"name":"c","version":"1"}"#),
                )
            };
            assert_eq!(round_trip(&session), session);
        }
        assert_eq!(round_trip(&session("{}", None)), session("{}", None));
    }

    #[test]
    fn of_the_client_only_name_title_and_version_are_kept() {
        let info =
            r#"{"icons":[{"src":"data:,x"}],"version":"1","name":"c","title":"C","name":"d"}"#;
        let expected = r#"{"name":"c","title":"C","version":"1"}"#;
        assert_eq!(
            round_trip(&session("{}", Some(info))).client_info.unwrap(),
            expected
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = "x".repeat(LONGEST);
        let info = format!(r#"{{"name":"{long}"}}"#);
        assert_eq!(
            round_trip(&session(r#"{"roots":{}}"#, Some(&info))),
            session(r#"{"roots":{}}"#, None)
        );
        let capabilities = format!(
            r#"{{"experimental":{{"{long}":{{}}}},"elicitation":{{"url":{{"a":1}},"x":{{}}}},"sampling":{{}}}}"#
        );
        assert_eq!(
            round_trip(&session(&capabilities, Some("{}"))),
            session(r#"{"elicitation":{"url":{}},"sampling":{}}"#, None)
        );
    }

    #[test]
    fn the_longest_session_that_fits_is_whole() {
        let room = LONGEST / 4 * 3 - BEFORE - CHECKSUM;
        let capabilities = format!(r#"{{"a":"{}"}}"#, "x".repeat(room - r#"{"a":""}"#.len()));
        assert_eq!(capabilities.len(), room);
        assert_eq!(session(&capabilities, None).to_id([0; 16]).len(), LONGEST);
        assert_eq!(
            round_trip(&session(&capabilities, None)).capabilities,
            capabilities
        );
    }

    #[test]
    fn the_nonce_makes_ids_differ() {
        let session = session("{}", None);
        assert_ne!(session.to_id([1; 16]), session.to_id([2; 16]));
    }

    #[test]
    fn modern_clients_have_no_sessions() {
        let session = Session {
            version: Version::V2026_07_28,
            ..session("{}", None)
        };
        assert_eq!(Session::from_id(session.to_id([0; 16]).as_bytes()), None);
    }

    #[test]
    fn changed_ids_are_refused() {
        let id = session(r#"{"roots":{}}"#, Some("{}"))
            .to_id([9; 16])
            .into_bytes();
        for at in 0..id.len() {
            let mut changed = id.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Session::from_id(&changed), None, "at {at}");
            assert_eq!(Session::from_id(&id[..at]), None, "up to {at}");
        }
        for id in [&b""[..], b"1868a90c-1234", b"\xff", b"===="] {
            assert_eq!(Session::from_id(id), None);
        }
        assert_eq!(Session::from_id(&vec![b'A'; LONGEST + 1]), None);
    }
}
