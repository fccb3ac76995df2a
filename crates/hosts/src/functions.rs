//! Fermyon Wasm Functions, sold as Akamai Functions.
//!
//! Limits, and which of Spin's interfaces there are, are from its pages "Quotas and limits"
//! (techdocs.akamai.com/akamai-functions/docs/quotas-and-limits) and "Quotas, Limitations, and
//! Technical FAQ" (developer.fermyon.com/wasm-functions/faq): no SQLite and MQTT, `store` and
//! `batch` of `wasi:keyvalue`. That it takes exports of WASI 0.2 and, from July 2026 on, of WASI
//! 0.3 is in the definition of the target environment `akamai-functions` in
//! `spinframework/spin-environments`, whose worlds `http-trigger@1.0.0` and
//! `http-trigger-async@1.1.0` they are. Nothing here was tried on the service itself.

use super::findings::{About, Findings};
use super::interfaces::find;
use super::server::Server;
use super::spin::{self, check_grant};
use spin_mcp_contract::state::DEFAULT_STORE;

const MIB: usize = 1 << 20;
/// The most that an app may weigh.
pub const APP_SIZE: usize = 50 * MIB;
/// The most memory that an execution may have.
pub const MEMORY: u64 = 128 * MIB as u64;

/// Interfaces of Spin that are not there.
const ABSENT: [&str; 3] = ["sqlite", "mqtt", "atomics"];

pub fn check(server: &Server, findings: &mut Findings) {
    if let Some(export) = server.handler_0_3() {
        match export.contains("-rc-") {
            true => findings.error(
                About::Export,
                format!("exports `{export}`, a draft of WASI 0.3"),
                "compose it with this `mcp` again",
            ),
            false => findings.note(
                About::Export,
                format!("exports `{export}`, which the service takes since July 2026"),
                "compose for WASI 0.2, if a deployment refuses it",
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
            "which Fermyon Wasm Functions does not have".into(),
            format!("change {} to do without", server.importers(import)),
        );
    }
    check_size(server, findings);
    findings.note(
        About::Limits,
        "may take 30 s for a request, and 10 MiB for it or its answer".into(),
        "answer what takes longer with a task; streams of the server end after 25 s, and clients open the next",
    );
    if let Some((store, reason)) = server.store() {
        check_grant(server, store, &reason, findings);
        findings.note(
            About::Store,
            "keeps state, and may write 50 times a second, values of 1 MB at most".into(),
            "expect errors beyond that in what needs state; other requests write nothing",
        );
        if store != DEFAULT_STORE {
            findings.note(
                About::Store,
                format!("keeps state in the store `{store}`; the documentation knows `{DEFAULT_STORE}` alone"),
                format!("use `store = \"{DEFAULT_STORE}\"` under `tool.mcp` in spin.toml, if a deployment refuses it"),
            );
        }
    }
}

fn check_size(server: &Server, findings: &mut Findings) {
    let size = &server.size;
    let mib = |bytes: u64| bytes.div_ceil(MIB as u64);
    if size.bytes > APP_SIZE {
        findings.error(
            About::Size,
            format!(
                "has {} MiB, and an app may have {}",
                mib(size.bytes as u64),
                APP_SIZE / MIB
            ),
            "leave features out, or build the largest ones smaller: see `mcp inspect`",
        );
    }
    if size.initial_memory > MEMORY {
        findings.error(
            About::Memory,
            format!(
                "begins with {} MiB of memory, and an execution may have {}",
                mib(size.initial_memory),
                mib(MEMORY)
            ),
            "leave features out, or make two servers of them",
        );
    }
    if size.memories > spin::MEMORIES {
        findings.error(
            About::Memories,
            format!(
                "has {} linear memories, and Spin allows a component {}",
                size.memories,
                spin::MEMORIES
            ),
            "put several features into one component",
        );
    }
}
