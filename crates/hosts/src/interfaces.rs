//! The interfaces that hosts link, in one table per host.
//!
//! They are tables, and not WIT worlds that `wac_types::validate_target` checks, because a world
//! describes one release of one host. The worlds of nine releases of Spin, SpinKube, Fermyon Wasm
//! Functions and Wasmtime would be copies of some 10,000 lines of WIT, of which WASI 0.2, 0.3 and
//! its release candidate are 8,000. And a world does not express what most findings consist of: the
//! first release that links an import, the flag that `wasmtime serve` needs for it, and the export
//! versions that each release accepts.

use wasmparser::names::{ComponentName, ComponentNameKind};

/// A package without its version, and the names of its interfaces.
type Package = (&'static str, &'static str);

/// Interfaces that a host links: their version, their packages, and the condition.
///
/// The version goes as far as hosts compare it: `0.2` for `0.2.4`, but all of `0.2.0-draft2`. It is
/// empty if the package has none.
pub type Row<T> = (&'static str, &'static [Package], T);

pub const IO: Package = ("wasi:io", "error poll streams");
pub const CLOCKS: Package = ("wasi:clocks", "monotonic-clock wall-clock");
pub const HTTP: Package = ("wasi:http", "types outgoing-handler");

/// WASI 0.2.
pub const WASI_0_2: &[Package] = &[
    IO,
    CLOCKS,
    ("wasi:random", "random insecure insecure-seed"),
    (
        "wasi:cli",
        "environment exit stdin stdout stderr \
         terminal-input terminal-output terminal-stdin terminal-stdout terminal-stderr",
    ),
    ("wasi:filesystem", "types preopens"),
    (
        "wasi:sockets",
        "tcp tcp-create-socket udp udp-create-socket instance-network network ip-name-lookup",
    ),
    HTTP,
];

pub const CLOCKS_0_3: Package = ("wasi:clocks", "types monotonic-clock system-clock");
pub const RANDOM_0_3: Package = ("wasi:random", "random insecure insecure-seed");
pub const CLI_0_3: Package = (
    "wasi:cli",
    "types environment exit stdin stdout stderr \
     terminal-input terminal-output terminal-stdin terminal-stdout terminal-stderr",
);
pub const HTTP_0_3: Package = ("wasi:http", "types client");

/// WASI 0.3, and its release candidates.
pub const WASI_0_3: &[Package] = &[
    CLOCKS_0_3,
    RANDOM_0_3,
    CLI_0_3,
    ("wasi:filesystem", "types preopens"),
    ("wasi:sockets", "types ip-name-lookup"),
    HTTP_0_3,
];

/// The condition of the first row that has the interface.
pub fn find<T: Copy>(table: &[Row<T>], interface: &str) -> Option<T> {
    let name = ComponentName::new(interface, 0).ok()?;
    let ComponentNameKind::Interface(interface) = name.kind() else {
        return None;
    };
    // Wasmtime finds the imports of a component by this rule: `alternate_lookup_key` in its crate
    // `environ`.
    let version = interface.version(None).ok()?.map(|version| {
        match (version.major, version.minor, version.pre.is_empty()) {
            (1.., _, true) => version.major.to_string(),
            (0, 1.., true) => format!("0.{}", version.minor),
            _ => version.to_string(),
        }
    });
    let version = version.unwrap_or_default();
    let package = format!("{}:{}", interface.namespace(), interface.package());
    let interface = interface.interface();
    let has = |(name, interfaces): &Package| {
        *name == package && interfaces.split(' ').any(|name| name == interface.as_str())
    };
    let (_, _, condition) = table
        .iter()
        .find(|(of, packages, _)| *of == version && packages.iter().any(has))?;
    Some(*condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_hosts_do() {
        let table = [
            ("0.2", WASI_0_2, 1),
            ("0.3", WASI_0_3, 2),
            ("0.2.0-rc-2023-11-10", &[HTTP], 3),
            ("", &[HTTP], 4),
            ("2", &[HTTP], 5),
        ];
        for (name, condition) in [
            ("wasi:http/types@0.2.0", Some(1)),
            ("wasi:http/types@0.2.99", Some(1)),
            ("wasi:cli/terminal-input@0.2.0", Some(1)),
            ("wasi:cli/terminal@0.2.0", None),
            ("wasi:http/client@0.2.0", None),
            ("wasi:http/types@0.3.2", Some(2)),
            ("wasi:http/types@0.3.0-rc-2026-03-15", None),
            ("wasi:http/types@0.2.0-rc-2023-11-10", Some(3)),
            ("wasi:http/types@0.2.0-rc-2023-10-18", None),
            ("wasi:http/types", Some(4)),
            ("wasi:http/types@2.1.0", Some(5)),
            ("wasi:http/types@0.0.2", None),
            ("wasi:https/types@0.2.0", None),
            ("types", None),
        ] {
            assert_eq!(find(&table, name), condition, "{name}");
        }
    }
}
