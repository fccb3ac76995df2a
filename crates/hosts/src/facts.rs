//! What a check knows about a server before it runs.

use anyhow::{Context as _, Result};

use spin_mcp_auth::metadata;
use spin_mcp_component::{Size, World};
use spin_mcp_contract::{Keys, Record, server};

/// The importer of everything that no feature and no middleware imports.
pub const SERVER: &str = "the server";

/// Facts about a server, read from its component.
pub struct ServerFacts {
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    pub size: Size,
    /// The record that `mcp` writes; `None` if another tool composed the server.
    pub record: Option<Record>,
    /// The stores that its `spin.toml` lets it open; `None` if there is no `spin.toml`.
    pub stores: Option<Vec<String>>,
    /// The hosts that its `spin.toml` lets it call, likewise.
    pub outbound: Option<Vec<String>>,
    /// The paths of its metadata to which no route of its `spin.toml` leads.
    pub unrouted: Vec<String>,
}

impl ServerFacts {
    /// Reads a component that messages call `shown`.
    pub fn read(shown: &str, bytes: &[u8]) -> Result<ServerFacts> {
        server::check_encoding(shown, bytes)?;
        let malformed = || format!("`{shown}` is malformed; compose it again");
        let world = World::read(bytes).with_context(malformed)?;
        server::check_exports(shown, &world.exports)?;
        Ok(ServerFacts {
            exports: world.exports,
            imports: world
                .imports
                .into_iter()
                .map(|import| import.name)
                .collect(),
            size: Size::of(bytes).with_context(malformed)?,
            record: Record::read(bytes).with_context(malformed)?,
            stores: None,
            outbound: None,
            unrouted: vec![],
        })
    }

    /// The exports that handle HTTP requests.
    pub fn handlers(&self) -> impl Iterator<Item = &str> {
        let exports = self.exports.iter().map(String::as_str);
        exports.filter(|export| export.starts_with("wasi:http/"))
    }

    /// The HTTP handler of WASI 0.3.
    pub fn handler_0_3(&self) -> Option<&str> {
        self.handlers()
            .find(|export| export.starts_with("wasi:http/handler@"))
    }

    /// The features and middleware that import this, such as ``feature `deploy` ``, or [`SERVER`].
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

    /// The key-value stores that its instances share, and why they need each.
    pub fn stores(&self) -> Vec<(&str, String)> {
        self.record.as_ref().map(Record::stores).unwrap_or_default()
    }

    /// The origins that it calls, and why: its authenticator fetches keys, and features call APIs.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let issuers = self.record.iter().flat_map(|record| &record.issuers);
        let fetched = issuers.filter(|issuer| issuer.keys == Keys::Fetched);
        let fetched = fetched.map(|issuer| {
            (
                metadata::split(&issuer.issuer).0,
                "fetches the keys of tokens from",
            )
        });
        let features = self.record.iter().flat_map(|record| &record.features);
        let apis = features.filter_map(|feature| feature.api.as_deref());
        fetched.chain(apis.map(|api| (metadata::split(api).0, "calls the API at")))
    }
}
