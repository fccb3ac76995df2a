//! What there is to know of a server before it runs.

use anyhow::{Context as _, Result};

use spin_mcp_component::{Size, World};
use spin_mcp_contract::{Record, server};

/// Who imports what no feature does.
pub const SERVER: &str = "the server";

/// A server, read from its component.
pub struct Server {
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    pub size: Size,
    /// What it says of itself; none where something else than `mcp` made it.
    pub record: Option<Record>,
    /// The stores that its `spin.toml` lets it open, if there is one.
    pub stores: Option<Vec<String>>,
}

impl Server {
    /// Reads a component that messages call `shown`.
    pub fn read(shown: &str, bytes: &[u8]) -> Result<Server> {
        server::check_encoding(shown, bytes)?;
        let damaged = || format!("`{shown}` is damaged; compose it again");
        let world = World::read(bytes).with_context(damaged)?;
        server::check_exports(shown, &world.exports)?;
        Ok(Server {
            exports: world.exports,
            imports: world
                .imports
                .into_iter()
                .map(|import| import.name)
                .collect(),
            size: Size::of(bytes).with_context(damaged)?,
            record: Record::read(bytes).with_context(damaged)?,
            stores: None,
        })
    }

    /// The exports that answer HTTP requests.
    pub fn handlers(&self) -> impl Iterator<Item = &str> {
        let exports = self.exports.iter().map(String::as_str);
        exports.filter(|export| export.starts_with("wasi:http/"))
    }

    /// The one of WASI 0.3.
    pub fn handler_0_3(&self) -> Option<&str> {
        self.handlers()
            .find(|export| export.starts_with("wasi:http/handler@"))
    }

    /// Who imports this: `feature `x``, several of them, or the server itself.
    pub fn importers(&self, import: &str) -> String {
        let parts = self.record.iter().flat_map(Record::parts);
        let names: Vec<_> = parts
            .filter(|part| part.imports.iter().any(|name| name == import))
            .map(|part| format!("{} `{}`", part.role, part.name))
            .collect();
        match names.is_empty() {
            true => SERVER.into(),
            false => names.join(", "),
        }
    }

    /// The key-value store that its instances share, and why.
    pub fn store(&self) -> Option<(&str, String)> {
        let record = self.record.as_ref()?;
        Some((record.store.as_deref()?, record.reason_for_state()?))
    }
}
