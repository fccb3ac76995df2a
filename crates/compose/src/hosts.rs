//! Holds what parts import against what hosts have.

use anyhow::{Context as _, Result};
use wasmtime::{Config, Engine, component::Component};

use super::{STORES, load::Loaded};
use spin_mcp_runner::guest;

const TRACES: [&str; 2] = ["wasi:otel/tracing@0.2.0-rc.2", "wasi:otel/types@0.2.0-rc.2"];

/// Packages that hosts have in the versions of WASI 0.2 and 0.3.
const WASI: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Whether a version of this import was never published, so that no host can have it.
pub fn is_unheard_of(import: &str) -> bool {
    let version = import.rsplit_once('@').map_or("", |(_, version)| version);
    let known = ["0.2.", "0.3."];
    is_wasi(import) && !known.iter().any(|known| version.starts_with(known))
}

fn is_wasi(import: &str) -> bool {
    WASI.contains(&import.split(['/', '@']).next().unwrap_or_default())
}

/// Whether the embedded host has an interface: releases of WASI, and what Spin has for state and
/// traces.
fn is_known(import: &str) -> bool {
    let version = import.rsplit_once('@').map_or("", |(_, version)| version);
    is_wasi(import) && !version.contains('-')
        || STORES.contains(&import)
        || TRACES.contains(&import)
}

/// Refuses a part that imports an interface by the right name and with another type, as far
/// as the embedded host knows it.
pub fn check(parts: &[Loaded]) -> Result<()> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config)?;
    let linker = guest::server_linker(&engine)?;
    for part in parts {
        let fits = || -> Result<()> {
            let Some(stub) = part.wit.stub(is_known)? else {
                return Ok(());
            };
            let stub = Component::new(&engine, stub)?;
            linker.instantiate_pre(&stub)?;
            Ok(())
        };
        fits().with_context(|| {
            format!(
                "{} imports an interface that hosts have with another type; build it against the WIT that they \
                 publish",
                part.shown()
            )
        })?;
    }
    Ok(())
}
