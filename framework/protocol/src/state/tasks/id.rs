use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::state::keys;

const EXPIRY: usize = 4;
const CHANCE: usize = 16;
/// The length in base64 without padding.
const LENGTH: usize = (EXPIRY + CHANCE) * 4 / 3 + 1;

/// The id of a task: its expiry, and random bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Id {
    pub text: String,
    bytes: [u8; EXPIRY + CHANCE],
}

impl Id {
    /// `expires` is rounded up to a second.
    pub fn new(expires: u64, chance: [u8; CHANCE]) -> Id {
        let seconds = u32::try_from(expires.div_ceil(1000)).unwrap_or(u32::MAX);
        let mut bytes = [0; EXPIRY + CHANCE];
        bytes[..EXPIRY].copy_from_slice(&seconds.to_be_bytes());
        bytes[EXPIRY..].copy_from_slice(&chance);
        Id {
            text: URL_SAFE_NO_PAD.encode(bytes),
            bytes,
        }
    }

    /// None if `new` did not make the text.
    pub fn parse(text: &str) -> Option<Id> {
        if text.len() != LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Id {
            text: text.to_owned(),
            bytes,
        })
    }

    /// When the task expires, in milliseconds since 1970.
    pub fn expires(&self) -> u64 {
        let seconds = self.bytes.first_chunk::<EXPIRY>().copied();
        1000 * u64::from(u32::from_be_bytes(seconds.unwrap_or_default()))
    }

    /// The key of the task.
    pub fn task(&self) -> String {
        keys::key("task", self.expires(), &self.bytes)
    }

    /// The key of its cancellation.
    pub fn cancellation(&self) -> String {
        keys::key("task-cancelled", self.expires(), &self.bytes)
    }

    /// The key of its last call.
    pub fn advance(&self) -> String {
        keys::key("task-advanced", self.expires(), &self.bytes)
    }

    /// The key of the response to one request for input.
    pub fn response(&self, request: &str) -> String {
        let of = [&self.bytes, request.as_bytes()].concat();
        keys::key("task-response", self.expires(), &of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expiry_is_never_early() {
        for (expires, kept) in [(1000, 1000), (1001, 2000), (1999, 2000), (0, 0)] {
            assert_eq!(Id::new(expires, [0; 16]).expires(), kept);
        }
        assert_eq!(
            Id::new(u64::MAX, [0; 16]).expires(),
            u64::from(u32::MAX) * 1000
        );
    }

    proptest! {
        #[test]
        fn ids_read_back(expires: u64, chance: [u8; 16]) {
            let id = Id::new(expires, chance);
            prop_assert!(id.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(Id::parse(&id.text), Some(id));
        }

        #[test]
        fn an_id_has_one_text(text in "[A-Za-z0-9_=+/-]{26,28}") {
            if let Some(id) = Id::parse(&text) {
                prop_assert_eq!(URL_SAFE_NO_PAD.encode(id.bytes), text);
            }
        }

        #[test]
        fn any_text_is_an_id_or_none(text in any::<String>()) {
            let _ = Id::parse(&text);
        }
    }
}
