//! Runs a composed server in the embedded Wasmtime: over HTTP, over stdio, or for a single
//! request.
//!
//! [`engine`] and [`guest`] set the stage, [`pool`] and [`worker`] assign requests to
//! instances, [`http`] and [`answer`] talk to clients, [`stdio`] runs the server as a command.

mod answer;
pub mod client;
mod engine;
mod events;
mod fate;
pub(crate) mod guest;
mod http;
mod log;
mod message;
mod outbound;
mod pool;
mod stdio;
mod worker;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::bail;
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
    http::{PATH, listen},
    message::{CallError, Notice},
    outbound::Destination,
};
pub use wasmtime_wasi_http::WasiBody as Body;

/// How to run a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long one request may take.
    pub timeout: Duration,
    /// Environment variables that guests see.
    pub env: Vec<(String, String)>,
    /// Hosts that guests may send HTTP requests to.
    pub allowed_hosts: Vec<Destination>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            env: Vec::new(),
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
        if wasmparser::Parser::is_core_wasm(bytes) {
            bail!(
                "`{shown}` is a core module, not a server; make one of it with \
                 `spin mcp compose {shown} -o server.wasm`"
            );
        }
        if !wasmparser::Parser::is_component(bytes) {
            bail!("`{shown}` is not a WebAssembly component");
        }
        let engine = engine::engine()?;
        let component =
            Component::new(&engine, bytes).with_context(|| format!("cannot compile `{shown}`"))?;
        let ty = component.component_type();
        let exports: Vec<_> = ty
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        check_exports(shown, &exports)?;

        let command = guest::linker(&engine)?
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

/// Refuses what is not a composed server, and says what it is instead.
fn check_exports(shown: &str, exports: &[String]) -> anyhow::Result<()> {
    let has = |name: &str| exports.iter().any(|export| export.starts_with(name));
    if has("wasi:http/incoming-handler@0.2.") || has("wasi:http/handler@0.3.") {
        return Ok(());
    }
    let wanted = "it exports neither `wasi:http/incoming-handler@0.2` nor `wasi:http/handler@0.3`";
    let feature = exports
        .iter()
        .find(|export| export.starts_with("spin-mcp:server/"));
    match feature {
        Some(feature) => bail!(
            "`{shown}` is a feature, not a server: it exports `{feature}`; \
             make a server of it with `spin mcp compose {shown} -o server.wasm`"
        ),
        None if exports.is_empty() => bail!("`{shown}` is not an MCP server: it exports nothing"),
        None => bail!(
            "`{shown}` is not an MCP server: {wanted}, but `{}`",
            exports.join("`, `")
        ),
    }
}
