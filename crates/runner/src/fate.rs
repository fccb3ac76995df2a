//! What becomes of a request, as its instance and whoever waits for its answer both see it.

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

/// Why a request has no answer, or only the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its time is over.
    Expired,
    /// The guest trapped.
    Trapped,
    /// The guest returned without an answer, or with an error instead of one.
    Silent,
    /// There is no instance to serve it.
    Unavailable,
}

pub(super) struct Fate {
    pub(super) timeout: Duration,
    start: Instant,
    /// Nanoseconds from the start to the end of its time.
    time: AtomicU64,
    /// The answer has begun.
    answered: AtomicBool,
    failure: OnceLock<Failure>,
    /// The instance served other requests meanwhile.
    shared: AtomicBool,
    /// Nobody reads the answer any more.
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

    /// Resolves when the guest is done with the request, as after `finish`.
    pub(super) fn over(&self) -> Notified<'_> {
        self.over.notified()
    }

    pub(super) fn is_read(&self) -> bool {
        self.read.load(Relaxed)
    }

    /// When its time is over, unless more of the answer comes before.
    pub(super) fn deadline(&self) -> Instant {
        self.start + Duration::from_nanos(self.time.load(Relaxed))
    }

    pub(super) fn is_late(&self) -> bool {
        self.deadline() <= Instant::now()
    }

    /// Resolves when its time is over.
    pub(super) async fn late(&self) {
        while !self.is_late() {
            sleep_until(self.deadline()).await;
        }
    }

    /// The answer begins or goes on, so that its time begins anew.
    pub(super) fn go_on(&self) {
        self.answered.store(true, Relaxed);
        let time = self.start.elapsed() + self.timeout;
        self.time.store(nanos(time), Relaxed);
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    /// Notes that another request is served beside it.
    pub(super) fn share(&self) {
        self.shared.store(true, Relaxed);
    }

    /// The guest is done with the request, but perhaps for the body of the response.
    pub(super) fn finish(&self) {
        self.over.notify_one();
    }

    /// The request failed, for this reason unless there was one before. Whatever fails when
    /// the time is over fails because of that.
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

/// Held by whoever waits for an answer or reads it.
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
