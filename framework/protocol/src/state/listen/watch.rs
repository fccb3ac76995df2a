//! Events as they lie in the store, and what is new among them.
//!
//! Time is cut into windows of an hour, and each window has names of its own, so that a store
//! can be swept. A name expires an hour after its window. Whoever looks asks for all windows
//! in which something may have been published since the last look, and allows for a lag: the
//! clock of a publisher may differ, and a store may show late what was written to it.

use std::ops::RangeInclusive;

use super::change::Change;
use crate::state::{
    keys,
    services::{Store, Unavailable},
};

/// What tells one event from another.
pub type Stamp = [u8; 16];

pub const WINDOW_MS: u64 = 3_600_000;
/// How much the clocks of two instances may differ, and how late a store may be, together.
pub const LAG_MS: u64 = 60_000;
/// How many stamps of one change are remembered: more than there are windows in a look, so
/// that a store whose replicas differ does not bring old ones back as news.
const REMEMBERED: usize = 8;

/// The window of a time in milliseconds since 1970.
pub fn window(now: u64) -> u64 {
    now / WINDOW_MS
}

/// The name of events in a window.
pub fn name(topic: &[u8], window: u64) -> String {
    keys::key("changed", (window + 2).saturating_mul(WINDOW_MS), topic)
}

/// The windows of what was published from `since` to `now`.
pub fn windows(since: u64, now: u64) -> RangeInclusive<u64> {
    window(since.min(now).saturating_sub(LAG_MS))..=window(now.saturating_add(LAG_MS))
}

/// A change that is watched.
#[derive(Clone, Debug)]
pub struct Topic {
    pub change: Change,
    pub seen: Vec<Stamp>,
    /// There is news that was not delivered.
    pub pending: bool,
}

impl Topic {
    pub fn new(change: Change, seen: Vec<Stamp>) -> Topic {
        Topic {
            change,
            seen,
            pending: false,
        }
    }

    /// Whether a value is a stamp that was not seen. It is seen from then on.
    fn is_new(&mut self, value: Option<Vec<u8>>) -> bool {
        let Some(stamp) = value.and_then(|value| Stamp::try_from(value).ok()) else {
            return false;
        };
        if self.seen.contains(&stamp) {
            return false;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.remove(0);
        }
        self.seen.push(stamp);
        true
    }
}

/// The stamps among what the store holds under names of events.
pub fn stamps(values: impl Iterator<Item = Option<Vec<u8>>>) -> Vec<Stamp> {
    values
        .flatten()
        .filter_map(|value| Stamp::try_from(value).ok())
        .collect()
}

/// Changes that are looked for together.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    topics: Vec<Topic>,
    /// When all topics were last looked at, in milliseconds since 1970.
    looked: u64,
    /// The value of `looked` before the last look.
    before: u64,
    /// For each topic in turn its names in these windows. No names: compute them.
    names: Vec<String>,
    windows: Option<RangeInclusive<u64>>,
}

impl Watch {
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// From the next look on, which goes back as far as the last one did: what is added may
    /// have changed since.
    pub fn add(&mut self, topic: Topic) {
        self.topics.push(topic);
        self.names.clear();
        self.looked = self.before;
    }

    pub fn retain(&mut self, keep: impl FnMut(&Topic) -> bool) {
        self.topics.retain(keep);
        self.names.clear();
    }

    /// Looks for the first time: what is there now is no news.
    pub fn begin(&mut self, now: u64, store: &mut dyn Store) -> Result<(), Unavailable> {
        self.looked = now;
        self.look(now, store, &[])?;
        self.topics
            .iter_mut()
            .for_each(|topic| topic.pending = false);
        Ok(())
    }

    /// Asks the store once, for `first` and for what may be news, and gives the values of
    /// `first`. Topics with news are pending. Without names the store is left alone.
    pub fn look(
        &mut self,
        now: u64,
        store: &mut dyn Store,
        first: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        // Events of this time may have expired.
        let asleep = now.saturating_sub(self.looked) > WINDOW_MS - LAG_MS;
        let since = if asleep { now } else { self.looked };
        let windows = windows(since, now);
        if self.names.is_empty() || self.windows.as_ref() != Some(&windows) {
            self.names.clear();
            for topic in &self.topics {
                let topic = topic.change.topic();
                let names = windows.clone().map(|window| name(&topic, window));
                self.names.extend(names);
            }
            self.windows = Some(windows.clone());
        }
        let names = first.iter().copied();
        let names: Vec<&str> = names.chain(self.names.iter().map(String::as_str)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = store.get(&names)?;
        let mut stamps = values.split_off(first.len().min(values.len())).into_iter();
        for topic in &mut self.topics {
            for _ in windows.clone() {
                let new = topic.is_new(stamps.next().flatten());
                topic.pending |= new;
            }
            topic.pending |= asleep;
        }
        self.before = self.looked;
        self.looked = now;
        Ok(values)
    }

    /// What is pending, once.
    pub fn take_pending(&mut self) -> impl Iterator<Item = &Change> {
        self.topics
            .iter_mut()
            .filter_map(|topic| std::mem::take(&mut topic.pending).then_some(&topic.change))
    }
}
