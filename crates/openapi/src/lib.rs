//! Makes tools of the operations in an OpenAPI document (3.0 and 3.1), and the table by which the
//! component `openapi` calls them.

mod credentials;
mod document;
mod name;
mod operation;
mod schema;
mod select;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod tool;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

pub use credentials::{Credential, Template};
use document::Document;
use operation::Operation;
pub use select::Selector;
pub use server::Server;
pub use tool::Tool;

/// The most bytes of a document.
const MAX_DOCUMENT: u64 = 32 << 20;
/// The most tools of one document, which is what a list may have.
const MAX_TOOLS: usize = 1_000;

/// What `spin.toml` says of a document.
#[derive(Clone, Debug, Default)]
pub struct OpenApi {
    pub document: PathBuf,
    /// Empty: all operations.
    pub include: Vec<Selector>,
    pub exclude: Vec<Selector>,
    /// The names of tools, by operation.
    pub names: Vec<(String, String)>,
    /// Instead of `servers` of the document.
    pub base_url: Option<Server>,
    /// What each request has in addition.
    pub headers: Vec<(String, Template)>,
    pub query: Vec<(String, Template)>,
    /// Seconds for one call.
    pub timeout: u32,
}

/// The tools of a document.
#[derive(Debug)]
pub struct Made {
    pub tools: Vec<Tool>,
    /// What cannot become a tool, and why.
    pub left_out: Vec<(String, String)>,
    /// How many operations were not selected.
    pub unselected: usize,
    pub server: Server,
    /// What the operations need, and `headers` and `query` do not have.
    pub credentials: Vec<Credential>,
    /// The static data of the component.
    pub table: Vec<u8>,
}

impl OpenApi {
    /// The variables of the app that requests contain.
    pub fn variables(&self) -> Vec<&str> {
        let templates = self.headers.iter().chain(&self.query);
        templates.flat_map(|(_, value)| value.variables()).collect()
    }

    /// Where requests go.
    pub fn server(&self) -> Result<Server> {
        match &self.base_url {
            Some(server) => Ok(server.clone()),
            None => self.server_of(&Document::open(&self.document)?),
        }
    }

    fn server_of(&self, document: &Document) -> Result<Server> {
        let shown = self.document.display();
        match (&self.base_url, server::first(&document.root)) {
            (Some(server), _) => Ok(server.clone()),
            (None, Some(url)) => Server::parse(&url).map_err(|problem| {
                anyhow::anyhow!(
                    "`servers` of `{shown}` begins with `{url}`, which cannot be called: {problem}; write `base_url`"
                )
            }),
            (None, None) => bail!("`{shown}` names no server; write `base_url`, the address of the API"),
        }
    }

    /// Makes the tools. `prefix` comes before the names that clients see.
    pub fn make(&self, prefix: &str) -> Result<Made> {
        let document = Document::open(&self.document)?;
        self.make_of(&document, prefix)
            .with_context(|| format!("cannot make tools of `{}`", self.document.display()))
    }

    fn make_of(&self, document: &Document, prefix: &str) -> Result<Made> {
        let server = self.server_of(document)?;
        let all = Operation::all(document);
        for selector in self.include.iter().chain(&self.exclude) {
            ensure!(
                all.iter().any(|operation| selector.selects(operation)),
                "no operation is `{selector}`; {}",
                select::hint(selector, &all)
            );
        }
        if let Some((wrong, _)) = self
            .names
            .iter()
            .find(|(of, _)| !all.iter().any(|operation| operation.is(of)))
        {
            bail!(
                "`names` has `{wrong}`, which no operation is; {}",
                select::hint(&Selector::Operation(wrong.clone()), &all)
            );
        }
        let selected: Vec<_> = all
            .iter()
            .filter(|operation| {
                let is = |selector: &Selector| selector.selects(operation);
                (self.include.is_empty() || self.include.iter().any(is))
                    && !self.exclude.iter().any(is)
            })
            .collect();
        let (mut made, mut left_out) = (vec![], vec![]);
        for operation in &selected {
            match tool::tool(document, operation, self) {
                Ok(parts) => made.push((*operation, parts)),
                Err(why) => left_out.push((operation.shown(), why)),
            }
        }
        ensure!(
            !made.is_empty(),
            "no operation is left{}",
            match left_out.first() {
                Some((operation, why)) => format!("; `{operation}`: {why}"),
                None => "; change `include` or `exclude`".to_owned(),
            }
        );
        ensure!(
            made.len() <= MAX_TOOLS,
            "{} operations would be tools, and a feature may have {MAX_TOOLS}; choose some with `include`, such as \
             `include = [\"tag:{}\"]`",
            made.len(),
            all.iter()
                .find_map(|operation| operation.tags.first())
                .map_or("pets", |tag| tag)
        );
        let operations: Vec<_> = made.iter().map(|(operation, _)| *operation).collect();
        let names = name::names(
            &operations,
            &self.names,
            64_usize.saturating_sub(prefix.len()),
        )?;
        let credentials = credentials::missing(document, &operations, self);
        let mut calls = vec![];
        let tools = names
            .into_iter()
            .zip(made)
            .map(|(name, (_, (tool, call)))| {
                calls.push((name.clone(), call));
                Tool { name, ..tool }
            });
        let tools: Vec<_> = tools.collect();
        let table = table::encode(&table::globals(self, &server), calls);
        Ok(Made {
            unselected: all.len() - selected.len(),
            tools,
            left_out,
            server,
            credentials,
            table,
        })
    }
}

/// Whether a file is likely to be an OpenAPI document, by its name.
pub fn is_document(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}
