//! What an instance can access: clocks, random numbers, the variables and hosts that the user
//! allowed, key-value stores in memory, and the log. It has no files, no sockets and no
//! environment of this process.

use std::sync::Arc;

use tokio::task::yield_now;
use wasmtime::{
    Engine, ResourceLimiter, Store, UpdateDeadline,
    component::{Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    commands::Commands,
    config::{self, Variables},
    keyvalue,
    lines::Lines,
    log::GuestLog,
    otel,
    outbound::{Hooks, Outbound},
    stores::Stores,
};

/// The largest size of one linear memory, in bytes. Beyond it, a guest fails to allocate.
const MEMORY: usize = 1 << 30;

/// The largest size of all memories of a component whose lists are read, in bytes.
const SEALED_MEMORY: usize = 512 << 20;

/// The largest size of one table, in elements.
const TABLE: usize = 1 << 20;

/// The data of a store.
pub struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub(super) table: ResourceTable,
    pub(super) stores: Arc<Stores>,
    pub(super) variables: Arc<Variables>,
    pub(super) commands: Option<Commands>,
    limits: Limits,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// What all instances of a server share.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) env: Arc<[(String, String)]>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) stores: Arc<Stores>,
    pub(super) variables: Arc<Variables>,
    pub(super) commands: Option<Commands>,
    /// The prefix of the lines that guests print.
    pub(super) label: Arc<str>,
}

/// The stdin, stdout and stderr of a guest.
pub(super) enum Stdio {
    /// Empty stdin; both outputs are log lines.
    Log,
    /// The lines of a client; stderr is that of this process.
    Client(Lines),
}

impl Surroundings {
    pub(super) fn store(&self, engine: &Engine, stdio: Stdio) -> Store<Guest> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.env);
        match stdio {
            Stdio::Client(lines) => wasi.stdin(lines.clone()).stdout(lines).inherit_stderr(),
            Stdio::Log => wasi
                .stdout(GuestLog::new(self.label.clone()))
                .stderr(GuestLog::new(self.label.clone())),
        };
        let guest = Guest {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Hooks(self.outbound.clone()),
            table: ResourceTable::new(),
            stores: self.stores.clone(),
            variables: self.variables.clone(),
            commands: self.commands.clone(),
            limits: Limits { left: usize::MAX },
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store
    }
}

/// A store for a component without grants: no variables and no hosts. The lines that it prints
/// begin with `label`.
pub fn sealed_store(engine: &Engine, label: &str) -> Store<Guest> {
    let nothing = Surroundings {
        env: Arc::default(),
        outbound: Arc::new(Outbound::new(Vec::new(), Vec::new())),
        stores: Arc::default(),
        variables: Arc::default(),
        commands: None,
        label: label.into(),
    };
    let mut store = nothing.store(engine, Stdio::Log);
    store.data_mut().limits.left = SEALED_MEMORY;
    store
}

/// Limits on the memory of a component.
struct Limits {
    /// Bytes by which all its memories together may still grow.
    left: usize,
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let left = self.left.checked_sub(desired.saturating_sub(current));
        let Some(left) = left.filter(|_| desired <= MEMORY) else {
            return Ok(false);
        };
        self.left = left;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE)
    }
}

/// Makes a computing guest yield at every tick of the engine, and calls `tell` each time.
pub(super) fn give_way(store: &mut Store<Guest>, tell: impl Fn() + Send + Sync + 'static) {
    store.epoch_deadline_callback(move |_| {
        tell();
        // Tokio's way of yielding, because it also polls for new events.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(yield_now())))
    });
    store.set_epoch_deadline(1);
}

/// A linker with WASI 0.2 and WASI 0.3, for any component.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// A linker for servers: WASI, and the interfaces of Spin for state, variables and traces.
pub fn server_linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = linker(engine)?;
    keyvalue::add_to_linker(&mut linker)?;
    config::add_to_linker(&mut linker)?;
    otel::add_to_linker(&mut linker)?;
    Ok(linker)
}
