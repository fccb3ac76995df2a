//! Where things are in a catalog. All numbers are 32 bits, little-endian; a *text* is the
//! offset of its bytes from the start of the catalog, and their length.
//!
//! The header comes first, then the bytes of the texts, then the tables.

/// Changes whenever anything here does.
pub const MAGIC: &[u8; 8] = b"smcpcat1";

pub const WORD: usize = 4;
pub const TEXT: usize = 2 * WORD;

/// The header: offsets of its fields.
pub mod header {
    use super::{MAGIC, TEXT, WORD};

    /// Of the whole catalog.
    pub const LENGTH: usize = MAGIC.len();
    /// Of all features together.
    pub const FLAGS: usize = LENGTH + WORD;
    /// Two numbers. Tells cursors of this catalog from others.
    pub const DIGEST: usize = FLAGS + WORD;
    pub const NAME: usize = DIGEST + 2 * WORD;
    /// JSON: the `Implementation` object of the server.
    pub const SERVER_INFO: usize = NAME + TEXT;
    /// JSON: the result of `server/discover`.
    pub const DISCOVER: usize = SERVER_INFO + TEXT;
    /// JSON: the result of `initialize` after `protocolVersion` and its comma.
    pub const INITIALIZE: usize = DISCOVER + TEXT;
    /// JSON: the members of a modern list result after the list and its cursor.
    pub const LIST_END: usize = INITIALIZE + TEXT;
    /// From here on tables: an offset and a number of records each.
    pub const PAGES: usize = LIST_END + TEXT;
    pub const TOOLS: usize = PAGES + TEXT;
    /// Indices of `TOOLS` in the order of their names.
    pub const SORTED: usize = TOOLS + TEXT;
    pub const SLOTS: usize = SORTED + TEXT;
    pub const RULES: usize = SLOTS + TEXT;
    /// Names of properties, for the paths of rules.
    pub const SEGMENTS: usize = RULES + TEXT;
    pub const ORIGINS: usize = SEGMENTS + TEXT;
    pub const HOSTS: usize = ORIGINS + TEXT;
    pub const SIZE: usize = HOSTS + TEXT;
}

/// A page of the list of tools.
pub mod page {
    use super::TEXT;

    /// JSON arrays, for modern and for legacy clients.
    pub const MODERN: usize = 0;
    pub const LEGACY: usize = TEXT;
    /// The cursor of the page after it; empty if it is the last.
    pub const NEXT: usize = 2 * TEXT;
    pub const SIZE: usize = 3 * TEXT;
}

pub mod tool {
    use super::{TEXT, WORD};

    /// As clients know it.
    pub const NAME: usize = 0;
    /// How much of the name is prefix.
    pub const PREFIX_LENGTH: usize = TEXT;
    pub const SLOT: usize = PREFIX_LENGTH + WORD;
    pub const FIRST_RULE: usize = SLOT + WORD;
    pub const RULES: usize = FIRST_RULE + WORD;
    pub const SIZE: usize = RULES + WORD;
}

pub mod slot {
    use super::{TEXT, WORD};

    pub const NAME: usize = 0;
    pub const PREFIX: usize = TEXT;
    pub const FLAGS: usize = 2 * TEXT;
    pub const SIZE: usize = FLAGS + WORD;
}

pub mod rule {
    use super::{TEXT, WORD};

    /// In lower case, with `mcp-param-`.
    pub const HEADER: usize = 0;
    pub const FIRST_SEGMENT: usize = TEXT;
    pub const SEGMENTS: usize = FIRST_SEGMENT + WORD;
    pub const SIZE: usize = SEGMENTS + WORD;
}
