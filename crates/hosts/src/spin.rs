//! Spin, and SpinKube, which runs Spin on Kubernetes.
//!
//! Sources: Spin at the tags v3.0.0 to v4.0.2, and at commit 94a8fc8, which becomes 4.1. Imports are
//! from `link_bindings` in `crates/factor-*/src/lib.rs`, exports from `crates/http/src/trigger.rs`
//! (before 3.1 it compared the whole version), limits from the pool in `crates/core/src/lib.rs`
//! (environment variables can raise them). The README of `spinframework/containerd-shim-spin` says
//! which shim of SpinKube contains which Spin.

use super::facts::{SERVER, ServerFacts};
use super::findings::{About, Findings};
use super::interfaces::{Row, WASI_0_2, WASI_0_3, find};
use super::target::Release;
use spin_mcp_contract::{Record, grants::allows_origin, state::DEFAULT_STORE};

/// The newest release of each major version.
const NEWEST: [Release; 2] = [(3, 6), (4, 1)];
/// The Spin in the newest shim of SpinKube, v0.25, and in the oldest that runs any server.
const SPINKUBE: (Release, Release) = ((3, 1), (4, 0));

/// Linear memories per component.
pub const MEMORIES: usize = 32;
/// Core instances per component.
const CORE_INSTANCES: usize = 200;
/// Tables per component, and the release that introduced the limit.
const TABLES: [(usize, Release); 2] = [(20, (3, 0)), (64, (3, 4))];

/// The release candidate of WASI 0.3 that Spin 4.0 links.
const CANDIDATE: &str = "0.3.0-rc-2026-03-15";

/// Traces, which Spin links only with a flag.
const OTEL: Row<Release> = (
    "0.2.0-rc.2",
    &[("wasi:otel", "types tracing metrics logs")],
    (3, 6),
);

/// What Spin links, and since which release.
pub const IMPORTS: &[Row<Release>] = &[
    ("0.2", WASI_0_2, (3, 0)),
    (
        "0.2.0-draft2",
        &[("wasi:keyvalue", "store batch atomics")],
        (3, 0),
    ),
    (
        "0.2.0-draft-2024-09-27",
        &[("wasi:config", "store")],
        (3, 0),
    ),
    (
        "",
        &[(
            "fermyon:spin",
            "config http http-types key-value llm mysql postgres rdbms-types redis redis-types sqlite",
        )],
        (3, 0),
    ),
    (
        "2",
        &[(
            "fermyon:spin",
            "key-value llm mqtt mysql postgres rdbms-types redis sqlite variables",
        )],
        (3, 0),
    ),
    ("3", &[("spin:postgres", "postgres")], (3, 0)),
    ("3", &[("spin:sqlite", "sqlite")], (3, 3)),
    ("4", &[("spin:postgres", "postgres")], (3, 4)),
    OTEL,
    (
        "3",
        &[
            ("spin:key-value", "key-value"),
            ("spin:mqtt", "mqtt"),
            ("spin:mysql", "mysql"),
            ("spin:redis", "redis"),
            ("spin:variables", "variables"),
        ],
        (4, 0),
    ),
    (CANDIDATE, WASI_0_3, (4, 0)),
    ("0.3", WASI_0_3, (4, 1)),
];

/// The first release that accepts this HTTP export. `None`: no release does.
fn exports_since(export: &str) -> Option<Release> {
    match export.rsplit_once('@')? {
        ("wasi:http/incoming-handler", "0.2.0" | "0.2.1") => Some((3, 0)),
        ("wasi:http/incoming-handler", _) => Some((3, 1)),
        ("wasi:http/handler", CANDIDATE) => Some((4, 0)),
        ("wasi:http/handler", version) if !version.contains('-') => Some((4, 1)),
        _ => None,
    }
}

/// Whether Spin links an import only with a flag.
pub fn is_experiment(import: &str) -> bool {
    find(&[OTEL], import).is_some()
}

/// The releases that a check covers, and the host that runs them.
struct Releases {
    host: &'static str,
    first: Release,
    last: Release,
}

/// The initial memory of a part from which on Spin is noticeably slower: four pages.
const LARGE_MEMORY: u64 = 256 << 10;
/// What Spin keeps of a memory between requests. More than that is an interpreter's, not a stack.
const KEPT_MEMORY: u64 = 2 << 20;

/// Notes parts with a large memory. Instances of WASI 0.3 builds are reused.
fn check_speed(server: &ServerFacts, findings: &mut Findings) {
    if server.handler_0_3().is_some() {
        return;
    }
    for part in server.record.iter().flat_map(Record::parts) {
        let memory = part.initial_memory.unwrap_or_default();
        if memory <= LARGE_MEMORY {
            continue;
        }
        let remedy = if memory <= KEPT_MEMORY {
            "link it with a small stack: in Rust, print `cargo::rustc-link-arg=-zstack-size=65536` in \
             `build.rs`, as the templates do"
        } else {
            "set `wasi = \"0.3\"`, whose instances serve many requests, if that is slow"
        };
        let (role, name, start) = (part.role, part.name, memory >> 10);
        findings.note(
            About::Memory,
            format!(
                "{role} `{name}` starts with {start} KiB of memory, of which Spin writes up to 2 MiB for each request"
            ),
            remedy,
        );
    }
}

/// Checks against one release of Spin, or without a minor version against those of a major one.
pub fn check(server: &ServerFacts, major: u64, minor: Option<u64>, findings: &mut Findings) {
    let newest = NEWEST.iter().find(|release| release.0 == major);
    let newest = minor.or(newest.map(|newest| newest.1)).unwrap_or_default();
    let releases = Releases {
        host: "Spin",
        first: (major, minor.unwrap_or_default()),
        last: (major, newest),
    };
    if let Some((major, minor)) = releases.check(server, findings) {
        findings.note(
            About::Release,
            format!("the server needs Spin {major}.{minor} or later"),
            "check your version with `spin --version`",
        );
    }
    if server.imports.iter().any(|import| is_experiment(import)) {
        findings.note(
            About::Import,
            "the server imports `wasi:otel`, which is experimental in Spin".into(),
            "run it with `spin up --experimental-wasi-otel`",
        );
    }
    check_speed(server, findings);
    check_access(server, findings);
    for (store, reason) in server.stores() {
        check_grant(server, store, &reason, findings);
        if store != DEFAULT_STORE {
            findings.note(
                About::Store,
                format!("the server keeps its state in the store `{store}`, which Spin does not define by default"),
                format!("define `[key_value_store.{store}]` in the file for `spin up --runtime-config-file`"),
            );
        }
    }
}

/// Checks against the Spin on the nodes of SpinKube.
pub fn check_kube(server: &ServerFacts, findings: &mut Findings) {
    let (first, last) = SPINKUBE;
    let host = "SpinKube's Spin";
    if let Some((major, minor)) = (Releases { host, first, last }).check(server, findings) {
        let shim = match (major, minor) {
            (3, minor) => 17 + minor,
            _ => 25,
        };
        findings.note(
            About::Release,
            format!("the server needs Spin {major}.{minor} or later on the nodes"),
            format!("install containerd-shim-spin v0.{shim} or later on them"),
        );
    }
    for import in server.imports.iter().filter(|import| is_experiment(import)) {
        findings.missing(
            import,
            "which SpinKube does not enable".to_owned(),
            format!(
                "remove `wasi:otel` from `allow` of {}",
                server.importers(import)
            ),
        );
    }
    check_speed(server, findings);
    check_access(server, findings);
    for (store, reason) in server.stores() {
        check_grant(server, store, &reason, findings);
        findings.note(
            About::Store,
            format!(
                "the server keeps its state in the store `{store}`, and by default each replica has its own"
            ),
            "configure a shared store, such as Redis, in `runtimeConfig.keyValueStores` of the SpinApp",
        );
    }
}

impl Releases {
    /// Checks exports, imports and limits. Returns the first release that runs the server, if
    /// that is not the first of them.
    fn check(&self, server: &ServerFacts, findings: &mut Findings) -> Option<Release> {
        let mut needed = self.first;
        let reason = |verb: &str, since: Option<Release>| match since {
            Some((major, minor)) => format!("which {} {verb}s since {major}.{minor}", self.host),
            None => format!("which {} does not {verb}", self.host),
        };

        let handlers: Vec<_> = server.handlers().collect();
        let since = handlers.iter().filter_map(|export| exports_since(export));
        let since = since.min();
        let runs = since.is_some_and(|since| since <= self.last);
        if runs {
            needed = needed.max(since.unwrap_or(self.first));
        } else {
            let newer = handlers
                .iter()
                .all(|export| export.starts_with("wasi:http/handler@"));
            findings.error(
                About::Export,
                format!(
                    "the server exports `{}`, {}",
                    handlers.join("`, `"),
                    reason("accept", since)
                ),
                match newer {
                    true => "build for WASI 0.2: set `wasi = \"0.2\"` in spin.toml, or run `mcp compose --wasi 0.2`",
                    false => "use a later Spin",
                },
            );
        }
        for import in &server.imports {
            let since = find(IMPORTS, import);
            let importers = server.importers(import);
            match since {
                Some(since) if since <= self.last => needed = needed.max(since),
                // The server's own imports belong to the same WASI as its exports.
                Some(_) if !runs && importers == SERVER => {}
                Some((major, minor)) => findings.missing(
                    import,
                    reason("provide", since),
                    format!(
                        "use Spin {major}.{minor} or later, or rebuild {importers} without this dependency"
                    ),
                ),
                None => findings.missing(
                    import,
                    reason("provide", None),
                    format!("rebuild {importers} without this dependency"),
                ),
            }
        }
        if let Some(since) = self.check_limits(server, findings) {
            needed = needed.max(since);
        }
        (needed > self.first).then_some(needed)
    }

    /// Checks the limits of Spin's pool. Returns the first release whose pool is large enough.
    fn check_limits(&self, server: &ServerFacts, findings: &mut Findings) -> Option<Release> {
        let size = &server.size;
        let tables = TABLES
            .iter()
            .rev()
            .find(|(_, since)| *since <= self.last)?
            .0;
        for (about, number, what, allowed, variable) in [
            (
                About::Memories,
                size.memories,
                "linear memories",
                MEMORIES,
                "SPIN_WASMTIME_INSTANCE_MEMORIES",
            ),
            (
                About::Modules,
                size.core_modules,
                "core modules",
                CORE_INSTANCES,
                "SPIN_WASMTIME_CORE_INSTANCE_COUNT",
            ),
            (
                About::Tables,
                size.tables,
                "tables",
                tables,
                "SPIN_WASMTIME_INSTANCE_TABLES",
            ),
        ] {
            if number > allowed {
                findings.error(
                    about,
                    format!(
                        "the server has {number} {what}; {} allows a component {allowed}",
                        self.host
                    ),
                    format!(
                        "combine several features into one component, or raise `{variable}` where Spin runs"
                    ),
                );
            }
        }
        let enough = TABLES.iter().find(|(most, _)| size.tables <= *most)?;
        Some(enough.1)
    }
}

/// Checks whether the component may fetch the keys of tokens, and whether clients find its metadata.
pub fn check_access(server: &ServerFacts, findings: &mut Findings) {
    for path in &server.unrouted {
        findings.error(
            About::Route,
            format!(
                "clients look for the metadata of the server at `{path}`, and no route leads there"
            ),
            "`spin mcp compose` adds a `[[trigger.http]]` for it to spin.toml",
        );
    }
    for (origin, does) in server.origins() {
        let remedy =
            format!("add `allowed_outbound_hosts = [\"{origin}\"]` to its component in spin.toml");
        match &server.outbound {
            Some(hosts) if allows_origin(hosts, origin) => {}
            Some(_) => findings.error(
                About::Outbound,
                format!("the server {does} `{origin}`, which its component may not call"),
                remedy,
            ),
            None => findings.note(
                About::Outbound,
                format!("the server {does} `{origin}`"),
                remedy,
            ),
        }
    }
}

/// Checks whether the component may open the server's store, as far as that is known.
pub fn check_grant(server: &ServerFacts, store: &str, reason: &str, findings: &mut Findings) {
    let remedy = format!("add `key_value_stores = [\"{store}\"]` to its component in spin.toml");
    match &server.stores {
        Some(stores) if stores.iter().any(|granted| granted == store) => {}
        Some(_) => findings.error(
            About::Store,
            format!(
                "the server needs the store `{store}` ({reason}), and its component may not open it"
            ),
            remedy,
        ),
        None => findings.note(
            About::Store,
            format!("the server needs the store `{store}`: {reason}"),
            remedy,
        ),
    }
}
