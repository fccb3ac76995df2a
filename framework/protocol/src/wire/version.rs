//! The revisions of the protocol that this crate speaks.

/// A supported revision. Later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

impl Version {
    /// What a client speaks that says nothing about it.
    pub const ASSUMED: Version = Version::V2025_03_26;
    /// The answer to an `initialize` that asks for a revision which is not supported.
    pub const LATEST_LEGACY: Version = Version::V2025_11_25;
    /// All of them, the latest first.
    pub const ALL: [Version; 4] = [
        Version::V2026_07_28,
        Version::V2025_11_25,
        Version::V2025_06_18,
        Version::V2025_03_26,
    ];

    /// The supported revision of that name.
    pub fn parse(name: &str) -> Option<Version> {
        Version::ALL
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2025_03_26 => "2025-03-26",
            Version::V2025_06_18 => "2025-06-18",
            Version::V2025_11_25 => "2025-11-25",
            Version::V2026_07_28 => "2026-07-28",
        }
    }

    /// Without a handshake: every request says for itself what it needs to.
    pub fn is_modern(self) -> bool {
        self >= Version::V2026_07_28
    }
}
