//! Runs a composed server in the embedded Wasmtime: over HTTP, over stdio, or for a single
//! request.
//!
//! [`engine`] and [`guest`] set up Wasmtime. [`pool`] assigns requests to instances, and a
//! [`worker`] runs each instance. [`http`] and [`answer`] serve clients; a [`fate`] records the
//! outcome of a request, and an [`exchange`] shows it to developers, in a log or on the
//! [`page`] for browsers. [`stdio`] runs the server as a command, on
//! the [`lines`] of its client. [`client`] calls its tools.
//! Guests keep state in the [`stores`] through [`keyvalue`], read variables through [`config`], and may run
//! [`commands`].

mod answer;
pub mod client;
mod commands;
mod config;
pub mod engine;
mod events;
mod exchange;
mod fate;
mod functions;
pub mod guest;
mod http;
mod keyvalue;
mod lines;
mod log;
mod message;
mod otel;
mod outbound;
mod page;
pub mod plain;
mod pool;
mod stdio;
mod stores;
mod worker;

use std::{path::Path, sync::Arc, time::Duration};

use spin_mcp_contract::server;
use spin_mcp_protocol::catalog;
use wasmtime::{
    Engine,
    component::{Component, InstancePre},
    error::Context as _,
};
use wasmtime_wasi_http::{handler::ProxyPre, p2, p3};

use self::{
    guest::{Guest, Surroundings},
    outbound::Outbound,
    pool::Pool,
};

pub use self::{
    commands::{Command, Commands},
    config::Variable,
    exchange::{Exchange, Observer},
    http::{Newest, PATH, listen},
    message::{CallError, Notice},
    outbound::Destination,
    stores::{Faults, Stores},
};
pub use wasmtime_wasi_http::WasiBody as Body;

/// Options for running a server.
#[derive(Clone)]
pub struct RunOptions {
    /// The longest time until an answer begins, and the longest pause within it.
    pub timeout: Duration,
    /// The longest time for a client to send the head of a request, or to leave a connection idle.
    pub head_timeout: Duration,
    /// The time that an instance waits for another request before it ends.
    pub instance_idle: Duration,
    /// The time that requests in progress have after shutdown begins.
    pub shutdown_grace: Duration,
    /// Environment variables of guests.
    pub env: Vec<(String, String)>,
    /// Variables that guests read from `wasi:config`.
    pub variables: Vec<Variable>,
    /// Hosts that guests may send HTTP requests to.
    pub allowed_hosts: Vec<Destination>,
    /// The same, as `allowed_outbound_hosts` in `spin.toml` names them.
    pub outbound_hosts: Vec<String>,
    /// The key-value stores.
    pub stores: Arc<Stores>,
    /// What the guest may let this process run.
    pub commands: Option<Commands>,
    /// Compile fast instead of well, and keep what is compiled in this process alone.
    pub quick: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            // Browsers keep idle connections for up to five minutes.
            head_timeout: Duration::from_secs(305),
            instance_idle: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(3),
            env: Vec::new(),
            variables: Vec::new(),
            allowed_hosts: Vec::new(),
            outbound_hosts: Vec::new(),
            stores: Arc::default(),
            commands: None,
            quick: false,
        }
    }
}

/// The times of [`RunOptions`].
#[derive(Clone, Copy)]
struct Times {
    timeout: Duration,
    head_timeout: Duration,
    instance_idle: Duration,
    shutdown_grace: Duration,
}

/// Runs a server. Clones share its instances.
#[derive(Clone)]
pub struct Runner {
    times: Times,
    /// Hosts that a request may name, besides loopback ones.
    allowed_hosts: Arc<[String]>,
    /// The server's own name, if it asks who its callers are.
    protected: Option<Arc<str>>,
    command: InstancePre<Guest>,
    pool: Pool,
}

impl Runner {
    /// The name of the server's file, without the extension.
    pub fn name(&self) -> &str {
        &self.pool.surroundings().label
    }

    /// The server's own name, if it asks who its callers are.
    pub fn protected(&self) -> Option<&str> {
        self.protected.as_deref()
    }

    /// Compiles the server in a file.
    pub fn load(path: &Path, options: RunOptions) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
        Self::compile(&shown, &bytes, options)
    }

    /// Compiles a server that messages call `shown`.
    pub fn compile(shown: &str, bytes: &[u8], options: RunOptions) -> anyhow::Result<Self> {
        let engine = engine::engine(options.quick)?;
        let surroundings = Surroundings {
            env: options.env.into(),
            outbound: Arc::new(Outbound::new(options.allowed_hosts, options.outbound_hosts)),
            stores: options.stores,
            variables: Arc::new(config::variables(options.variables)),
            commands: options.commands,
            label: name_of(shown),
        };
        let times = Times {
            timeout: options.timeout,
            head_timeout: options.head_timeout,
            instance_idle: options.instance_idle,
            shutdown_grace: options.shutdown_grace,
        };
        Self::with(engine, shown, bytes, surroundings, times)
    }

    /// Compiles another server with the options and the stores of this one.
    pub fn renewed(&self, shown: &str, bytes: &[u8]) -> anyhow::Result<Self> {
        let surroundings = Surroundings {
            label: name_of(shown),
            ..self.pool.surroundings().clone()
        };
        Self::with(
            self.pool.engine().clone(),
            shown,
            bytes,
            surroundings,
            self.times,
        )
    }

    fn with(
        engine: Engine,
        shown: &str,
        bytes: &[u8],
        surroundings: Surroundings,
        times: Times,
    ) -> anyhow::Result<Self> {
        server::check_encoding(shown, bytes)?;
        let hosts = catalog::embedded(bytes).flat_map(|catalog| catalog.allowed_hosts());
        let allowed_hosts = hosts.map(str::to_owned).collect();
        let mut catalogs = catalog::embedded(bytes);
        let protected = catalogs.find(|catalog| catalog.access().is_some());
        let protected = protected.map(|catalog| catalog.name().into());
        let mut bytes = bytes.to_vec();
        catalog::uncached(&mut bytes);
        let component =
            Component::new(&engine, bytes).with_context(|| format!("cannot compile `{shown}`"))?;
        let ty = component.component_type();
        let exports: Vec<_> = ty
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        server::check_exports(shown, &exports)?;

        let mut linker = guest::server_linker(&engine)?;
        if surroundings.commands.is_some() {
            commands::add_to_linker(&mut linker)?;
        }
        let command = linker.instantiate_pre(&component).with_context(|| {
            format!(
                "cannot run `{shown}`: it imports an interface that `mcp` does not provide; \
                     `mcp check` lists hosts that may"
            )
        })?;
        let pre = match p3::bindings::ServicePre::new(command.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(
                p2::bindings::ProxyPre::new(command.clone())
                    .with_context(|| format!("cannot run `{shown}`"))?,
            ),
        };
        Ok(Self {
            times,
            allowed_hosts,
            protected,
            command,
            pool: Pool::new(engine, pre, surroundings, times.instance_idle),
        })
    }
}

/// The name of a server's file, without the extension.
fn name_of(shown: &str) -> Arc<str> {
    match Path::new(shown).file_stem() {
        Some(stem) => stem.to_string_lossy().into(),
        None => "server".into(),
    }
}

#[cfg(test)]
mod tests;
