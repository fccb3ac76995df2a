//! The Wasmtime CLI: `wasmtime serve` for HTTP, and `wasmtime run` for stdio.
//!
//! Source: Wasmtime at the commit of 2026-08-21 (49.0.0-dev), `add_to_linker` in
//! `src/commands/serve.rs` and what it calls in `crates/wasi` and `crates/wasi-http`. The test
//! `wasmtime_has_the_interfaces_that_check_says` compares this table with the CLI.

use super::facts::{SERVER, ServerFacts};
use super::findings::{About, Findings};
use super::interfaces::{
    CLI_0_3, CLOCKS, CLOCKS_0_3, HTTP, HTTP_0_3, IO, RANDOM_0_3, Row, WASI_0_2, WASI_0_3, find,
};

/// The flag that `wasmtime serve` needs to link a row.
type Flag = Option<&'static str>;

/// What `wasmtime serve` links. The first row that has an interface counts.
const IMPORTS: &[Row<Flag>] = &[
    (
        "0.2",
        &[
            IO,
            CLOCKS,
            HTTP,
            ("wasi:random", "random"),
            ("wasi:cli", "stdin stdout stderr"),
        ],
        None,
    ),
    ("0.3", &[HTTP_0_3, CLOCKS_0_3, RANDOM_0_3, CLI_0_3], None),
    ("0.2", WASI_0_2, Some("-S cli")),
    ("0.3", WASI_0_3, Some("-S cli")),
    ("0.2.0-rc.1", &[("wasi:config", "store")], Some("-S config")),
    (
        "0.2.0-draft",
        &[("wasi:keyvalue", "store atomics batch")],
        Some("-S keyvalue"),
    ),
];

pub fn check(server: &ServerFacts, findings: &mut Findings) {
    let own_store = !server.stores().is_empty();
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
                    false => {
                        format!("rebuild {importers} without this dependency, or use `mcp serve`")
                    }
                };
                findings.missing(
                    import,
                    "which the Wasmtime CLI does not provide".into(),
                    remedy,
                );
            }
        }
    }
    if let Some(export) = server.handler_0_3() {
        findings.note(
            About::Release,
            format!("the server exports `{export}`, which needs Wasmtime 48 or later"),
            "check your version with `wasmtime --version`",
        );
    }
    if !flags.is_empty() {
        findings.note(
            About::Import,
            "the server imports interfaces that `wasmtime serve` provides only with flags".into(),
            format!("run `wasmtime serve {} SERVER`", flags.join(" ")),
        );
    }
    let record = server.record.as_ref();
    let need = record.filter(|record| record.store.is_none());
    if let Some(reason) = need.and_then(|record| record.reason_for_state()) {
        findings.note(
            About::Store,
            format!("the server needs a shared store and has none: {reason}"),
            "run a single instance over stdio, or compose for Spin",
        );
    }
}
