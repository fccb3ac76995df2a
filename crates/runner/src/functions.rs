//! Keeps the machine code of functions, so that a component compiles fast if it differs little from
//! one before.

use std::{
    borrow::Cow,
    collections::HashMap,
    mem,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use wasmtime::CacheStore;

/// What all engines of this process share that compile [quickly](crate::engine::quickly). Python
/// takes 90 MB.
pub(super) static SHARED: LazyLock<Arc<Functions>> =
    LazyLock::new(|| Arc::new(Functions::new(512 << 20)));

/// Machine code of functions by the hash of what it was compiled from. Only this process writes it.
#[derive(Debug)]
pub(super) struct Functions {
    /// The most bytes of machine code.
    limit: usize,
    kept: Mutex<Kept>,
}

type Code = HashMap<Box<[u8]>, Arc<[u8]>>;

#[derive(Debug, Default)]
struct Kept {
    /// Functions that were used since `old` was dropped last.
    new: Code,
    old: Code,
    /// The bytes in `new`.
    size: usize,
    found: usize,
}

impl Functions {
    fn new(limit: usize) -> Self {
        let kept = Mutex::default();
        Self { limit, kept }
    }

    /// How many functions were found here instead of compiled.
    pub(super) fn found(&self) -> usize {
        self.lock().found
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, kept: &mut Kept, key: Box<[u8]>, code: Arc<[u8]>) {
        kept.size += code.len();
        if let Some(same) = kept.new.insert(key, code) {
            kept.size -= same.len();
        }
        if kept.size > self.limit / 2 {
            kept.size = 0;
            kept.old = mem::take(&mut kept.new);
        }
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut kept = self.lock();
        let code = match kept.new.get(key) {
            Some(code) => code.clone(),
            None => {
                let (key, code) = kept.old.remove_entry(key)?;
                self.put(&mut kept, key, code.clone());
                code
            }
        };
        kept.found += 1;
        drop(kept);
        Some(code.to_vec().into())
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        self.put(&mut self.lock(), key.into(), code.into());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_are_used_stay() {
        let functions = Functions::new(100);
        let code = |number: u8| vec![number; 10];
        for number in 0..50 {
            functions.insert(&[number], code(number));
            assert_eq!(functions.get(&[0]).unwrap()[..], code(0));
            let kept = functions.lock();
            assert!(kept.new.len() + kept.old.len() <= 11);
        }
        assert_eq!(functions.get(&[1]), None);
        assert_eq!(functions.get(&[49]).unwrap()[..], code(49));
        assert_eq!(functions.found(), 51);
    }
}
