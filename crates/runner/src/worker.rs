//! Runs one instance from its start to its end.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::stream::{FuturesUnordered, Stream as _};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use wasmtime::{
    AsContextMut as _, PoolConcurrencyLimitError, Store, WasmBacktrace,
    component::{Accessor, Func},
};
use wasmtime_wasi_http::{
    WasiHttpView as _,
    handler::{Prepared, Proxy},
};

use super::{
    fate::{Failure, Fate},
    guest::{self, Guest, Stdio},
    pool::{Job, Pool},
};

/// The longest time between two looks at an instance.
const GLANCE: Duration = Duration::from_secs(1);

/// State that the pool and both halves of a worker share. One half runs inside the store's event
/// loop, which stops while the guest computes or blocks; the other half runs around it.
#[derive(Default)]
pub(super) struct Slot {
    /// A request that has not begun.
    mailbox: Mutex<Option<Job>>,
    begun: Mutex<Begun>,
    /// The instance can take a request.
    open: AtomicBool,
    /// The event loop has turned.
    turned: AtomicBool,
    /// The guest computed until the engine interrupted it.
    ticked: AtomicBool,
}

/// Requests that have begun and not ended.
#[derive(Default)]
struct Begun {
    fates: Vec<Arc<Fate>>,
    /// The time at which the instance was first seen without a request.
    idle: Option<Instant>,
    /// The last deadline of all requests. Until then a guest may work on after its answers.
    last: Option<Instant>,
}

impl Begun {
    /// Drops requests whose answer nobody reads any more, and remembers the last deadline.
    fn sweep(&mut self) {
        let last = self.fates.iter().map(|fate| fate.deadline()).max();
        self.last = self.last.max(last);
        self.fates.retain(|fate| !fate.is_read());
    }
}

impl Slot {
    pub(super) fn put(&self, job: Job) {
        *self.mailbox() = Some(job);
    }

    fn take(&self) -> Option<Job> {
        self.mailbox().take()
    }

    fn mailbox(&self) -> MutexGuard<'_, Option<Job>> {
        self.mailbox.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn begin(&self, fate: &Arc<Fate>) {
        let mut begun = self.begun();
        begun.sweep();
        begun.fates.push(fate.clone());
        begun.idle = None;
        begun.last = begun.last.max(Some(fate.deadline()));
        if begun.fates.len() > 1 {
            for fate in &begun.fates {
                fate.share();
            }
        }
    }

    /// The time at which the instance ends if nothing happens.
    fn end(&self, idle: Duration) -> Instant {
        let mut begun = self.begun();
        begun.sweep();
        let waits = begun.fates.is_empty() && self.open.load(Relaxed) && self.moves();
        match begun.last {
            Some(last) if !waits => last,
            _ => *begun.idle.get_or_insert_with(Instant::now) + idle,
        }
    }

    /// Whether the guest lets the event loop turn.
    fn moves(&self) -> bool {
        self.turned.load(Relaxed) && !self.ticked.load(Relaxed)
    }

    fn fail(&self, failure: Failure, whom: impl Fn(&Fate) -> bool) {
        for fate in self.begun().fates.drain(..).filter(|fate| whom(fate)) {
            fate.fail(failure);
        }
    }
}

pub(super) struct Worker {
    pool: Pool,
    slot: Arc<Slot>,
}

impl Worker {
    pub(super) fn new(pool: Pool) -> Self {
        let slot = Arc::default();
        Self { pool, slot }
    }

    /// Instantiates the server, and serves `job` and then further requests of the pool.
    pub(super) async fn run(self, job: Job) {
        let mut store = self
            .pool
            .surroundings()
            .store(self.pool.engine(), Stdio::Log);
        let slot = self.slot.clone();
        guest::give_way(&mut store, move || slot.ticked.store(true, Relaxed));

        if let Some((job, proxy)) = self.instantiate(&mut store, job).await {
            let deadline = job.fate.deadline();
            self.slot.put(job);
            // Dropping the store ends the bodies, so record why they end before that.
            match self.serve(&mut store, &proxy, deadline).await {
                Ok(()) => self.slot.fail(Failure::Expired, |fate| fate.is_late()),
                Err(error) => {
                    eprintln!("error: the server component trapped: {}", why(&error));
                    self.slot.fail(Failure::Trapped, |_| true);
                }
            }
            if let Some(job) = self.slot.take() {
                self.pool.dispatch(job);
            }
        }
        drop(store);
        self.pool.ended();
    }

    async fn instantiate(&self, store: &mut Store<Guest>, job: Job) -> Option<(Job, Proxy)> {
        let deadline = job.fate.deadline();
        match timeout_at(deadline, self.pool.pre().instantiate_async(store)).await {
            Ok(Ok(proxy)) => return Some((job, proxy)),
            Ok(Err(error)) if error.is::<PoolConcurrencyLimitError>() => {
                if let Some(job) = self.pool.postpone(job) {
                    eprintln!("error: not enough memory for an instance of the server: {error:#}");
                    job.fate.fail(Failure::Unavailable);
                }
            }
            Ok(Err(error)) => {
                eprintln!("error: cannot instantiate the server component: {error:?}");
                job.fate.fail(Failure::Unavailable);
            }
            Err(_) => {
                job.fate.fail(Failure::Expired);
            }
        }
        None
    }

    /// Runs the store's event loop, and watches it, until the instance can serve no more requests.
    async fn serve(
        &self,
        store: &mut Store<Guest>,
        proxy: &Proxy,
        deadline: Instant,
    ) -> wasmtime::Result<()> {
        let slot = &self.slot;
        let reuse = self.pool.reuse();
        let mut inside = pin!(store.run_concurrent(async |guest| {
            let begin = |job| begin(slot, guest, proxy, job);
            let mut requests = pin!(FuturesUnordered::new());
            let (mut total, mut healthy) = (0, true);
            poll_fn(|cx| {
                slot.turned.store(true, Relaxed);
                loop {
                    while let Poll::Ready(Some(ok)) = requests.as_mut().poll_next(cx) {
                        healthy &= ok;
                    }
                    let more = healthy && total < reuse.total;
                    let open = more
                        && requests.len() < reuse.at_once
                        && guest
                            .poll_ready_for_concurrent_call(entry(proxy), cx)
                            .is_ready();
                    slot.open.store(open, Relaxed);
                    if open && let Some(job) = slot.take() {
                        total += 1;
                        requests.push(begin(job));
                        continue;
                    }
                    let over = requests.is_empty()
                        && !more
                        && guest.poll_no_interesting_tasks(cx).is_ready();
                    return if over { Poll::Ready(()) } else { Poll::Pending };
                }
            })
            .await
        }));

        let mut sleep = pin!(sleep_until(deadline));
        let mut running = true;
        poll_fn(|cx| {
            if !running {
                self.pool.enter(slot);
                running = true;
            }
            loop {
                slot.turned.store(false, Relaxed);
                slot.ticked.store(false, Relaxed);
                if let Poll::Ready(result) = inside.as_mut().poll(cx) {
                    return Poll::Ready(result);
                }
                // The event loop left the request because it is stopped, or full.
                if let Some(job) = slot.take() {
                    self.pool.dispatch(job);
                }
                if self.is_over(sleep.as_mut(), cx) {
                    return Poll::Ready(Ok(()));
                }
                if !(slot.moves() && slot.open.load(Relaxed)) {
                    self.pool.leave();
                } else if let Some(job) = self.pool.park(slot, cx.waker()) {
                    slot.put(job);
                    continue;
                }
                running = false;
                return Poll::Pending;
            }
        })
        .await
    }

    /// Whether the instance was idle for too long, or its requests are past their deadlines.
    fn is_over(&self, mut sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> bool {
        while sleep.as_mut().poll(cx).is_ready() {
            let (end, now) = (self.slot.end(self.pool.idle()), Instant::now());
            if end <= now {
                return true;
            }
            sleep.as_mut().reset(end.min(now + GLANCE));
        }
        false
    }
}

/// Serves one request. Returns whether the instance can take others.
async fn begin(slot: &Slot, guest: &Accessor<Guest>, proxy: &Proxy, job: Job) -> bool {
    let fate = job.fate;
    slot.begin(&fate);
    let prepared = guest.with(|mut store| {
        let store = store.as_context_mut();
        Prepared::new(store, proxy, job.request, Guest::http, job.answer)
    });
    let served = match prepared {
        Ok(prepared) => prepared.run(guest, fate.late()).await,
        Err(error) => Err(error),
    };
    fate.finish();
    served.unwrap_or_else(|error| {
        eprintln!("error: cannot pass a request to the server component: {error:#}");
        false
    })
}

/// The export that handles requests.
fn entry(proxy: &Proxy) -> Func {
    match proxy {
        Proxy::P2(guest) => *guest.wasi_http_incoming_handler().func_handle().func(),
        Proxy::P3(guest) => *guest.wasi_http_handler().func_handle().func(),
    }
}

/// Why a guest trapped, and in which of its functions, as far as they have names.
fn why(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>();
    let frames = frames.map_or(&[][..], WasmBacktrace::frames);
    let names = frames.iter().filter_map(|frame| frame.func_name());
    names.fold(error.root_cause().to_string(), |text, name| {
        text + "\n    in " + name
    })
}
