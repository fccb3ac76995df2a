//! Interfaces by name, and tables of those that a host has.

use wasmparser::names::{ComponentName, ComponentNameKind};

/// Interfaces of one version of a package.
#[derive(Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    /// Up to what a host may differ in: `0.2` for `0.2.4`, but all of `0.2.0-draft2`. Empty: the
    /// package has no version.
    pub version: &'static str,
    pub interfaces: &'static [&'static str],
}

pub const IO: Package = Package {
    name: "wasi:io",
    version: "0.2",
    interfaces: &["error", "poll", "streams"],
};
pub const CLOCKS: Package = Package {
    name: "wasi:clocks",
    version: "0.2",
    interfaces: &["monotonic-clock", "wall-clock"],
};
pub const RANDOM: Package = Package {
    name: "wasi:random",
    version: "0.2",
    interfaces: &["random", "insecure", "insecure-seed"],
};
pub const CLI: Package = Package {
    name: "wasi:cli",
    version: "0.2",
    interfaces: &[
        "environment",
        "exit",
        "stdin",
        "stdout",
        "stderr",
        "terminal-input",
        "terminal-output",
        "terminal-stdin",
        "terminal-stdout",
        "terminal-stderr",
    ],
};
pub const FILESYSTEM: Package = Package {
    name: "wasi:filesystem",
    version: "0.2",
    interfaces: &["types", "preopens"],
};
pub const SOCKETS: Package = Package {
    name: "wasi:sockets",
    version: "0.2",
    interfaces: &[
        "tcp",
        "tcp-create-socket",
        "udp",
        "udp-create-socket",
        "instance-network",
        "network",
        "ip-name-lookup",
    ],
};
pub const HTTP: Package = Package {
    name: "wasi:http",
    version: "0.2",
    interfaces: &["types", "outgoing-handler"],
};

pub const CLOCKS_0_3: Package = Package {
    name: "wasi:clocks",
    version: "0.3",
    interfaces: &["types", "monotonic-clock", "system-clock"],
};
pub const RANDOM_0_3: Package = RANDOM.at("0.3");
pub const CLI_0_3: Package = Package {
    name: "wasi:cli",
    version: "0.3",
    interfaces: &[
        "types",
        "environment",
        "exit",
        "stdin",
        "stdout",
        "stderr",
        "terminal-input",
        "terminal-output",
        "terminal-stdin",
        "terminal-stdout",
        "terminal-stderr",
    ],
};
pub const FILESYSTEM_0_3: Package = FILESYSTEM.at("0.3");
pub const SOCKETS_0_3: Package = Package {
    name: "wasi:sockets",
    version: "0.3",
    interfaces: &["types", "ip-name-lookup"],
};
pub const HTTP_0_3: Package = Package {
    name: "wasi:http",
    version: "0.3",
    interfaces: &["types", "client"],
};

impl Package {
    /// The same interfaces in another version.
    pub const fn at(self, version: &'static str) -> Package {
        Package { version, ..self }
    }

    /// Some of the interfaces.
    pub const fn only(self, interfaces: &'static [&'static str]) -> Package {
        Package { interfaces, ..self }
    }

    fn has(&self, interface: &Interface) -> bool {
        self.name == interface.package
            && self.version == interface.version
            && self.interfaces.contains(&interface.name.as_str())
    }
}

/// An import or export, as tables know it.
struct Interface {
    package: String,
    name: String,
    version: String,
}

impl Interface {
    fn parse(text: &str) -> Option<Interface> {
        let name = ComponentName::new(text, 0).ok()?;
        let ComponentNameKind::Interface(interface) = name.kind() else {
            return None;
        };
        // The rule by which Wasmtime finds what a component imports: `alternate_lookup_key` of
        // its crate `environ`.
        let version = interface.version(None).ok()?.map(|version| {
            match (version.major, version.minor, version.pre.is_empty()) {
                (1.., _, true) => version.major.to_string(),
                (0, 1.., true) => format!("0.{}", version.minor),
                _ => version.to_string(),
            }
        });
        Some(Interface {
            package: format!("{}:{}", interface.namespace(), interface.package()),
            name: interface.interface().to_string(),
            version: version.unwrap_or_default(),
        })
    }
}

/// What a table says of an interface.
pub fn find<T: Copy>(table: &[(Package, T)], interface: &str) -> Option<T> {
    let interface = Interface::parse(interface)?;
    let entry = table.iter().find(|(package, _)| package.has(&interface));
    entry.map(|(_, said)| *said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_hosts_do() {
        let table = [
            (HTTP, 1),
            (HTTP_0_3, 2),
            (HTTP.at("0.2.0-rc-2023-11-10"), 3),
            (HTTP.at(""), 4),
            (HTTP.at("2"), 5),
        ];
        for (name, said) in [
            ("wasi:http/types@0.2.0", Some(1)),
            ("wasi:http/types@0.2.99", Some(1)),
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
            assert_eq!(find(&table, name), said, "{name}");
        }
    }
}
