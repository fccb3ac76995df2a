//! The Wasmtime CLI: `wasmtime serve` for HTTP, and `wasmtime run` for stdio.
//!
//! Facts are from Wasmtime's source at commit of 2026-08-21 (49.0.0-dev): `add_to_linker` in
//! `src/commands/serve.rs`, and what that calls in `crates/wasi` and `crates/wasi-http`. A test
//! holds each of them against the CLI.

use super::findings::{About, Findings};
use super::interfaces::{
    CLI, CLI_0_3, CLOCKS, CLOCKS_0_3, FILESYSTEM, FILESYSTEM_0_3, HTTP, HTTP_0_3, IO, Package,
    RANDOM, RANDOM_0_3, SOCKETS, SOCKETS_0_3, find,
};
use super::server::{SERVER, Server};

/// A group of interfaces that `wasmtime serve` has on demand.
type Flag = Option<&'static str>;

const ALL_OF_WASI: Flag = Some("-S cli");

/// What `wasmtime serve` has, and with which flag.
pub const IMPORTS: &[(Package, Flag)] = &[
    (IO, None),
    (CLOCKS, None),
    (RANDOM.only(&["random"]), None),
    (CLI.only(&["stdin", "stdout", "stderr"]), None),
    (HTTP, None),
    (HTTP_0_3, None),
    (CLOCKS_0_3, None),
    (RANDOM_0_3, None),
    (CLI_0_3, None),
    (RANDOM, ALL_OF_WASI),
    (CLI, ALL_OF_WASI),
    (FILESYSTEM, ALL_OF_WASI),
    (SOCKETS, ALL_OF_WASI),
    (FILESYSTEM_0_3, ALL_OF_WASI),
    (SOCKETS_0_3, ALL_OF_WASI),
    (
        Package {
            name: "wasi:config",
            version: "0.2.0-rc.1",
            interfaces: &["store"],
        },
        Some("-S config"),
    ),
    (
        Package {
            name: "wasi:keyvalue",
            version: "0.2.0-draft",
            interfaces: &["store", "atomics", "batch"],
        },
        Some("-S keyvalue"),
    ),
];

pub fn check(server: &Server, findings: &mut Findings) {
    let own_store = server.store().is_some();
    let mut flags: Vec<&str> = Vec::new();
    for import in &server.imports {
        match find(IMPORTS, import) {
            Some(None) => {}
            Some(Some(flag)) if flags.contains(&flag) => {}
            Some(Some(flag)) => flags.push(flag),
            None => {
                let importers = server.importers(import);
                let remedy = match own_store && importers == SERVER {
                    true => "compose with `--runtime wasmtime`".into(),
                    false => format!("change {importers} to do without, or use `mcp serve`"),
                };
                findings.missing(
                    import,
                    "which the Wasmtime CLI does not have".into(),
                    remedy,
                );
            }
        }
    }
    if let Some(export) = server.handler_0_3() {
        findings.note(
            About::Release,
            format!("exports `{export}`, which needs Wasmtime 48 or later"),
            "see which one runs with `wasmtime --version`",
        );
    }
    if !flags.is_empty() {
        findings.note(
            About::Import,
            "imports more than `wasmtime serve` offers by itself".into(),
            format!("run `wasmtime serve {} SERVER`", flags.join(" ")),
        );
    }
    let record = server.record.as_ref();
    let need = record.filter(|record| record.store.is_none());
    if let Some(reason) = need.and_then(|record| record.reason_for_state()) {
        findings.note(
            About::Store,
            format!("has no shared store, which it needs: {reason}"),
            "run a single instance over stdio, or compose for Spin",
        );
    }
}
