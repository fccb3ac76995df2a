//! What becomes of a request, as its instance and whoever waits for its answer both see it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
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
    pub(super) deadline: Instant,
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
            deadline: Instant::now() + timeout,
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

    pub(super) fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
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
