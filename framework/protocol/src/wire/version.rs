//! The supported revisions of the protocol.
//!
//! To add a revision, add a row to the table below. The compiler then names the matches that
//! must say how it differs; they are all in this file.

/// Makes `Version` from the table of revisions.
macro_rules! revisions {
    ($($variant:ident = $number:literal, $name:literal;)+) => {
        /// A supported revision.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Version {
            $(#[doc = $name] $variant = $number,)+
        }

        impl Version {
            /// All of them, the latest first.
            pub const ALL: [Version; [$($number),+].len()] = [$(Version::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Version::$variant => $name,)+
                }
            }
        }
    };
}

// The latest first. A number stands for its revision in session ids and between components:
// it never changes, and is never used again. 0 stands for none.
revisions! {
    V2026_07_28 = 4, "2026-07-28";
    V2025_11_25 = 3, "2025-11-25";
    V2025_06_18 = 2, "2025-06-18";
    V2025_03_26 = 1, "2025-03-26";
    V2024_11_05 = 5, "2024-11-05";
}

impl Version {
    /// The revision of a client that does not name one.
    pub const ASSUMED: Version = Version::V2025_03_26;
    /// The answer to an `initialize` that asks for a revision which is not supported.
    pub const LATEST_LEGACY: Version = Version::V2025_11_25;
    pub const LATEST: Version = Version::ALL[0];

    /// The supported revision of that name.
    pub fn parse(name: &str) -> Option<Version> {
        Version::ALL
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    /// The number that stands for the revision in stored and sent formats.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The supported revision with this number.
    pub fn from_number(number: u8) -> Option<Version> {
        Version::ALL
            .into_iter()
            .find(|version| version.number() == number)
    }

    /// Whether the revision has no handshake, so that every request describes its client.
    pub const fn is_modern(self) -> bool {
        match self {
            Version::V2024_11_05
            | Version::V2025_03_26
            | Version::V2025_06_18
            | Version::V2025_11_25 => false,
            Version::V2026_07_28 => true,
        }
    }

    /// Whether content may link to a resource.
    pub const fn has_resource_links(self) -> bool {
        match self {
            Version::V2024_11_05 | Version::V2025_03_26 => false,
            Version::V2025_06_18 | Version::V2025_11_25 | Version::V2026_07_28 => true,
        }
    }

    /// Whether content may be audio.
    pub const fn has_audio(self) -> bool {
        match self {
            Version::V2024_11_05 => false,
            Version::V2025_03_26
            | Version::V2025_06_18
            | Version::V2025_11_25
            | Version::V2026_07_28 => true,
        }
    }

    /// Whether clients expect a stream to begin with an event without a message, whose id they
    /// resume it by.
    pub const fn has_opening_events(self) -> bool {
        match self {
            Version::V2024_11_05 | Version::V2025_03_26 | Version::V2025_06_18 => false,
            Version::V2025_11_25 | Version::V2026_07_28 => true,
        }
    }

    /// Whether a client that is to open a URL must get an `elicitationId`.
    pub const fn has_elicitation_ids(self) -> bool {
        self.has_url_elicitation_error()
    }

    /// Whether a feature may ask the client to open a URL by an error. Since 2026-07-28, it asks
    /// for input instead.
    pub const fn has_url_elicitation_error(self) -> bool {
        match self {
            Version::V2025_11_25 => true,
            Version::V2024_11_05
            | Version::V2025_03_26
            | Version::V2025_06_18
            | Version::V2026_07_28 => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_revisions_come_first() {
        let all = Version::ALL.map(Version::as_str);
        assert!(all.is_sorted_by(|later, earlier| later > earlier));
    }

    #[test]
    fn names_and_numbers_are_read_back() {
        for version in Version::ALL {
            assert_eq!(Version::parse(version.as_str()), Some(version));
            assert_eq!(Version::from_number(version.number()), Some(version));
        }
        assert_eq!(Version::parse("2024-10-07"), None);
        assert_eq!(Version::from_number(0), None);
    }
}
