//! Which instance serves which request.
//!
//! Each instance belongs to a task, its worker. A worker that can take a request parks. A
//! request goes to the worker that parked last; else to a new one, unless enough of them
//! compute already; else it waits for the first that parks, ends, or turns out to be held up.
//! A worker whose guest loops or blocks gives back what it has not begun: a guest holds up
//! nobody but those who are inside of the same instance.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
    thread,
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

/// Instances of one server at a time.
const INSTANCES: usize = 1000;

/// How many requests one instance may serve.
#[derive(Clone, Copy)]
pub(super) struct Reuse {
    pub(super) total: usize,
    pub(super) at_once: usize,
}

/// A request on its way to an instance.
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
    /// How many workers may compute before requests wait instead of starting more.
    busy: usize,
    state: Mutex<State>,
}

struct State {
    parked: Vec<(Arc<Slot>, Waker)>,
    waiting: VecDeque<Job>,
    workers: usize,
    /// Workers that compute: they neither parked nor are known to be held up.
    running: usize,
    limit: usize,
}

impl Pool {
    pub(super) fn new(engine: Engine, pre: ProxyPre<Guest>, surroundings: Surroundings) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Shared {
            engine,
            pre,
            surroundings,
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

    /// As the hosts of each generation of WASI do it.
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

    /// Lets an instance answer. The body of the response may still fail; its fate says why.
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
        // The guest failed, and perhaps its instance with it: that shows in a moment.
        let _ = timeout_at(fate.deadline(), fate.over()).await;
        let failure = fate.fail(Failure::Silent);
        if let (Failure::Silent, Ok(Err(error))) = (failure, answered) {
            eprintln!("error: the server component gave no answer: {error:#}");
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

    /// Starts workers for the requests that wait, as far as there may be more of them.
    fn start(&self, mut state: MutexGuard<'_, State>) {
        while state.running < self.0.busy && state.workers < state.limit {
            let Some(job) = state.next() else { break };
            state.workers += 1;
            state.running += 1;
            tokio::spawn(Worker::new(self.clone()).run(job));
        }
    }

    /// A worker begins to compute. New ones do from the start.
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

    /// A worker could take another request: gives it the one that waits longest, or else
    /// parks it.
    pub(super) fn park(&self, slot: &Arc<Slot>, waker: &Waker) -> Option<Job> {
        let mut state = self.state();
        let job = state.next();
        if job.is_none() {
            state.parked.push((slot.clone(), waker.clone()));
            state.running -= 1;
        }
        job
    }

    /// A worker waits for its guest, or its guest computes for so long that others shall not
    /// wait for it.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.running -= 1;
        self.start(state);
    }

    /// A worker that computed has ended.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        state.workers -= 1;
        state.running -= 1;
        self.start(state);
    }

    /// A new worker found Wasmtime's pool exhausted, so that no more than the others fit: lets
    /// the request wait for one of them, or gives it back if there is none.
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
    /// The request that waits longest, without those that nobody waits for any more.
    fn next(&mut self) -> Option<Job> {
        std::iter::from_fn(|| self.waiting.pop_front()).find(|job| !job.answer.is_canceled())
    }
}
