//! Runs a composed server in the embedded Wasmtime: over HTTP, over stdio, or for a single
//! request.
//!
//! [`engine`] and [`guest`] set up Wasmtime. [`pool`] assigns requests to instances, and a
//! [`worker`] runs each instance. [`http`] and [`answer`] serve clients; a [`fate`] records the
//! outcome of a request. [`stdio`] runs the server as a command, on
//! the [`lines`] of its client. [`client`] calls its tools.
//! Guests keep state in the [`stores`] through [`keyvalue`], and read variables through [`config`].

mod answer;
pub mod client;
mod config;
pub mod engine;
mod events;
mod fate;
pub mod guest;
mod http;
mod keyvalue;
mod lines;
mod log;
mod message;
mod otel;
mod outbound;
pub mod plain;
mod pool;
mod stdio;
mod stores;
mod worker;

use std::{path::Path, sync::Arc, time::Duration};

use spin_mcp_contract::server;
use spin_mcp_protocol::catalog;
use wasmtime::{
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
    config::Variable,
    http::{PATH, listen},
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
    /// The key-value stores.
    pub stores: Arc<Stores>,
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
            stores: Arc::default(),
        }
    }
}

/// Runs a server. Clones share its instances.
#[derive(Clone)]
pub struct Runner {
    name: Arc<str>,
    timeout: Duration,
    head_timeout: Duration,
    shutdown_grace: Duration,
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
        &self.name
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
        server::check_encoding(shown, bytes)?;
        let hosts = catalog::embedded(bytes).flat_map(|catalog| catalog.allowed_hosts());
        let allowed_hosts = hosts.map(str::to_owned).collect();
        let mut catalogs = catalog::embedded(bytes);
        let protected = catalogs.find(|catalog| catalog.access().is_some());
        let protected = protected.map(|catalog| catalog.name().into());
        let mut bytes = bytes.to_vec();
        catalog::uncached(&mut bytes);
        let engine = engine::engine()?;
        let component =
            Component::new(&engine, bytes).with_context(|| format!("cannot compile `{shown}`"))?;
        let ty = component.component_type();
        let exports: Vec<_> = ty
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        server::check_exports(shown, &exports)?;

        let command = guest::server_linker(&engine)?
            .instantiate_pre(&component)
            .with_context(|| {
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
        let name: Arc<str> = match Path::new(shown).file_stem() {
            Some(stem) => stem.to_string_lossy().into(),
            None => "server".into(),
        };
        let surroundings = Surroundings {
            env: options.env,
            outbound: Arc::new(Outbound::new(options.allowed_hosts)),
            stores: options.stores,
            variables: Arc::new(config::variables(options.variables)),
            label: name.clone(),
        };
        Ok(Self {
            name,
            timeout: options.timeout,
            head_timeout: options.head_timeout,
            shutdown_grace: options.shutdown_grace,
            allowed_hosts,
            protected,
            command,
            pool: Pool::new(engine, pre, surroundings, options.instance_idle),
        })
    }
}

#[cfg(test)]
mod tests;
