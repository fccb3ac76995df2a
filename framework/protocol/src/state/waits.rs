//! How long streams wait: for the next look at the store, before a keep-alive comment, and until
//! they end.

use std::time::Duration;

/// The limits of all streams of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// The longest time between two looks at the store for changes, in milliseconds.
    pub poll_ms: u32,
    /// How long a stream may be silent, in milliseconds. Then it sends a comment, so that
    /// proxies and clients do not close it.
    pub keep_alive_ms: u32,
    /// How long a stream of changes stays open, in milliseconds. It must end before the host
    /// ends it.
    pub longest_ms: u32,
}

impl Default for StreamLimits {
    /// Fermyon Wasm Functions ends requests after 30 seconds.
    fn default() -> Self {
        StreamLimits {
            poll_ms: 500,
            keep_alive_ms: 15_000,
            longest_ms: 25_000,
        }
    }
}

impl StreamLimits {
    /// The nearest limits within these bounds: a look at the store every 50 ms to 5 s, a comment
    /// every 100 ms to 60 s, and an end after 1 s to 1 h.
    pub fn bounded(self) -> StreamLimits {
        StreamLimits {
            poll_ms: self.poll_ms.clamp(50, 5_000),
            keep_alive_ms: self.keep_alive_ms.clamp(100, 60_000),
            longest_ms: self.longest_ms.clamp(1_000, 3_600_000),
        }
    }
}

/// The first look at the store for a reply of the client, and the longest time between two. A
/// reply decides how long a call takes, so these are short.
const FIRST_MS: u64 = 10;
const LONGEST_MS: u64 = 100;

/// The waits of one stream.
#[derive(Clone, Debug)]
pub struct Waits {
    next: u64,
    longest: u64,
    keep_alive: u64,
    /// The time of the last message, and the end of the stream, in milliseconds since 1970.
    sent: u64,
    end: u64,
}

impl Waits {
    /// The waits for a client's replies. They have no end of their own.
    pub fn for_replies(now: u64, limits: StreamLimits) -> Waits {
        Waits {
            next: FIRST_MS,
            longest: LONGEST_MS,
            keep_alive: limits.keep_alive_ms.into(),
            sent: now,
            end: u64::MAX,
        }
    }

    /// The waits for changes.
    pub fn for_changes(now: u64, limits: StreamLimits) -> Waits {
        let longest = limits.poll_ms.into();
        Waits {
            next: LONGEST_MS.min(longest),
            longest,
            end: now.saturating_add(limits.longest_ms.into()),
            ..Waits::for_replies(now, limits)
        }
    }

    /// The same, but they end at this time if they have not ended before.
    pub fn until(self, time: Option<u64>) -> Waits {
        let end = self.end.min(time.unwrap_or(u64::MAX));
        Waits { end, ..self }
    }

    /// How long to wait until the next look at the store.
    pub fn pause(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait + wait / 4).min(self.longest);
        Duration::from_millis(wait)
    }

    /// Whether the stream has been silent for too long. If so, the caller must send a comment
    /// now.
    pub fn is_quiet(&mut self, now: u64) -> bool {
        let quiet = now.saturating_sub(self.sent) >= self.keep_alive;
        if quiet {
            self.sent = now;
        }
        quiet
    }

    /// Whether the stream must end.
    pub fn is_over(&self, now: u64) -> bool {
        now >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: StreamLimits = StreamLimits {
        poll_ms: 200,
        keep_alive_ms: 300,
        longest_ms: 1_000,
    };

    fn pauses(waits: &mut Waits) -> Vec<u128> {
        (0..20).map(|_| waits.pause().as_millis()).collect()
    }

    #[test]
    fn waits_for_replies_grow_to_a_tenth_of_a_second() {
        let mut waits = Waits::for_replies(0, LIMITS);
        let all = pauses(&mut waits);
        assert_eq!(all[..4], [10, 12, 15, 18]);
        assert!(all.is_sorted());
        assert_eq!(all[19], 100);
        assert!(!waits.is_over(u64::MAX - 1));
    }

    #[test]
    fn waits_for_changes_grow_to_the_limit() {
        let all = pauses(&mut Waits::for_changes(0, LIMITS));
        assert_eq!(all[..4], [100, 125, 156, 195]);
        assert_eq!(all[4..], [200; 16]);
    }

    #[test]
    fn a_quiet_stream_is_kept_alive_and_ends() {
        let mut waits = Waits::for_changes(1_000, LIMITS);
        assert!(!waits.is_quiet(1_299));
        assert!(waits.is_quiet(1_300));
        assert!(!waits.is_quiet(1_301));
        assert!(!waits.is_over(1_999));
        assert!(waits.is_over(2_000));
        assert!(!waits.clone().until(Some(3_000)).is_over(1_999));
        let waits = waits.until(Some(1_500));
        assert!(!waits.is_over(1_499) && waits.is_over(1_500));
    }

    #[test]
    fn limits_are_bounded() {
        let limits = |ms| StreamLimits {
            poll_ms: ms,
            keep_alive_ms: ms,
            longest_ms: ms,
        };
        let (least, most) = (limits(0).bounded(), limits(u32::MAX).bounded());
        let values =
            |limits: StreamLimits| (limits.poll_ms, limits.keep_alive_ms, limits.longest_ms);
        assert_eq!(values(least), (50, 100, 1_000));
        assert_eq!(values(most), (5_000, 60_000, 3_600_000));
        assert_eq!(StreamLimits::default().bounded(), StreamLimits::default());
    }
}
