//! Spin, and SpinKube, which runs Spin on Kubernetes.
//!
//! Facts are from Spin's source at the tags v3.0.0 to v4.0.2 and at commit 94a8fc8, which is to
//! be 4.1: imports from `link_bindings` in `crates/factor-*/src/lib.rs`; exports from
//! `crates/http/src/trigger.rs`, which before 3.1 compared the whole version; limits from the
//! pool in `crates/core/src/lib.rs`, which environment variables can raise. Which shim of
//! SpinKube has which Spin is in the README of `spinframework/containerd-shim-spin`.

use super::findings::{About, Findings};
use super::interfaces::{
    CLI, CLI_0_3, CLOCKS, CLOCKS_0_3, FILESYSTEM, FILESYSTEM_0_3, HTTP, HTTP_0_3, IO, Package,
    RANDOM, RANDOM_0_3, SOCKETS, SOCKETS_0_3, find,
};
use super::server::{SERVER, Server};
use super::target::Release;
use spin_mcp_contract::state::DEFAULT_STORE;

/// The newest release of each major version.
const NEWEST: [Release; 2] = [(3, 6), (4, 1)];
/// The Spin of the newest shim of SpinKube, v0.25, and of the oldest that runs any server.
const SPINKUBE: (Release, Release) = ((3, 1), (4, 0));

/// Linear memories that a component may have.
pub const MEMORIES: usize = 32;
/// Core instances that it may have.
const CORE_INSTANCES: usize = 200;
/// Tables that it may have, from which release on.
const TABLES: [(usize, Release); 2] = [(20, (3, 0)), (64, (3, 4))];

const CANDIDATE: &str = "0.3.0-rc-2026-03-15";

const KEYVALUE: Package = Package {
    name: "wasi:keyvalue",
    version: "0.2.0-draft2",
    interfaces: &["store", "batch", "atomics"],
};
const CONFIG: Package = Package {
    name: "wasi:config",
    version: "0.2.0-draft-2024-09-27",
    interfaces: &["store"],
};
const SPIN_2: Package = Package {
    name: "fermyon:spin",
    version: "2",
    interfaces: &[
        "key-value",
        "llm",
        "mqtt",
        "mysql",
        "postgres",
        "rdbms-types",
        "redis",
        "sqlite",
        "variables",
    ],
};
const SPIN_1: Package = SPIN_2.at("").only(&[
    "config",
    "http",
    "http-types",
    "key-value",
    "llm",
    "mysql",
    "postgres",
    "rdbms-types",
    "redis",
    "redis-types",
    "sqlite",
]);

const OTEL: Package = Package {
    name: "wasi:otel",
    version: "0.2.0-rc.2",
    interfaces: &["types", "tracing", "metrics", "logs"],
};

const fn spin(
    name: &'static str,
    version: &'static str,
    interface: &'static [&'static str],
) -> Package {
    Package {
        name,
        version,
        interfaces: interface,
    }
}

/// What Spin has, and from which release on.
pub const IMPORTS: &[(Package, Release)] = &[
    (IO, (3, 0)),
    (CLOCKS, (3, 0)),
    (RANDOM, (3, 0)),
    (CLI, (3, 0)),
    (FILESYSTEM, (3, 0)),
    (SOCKETS, (3, 0)),
    (HTTP, (3, 0)),
    (KEYVALUE, (3, 0)),
    (CONFIG, (3, 0)),
    (SPIN_1, (3, 0)),
    (SPIN_2, (3, 0)),
    (spin("spin:postgres", "3", &["postgres"]), (3, 0)),
    (spin("spin:sqlite", "3", &["sqlite"]), (3, 3)),
    (spin("spin:postgres", "4", &["postgres"]), (3, 4)),
    (OTEL, (3, 6)),
    (spin("spin:key-value", "3", &["key-value"]), (4, 0)),
    (spin("spin:mqtt", "3", &["mqtt"]), (4, 0)),
    (spin("spin:mysql", "3", &["mysql"]), (4, 0)),
    (spin("spin:redis", "3", &["redis"]), (4, 0)),
    (spin("spin:variables", "3", &["variables"]), (4, 0)),
    (CLOCKS_0_3.at(CANDIDATE), (4, 0)),
    (RANDOM_0_3.at(CANDIDATE), (4, 0)),
    (CLI_0_3.at(CANDIDATE), (4, 0)),
    (FILESYSTEM_0_3.at(CANDIDATE), (4, 0)),
    (SOCKETS_0_3.at(CANDIDATE), (4, 0)),
    (HTTP_0_3.at(CANDIDATE), (4, 0)),
    (CLOCKS_0_3, (4, 1)),
    (RANDOM_0_3, (4, 1)),
    (CLI_0_3, (4, 1)),
    (FILESYSTEM_0_3, (4, 1)),
    (SOCKETS_0_3, (4, 1)),
    (HTTP_0_3, (4, 1)),
];

/// Which release first runs what exports this. None: none does.
fn exports_since(export: &str) -> Option<Release> {
    let version = |prefix| export.strip_prefix(prefix);
    match (
        version("wasi:http/incoming-handler@"),
        version("wasi:http/handler@"),
    ) {
        (Some("0.2.0" | "0.2.1"), _) => Some((3, 0)),
        (Some(_), _) => Some((3, 1)),
        (_, Some(CANDIDATE)) => Some((4, 0)),
        (_, Some(version)) if !version.contains('-') => Some((4, 1)),
        _ => None,
    }
}

/// Checks against releases of Spin: those of one major version, or a single one.
pub fn check(server: &Server, major: u64, minor: Option<u64>, findings: &mut Findings) {
    let newest = NEWEST.iter().find(|release| release.0 == major);
    let newest = minor.or(newest.map(|newest| newest.1)).unwrap_or_default();
    let range = ((major, minor.unwrap_or_default()), (major, newest));
    if let Some((major, minor)) = check_releases(server, "Spin", range, findings) {
        findings.note(
            About::Release,
            format!("needs Spin {major}.{minor} or later"),
            "see which one runs with `spin --version`",
        );
    }
    if server.imports.iter().any(|import| is_experiment(import)) {
        findings.note(
            About::Import,
            format!("imports `{}`, which Spin has as an experiment", OTEL.name),
            "start it with `spin up --experimental-wasi-otel`",
        );
    }
    let Some((store, reason)) = server.store() else {
        return;
    };
    check_grant(server, store, &reason, findings);
    if store != DEFAULT_STORE {
        findings.note(
            About::Store,
            format!("keeps state in the store `{store}`, which Spin does not know by itself"),
            format!(
                "define `[key_value_store.{store}]` in a file for `spin up --runtime-config-file`"
            ),
        );
    }
}

/// Checks against the Spin that the nodes of SpinKube have.
pub fn check_kube(server: &Server, findings: &mut Findings) {
    if let Some((major, minor)) = check_releases(server, "SpinKube's Spin", SPINKUBE, findings) {
        let shim = match (major, minor) {
            (3, minor) => 17 + minor,
            _ => 25,
        };
        findings.note(
            About::Release,
            format!("needs Spin {major}.{minor} or later on the nodes"),
            format!("install containerd-shim-spin v0.{shim} or later there"),
        );
    }
    for import in server.imports.iter().filter(|import| is_experiment(import)) {
        findings.missing(
            import,
            "which SpinKube does not switch on".to_owned(),
            format!(
                "take `{}` out of `allow` of {}",
                OTEL.name,
                server.importers(import)
            ),
        );
    }
    if let Some((store, reason)) = server.store() {
        check_grant(server, store, &reason, findings);
        findings.note(
            About::Store,
            format!(
                "keeps state in the store `{store}`, and each replica has one of its own by default"
            ),
            "name a shared one, such as Redis, in `runtimeConfig.keyValueStores` of the SpinApp",
        );
    }
}

/// Whether an import takes a switch of Spin's.
pub fn is_experiment(import: &str) -> bool {
    find(&[(OTEL, ())], import).is_some()
}

/// Checks exports, imports and limits against the releases from the first to the last of
/// these. Gives the first release that runs the server, if that is not the first of them.
fn check_releases(
    server: &Server,
    host: &str,
    (first, last): (Release, Release),
    findings: &mut Findings,
) -> Option<Release> {
    let mut needed = first;
    let reason = |since: Option<Release>| match since {
        Some((major, minor)) => format!("which {host} has from {major}.{minor} on"),
        None => format!("which {host} does not have"),
    };

    let handlers: Vec<_> = server.handlers().collect();
    let since = handlers.iter().filter_map(|export| exports_since(export));
    let since = since.min();
    let runs = since.is_some_and(|since| since <= last);
    if runs {
        needed = needed.max(since.unwrap_or(first));
    } else {
        let newer = handlers
            .iter()
            .all(|export| export.starts_with("wasi:http/handler@"));
        findings.error(
            About::Export,
            format!("exports `{}`, {}", handlers.join("`, `"), reason(since)),
            match newer {
                true => "compose for WASI 0.2: `wasi = \"0.2\"` in spin.toml, or `mcp compose --wasi 0.2`",
                false => "use a later Spin",
            },
        );
    }
    for import in &server.imports {
        let since = find(IMPORTS, import);
        let importers = server.importers(import);
        match since {
            Some(since) if since <= last => needed = needed.max(since),
            // The server's own imports are of the generation of its exports.
            Some(_) if !runs && importers == SERVER => {}
            Some((major, minor)) => findings.missing(
                import,
                reason(since),
                format!("use Spin {major}.{minor}, or change {importers} to do without"),
            ),
            None => findings.missing(
                import,
                reason(None),
                format!("change {importers} to do without"),
            ),
        }
    }
    if let Some(since) = check_limits(server, host, last, findings) {
        needed = needed.max(since);
    }
    (needed > first).then_some(needed)
}

/// Checks what Spin's pool has room for. Gives the release from which on it has.
fn check_limits(
    server: &Server,
    host: &str,
    last: Release,
    findings: &mut Findings,
) -> Option<Release> {
    let size = &server.size;
    let mut too_many = |about, number: usize, what: &str, allowed: usize, variable: &str| {
        if number > allowed {
            findings.error(
                about,
                format!("has {number} {what}, and {host} allows a component {allowed}"),
                format!(
                    "put several features into one component, or raise `{variable}` where Spin runs"
                ),
            );
        }
    };
    let tables = TABLES.iter().rev().find(|(_, since)| *since <= last)?.0;
    let limits = [
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
    ];
    for (about, number, what, allowed, variable) in limits {
        too_many(about, number, what, allowed, variable);
    }
    let enough = TABLES.iter().find(|(most, _)| size.tables <= *most)?;
    Some(enough.1)
}

/// Checks that the component may open its store, as far as that is known.
pub fn check_grant(server: &Server, store: &str, reason: &str, findings: &mut Findings) {
    let remedy =
        format!("write `key_value_stores = [\"{store}\"]` in its component's table of spin.toml");
    match &server.stores {
        Some(stores) if stores.iter().any(|granted| granted == store) => {}
        Some(_) => findings.error(
            About::Store,
            format!("needs the store `{store}` ({reason}), which its component may not open"),
            remedy,
        ),
        None => findings.note(
            About::Store,
            format!("needs the store `{store}`: {reason}"),
            remedy,
        ),
    }
}
