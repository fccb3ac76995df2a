//! The outcome of a request, shared by its instance and the reader of its answer.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::{Instant, sleep_until},
};

/// Why a request has no answer, or an incomplete one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It reached its deadline.
    Expired,
    /// The guest trapped.
    Trapped,
    /// The guest returned without an answer, or with an error.
    Silent,
    /// No instance could start.
    Unavailable,
}

pub(super) struct Fate {
    pub(super) timeout: Duration,
    start: Instant,
    /// Nanoseconds from the start to the deadline.
    time: AtomicU64,
    /// The answer has begun.
    answered: AtomicBool,
    failure: OnceLock<Failure>,
    /// The instance served other requests meanwhile.
    shared: AtomicBool,
    /// Nobody reads the answer any more: it was read, or the client left.
    read: AtomicBool,
    over: Notify,
}

impl Fate {
    pub(super) fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            timeout,
            start: Instant::now(),
            time: AtomicU64::new(nanos(timeout)),
            answered: AtomicBool::new(false),
            failure: OnceLock::new(),
            shared: AtomicBool::new(false),
            read: AtomicBool::new(false),
            over: Notify::new(),
        })
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Relaxed)
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.get().copied()
    }

    /// Resolves after `finish`.
    pub(super) fn over(&self) -> Notified<'_> {
        self.over.notified()
    }

    pub(super) fn is_read(&self) -> bool {
        self.read.load(Relaxed)
    }

    /// The time at which the request expires, unless more of the answer arrives before.
    pub(super) fn deadline(&self) -> Instant {
        self.start + Duration::from_nanos(self.time.load(Relaxed))
    }

    pub(super) fn is_late(&self) -> bool {
        self.deadline() <= Instant::now()
    }

    /// Resolves at the deadline.
    pub(super) async fn late(&self) {
        while !self.is_late() {
            sleep_until(self.deadline()).await;
        }
    }

    /// Moves the deadline because the answer begins or goes on.
    pub(super) fn go_on(&self) {
        self.answered.store(true, Relaxed);
        let time = self.start.elapsed() + self.timeout;
        self.time.store(nanos(time), Relaxed);
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    /// Records that the instance serves another request at the same time.
    pub(super) fn share(&self) {
        self.shared.store(true, Relaxed);
    }

    /// Records that the guest finished the request, except perhaps the body of the response.
    pub(super) fn finish(&self) {
        self.over.notify_one();
    }

    /// Records a failure unless there is one, and returns the recorded one. A failure after the
    /// deadline counts as [`Failure::Expired`].
    pub(super) fn fail(&self, failure: Failure) -> Failure {
        let failure = *self.failure.get_or_init(|| match self.is_late() {
            true => Failure::Expired,
            false => failure,
        });
        self.finish();
        failure
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Held while a client waits for an answer or reads it.
pub(super) struct Reading(Arc<Fate>);

impl Reading {
    pub(super) fn of(fate: &Arc<Fate>) -> Self {
        Self(fate.clone())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.read.store(true, Relaxed);
    }
}
