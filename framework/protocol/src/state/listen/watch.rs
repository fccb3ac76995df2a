//! Events in the store, and which of them are new.
//!
//! Time is divided into windows of an hour. The names of events contain the window, so that a
//! sweep can delete them: a name expires an hour after its window. A listener reads all windows
//! since its last look. It allows for a lag, since clocks of publishers differ and a store may
//! show writes late.

use std::ops::RangeInclusive;

use super::change::Change;
use crate::state::{
    keys,
    services::{Store, Unavailable},
};

/// The random bytes that identify an event.
pub type Stamp = [u8; 16];

pub const WINDOW_MS: u64 = 3_600_000;
/// The most that clocks of instances may differ and writes may be late, together.
pub const LAG_MS: u64 = 60_000;
/// How many stamps of a change are remembered. This is more than the windows of one look, so
/// that replicas of a store that disagree do not show an old event as new.
const REMEMBERED: usize = 8;

/// The window of a time in milliseconds since 1970.
pub fn window(now: u64) -> u64 {
    now / WINDOW_MS
}

/// The name of the event of a change in a window.
pub fn name(topic: &[u8], window: u64) -> String {
    keys::key("changed", (window + 2).saturating_mul(WINDOW_MS), topic)
}

/// The windows in which an event may lie that was published from `since` to `now`.
pub fn windows(since: u64, now: u64) -> RangeInclusive<u64> {
    window(since.min(now).saturating_sub(LAG_MS))..=window(now.saturating_add(LAG_MS))
}

/// A watched change.
#[derive(Clone, Debug)]
pub struct Topic {
    pub change: Change,
    pub seen: Vec<Stamp>,
    /// An event has not been delivered.
    pub pending: bool,
    /// The number of the message that was last sent about it; zero if there is none.
    pub sent: u32,
}

impl Topic {
    pub fn new(change: Change, seen: Vec<Stamp>) -> Topic {
        Topic {
            change,
            seen,
            pending: false,
            sent: 0,
        }
    }

    /// Whether a value is a stamp that is new. It is remembered.
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

/// The stamps among values of the store.
pub fn stamps(values: impl Iterator<Item = Option<Vec<u8>>>) -> Vec<Stamp> {
    values
        .flatten()
        .filter_map(|value| Stamp::try_from(value).ok())
        .collect()
}

/// Changes that are read together.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    topics: Vec<Topic>,
    /// The time of the last look, in milliseconds since 1970.
    looked: u64,
    /// The time of the look before that.
    before: u64,
    /// The names of all topics in these windows, topic by topic. Empty: they must be computed.
    names: Vec<String>,
    windows: Option<RangeInclusive<u64>>,
}

impl Watch {
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Watches another change. The next look goes back as far as the last one did, since the
    /// change may have happened in between.
    pub fn add(&mut self, topic: Topic) {
        self.topics.push(topic);
        self.names.clear();
        self.looked = self.before;
    }

    pub fn retain(&mut self, keep: impl FnMut(&Topic) -> bool) {
        self.topics.retain(keep);
        self.names.clear();
    }

    pub fn topics_mut(&mut self) -> &mut [Topic] {
        &mut self.topics
    }

    pub fn looked(&self) -> u64 {
        self.looked
    }

    /// Goes on after another watch, which looked at this time.
    pub fn go_on(&mut self, looked: u64) {
        (self.looked, self.before) = (looked, looked);
    }

    /// Looks for the first time: what lies in the store now is not new.
    pub fn begin(&mut self, now: u64, store: &mut dyn Store) -> Result<(), Unavailable> {
        self.looked = now;
        self.look(now, store, &[])?;
        self.topics
            .iter_mut()
            .for_each(|topic| topic.pending = false);
        Ok(())
    }

    /// Reads the store once, and returns the values of `first`. Topics with new events become
    /// pending. Without names it does not read the store.
    pub fn look(
        &mut self,
        now: u64,
        store: &mut dyn Store,
        first: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        // Events since the last look may have expired.
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

    /// Takes all pending changes.
    pub fn take_pending(&mut self) -> impl Iterator<Item = &Change> {
        self.topics
            .iter_mut()
            .filter_map(|topic| std::mem::take(&mut topic.pending).then_some(&topic.change))
    }
}
