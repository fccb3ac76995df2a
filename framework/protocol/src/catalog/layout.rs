//! The layout of a catalog. All numbers have 32 bits and are little-endian. A *text* is the
//! offset of its bytes from the start of the catalog, and their length.
//!
//! The header comes first, then the bytes of the texts, then the tables.

/// Must change whenever the layout does.
pub const MAGIC: &[u8; 8] = b"smcpcat3";

pub const WORD: usize = 4;
pub const TEXT: usize = 2 * WORD;

/// Offsets of the fields in the header.
pub mod header {
    use super::{MAGIC, TEXT, WORD, cache, list};

    /// The length of the catalog.
    pub const LENGTH: usize = MAGIC.len();
    /// The flags of all features together.
    pub const FLAGS: usize = LENGTH + WORD;
    pub const NAME: usize = FLAGS + WORD;
    /// JSON: the `Implementation` object of the server.
    pub const SERVER_INFO: usize = NAME + TEXT;
    /// The name of the store; empty if there is none.
    pub const STORE: usize = SERVER_INFO + TEXT;
    /// JSON: the result of `server/discover`, without shared state and with it.
    pub const DISCOVER: usize = STORE + TEXT;
    /// JSON: the result of `initialize` after `protocolVersion` and its comma, without shared
    /// state and with it.
    pub const INITIALIZE: usize = DISCOVER + 2 * TEXT;
    /// The cache hint for results whose feature gives none.
    pub const CACHE: usize = INITIALIZE + 2 * TEXT;
    /// Three numbers of milliseconds: `StreamLimits`.
    pub const STREAMS: usize = CACHE + cache::SIZE;
    /// One record for each kind of list.
    pub const LISTS: usize = STREAMS + 3 * WORD;
    /// Tables follow: an offset and a number of records each.
    pub const PAGES: usize = LISTS + 4 * list::SIZE;
    pub const TOOLS: usize = PAGES + TEXT;
    /// Indices into `TOOLS`, sorted by name.
    pub const TOOLS_SORTED: usize = TOOLS + TEXT;
    pub const RULES: usize = TOOLS_SORTED + TEXT;
    /// Names of properties, for the paths of rules.
    pub const SEGMENTS: usize = RULES + TEXT;
    pub const RESOURCES: usize = SEGMENTS + TEXT;
    /// Indices into `RESOURCES`, sorted by URI.
    pub const RESOURCES_SORTED: usize = RESOURCES + TEXT;
    pub const TEMPLATES: usize = RESOURCES_SORTED + TEXT;
    pub const PROMPTS: usize = TEMPLATES + TEXT;
    /// Indices into `PROMPTS`, sorted by name.
    pub const PROMPTS_SORTED: usize = PROMPTS + TEXT;
    /// The arguments of all prompts, prompt by prompt.
    pub const ARGUMENTS: usize = PROMPTS_SORTED + TEXT;
    pub const SLOTS: usize = ARGUMENTS + TEXT;
    pub const ORIGINS: usize = SLOTS + TEXT;
    pub const HOSTS: usize = ORIGINS + TEXT;
    pub const SIZE: usize = HOSTS + TEXT;
}

/// A cache hint.
pub mod cache {
    use super::WORD;

    /// Two numbers: milliseconds.
    pub const TTL: usize = 0;
    /// Zero: public.
    pub const SCOPE: usize = 2 * WORD;
    pub const SIZE: usize = SCOPE + WORD;
}

/// A list.
pub mod list {
    use super::{TEXT, WORD, cache};

    /// Two numbers. They identify the list in its cursors.
    pub const DIGEST: usize = 0;
    pub const CACHE: usize = 2 * WORD;
    /// JSON: the members of a modern result after the list and its cursor.
    pub const END: usize = CACHE + cache::SIZE;
    pub const FIRST_PAGE: usize = END + TEXT;
    pub const PAGES: usize = FIRST_PAGE + WORD;
    pub const SIZE: usize = PAGES + WORD;
}

/// A page of a list.
pub mod page {
    use super::TEXT;

    /// JSON arrays, for modern and for legacy clients.
    pub const MODERN: usize = 0;
    pub const LEGACY: usize = TEXT;
    /// The cursor of the next page; empty on the last.
    pub const NEXT: usize = 2 * TEXT;
    pub const SIZE: usize = 3 * TEXT;
}

pub mod tool {
    use super::{TEXT, WORD};

    /// The name that clients know.
    pub const NAME: usize = 0;
    /// The length of the prefix in the name.
    pub const PREFIX_LENGTH: usize = TEXT;
    pub const SLOT: usize = PREFIX_LENGTH + WORD;
    pub const FIRST_RULE: usize = SLOT + WORD;
    pub const RULES: usize = FIRST_RULE + WORD;
    pub const SIZE: usize = RULES + WORD;
}

pub mod rule {
    use super::{TEXT, WORD};

    /// In lower case, with `mcp-param-`.
    pub const HEADER: usize = 0;
    pub const FIRST_SEGMENT: usize = TEXT;
    pub const SEGMENTS: usize = FIRST_SEGMENT + WORD;
    pub const SIZE: usize = SEGMENTS + WORD;
}

/// A resource, or a resource template.
pub mod resource {
    use super::{TEXT, WORD};

    /// The URI, or the URI template.
    pub const URI: usize = 0;
    pub const SLOT: usize = TEXT;
    pub const SIZE: usize = SLOT + WORD;
}

pub mod prompt {
    use super::{TEXT, WORD};

    /// The name that clients know.
    pub const NAME: usize = 0;
    /// The length of the prefix in the name.
    pub const PREFIX_LENGTH: usize = TEXT;
    pub const SLOT: usize = PREFIX_LENGTH + WORD;
    pub const FIRST_ARGUMENT: usize = SLOT + WORD;
    pub const ARGUMENTS: usize = FIRST_ARGUMENT + WORD;
    pub const SIZE: usize = ARGUMENTS + WORD;
}

pub mod argument {
    use super::{TEXT, WORD};

    pub const NAME: usize = 0;
    /// Zero: the argument is optional.
    pub const REQUIRED: usize = TEXT;
    pub const SIZE: usize = REQUIRED + WORD;
}

/// Who may send requests; only in catalogs with the flags `ACCESS` or `HEADERS`, after their tables.
/// The last word of such a catalog is the offset of this record.
pub mod access {
    use super::{TEXT, WORD};

    /// The first word, which must change whenever the layout of this record does.
    pub const MARK: u32 = u32::from_le_bytes(*b"acs1");
    pub const RESOURCE: usize = WORD;
    pub const DOCUMENTATION: usize = RESOURCE + TEXT;
    /// A combination of the options below.
    pub const OPTIONS: usize = DOCUMENTATION + TEXT;
    /// Tables follow: an offset and a number of records each.
    pub const SCOPES: usize = OPTIONS + WORD;
    /// Headers for the authenticator.
    pub const HEADERS: usize = SCOPES + TEXT;
    /// Sorted by kind, and the most specific pattern first.
    pub const NEEDS: usize = HEADERS + TEXT;
    /// The scopes of all needs, need by need.
    pub const NEED_SCOPES: usize = NEEDS + TEXT;
    /// Headers for features.
    pub const REQUEST_HEADERS: usize = NEED_SCOPES + TEXT;
    pub const SIZE: usize = REQUEST_HEADERS + TEXT;

    pub const ANONYMOUS: u32 = 1;
    pub const HIDE: u32 = 2;
    pub const ENVIRONMENT: u32 = 4;
    pub const ROOT_METADATA: u32 = 8;
    pub const POLICY: u32 = 16;
    pub const APP_VARIABLES: u32 = 32;
}

/// The scopes that items need.
pub mod need {
    use super::{TEXT, WORD};

    /// The number of a `NeedKind`.
    pub const KIND: usize = 0;
    pub const PATTERN: usize = WORD;
    pub const FIRST_SCOPE: usize = PATTERN + TEXT;
    pub const SCOPES: usize = FIRST_SCOPE + WORD;
    pub const SIZE: usize = SCOPES + WORD;
}

pub mod slot {
    use super::{TEXT, WORD};

    pub const NAME: usize = 0;
    pub const PREFIX: usize = TEXT;
    pub const FLAGS: usize = 2 * TEXT;
    pub const SIZE: usize = FLAGS + WORD;
}
