//! The names of values in the shared store, and how old values are deleted.
//!
//! A store keeps a value until someone deletes it. So each name contains the time when its value
//! expires, and a sweep needs no other record. Features use the store too: keys of another form
//! belong to them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::state::services::{Services, Store};

/// The most pages of keys that a sweep reads, and the most keys that it deletes.
const MOST_PAGES: usize = 10;
const MOST_DELETED: usize = 512;
/// Some stores do not delete more keys at once.
const BATCH: usize = 25;

/// A key consists of `mcp:`, the second of its expiry, the kind, and 16 bytes in base64.
const PREFIX: &str = "mcp:";
const EXPIRY: usize = 8;
const DIGEST: usize = 22;

/// The key of a value that expires at `expires` (milliseconds since 1970). `kind` says what the
/// value is, in letters and dashes. `of` is hashed, so it may have any length and may come from
/// a client.
pub fn key(kind: &str, expires: u64, of: &[u8]) -> String {
    debug_assert!(is_kind(kind), "{kind}");
    let seconds = u32::try_from(expires.div_ceil(1000)).unwrap_or(u32::MAX);
    let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(of)[..16]);
    format!("{PREFIX}{seconds:08x}:{kind}:{digest}")
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty()
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// When the value of a key expires, in milliseconds; none if `key` did not make this name.
fn expiry(name: &str) -> Option<u64> {
    let (seconds, rest) = name.strip_prefix(PREFIX)?.split_at_checked(EXPIRY)?;
    let (kind, digest) = rest.strip_prefix(':')?.split_once(':')?;
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let of_digest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let ours = seconds.bytes().all(hexadecimal)
        && is_kind(kind)
        && digest.len() == DIGEST
        && digest.bytes().all(of_digest);
    if !ours {
        return None;
    }
    let seconds = u32::from_str_radix(seconds, 16).ok()?;
    Some(u64::from(seconds) * 1000)
}

/// Runs `sweep_store` if there is a store.
pub fn sweep<S: Services>(services: &mut S) {
    let now = services.now();
    if let Some(store) = services.store() {
        sweep_store(store, now);
    }
}

/// Deletes expired values among a bounded number of keys. If the store fails, the next sweep
/// tries again.
pub fn sweep_store(store: &mut dyn Store, now: u64) {
    let mut expired = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let Ok((keys, next)) = store.keys(cursor.as_deref()) else {
            break;
        };
        expired.extend(
            keys.into_iter()
                .filter(|key| expiry(key).is_some_and(|expiry| expiry <= now))
                .take(MOST_DELETED - expired.len()),
        );
        cursor = next;
        if cursor.is_none() || expired.len() == MOST_DELETED {
            break;
        }
    }
    for batch in expired.chunks(BATCH) {
        let keys: Vec<&str> = batch.iter().map(String::as_str).collect();
        if store.delete(&keys).is_err() {
            break;
        }
    }
}

/// Sweeps after one in 256 calls, at random: no instance knows how often the others write. Call
/// it after each write.
pub fn sweep_sometimes<S: Services>(services: &mut S) {
    if services.random()[0] == 0 {
        sweep(services);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        state::services::{MemoryStore, Store, Unavailable},
        testing::TestServices,
    };

    const NOW: u64 = 1_795_000_000_000;

    /// A store that returns this many keys at a time.
    struct Paged {
        inner: MemoryStore,
        size: usize,
        pages: usize,
        deletes: Vec<usize>,
        broken: bool,
    }

    impl Paged {
        fn new(size: usize, keys: impl IntoIterator<Item = String>) -> Paged {
            let mut inner = MemoryStore::default();
            keys.into_iter()
                .for_each(|key| inner.set(&key, b"").unwrap());
            Paged {
                inner,
                size,
                pages: 0,
                deletes: Vec::new(),
                broken: false,
            }
        }

        fn left(&mut self) -> usize {
            self.inner.keys(None).unwrap().0.len()
        }
    }

    impl Store for Paged {
        fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
            self.inner.get(keys)
        }

        fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
            self.inner.set(key, value)
        }

        fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
            self.deletes.push(keys.len());
            if self.broken {
                return Err(Unavailable("broken".to_owned()));
            }
            self.inner.delete(keys)
        }

        fn keys(
            &mut self,
            cursor: Option<&str>,
        ) -> Result<(Vec<String>, Option<String>), Unavailable> {
            self.pages += 1;
            let from = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let (all, _) = self.inner.keys(None)?;
            let next = from + self.size;
            let cursor = (next < all.len()).then(|| next.to_string());
            Ok((all.into_iter().skip(from).take(self.size).collect(), cursor))
        }
    }

    struct WithPaged(Paged);

    impl Services for WithPaged {
        const WHOLE: bool = true;

        fn now(&mut self) -> u64 {
            NOW
        }

        fn random(&mut self) -> [u8; 16] {
            [0; 16]
        }

        fn variable(&mut self, _name: &str) -> Option<String> {
            None
        }

        fn store(&mut self) -> Option<&mut dyn Store> {
            Some(&mut self.0)
        }

        fn pause(&mut self, _milliseconds: u64) {}
    }

    fn expired(number: usize) -> String {
        key("test", NOW - 1000, &number.to_le_bytes())
    }

    #[test]
    fn names_hold_the_expiry_the_kind_and_a_digest() {
        assert_eq!(
            key("task", 1_000, b"abc"),
            "mcp:00000001:task:ungWv48Bz-pBQUDeXa4iIw"
        );
        assert_eq!(expiry(&key("log-level", NOW, b"")), Some(NOW));
        assert_eq!(expiry(&key("a", NOW + 1, b"")), Some(NOW + 1000));
        assert_eq!(
            expiry(&key("a", u64::MAX, b"")),
            Some(u64::from(u32::MAX) * 1000)
        );
        assert_ne!(key("a", NOW, b"x"), key("a", NOW, b"y"));
    }

    #[test]
    fn only_what_expired_is_swept() {
        let mut services = TestServices::default();
        let now = services.now;
        let kept = [
            key("a", now + 1, b"x"),
            "mcp:key".to_owned(),
            "mcp:key:0011223344556677".to_owned(),
            "users:1".to_owned(),
            // Features may write keys like these.
            "mcp:00000001".to_owned(),
            "mcp:00000001:".to_owned(),
            "mcp:00000001:a:b".to_owned(),
            "mcp:00000001:A:ungWv48Bz-pBQUDeXa4iIw".to_owned(),
            "mcp:00000001::ungWv48Bz-pBQUDeXa4iIw".to_owned(),
            "mcp:0000000A:a:ungWv48Bz-pBQUDeXa4iIw".to_owned(),
            "mcp:+0000001:a:ungWv48Bz-pBQUDeXa4iIw".to_owned(),
            "mcp:00000001:a:ungWv48Bz-pBQUDeXa4iI=".to_owned(),
            "mcp:00000001:a:ungWv48Bz-pBQUDeXa4iIw:".to_owned(),
            "mcp:é0000001:a:ungWv48Bz-pBQUDeXa4iIw".to_owned(),
        ];
        let store = services.store.as_mut().unwrap();
        for key in &kept {
            store.set(key, b"v").unwrap();
        }
        store.set(&key("a", now, b"x"), b"v").unwrap();
        store.set(&key("b-c", 0, b"x"), b"v").unwrap();
        sweep(&mut services);
        let mut left = services.store.unwrap().keys(None).unwrap().0;
        left.sort();
        let mut expected = kept.to_vec();
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_sweep_reads_ten_pages_and_deletes_512_keys() {
        let mut services = WithPaged(Paged::new(2, (0..30).map(expired)));
        sweep(&mut services);
        assert_eq!((services.0.pages, services.0.left()), (10, 10));
        let mut services = WithPaged(Paged::new(100, (0..600).map(expired)));
        sweep(&mut services);
        assert_eq!((services.0.pages, services.0.left()), (6, 88));
    }

    #[test]
    fn batches_are_small_and_end_with_the_first_that_fails() {
        let mut services = WithPaged(Paged::new(100, (0..60).map(expired)));
        sweep(&mut services);
        assert_eq!(services.0.deletes, [25, 25, 10]);
        let mut services = WithPaged(Paged::new(100, (0..60).map(expired)));
        services.0.broken = true;
        sweep(&mut services);
        assert_eq!(services.0.deletes, [25]);
    }

    #[test]
    fn one_write_in_256_sweeps() {
        let mut services = TestServices::default();
        let old = key("a", 1, b"");
        let mut swept = 0;
        for _ in 0..512 {
            services.store.as_mut().unwrap().set(&old, b"").unwrap();
            sweep_sometimes(&mut services);
            let store = services.store.as_mut().unwrap();
            swept += usize::from(store.get(&[&old]).unwrap()[0].is_none());
        }
        assert_eq!(swept, 2);
    }

    #[test]
    fn without_a_store_there_is_nothing_to_sweep() {
        let mut services = TestServices {
            store: None,
            ..TestServices::default()
        };
        sweep(&mut services);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_name_is_read(name in "(mcp:)?[0-9a-f]{0,9}:?[a-z-]{0,4}:?\\PC{0,24}") {
            if let Some(at) = expiry(&name) {
                prop_assert_eq!(name.len(), name.trim().len());
                prop_assert!(at <= u64::from(u32::MAX) * 1000);
            }
        }
    }
}
