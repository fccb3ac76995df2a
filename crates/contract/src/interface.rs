//! The interfaces of the contract that parts export and the server calls.

use crate::Wasi;

/// The package and the version of the contract in the names of its interfaces.
pub const PACKAGE: &str = "spin-mcp:server/";
pub const VERSION: &str = "@0.1.0";

pub const REQUEST: &str = "spin-mcp:server/request@0.1.0";
pub const INPUT: &str = "spin-mcp:server/input@0.1.0";
pub const CHANGES: &str = "spin-mcp:server/changes@0.1.0";
pub const SETTINGS: &str = "spin-mcp:server/settings@0.1.0";
pub const AUTHENTICATOR: &str = "spin-mcp:server/authenticator@0.1.0";
pub const AUTHORIZER: &str = "spin-mcp:server/authorizer@0.1.0";
/// The interfaces through which a part asks about the request that it serves.
pub const CONTEXT: [&str; 3] = [REQUEST, INPUT, CHANGES];

/// Whether a part's functions are synchronous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sync,
    Async,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Sync, Kind::Async];

    /// The lowest WASI version in which a part can have functions of this kind.
    pub fn wasi(self) -> Wasi {
        match self {
            // Hosts of WASI 0.3 also have WASI 0.2.
            Kind::Sync => Wasi::P2,
            Kind::Async => Wasi::P3,
        }
    }

    /// The interface between middleware of this kind.
    pub fn handler(self) -> &'static str {
        match self {
            Kind::Sync => "spin-mcp:server/handler@0.1.0",
            Kind::Async => "spin-mcp:server/handler-async@0.1.0",
        }
    }

    /// The interface through which an authenticator of this kind obtains keys.
    pub fn keys(self) -> &'static str {
        match self {
            Kind::Sync => "spin-mcp:server/keys@0.1.0",
            Kind::Async => "spin-mcp:server/keys-async@0.1.0",
        }
    }
}

/// An interface that a feature can export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    Tools,
    Resources,
    Prompts,
    Completions,
}

impl Interface {
    pub const ALL: [Interface; 4] = [
        Interface::Tools,
        Interface::Resources,
        Interface::Prompts,
        Interface::Completions,
    ];

    /// Whether this is the name of an interface that features export.
    pub fn is_known(name: &str) -> bool {
        let mut all = Interface::ALL.into_iter();
        all.any(|interface| Kind::ALL.iter().any(|kind| interface.name(*kind) == name))
    }

    /// The full name of the interface.
    pub fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Interface::Tools, Kind::Sync) => "spin-mcp:server/tools@0.1.0",
            (Interface::Tools, Kind::Async) => "spin-mcp:server/tools-async@0.1.0",
            (Interface::Resources, Kind::Sync) => "spin-mcp:server/resources@0.1.0",
            (Interface::Resources, Kind::Async) => "spin-mcp:server/resources-async@0.1.0",
            (Interface::Prompts, Kind::Sync) => "spin-mcp:server/prompts@0.1.0",
            (Interface::Prompts, Kind::Async) => "spin-mcp:server/prompts-async@0.1.0",
            (Interface::Completions, Kind::Sync) => "spin-mcp:server/completions@0.1.0",
            (Interface::Completions, Kind::Async) => "spin-mcp:server/completions-async@0.1.0",
        }
    }

    /// The server's import for the feature in a slot, such as `tools-async1`.
    pub fn plug(self, kind: Kind, slot: usize) -> String {
        let name = self.name(kind);
        let name = &name[PACKAGE.len()..name.len() - VERSION.len()];
        format!("{name}{slot}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_interface_of_the_contract() {
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("server.wit", crate::WIT).unwrap();
        let known: Vec<_> = resolve.packages[package]
            .interfaces
            .values()
            .filter_map(|id| resolve.id_of(*id))
            .collect();
        for kind in Kind::ALL {
            for name in [kind.handler(), kind.keys(), AUTHENTICATOR, AUTHORIZER] {
                assert!(known.iter().any(|known| known == name), "{name}");
            }
            for interface in Interface::ALL {
                let name = interface.name(kind);
                assert!(known.iter().any(|known| known == name), "{name}");
            }
        }
    }

    #[test]
    fn plugs_are_named_after_interface_and_slot() {
        assert_eq!(Interface::Tools.plug(Kind::Sync, 0), "tools0");
        assert_eq!(
            Interface::Resources.plug(Kind::Async, 12),
            "resources-async12"
        );
    }
}
