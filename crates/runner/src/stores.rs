//! Key-value stores in memory, which all instances of a server share.
//!
//! Every name is the name of a store. Writes to a key are serialized, and the last one wins. Keys
//! and values have the limits of Fermyon's hosts, so that a server that works here also works
//! there. All stores together have a limit, too.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use hyper::body::Bytes;

/// The longest key, and the longest name of a store, in bytes.
const KEY: usize = 255;

/// The largest value in bytes.
const VALUE: usize = 1_000_000;

/// The most bytes of all entries together, each with its [`OVERHEAD`].
const TOTAL: usize = 256 << 20;

/// Bytes that an entry costs in addition to its key and value.
const OVERHEAD: usize = 128;

/// The most keys of a page.
const PAGE: usize = 1000;

/// The most bytes of all values of one `get-many`.
const MANY: usize = 64 << 20;

/// Why a store refuses an operation. The author of the guest reads the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    #[error("the key has {0} bytes; the limit is {KEY}")]
    LongKey(usize),
    #[error("the name of the store has {0} bytes; the limit is {KEY}")]
    LongName(usize),
    #[error("the value has {0} bytes; the limit is {VALUE}")]
    LongValue(usize),
    #[error("the key-value stores are full; the limit of all stores together is {} MiB", TOTAL >> 20)]
    Full,
    #[error("the values have more than {} MiB together; get fewer keys at a time", MANY >> 20)]
    Many,
    #[error("the value is not a counter: it has {0} bytes instead of 8")]
    NoCounter(usize),
    #[error("the counter would overflow")]
    Overflow,
    #[error("this store does not support the operation")]
    Refused,
}

/// All stores of a server, or of several servers that share them.
pub struct Stores {
    content: Mutex<Content>,
    total: usize,
    faults: Faults,
}

/// Faults of stores, for tests of servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The operations that fail, such as `get-many`.
    pub refused: &'static [&'static str],
    /// What each operation takes.
    pub delay: Duration,
}

#[derive(Default)]
struct Content {
    stores: BTreeMap<Arc<str>, BTreeMap<String, Entry>>,
    /// Bytes of all entries, including their overhead.
    used: usize,
    /// The number of writes so far.
    writes: u64,
}

struct Entry {
    value: Bytes,
    version: Version,
}

/// The number of the write that made an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(u64);

/// One of the stores.
#[derive(Clone)]
pub struct Bucket {
    stores: Arc<Stores>,
    name: Arc<str>,
}

/// Keys in order, and the cursor of the next page if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) keys: Vec<String>,
    pub(super) cursor: Option<String>,
}

impl Default for Stores {
    fn default() -> Self {
        Self::holding(TOTAL)
    }
}

impl Stores {
    fn holding(total: usize) -> Self {
        Self {
            content: Mutex::default(),
            total,
            faults: Faults::default(),
        }
    }

    pub fn with(faults: Faults) -> Self {
        Self {
            faults,
            ..Self::default()
        }
    }

    /// Fails if the operation does.
    pub(super) fn admit(&self, operation: &str) -> Result<(), StoreError> {
        std::thread::sleep(self.faults.delay);
        match self.faults.refused.contains(&operation) {
            true => Err(StoreError::Refused),
            false => Ok(()),
        }
    }

    /// Opens a store. It takes no memory until the first write.
    pub(super) fn open(self: &Arc<Self>, name: &str) -> Result<Bucket, StoreError> {
        if name.len() > KEY {
            return Err(StoreError::LongName(name.len()));
        }
        Ok(Bucket {
            stores: self.clone(),
            name: name.into(),
        })
    }
}

impl Bucket {
    /// The same store, if its stores do this operation.
    pub(super) fn admit(&self, operation: &str) -> Result<&Self, StoreError> {
        self.stores.admit(operation).map(|()| self)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.stores
            .content
            .lock()
            .unwrap_or_else(|e| e.into_inner())
    }

    /// The value of a key, and its version.
    pub(super) fn get(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        check(key)?;
        Ok(self.content().get(&self.name, key))
    }

    /// The values of these keys, in their order.
    pub(super) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        keys.iter().try_for_each(|key| check(key))?;
        let content = self.content();
        let mut left = MANY;
        keys.iter()
            .map(|key| {
                let value = content.get(&self.name, key).map(|(value, _)| value);
                let size = value.as_ref().map_or(0, Bytes::len);
                left = left.checked_sub(size).ok_or(StoreError::Many)?;
                Ok(value)
            })
            .collect()
    }

    pub(super) fn set(&self, key: String, value: Vec<u8>) -> Result<(), StoreError> {
        check(&key)?;
        self.content()
            .set(&self.name, key, value, self.stores.total)
    }

    /// Sets entries in order. If the stores become full, the first entries stay set.
    pub(super) fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        entries.iter().try_for_each(|(key, _)| check(key))?;
        let mut content = self.content();
        entries
            .into_iter()
            .try_for_each(|(key, value)| content.set(&self.name, key, value, self.stores.total))
    }

    pub(super) fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| check(key))?;
        let mut content = self.content();
        for key in keys {
            content.delete(&self.name, key);
        }
        Ok(())
    }

    /// The first keys after the cursor. Concurrent writes may or may not be included.
    pub(super) fn list(&self, cursor: Option<&str>) -> Page {
        let content = self.content();
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys: Vec<String> = content
            .stores
            .get(&self.name)
            .into_iter()
            .flat_map(|store| store.range::<str, _>((start, Bound::Unbounded)))
            .map(|(key, _)| key.clone())
            .take(PAGE + 1)
            .collect();
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        let cursor = keys.last().filter(|_| more).cloned();
        Page { keys, cursor }
    }

    /// Adds to a counter: a little-endian `s64` that begins at 0.
    pub(super) fn increment(&self, key: String, delta: i64) -> Result<i64, StoreError> {
        check(&key)?;
        let mut content = self.content();
        let count = match content.get(&self.name, &key) {
            None => 0,
            Some((value, _)) => value[..]
                .try_into()
                .map(i64::from_le_bytes)
                .map_err(|_| StoreError::NoCounter(value.len()))?,
        };
        let count = count.checked_add(delta).ok_or(StoreError::Overflow)?;
        let value = count.to_le_bytes().to_vec();
        content.set(&self.name, key, value, self.stores.total)?;
        Ok(count)
    }

    /// Sets the value if the key still has the version `seen`, or else returns `false`.
    pub(super) fn swap(
        &self,
        key: String,
        seen: Option<Version>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError> {
        check(&key)?;
        let mut content = self.content();
        let version = content.get(&self.name, &key).map(|(_, version)| version);
        if version != seen {
            return Ok(false);
        }
        content.set(&self.name, key, value, self.stores.total)?;
        Ok(true)
    }
}

impl Content {
    fn get(&self, store: &str, key: &str) -> Option<(Bytes, Version)> {
        let entry = self.stores.get(store)?.get(key)?;
        Some((entry.value.clone(), entry.version))
    }

    fn set(
        &mut self,
        store: &Arc<str>,
        key: String,
        value: Vec<u8>,
        total: usize,
    ) -> Result<(), StoreError> {
        if value.len() > VALUE {
            return Err(StoreError::LongValue(value.len()));
        }
        let old = self.get(store, &key).map_or(0, |(old, _)| cost(&key, &old));
        let used = self.used - old + cost(&key, &value);
        if used > total {
            return Err(StoreError::Full);
        }
        self.used = used;
        self.writes += 1;
        let entry = Entry {
            value: value.into(),
            version: Version(self.writes),
        };
        self.stores
            .entry(store.clone())
            .or_default()
            .insert(key, entry);
        Ok(())
    }

    fn delete(&mut self, store: &str, key: &str) {
        let Some(entries) = self.stores.get_mut(store) else {
            return;
        };
        if let Some(entry) = entries.remove(key) {
            self.used -= cost(key, &entry.value);
        }
        if entries.is_empty() {
            self.stores.remove(store);
        }
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    key.len() + value.len() + OVERHEAD
}

fn check(key: &str) -> Result<(), StoreError> {
    match key.len() {
        0..=KEY => Ok(()),
        length => Err(StoreError::LongKey(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        Arc::new(Stores::default()).open("default").unwrap()
    }

    fn value(bucket: &Bucket, key: &str) -> Option<Bytes> {
        bucket.get(key).unwrap().map(|(value, _)| value)
    }

    #[test]
    fn the_last_write_wins() {
        let bucket = bucket();
        assert_eq!(value(&bucket, "a"), None);
        bucket.set("a".into(), b"1".to_vec()).unwrap();
        bucket.set("a".into(), b"2".to_vec()).unwrap();
        assert_eq!(value(&bucket, "a").unwrap(), "2");
        bucket.delete_many(&["a".into(), "b".into()]).unwrap();
        assert_eq!(value(&bucket, "a"), None);
    }

    #[test]
    fn a_name_identifies_a_store() {
        let stores = Arc::new(Stores::default());
        let [one, same, other] = ["a", "a", ""].map(|name| stores.open(name).unwrap());
        one.set("k".into(), b"v".to_vec()).unwrap();
        assert_eq!(value(&same, "k").unwrap(), "v");
        assert_eq!(value(&other, "k"), None);
    }

    #[test]
    fn keys_names_and_values_have_limits() {
        let bucket = bucket();
        let key = "k".repeat(KEY);
        bucket.set(key.clone(), vec![0; VALUE]).unwrap();
        let long = key + "k";
        assert_eq!(bucket.get(&long), Err(StoreError::LongKey(256)));
        assert_eq!(
            bucket.increment(long.clone(), 1),
            Err(StoreError::LongKey(256))
        );
        assert_eq!(
            bucket.set_many(vec![("a".into(), vec![]), (long.clone(), vec![])]),
            Err(StoreError::LongKey(256))
        );
        assert_eq!(value(&bucket, "a"), None);
        assert_eq!(
            bucket.set("a".into(), vec![0; VALUE + 1]),
            Err(StoreError::LongValue(1_000_001))
        );
        assert!(bucket.stores.open(&long).is_err());
    }

    #[test]
    fn a_full_store_accepts_replacements_and_reuses_deleted_space() {
        let stores = Arc::new(Stores::holding(2 * (OVERHEAD + 1 + 10)));
        let (a, b) = (stores.open("a").unwrap(), stores.open("b").unwrap());
        a.set("1".into(), vec![0; 10]).unwrap();
        b.set("2".into(), vec![0; 10]).unwrap();
        assert_eq!(a.set("3".into(), vec![]), Err(StoreError::Full));
        assert_eq!(a.set("1".into(), vec![0; 11]), Err(StoreError::Full));
        assert_eq!(value(&a, "1").unwrap().len(), 10);
        a.set("1".into(), vec![1; 10]).unwrap();
        b.delete_many(&["2".into()]).unwrap();
        a.set("3".into(), vec![0; 10]).unwrap();
        a.delete_many(&["1".into(), "3".into()]).unwrap();
        let content = stores.content.lock().unwrap();
        assert_eq!((content.used, content.stores.len()), (0, 0));
    }

    #[test]
    fn keys_come_in_pages() {
        let bucket = bucket();
        let keys: Vec<String> = (0..2 * PAGE).map(|n| format!("{n:04}")).collect();
        let entries = keys.iter().map(|key| (key.clone(), vec![])).collect();
        bucket.set_many(entries).unwrap();
        let first = bucket.list(None);
        assert_eq!(first.keys, keys[..PAGE]);
        // The cursor stays valid after its key is deleted.
        bucket.delete_many(&keys[PAGE - 1..PAGE]).unwrap();
        let second = bucket.list(first.cursor.as_deref());
        assert_eq!((&second.keys[..], second.cursor), (&keys[PAGE..], None));
        let other = bucket.stores.open("other").unwrap().list(None);
        assert_eq!((other.keys.len(), other.cursor), (0, None));
    }

    #[test]
    fn many_values_come_in_the_order_of_their_keys() {
        let bucket = bucket();
        let entries = [("a", "1"), ("b", "2"), ("a", "3")];
        let entries = entries.map(|(key, value)| (key.into(), value.into()));
        bucket.set_many(entries.into()).unwrap();
        let values = bucket.get_many(&["b", "c", "a", "b"].map(String::from));
        let values: Vec<_> = values
            .unwrap()
            .into_iter()
            .map(|v| v.map(Vec::from))
            .collect();
        let two = Some(b"2".to_vec());
        assert_eq!(values, [two.clone(), None, Some(b"3".to_vec()), two]);

        bucket.set("big".into(), vec![0; VALUE]).unwrap();
        let keys = vec!["big".to_owned(); MANY / VALUE + 1];
        assert_eq!(bucket.get_many(&keys), Err(StoreError::Many));
        assert!(bucket.get_many(&keys[1..]).is_ok());
    }

    #[test]
    fn a_swap_needs_the_version_that_was_seen() {
        let bucket = bucket();
        let swap = |seen, value: &str| bucket.swap("k".into(), seen, value.into()).unwrap();
        let seen = || bucket.get("k").unwrap().map(|(_, version)| version);
        assert!(swap(None, "1"));
        assert!(!swap(None, "2"));
        let first = seen();
        assert!(swap(first, "1"));
        // The same value, but another write.
        assert!(!swap(first, "3"));
        let second = seen();
        bucket.delete_many(&["k".into()]).unwrap();
        assert!(!swap(second, "4"));
        assert!(swap(seen(), "5"));
        assert_eq!(value(&bucket, "k").unwrap(), "5");
    }

    #[test]
    fn threads_count_together() {
        let bucket = bucket();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        bucket.increment("n".into(), 2).unwrap();
                    }
                });
            }
        });
        assert_eq!(bucket.increment("n".into(), -8000), Ok(0));
        assert_eq!(value(&bucket, "n").unwrap(), &[0; 8][..]);
    }

    #[test]
    fn a_counter_has_eight_bytes_and_does_not_overflow() {
        let bucket = bucket();
        bucket.set("n".into(), b"12".to_vec()).unwrap();
        assert_eq!(
            bucket.increment("n".into(), 1),
            Err(StoreError::NoCounter(2))
        );
        bucket.increment("m".into(), i64::MAX).unwrap();
        assert_eq!(bucket.increment("m".into(), 1), Err(StoreError::Overflow));
        assert_eq!(bucket.increment("m".into(), 0), Ok(i64::MAX));
    }
}
