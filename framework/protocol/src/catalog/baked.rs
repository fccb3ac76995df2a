//! Reading a baked catalog.

use super::{
    cursor, describe,
    flags::Flags,
    layout::{MAGIC, TEXT, WORD, cache, header, list, page, slot},
    list_kind::ListKind,
};
use crate::{
    state::waits::StreamLimits,
    wire::types::types::{CacheHint, CacheScope},
};

/// A baked catalog.
///
/// Reading an entry takes a few loads. If bytes after the first words are damaged, answers are
/// empty; it never panics.
#[derive(Clone, Copy, Debug)]
pub struct Catalog<'a> {
    bytes: &'a [u8],
}

/// A page of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page<'a> {
    /// JSON arrays, for modern and for legacy clients.
    pub modern: &'a [u8],
    pub legacy: &'a [u8],
    /// The cursor of the next page.
    pub next: Option<&'a str>,
}

/// A feature of a catalog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot<'a> {
    /// The name of the component.
    pub name: &'a str,
    /// The prefix of its tools and prompts; may be empty.
    pub prefix: &'a str,
    pub flags: Flags,
}

impl<'a> Catalog<'a> {
    /// None: the bytes are not a complete catalog of this version.
    pub fn new(bytes: &'a [u8]) -> Option<Catalog<'a>> {
        let catalog = Catalog { bytes };
        let whole = bytes.starts_with(MAGIC)
            && bytes.len() >= header::SIZE
            && catalog.word(header::LENGTH) == bytes.len();
        whole.then_some(catalog)
    }

    pub(super) fn word(&self, at: usize) -> usize {
        let word = self
            .bytes
            .get(at..)
            .and_then(|bytes| bytes.first_chunk::<WORD>());
        word.map_or(0, |word| u32::from_le_bytes(*word) as usize)
    }

    pub(super) fn long(&self, at: usize) -> u64 {
        (self.word(at) as u64) | (self.word(at + WORD) as u64) << 32
    }

    pub(super) fn bytes(&self, at: usize) -> &'a [u8] {
        let (start, length) = (self.word(at), self.word(at + WORD));
        self.bytes
            .get(start..)
            .and_then(|bytes| bytes.get(..length))
            .unwrap_or_default()
    }

    pub(super) fn text(&self, at: usize) -> &'a str {
        str::from_utf8(self.bytes(at)).unwrap_or_default()
    }

    pub(super) fn hint(&self, at: usize) -> CacheHint {
        CacheHint {
            ttl_ms: self.long(at + cache::TTL),
            scope: match self.word(at + cache::SCOPE) {
                0 => CacheScope::Public,
                _ => CacheScope::Private,
            },
        }
    }

    /// The number of records in a table. It is limited, so that a damaged catalog cannot make a
    /// loop endless.
    pub(super) fn count(&self, table: usize, size: usize) -> usize {
        self.word(table + WORD).min(self.bytes.len() / size)
    }

    /// The offset of a record in a table.
    pub(super) fn record(&self, table: usize, size: usize, index: usize) -> Option<usize> {
        let start = self.word(table);
        (index < self.count(table, size)).then(|| start.saturating_add(index * size))
    }

    /// The offsets of the records of a table.
    pub(super) fn records(
        self,
        table: usize,
        size: usize,
    ) -> impl ExactSizeIterator<Item = usize> + use<'a> {
        self.some_records(table, size, 0, usize::MAX)
    }

    /// The offsets of `count` records of a table from `first` on, as far as they exist.
    pub(super) fn some_records(
        self,
        table: usize,
        size: usize,
        first: usize,
        count: usize,
    ) -> impl ExactSizeIterator<Item = usize> + use<'a> {
        let start = self.word(table);
        let end = first.saturating_add(count).min(self.count(table, size));
        (first.min(end)..end).map(move |index| start.saturating_add(index * size))
    }

    /// The name of the server.
    pub fn name(&self) -> &'a str {
        self.text(header::NAME)
    }

    /// JSON: the `Implementation` object of the server.
    pub fn server_info(&self) -> &'a [u8] {
        self.bytes(header::SERVER_INFO)
    }

    /// The flags of all features together.
    pub fn flags(&self) -> Flags {
        Flags(self.word(header::FLAGS) as u32)
    }

    /// The name of the shared key-value store, if there is one.
    pub fn store(&self) -> Option<&'a str> {
        Some(self.text(header::STORE)).filter(|name| !name.is_empty())
    }

    /// The cache hint for results whose feature gives none.
    pub fn cache(&self) -> CacheHint {
        self.hint(header::CACHE)
    }

    /// The limits of streams.
    pub fn stream_limits(&self) -> StreamLimits {
        let [poll_ms, keep_alive_ms, longest_ms] =
            [0, 1, 2].map(|index| self.word(header::STREAMS + index * WORD) as u32);
        let limits = StreamLimits {
            poll_ms,
            keep_alive_ms,
            longest_ms,
        };
        limits.bounded()
    }

    /// JSON: the result of `server/discover`. `shared`: requests share state, so the server can
    /// announce changes and keep tasks.
    pub fn discover(&self, shared: bool) -> &'a [u8] {
        self.bytes(header::DISCOVER + usize::from(shared) * TEXT)
    }

    /// JSON: the result of `initialize` after `protocolVersion`. `shared` as for `discover`.
    pub fn initialize(&self, shared: bool) -> &'a [u8] {
        self.bytes(header::INITIALIZE + usize::from(shared) * TEXT)
    }

    fn list(kind: ListKind) -> usize {
        header::LISTS + kind as usize * list::SIZE
    }

    /// The strictest cache hint of the features in a list, including dynamic ones.
    pub fn list_cache(&self, kind: ListKind) -> CacheHint {
        self.hint(Self::list(kind) + list::CACHE)
    }

    /// JSON: the members of a modern result after the list and its cursor, and the closing
    /// brace.
    pub fn list_end(&self, kind: ListKind) -> &'a [u8] {
        self.bytes(Self::list(kind) + list::END)
    }

    /// The same with another cache hint.
    pub fn list_end_with(&self, cache: CacheHint) -> Vec<u8> {
        describe::list_end(cache, self.server_info())
    }

    /// The pages of a list. There is at least one.
    pub fn pages(&self, kind: ListKind) -> impl ExactSizeIterator<Item = Page<'a>> + use<'a> {
        let (catalog, list) = (*self, Self::list(kind));
        let first = self.word(list + list::FIRST_PAGE);
        let count = self.word(list + list::PAGES);
        self.some_records(header::PAGES, page::SIZE, first, count)
            .map(move |at| {
                let next = catalog.text(at + page::NEXT);
                Page {
                    modern: catalog.bytes(at + page::MODERN),
                    legacy: catalog.bytes(at + page::LEGACY),
                    next: (!next.is_empty()).then_some(next),
                }
            })
    }

    /// The page for a cursor of this list; without a cursor, the first.
    pub fn page(&self, kind: ListKind, cursor: Option<&str>) -> Option<Page<'a>> {
        let digest = self.long(Self::list(kind) + list::DIGEST);
        let index = match cursor {
            None => 0,
            Some(cursor) => cursor::read(cursor, digest)?,
        };
        self.pages(kind).nth(index)
    }

    /// The features in the order of the manifest. The slot of an entry is an index into it.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot<'a>> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::SLOTS, slot::SIZE)
            .map(move |at| catalog.slot_at(at))
    }

    /// The feature with this index.
    pub fn slot(&self, index: usize) -> Option<Slot<'a>> {
        let at = self.record(header::SLOTS, slot::SIZE, index)?;
        Some(self.slot_at(at))
    }

    fn slot_at(&self, at: usize) -> Slot<'a> {
        Slot {
            name: self.text(at + slot::NAME),
            prefix: self.text(at + slot::PREFIX),
            flags: Flags(self.word(at + slot::FLAGS) as u32),
        }
    }

    /// The indices of the features that have all of these flags.
    pub fn slots_with(&self, flags: Flags) -> impl Iterator<Item = usize> + use<'a> {
        let slots = self.slots().enumerate();
        slots.filter_map(move |(index, slot)| slot.flags.contains(flags).then_some(index))
    }

    /// The flags of the feature with this index.
    pub(crate) fn slot_flags(&self, index: usize) -> Flags {
        let at = self.record(header::SLOTS, slot::SIZE, index);
        Flags(at.map_or(0, |at| self.word(at + slot::FLAGS) as u32))
    }

    /// The origins that may call the server, besides loopback ones.
    pub fn allowed_origins(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::ORIGINS, TEXT)
            .map(move |at| catalog.text(at))
    }

    /// The hosts that the server accepts, besides loopback ones. None: it accepts all.
    pub fn allowed_hosts(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = *self;
        catalog
            .records(header::HOSTS, TEXT)
            .map(move |at| catalog.text(at))
    }
}

/// The stricter of two cache hints.
pub fn stricter(a: CacheHint, b: CacheHint) -> CacheHint {
    let private = matches!(a.scope, CacheScope::Private) || matches!(b.scope, CacheScope::Private);
    CacheHint {
        ttl_ms: a.ttl_ms.min(b.ttl_ms),
        scope: if private {
            CacheScope::Private
        } else {
            CacheScope::Public
        },
    }
}
