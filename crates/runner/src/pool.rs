//! Assigns requests to instances.
//!
//! Each instance runs in a task, its worker. A worker that can take a request parks. A request
//! goes to the worker that parked last, or else to a new one if few enough compute, or else it
//! waits until a worker parks, ends or gets stuck. A worker whose guest loops or blocks returns
//! the request that it has not begun, so a guest delays only the requests in its own instance.
//!
//! `ProxyHandler` of `wasmtime-wasi-http` 48 does not replace this file and [`worker`](super::worker):
//!
//! - It updates whether a worker is available only inside the store's event loop. A guest that
//!   waits, and then loops or blocks, keeps its worker available. No other worker starts, so new
//!   requests queue behind the guest until its instance expires.
//! - It starts a worker for every request that finds none available. The limits on instances and
//!   on computing workers, and the retry when Wasmtime's pool is exhausted, would remain here.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
    thread,
    time::Duration,
};

use futures::channel::oneshot;
use hyper::{Request, Response};
use tokio::time::timeout_at;
use wasmtime::Engine;
use wasmtime_wasi_http::{WasiBody, handler::ProxyPre};

use super::{
    fate::{Failure, Fate, Reading},
    guest::{Guest, Surroundings},
    worker::{Slot, Worker},
};

/// The most instances of one server at a time.
const INSTANCES: usize = 1000;

/// The most requests of one instance.
#[derive(Clone, Copy)]
pub(super) struct Reuse {
    pub(super) total: usize,
    pub(super) at_once: usize,
}

/// A request that waits for an instance.
pub(super) struct Job {
    pub(super) request: Request<WasiBody>,
    pub(super) answer: oneshot::Sender<wasmtime::Result<Response<WasiBody>>>,
    pub(super) fate: Arc<Fate>,
}

#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    engine: Engine,
    pre: ProxyPre<Guest>,
    surroundings: Surroundings,
    /// The time that an instance waits for another request.
    idle: Duration,
    /// The number of computing workers at which requests wait instead of starting another.
    busy: usize,
    state: Mutex<State>,
}

struct State {
    parked: Vec<(Arc<Slot>, Waker)>,
    waiting: VecDeque<Job>,
    workers: usize,
    /// Workers that compute: they are neither parked nor known to be stuck.
    running: usize,
    limit: usize,
}

impl Pool {
    pub(super) fn new(
        engine: Engine,
        pre: ProxyPre<Guest>,
        surroundings: Surroundings,
        idle: Duration,
    ) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Shared {
            engine,
            pre,
            surroundings,
            idle,
            busy: 2 * cores,
            state: Mutex::new(State {
                parked: Vec::new(),
                waiting: VecDeque::new(),
                workers: 0,
                running: 0,
                limit: INSTANCES,
            }),
        }))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn pre(&self) -> &ProxyPre<Guest> {
        &self.0.pre
    }

    pub(super) fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    pub(super) fn idle(&self) -> Duration {
        self.0.idle
    }

    /// The reuse of instances that hosts of each WASI version practise.
    pub(super) fn reuse(&self) -> Reuse {
        match self.0.pre {
            ProxyPre::P2(_) => Reuse {
                total: 1,
                at_once: 1,
            },
            ProxyPre::P3(_) => Reuse {
                total: 128,
                at_once: 16,
            },
        }
    }

    /// Sends a request to an instance. The body of the response can still fail; the fate says why.
    pub(super) async fn handle(
        &self,
        request: Request<WasiBody>,
        fate: &Arc<Fate>,
    ) -> Result<(Response<WasiBody>, Reading), Failure> {
        let (answer, answered) = oneshot::channel();
        let reading = Reading::of(fate);
        self.dispatch(Job {
            request,
            answer,
            fate: fate.clone(),
        });
        let answered = match timeout_at(fate.deadline(), answered).await {
            Ok(Ok(Ok(response))) => return Ok((response, reading)),
            Ok(answered) => answered,
            Err(_) => return Err(fate.fail(Failure::Expired)),
        };
        // The guest failed. Wait until the worker has recorded whether the instance trapped.
        let _ = timeout_at(fate.deadline(), fate.over()).await;
        let failure = fate.fail(Failure::Silent);
        if let (Failure::Silent, Ok(Err(error))) = (failure, answered) {
            eprintln!("error: the server component did not answer: {error:#}");
        }
        Err(failure)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn dispatch(&self, job: Job) {
        let mut state = self.state();
        match state.parked.pop() {
            Some((slot, waker)) => {
                slot.put(job);
                drop(state);
                waker.wake();
            }
            None => {
                state.waiting.push_back(job);
                self.start(state);
            }
        }
    }

    /// Starts workers for the waiting requests, within the limits.
    fn start(&self, mut state: MutexGuard<'_, State>) {
        while state.running < self.0.busy && state.workers < state.limit {
            let Some(job) = state.next() else { break };
            state.workers += 1;
            state.running += 1;
            tokio::spawn(Worker::new(self.clone()).run(job));
        }
    }

    /// Records that a worker computes again. A new worker computes from the start.
    pub(super) fn enter(&self, slot: &Arc<Slot>) {
        let mut state = self.state();
        state.running += 1;
        if let Some(at) = state
            .parked
            .iter()
            .rposition(|(other, _)| Arc::ptr_eq(other, slot))
        {
            state.parked.remove(at);
        }
    }

    /// Gives a worker the request that waits longest, or else parks it.
    pub(super) fn park(&self, slot: &Arc<Slot>, waker: &Waker) -> Option<Job> {
        let mut state = self.state();
        let job = state.next();
        if job.is_none() {
            state.parked.push((slot.clone(), waker.clone()));
            state.running -= 1;
        }
        job
    }

    /// Records that a worker waits for its guest, or that its guest is stuck.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.running -= 1;
        self.start(state);
    }

    /// Records that a computing worker has ended.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        state.workers -= 1;
        state.running -= 1;
        self.start(state);
    }

    /// Lowers the limit after a new worker found Wasmtime's pool exhausted, and lets its request
    /// wait for another worker. Returns the request if there is no other.
    pub(super) fn postpone(&self, job: Job) -> Option<Job> {
        let mut state = self.state();
        if state.workers == 1 {
            return Some(job);
        }
        state.limit = state.workers - 1;
        state.waiting.push_front(job);
        None
    }
}

impl State {
    /// The request that waits longest, skipping those whose client left.
    fn next(&mut self) -> Option<Job> {
        std::iter::from_fn(|| self.waiting.pop_front()).find(|job| !job.answer.is_canceled())
    }
}
