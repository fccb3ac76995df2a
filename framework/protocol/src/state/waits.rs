//! When to look at the store again, and when to tell a client that its stream is alive.

use std::time::Duration;

/// How long to wait before a listener looks at the store again, in milliseconds. A transport
/// may wait longer the longer nothing changes.
pub const POLL_MS: u64 = 500;
/// How long a stream may be silent, in milliseconds: then a comment tells proxies and clients
/// that it is alive.
pub const KEEP_ALIVE_MS: u64 = 15_000;
/// How long a stream stays open unless the server was composed with something else, in
/// milliseconds. Fermyon Wasm Functions ends requests after 30 seconds.
pub const LONGEST_STREAM_MS: u64 = 25_000;
/// The first look at the store for a reply of the client, and the longest time between two.
const FIRST_MS: u64 = 10;
const LONGEST_MS: u64 = 100;

/// The waits of one stream.
#[derive(Clone, Debug)]
pub struct Waits {
    next: u64,
    longest: u64,
    /// When anything was sent last, and when the stream is to end; in milliseconds since 1970.
    sent: u64,
    end: u64,
}

impl Waits {
    /// For a client's replies, which decide how long a call takes. It has no end of its own.
    pub fn for_replies(now: u64) -> Waits {
        Waits {
            next: FIRST_MS,
            longest: LONGEST_MS,
            sent: now,
            end: u64::MAX,
        }
    }

    /// For changes, on a stream that ends before a host ends it.
    pub fn for_changes(now: u64) -> Waits {
        Waits {
            next: LONGEST_MS,
            longest: POLL_MS,
            sent: now,
            end: now + LONGEST_STREAM_MS,
        }
    }

    /// How long to wait until the next look at the store.
    pub fn pause(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait + wait / 4).min(self.longest);
        Duration::from_millis(wait)
    }

    /// Whether it is time to tell the client that the stream is alive; that counts as told.
    pub fn is_quiet(&mut self, now: u64) -> bool {
        let quiet = now.saturating_sub(self.sent) >= KEEP_ALIVE_MS;
        if quiet {
            self.sent = now;
        }
        quiet
    }

    /// Whether the stream is to end.
    pub fn is_over(&self, now: u64) -> bool {
        now >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_replies_grow_to_a_tenth_of_a_second() {
        let mut waits = Waits::for_replies(0);
        let all: Vec<_> = (0..20).map(|_| waits.pause().as_millis()).collect();
        assert_eq!(all[..4], [10, 12, 15, 18]);
        assert!(all.is_sorted());
        assert_eq!(all[19], 100);
        assert!(!waits.is_over(u64::MAX - 1));
    }

    #[test]
    fn a_quiet_stream_is_kept_alive_and_ends() {
        let mut waits = Waits::for_changes(1_000);
        assert!(!waits.is_quiet(1_000 + KEEP_ALIVE_MS - 1));
        assert!(waits.is_quiet(1_000 + KEEP_ALIVE_MS));
        assert!(!waits.is_quiet(1_001 + KEEP_ALIVE_MS));
        assert!(!waits.is_over(999 + LONGEST_STREAM_MS));
        assert!(waits.is_over(1_000 + LONGEST_STREAM_MS));
    }
}
