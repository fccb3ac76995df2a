//! Catalogs within the bytes of a composed server, which only its host uses.

use std::ops::Range;

use super::{
    baked::Catalog,
    layout::{MAGIC, TEXT, WORD, header, list},
    list_kind::ListKind,
};

const TTL: &[u8] = b"\"ttlMs\":";

/// The catalogs of a server: one for each part that has one.
pub fn embedded(server: &[u8]) -> impl Iterator<Item = Catalog<'_>> {
    places(server)
        .into_iter()
        .filter_map(|place| Catalog::new(&server[place]))
}

fn places(server: &[u8]) -> Vec<Range<usize>> {
    let starts = server.windows(MAGIC.len()).enumerate();
    let starts = starts.filter_map(|(at, bytes)| (bytes == MAGIC).then_some(at));
    let places = starts.filter_map(|start| {
        let length = server.get(start + header::LENGTH..)?.first_chunk()?;
        let end = start.checked_add(u32::from_le_bytes(*length) as usize)?;
        Catalog::new(server.get(start..end)?).map(|_| start..end)
    });
    places.collect()
}

/// Makes a server tell clients to cache nothing: while an author works on it, its lists change.
pub fn uncached(server: &mut [u8]) {
    for place in places(server) {
        let catalog = &mut server[place];
        let lists = ListKind::ALL.map(|kind| header::LISTS + kind as usize * list::SIZE);
        let hints = lists.map(|list| list + list::CACHE);
        for hint in hints.into_iter().chain([header::CACHE]) {
            catalog[hint..hint + 2 * WORD].fill(0);
        }
        let ends = lists.map(|list| list + list::END);
        let discovered = [header::DISCOVER, header::DISCOVER + TEXT];
        for text in ends.into_iter().chain(discovered) {
            let read = Catalog::new(catalog)
                .map(|catalog| (catalog.word(text), catalog.word(text + WORD)));
            let Some((start, length)) = read else {
                continue;
            };
            let Some(text) = catalog
                .get_mut(start..)
                .and_then(|rest| rest.get_mut(..length))
            else {
                continue;
            };
            let Some(at) = text.windows(TTL.len()).rposition(|bytes| bytes == TTL) else {
                continue;
            };
            let digits = text[at + TTL.len()..].iter_mut();
            for (index, digit) in digits.take_while(|byte| byte.is_ascii_digit()).enumerate() {
                *digit = if index == 0 { b'0' } else { b' ' };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_server_under_development_is_not_cached() {
        let catalog = testing::catalog();
        let mut server = [b"\0asm", &catalog[..], MAGIC, b"x", &catalog, b"end"].concat();
        assert_eq!(embedded(&server).count(), 2);
        uncached(&mut server);
        assert!(server.ends_with(b"end"));
        for catalog in embedded(&server) {
            assert_eq!(catalog.cache().ttl_ms, 0);
            let discovered: serde_json::Value =
                serde_json::from_slice(catalog.discover(true)).unwrap();
            assert_eq!(discovered["ttlMs"], 0);
            for kind in ListKind::ALL {
                assert_eq!(catalog.list_cache(kind).ttl_ms, 0);
                let end = [b"{\"a\":1", catalog.list_end(kind)].concat();
                let end: serde_json::Value = serde_json::from_slice(&end).unwrap();
                assert_eq!(
                    (&end["ttlMs"], &end["cacheScope"]),
                    (&0.into(), &"public".into())
                );
            }
        }
    }
}
