//! Deletes what expired. Stores cannot say which keys those are without listing all keys, which
//! takes some of them long and costs money in others. So the server keeps an index in the store:
//! under `mcp:due` the hours in which keys expire, and for each hour a few pages with their
//! names.
//!
//! Two instances that write one page at the same time lose a name. Its value then stays in the
//! store, where nothing reads it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    keys::{digest, expiry},
    services::{Services, Store, Unavailable},
};

const HOURS: &str = "mcp:due";
const HOUR_MS: u64 = 3_600_000;
/// The most that clocks of instances may differ, in milliseconds.
const SKEW_MS: u64 = 5 * 60 * 1000;
/// How many pages of an hour grow at the same time, so that instances seldom write the same one.
const PAGES: u8 = 8;
/// A page of this many bytes grows no more: a new one links to it.
const FULL: usize = 8 << 10;
/// The most keys that a sweep deletes, and the time after which it deletes no more.
const MOST_DELETED: usize = 32;
const LONGEST: Duration = Duration::from_millis(100);

/// Writes the values of these keys, which `key` made, and notes the keys for a sweep. If a write
/// fails, the others are still made, and the first error is returned. Without a store, nothing is
/// written.
pub fn put<S: Services>(services: &mut S, values: &[(&str, &[u8])]) -> Result<(), Unavailable> {
    let Some(store) = services.store() else {
        return Ok(());
    };
    let mut outcome = Ok(());
    for (key, value) in values {
        outcome = outcome.and(store.set(key, value));
    }
    if outcome.is_ok() {
        let keys: Vec<&str> = values.iter().map(|(key, _)| *key).collect();
        note(store, &keys);
        sometimes(services);
    }
    outcome
}

/// Notes keys that were written, so that a sweep finds them. Other keys are ignored. If the store
/// fails, the values stay there.
pub fn note(store: &mut dyn Store, keys: &[&str]) {
    let mut hours: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for key in keys {
        if let Some(expiry) = expiry(key) {
            hours.entry(expiry / HOUR_MS).or_default().push(key);
        }
    }
    for (hour, keys) in hours {
        // A key that is written again is on the same page.
        let page = keys[0].bytes().fold(0, u8::wrapping_add) % PAGES;
        if add(store, hour, page, &keys).is_err() {
            return;
        }
    }
}

fn add(store: &mut dyn Store, hour: u64, page: u8, keys: &[&str]) -> Result<(), Unavailable> {
    let name = page_name(hour, page);
    let known = read(store, &name)?;
    let mut lines = known.clone().unwrap_or_default();
    let is_new = |key: &&&str| !lines.lines().any(|line| line == **key);
    let new: Vec<&str> = keys.iter().filter(is_new).copied().collect();
    if new.is_empty() {
        return Ok(());
    }
    if lines.len() >= FULL {
        let full = format!("{name}:{}", digest(lines.as_bytes()));
        store.set(&full, lines.as_bytes())?;
        lines = full + "\n";
    }
    for key in new {
        lines = lines + key + "\n";
    }
    store.set(&name, lines.as_bytes())?;
    if known.is_some() {
        return Ok(());
    }
    // Each page repeats this, in case two instances write the hours at the same time.
    let hours = read(store, HOURS)?.unwrap_or_default();
    match hours.lines().any(|line| line == hour_name(hour)) {
        true => Ok(()),
        false => store.set(HOURS, (hours + &hour_name(hour) + "\n").as_bytes()),
    }
}

/// Sweeps after one in eight calls, at random: no instance knows how often the others write. Call
/// it after each write.
pub fn sometimes<S: Services>(services: &mut S) {
    if services.random()[0].is_multiple_of(8) {
        let now = services.now();
        if let Some(store) = services.store() {
            sweep(store, now);
        }
    }
}

/// Deletes some of the expired values. If the store fails, the next sweep tries again.
pub fn sweep(store: &mut dyn Store, now: u64) {
    let _ = sweep_oldest(store, now);
}

fn sweep_oldest(store: &mut dyn Store, now: u64) -> Result<(), Unavailable> {
    let hours = read(store, HOURS)?.unwrap_or_default();
    let hours = hours.lines().filter_map(|hour| hour.parse().ok());
    let oldest = hours.min().filter(|hour| is_over(*hour, now));
    let Some(hour) = oldest else {
        return Ok(());
    };
    let (until, mut left) = (Instant::now() + LONGEST, MOST_DELETED);
    for page in 0..PAGES {
        let name = page_name(hour, page);
        while let Some(lines) = read(store, &name)? {
            let (mut rest, mut linked) = (String::new(), None);
            for line in lines.lines() {
                if line.starts_with(&name) {
                    linked = Some(line);
                } else if expiry(line).is_none_or(|expiry| expiry > now) {
                    // Not a line of `add`.
                } else if left == MOST_DELETED || left > 0 && Instant::now() < until {
                    store.delete(&[line])?;
                    left -= 1;
                } else {
                    rest = rest + line + "\n";
                }
            }
            if !rest.is_empty() {
                rest.extend(linked.map(|linked| linked.to_owned() + "\n"));
                return store.set(&name, rest.as_bytes());
            }
            let next = linked.map(|linked| read(store, linked)).transpose()?;
            match next.flatten() {
                Some(lines) => store.set(&name, lines.as_bytes())?,
                None => store.delete(&[&name])?,
            }
            linked.map_or(Ok(()), |linked| store.delete(&[linked]))?;
        }
    }
    let hours = read(store, HOURS)?.unwrap_or_default();
    let others = hours.lines().filter(|line| *line != hour_name(hour));
    let others: String = others.flat_map(|line| [line, "\n"]).collect();
    match others.is_empty() {
        true => store.delete(&[HOURS]),
        false => store.set(HOURS, others.as_bytes()),
    }
}

/// Whether all that expires in this hour has expired, by any clock.
fn is_over(hour: u64, now: u64) -> bool {
    hour < now.saturating_sub(SKEW_MS) / HOUR_MS
}

fn hour_name(hour: u64) -> String {
    hour.to_string()
}

fn page_name(hour: u64, page: u8) -> String {
    format!("{HOURS}:{hour}:{page}")
}

/// A text that `add` wrote; none if there is none, or another one.
fn read(store: &mut dyn Store, key: &str) -> Result<Option<String>, Unavailable> {
    let value = store.get(&[key])?.into_iter().next().flatten();
    Ok(value.and_then(|value| String::from_utf8(value).ok()))
}

#[cfg(test)]
mod tests;
