//! Fermyon Wasm Functions, sold as Akamai Functions.
//!
//! Sources: the pages "Quotas and limits"
//! (techdocs.akamai.com/akamai-functions/docs/quotas-and-limits) and "Quotas, Limitations, and
//! Technical FAQ" (developer.fermyon.com/wasm-functions/faq) for limits and for Spin interfaces: no
//! SQLite, no MQTT, and of `wasi:keyvalue` only `store` and `batch`. The target environment
//! `akamai-functions` in `spinframework/spin-environments` for exports: the worlds
//! `http-trigger@1.0.0` of WASI 0.2 and, since July 2026, `http-trigger-async@1.1.0` of WASI 0.3.
//! Nothing here was tried on the service itself.

use super::facts::ServerFacts;
use super::findings::{About, Findings};
use super::interfaces::find;
use super::spin::{self, check_access, check_grant};
use spin_mcp_contract::state::DEFAULT_STORE;

const MIB: u64 = 1 << 20;
/// The largest app.
const APP_SIZE: u64 = 50 * MIB;
/// The most memory of an execution.
const MEMORY: u64 = 128 * MIB;

/// Interfaces of Spin that the service does not provide.
const ABSENT: [&str; 3] = ["sqlite", "mqtt", "atomics"];

pub fn check(server: &ServerFacts, findings: &mut Findings) {
    if let Some(export) = server.handler_0_3() {
        match export.contains("-rc-") {
            true => findings.error(
                About::Export,
                format!("the server exports `{export}`, a release candidate of WASI 0.3"),
                "compose it again with this `mcp`",
            ),
            false => findings.note(
                About::Export,
                format!("the server exports `{export}`, which the service accepts since July 2026"),
                "build for WASI 0.2 if a deployment refuses it",
            ),
        }
    }
    for import in &server.imports {
        let interface = import.split(['/', '@']).nth(1).unwrap_or_default();
        let known = find(spin::IMPORTS, import).is_some() && !spin::is_experiment(import);
        if known && !ABSENT.contains(&interface) {
            continue;
        }
        findings.missing(
            import,
            "which Fermyon Wasm Functions does not provide".into(),
            format!(
                "rebuild {} without this dependency",
                server.importers(import)
            ),
        );
    }
    check_size(server, findings);
    findings.note(
        About::Limits,
        "the service limits a request to 30 s, and the bodies of request and response to 10 MiB".into(),
        "use tasks for work that takes longer; the server ends its streams after 25 s, and clients reconnect",
    );
    check_access(server, findings);
    for (store, reason) in server.stores() {
        check_grant(server, store, &reason, findings);
        findings.note(
            About::Store,
            "the server keeps state, and the service limits writes to 50 per second and values to 1 MB"
                .into(),
            "expect errors from calls that need state beyond these limits; other calls write nothing",
        );
        if store != DEFAULT_STORE {
            findings.note(
                About::Store,
                format!(
                    "the server keeps its state in the store `{store}`; the service documents only `{DEFAULT_STORE}`"
                ),
                format!(
                    "set `store = \"{DEFAULT_STORE}\"` under `tool.mcp` in spin.toml if a deployment refuses it"
                ),
            );
        }
    }
}

fn check_size(server: &ServerFacts, findings: &mut Findings) {
    let size = &server.size;
    let bytes = size.bytes as u64;
    if bytes > APP_SIZE {
        findings.error(
            About::Size,
            format!(
                "the server has {} MiB; the service allows an app {}",
                bytes.div_ceil(MIB),
                APP_SIZE / MIB
            ),
            "remove features, or make the largest ones smaller (see `mcp inspect`)",
        );
    }
    if size.initial_memory > MEMORY {
        findings.error(
            About::Memory,
            format!(
                "the server starts with {} MiB of memory; the service allows an execution {}",
                size.initial_memory.div_ceil(MIB),
                MEMORY / MIB
            ),
            "remove features, or split them between two servers",
        );
    }
    if size.memories > spin::MEMORIES {
        findings.error(
            About::Memories,
            format!(
                "the server has {} linear memories; Spin allows a component {}",
                size.memories,
                spin::MEMORIES
            ),
            "combine several features into one component",
        );
    }
}
