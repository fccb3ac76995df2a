//! Runs a composed server in the embedded Wasmtime: over HTTP, over stdio, or for a single
//! request.
//!
//! [`engine`] and [`guest`] set the stage; [`pool`] and [`worker`] assign requests to
//! instances; [`http`] and [`answer`] talk to clients, and a [`fate`] tells each of them what
//! became of its request; [`stdio`] runs the server as a command; [`client`] calls its tools.
//! Guests keep state in the [`stores`], by [`keyvalue`], and read variables by [`config`].

mod answer;
pub mod client;
mod config;
pub mod engine;
mod events;
mod fate;
pub mod guest;
mod http;
mod keyvalue;
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
};
pub use wasmtime_wasi_http::WasiBody as Body;

/// How to run a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long an answer may take to begin, and how long each pause within it may be.
    pub timeout: Duration,
    /// Environment variables that guests see.
    pub env: Vec<(String, String)>,
    /// Variables that guests get from `wasi:config`.
    pub variables: Vec<Variable>,
    /// Hosts that guests may send HTTP requests to.
    pub allowed_hosts: Vec<Destination>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            env: Vec::new(),
            variables: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}

/// A server that is ready to run. Clones share its instances.
#[derive(Clone)]
pub struct Server {
    name: Arc<str>,
    timeout: Duration,
    command: InstancePre<Guest>,
    pool: Pool,
}

impl Server {
    /// What its file is called, without the extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compiles the server in a file.
    pub fn load(path: &Path, options: Options) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
        Self::compile(&shown, &bytes, options)
    }

    /// Compiles a server that messages call `shown`.
    pub fn compile(shown: &str, bytes: &[u8], options: Options) -> anyhow::Result<Self> {
        server::check_encoding(shown, bytes)?;
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
                    "cannot run `{shown}`: it imports what this host does not provide; \
                 another one, such as `spin up`, may"
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
            stores: Arc::default(),
            variables: Arc::new(config::variables(options.variables)),
            label: name.clone(),
        };
        Ok(Self {
            name,
            timeout: options.timeout,
            command,
            pool: Pool::new(engine, pre, surroundings),
        })
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ComponentBuilder, ComponentExportKind, ComponentTypeRef, InstanceType, PrimitiveValType,
    };

    use super::*;

    /// A component with an import that has a function, and an export that has nothing.
    fn component(import: &str, export: &str) -> Vec<u8> {
        let mut component = ComponentBuilder::default();
        let mut interface = InstanceType::new();
        interface
            .ty()
            .function()
            .params([("x", PrimitiveValType::U32)])
            .result(None);
        interface.export("f", ComponentTypeRef::Func(0));
        let interface = component.type_instance(None, &interface);
        component.import(import, ComponentTypeRef::Instance(interface));
        let empty = component.component(None, ComponentBuilder::default());
        let arguments: [(&str, ComponentExportKind, u32); 0] = [];
        let instance = component.instantiate(None, empty, arguments);
        component.export(export, ComponentExportKind::Instance, instance, None);
        component.finish()
    }

    fn error(import: &str, export: &str) -> String {
        match Server::compile("a.wasm", &component(import, export), Options::default()) {
            Ok(_) => panic!("`{import}` is not there"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn an_import_that_is_not_there_is_named() {
        let error = error("acme:shop/cart@1.0.0", "wasi:http/incoming-handler@0.2.0");
        assert!(error.contains("cannot run `a.wasm`"), "{error}");
        assert!(error.contains("`acme:shop/cart@1.0.0`"), "{error}");
    }

    #[test]
    fn a_component_without_the_right_exports_is_no_server() {
        let error = error("acme:shop/cart@1.0.0", "acme:shop/till@1.0.0");
        assert!(error.contains("is not an MCP server"), "{error}");
        assert!(error.contains("`acme:shop/till@1.0.0`"), "{error}");
    }
}
