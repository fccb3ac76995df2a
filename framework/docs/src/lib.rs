//! The documentation of spin-mcp for coding agents, and commands that its host runs for them.

mod search;

use serde::Serialize;
use spin_mcp_sdk::serde_json::{Map, Value};
use spin_mcp_sdk::{Json, ResourceInfo, resource, schemars::JsonSchema, tool};

use host::spin_mcp::local::commands::{Command, run};

mod host {
    wit_bindgen::generate!({
        path: "../../crates/runner/wit/local.wit",
        inline: "
            package spin-mcp:docs;
            world docs {
                import spin-mcp:local/commands@0.1.0;
            }",
        world: "spin-mcp:docs/docs",
        generate_all,
    });
}

spin_mcp_sdk::export! {
    tools: [search_docs, read_docs, inspect, check, call],
    resources: [page],
}

/// The name and the text of each page: Markdown below `docs`, and WIT below `wit`.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

fn page_named(name: &str) -> Option<&'static str> {
    let found = PAGES.iter().find(|(page, _)| *page == name);
    found.map(|(_, text)| *text)
}

fn names() -> Vec<&'static str> {
    PAGES.iter().map(|(name, _)| *name).collect()
}

/// The first heading, or the package of WIT.
fn title(text: &str) -> &str {
    let line = text.lines().find(|line| !line.is_empty());
    line.unwrap_or_default().trim_start_matches('#').trim()
}

fn pages() -> Vec<ResourceInfo> {
    let pages = PAGES.iter().map(|(name, text)| {
        let of = match name.ends_with(".md") {
            true => "text/markdown",
            false => "text/plain",
        };
        ResourceInfo::new(format!("spin-mcp://{name}"), *name)
            .title(title(text))
            .mime_type(of)
    });
    pages.collect()
}

/// A page of the documentation, or a file of the WIT contract.
#[resource("spin-mcp://{name*}", list = pages)]
fn page(#[complete(names)] name: &str) -> Option<&'static str> {
    page_named(name)
}

/// A section that was found.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Found {
    /// What `read_docs` takes.
    page: &'static str,
    heading: &'static str,
    /// How the section begins.
    text: String,
}

#[derive(Debug, JsonSchema, Serialize)]
pub struct FoundAll {
    sections: Vec<Found>,
}

/// Searches the documentation of spin-mcp and the WIT contract: how to write, configure, test and deploy MCP servers
/// with `spin mcp`, keys of spin.toml, commands, limits and error messages.
#[tool(annotations(read_only = true, open_world = false))]
fn search_docs(
    /// Words, such as `outbound HTTP allow`, or an error message.
    query: String,
    /// How many sections to return.
    #[default(5)]
    #[schemars(range(min = 1, max = 20))]
    limit: usize,
) -> Result<Json<FoundAll>, String> {
    let sections = search::search(PAGES, &query, limit);
    match sections.is_empty() {
        true => Err(format!(
            "no section matches `{query}`; `read_docs` has these pages: {}",
            names().join(", ")
        )),
        false => Ok(Json(FoundAll { sections })),
    }
}

/// Returns a page of the documentation, or a file of the WIT contract.
#[tool(annotations(read_only = true, open_world = false))]
fn read_docs(
    /// Such as `docs/quickstart.md` or `wit/tools.wit`.
    page: String,
) -> Result<&'static str, String> {
    page_named(&page)
        .ok_or_else(|| format!("there is no page `{page}`, only {}", names().join(", ")))
}

/// Shows what a composed MCP server offers, what it consists of, and what each part may use.
#[tool(annotations(read_only = true, open_world = false))]
fn inspect(
    /// The folder of an app that was built, or a composed `.wasm` file.
    #[default(".".into())]
    path: String,
) -> Result<String, String> {
    run(Command::Inspect, &path, &[])
}

/// Checks which hosts can run a composed MCP server, and says what to change for the others.
#[tool(annotations(read_only = true, open_world = false))]
fn check(
    /// The folder of an app that was built, or a composed `.wasm` file.
    #[default(".".into())]
    path: String,
    /// Hosts such as `spin@4`, `fermyon-wasm-functions` or `wasmtime`; otherwise those of spin.toml, or all.
    #[default(vec![])]
    hosts: Vec<String>,
) -> Result<String, String> {
    run(Command::Check, &path, &hosts)
}

/// Calls a tool of a composed MCP server, which runs for this call only and reaches only the hosts that its app allows.
#[tool]
fn call(
    /// The name of the tool, as `inspect` shows it.
    tool: String,
    /// The arguments of the tool.
    #[default(Map::new())]
    arguments: Map<String, Value>,
    /// The folder of an app that was built, or a composed `.wasm` file.
    #[default(".".into())]
    path: String,
) -> Result<String, String> {
    run(
        Command::Call,
        &path,
        &[tool, Value::Object(arguments).to_string()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(query: &str) -> (&'static str, &'static str) {
        let Json(found) = search_docs(query.into(), 1).unwrap();
        (found.sections[0].page, found.sections[0].heading)
    }

    #[test]
    fn a_search_finds_the_section_that_is_about_it() {
        for (query, page) in [
            (
                "rate-limit middleware settings",
                "docs/explain/middleware.md",
            ),
            ("allowed_origins", "docs/reference/spin-toml.md"),
            ("what needs a store", "docs/explain/sessions.md"),
            ("spin mcp connect --print", "docs/reference/cli.md"),
            ("Python is too old", "docs/troubleshooting.md"),
            ("call-tool", "wit/tools.wit"),
        ] {
            let Json(found) = search_docs(query.into(), 5).unwrap();
            let pages: Vec<_> = found.sections.iter().map(|found| found.page).collect();
            assert!(pages.contains(&page), "{query}: {pages:?}");
        }
        assert_eq!(
            first("lazy features"),
            ("docs/explain/architecture.md", "Lazy features")
        );
    }

    #[test]
    fn a_search_for_nothing_names_the_pages() {
        let error = search_docs("zzzzqqq".into(), 5).unwrap_err();
        assert!(error.contains("docs/quickstart.md"), "{error}");
    }

    #[test]
    fn pages_can_be_read() {
        assert!(
            read_docs("wit/tools.wit".into())
                .unwrap()
                .contains("interface tools")
        );
        assert!(
            read_docs("docs/quickstart.md".into())
                .unwrap()
                .starts_with("# Quickstart")
        );
        assert!(
            read_docs("quickstart".into())
                .unwrap_err()
                .contains("docs/quickstart.md")
        );
        assert_eq!(pages().len(), PAGES.len());
    }
}
