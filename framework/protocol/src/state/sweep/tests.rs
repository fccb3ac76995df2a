use std::thread::sleep;

use super::*;
use crate::{
    state::{keys, services::MemoryStore},
    testing,
};

const NOW: u64 = 1_795_000_000_000;
/// When all that expired at `NOW` may be swept.
const LATER: u64 = NOW + 2 * HOUR_MS;

/// A store that counts, and that refuses or delays operations.
#[derive(Default)]
struct Drilled {
    inner: MemoryStore,
    refused: &'static str,
    slow: Duration,
    done: Vec<&'static str>,
}

impl Drilled {
    fn act(&mut self, operation: &'static str) -> Result<(), Unavailable> {
        self.done.push(operation);
        sleep(self.slow);
        match self.refused == operation {
            true => Err(Unavailable(operation.to_owned())),
            false => Ok(()),
        }
    }

    fn left(&self) -> usize {
        testing::keys(&self.inner).len()
    }
}

impl Store for Drilled {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        self.act("get")?;
        self.inner.get(keys)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.act("set")?;
        self.inner.set(key, value)
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        self.act("delete")?;
        self.inner.delete(keys)
    }
}

fn name(number: usize, expires: u64) -> String {
    keys::key("test", expires, &number.to_le_bytes())
}

/// A store in which this many values were written one after the other.
fn with(count: usize, expires: u64) -> Drilled {
    let mut store = Drilled::default();
    for number in 0..count {
        let name = name(number, expires);
        store.inner.set(&name, b"").unwrap();
        note(&mut store, &[&name]);
    }
    store.done.clear();
    store
}

#[test]
fn only_what_expired_is_swept() {
    let mut store = with(3, NOW);
    let kept = [
        name(3, NOW + 3 * HOUR_MS),
        "mcp:key".to_owned(),
        "users:1".to_owned(),
    ];
    for key in &kept {
        store.inner.set(key, b"v").unwrap();
        note(&mut store, &[key]);
    }
    sweep(&mut store, NOW + 1);
    assert_eq!(store.left(), 6);
    sweep(&mut store, LATER);
    let mut expected = kept.to_vec();
    expected.sort();
    assert_eq!(testing::keys(&store.inner), expected);
    // The hour that is over is forgotten.
    let hours = read(&mut store, HOURS).unwrap().unwrap();
    assert_eq!(hours, format!("{}\n", (NOW + 3 * HOUR_MS) / HOUR_MS));
    sweep(&mut store, NOW + 5 * HOUR_MS);
    assert_eq!(
        store.inner.keys().collect::<Vec<_>>(),
        ["mcp:key", "users:1"]
    );
}

#[test]
fn a_sweep_reads_the_index_and_nothing_else() {
    let mut store = with(0, NOW);
    for number in 0..10_000 {
        let key = format!("users:{number}");
        store.inner.set(&key, b"").unwrap();
    }
    sweep(&mut store, LATER);
    assert_eq!(store.done, ["get"]);
}

#[test]
fn many_values_are_swept_bit_by_bit() {
    const COUNT: usize = 3_000;
    let mut store = with(COUNT, NOW);
    let longest = store.inner.keys().map(str::to_owned).collect::<Vec<_>>();
    for key in longest {
        let value = store.inner.get(&[&key]).unwrap().remove(0).unwrap();
        assert!(value.len() < FULL + 100, "{key} has {}", value.len());
    }
    let mut sweeps = 0;
    while store.inner.keys().next().is_some() {
        let before = store.left();
        sweep(&mut store, LATER);
        assert!(before - store.left() <= MOST_DELETED);
        sweeps += 1;
        assert!(sweeps < 2 * COUNT);
    }
    assert!(sweeps >= COUNT / MOST_DELETED, "{sweeps}");
}

#[test]
fn a_key_that_is_written_again_is_noted_once() {
    let mut store = with(1, NOW);
    note(&mut store, &[&name(0, NOW)]);
    assert_eq!(store.done, ["get"]);
}

#[test]
fn keys_of_one_write_are_noted_together() {
    let mut store = with(1, NOW);
    let names: Vec<String> = (0..300).map(|number| name(number, NOW)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    note(&mut store, &names);
    assert_eq!(store.done, ["get", "set"]);
}

#[test]
fn a_store_that_refuses_an_operation_loses_nothing_that_is_needed() {
    for refused in ["get", "set", "delete"] {
        let mut store = with(40, NOW);
        let kept = name(40, NOW + 9 * HOUR_MS);
        store.inner.set(&kept, b"v").unwrap();
        store.refused = refused;
        note(&mut store, &[&kept]);
        for _ in 0..50 {
            sweep(&mut store, LATER);
        }
        assert_eq!(store.inner.get(&[&kept]).unwrap(), [Some(b"v".to_vec())]);
        store.refused = "";
        for _ in 0..50 {
            sweep(&mut store, LATER);
        }
        assert_eq!(testing::keys(&store.inner), [kept], "{refused}");
    }
}

#[test]
fn a_slow_store_is_swept_for_a_moment_only() {
    let mut store = with(32, NOW);
    store.slow = LONGEST / 3;
    let started = Instant::now();
    sweep(&mut store, LATER);
    assert!((1..32).contains(&store.left()), "{}", store.left());
    assert!(started.elapsed() < 4 * LONGEST, "{:?}", started.elapsed());
}

#[test]
fn an_index_that_names_other_keys_deletes_none() {
    let mut store = with(1, NOW);
    let page = page_name(NOW / HOUR_MS, 0);
    let others = [
        name(1, LATER + HOUR_MS),
        "mcp:key".to_owned(),
        "users:1".to_owned(),
    ];
    let lines = others.join("\n");
    for (key, value) in [(&*page, lines.as_bytes()), (HOURS, b"x\n498611\n\xff")] {
        store.inner.set(key, value).unwrap();
    }
    for other in &others {
        store.inner.set(other, b"").unwrap();
    }
    sweep(&mut store, LATER);
    assert!(
        others
            .iter()
            .all(|other| store.inner.get(&[other]).unwrap()[0].is_some())
    );
}

#[test]
fn one_write_in_eight_sweeps() {
    let mut services = testing::TestServices {
        now: LATER,
        ..Default::default()
    };
    let swept = (0..256).filter(|_| {
        let store = services.store.as_mut().unwrap();
        store.set(&name(0, NOW), b"").unwrap();
        note(store, &[&name(0, NOW)]);
        sometimes(&mut services);
        let store = services.store.as_mut().unwrap();
        store.get(&[&name(0, NOW)]).unwrap()[0].is_none()
    });
    assert_eq!(swept.count(), 32);
}
