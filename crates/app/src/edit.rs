//! Adding to `spin.toml` what a server needs. The file is the user's: text is inserted,
//! nothing else moves, and it is written only when the caller says so.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml_edit::{Document, Item, TableLike, Value};

use super::section::Section;
use super::{App, find_manifest, read};
use spin_mcp_component::file;
use spin_mcp_component::path::{dir_of, in_dir, relative};
use spin_mcp_registry::Source;

/// The component that is added where an app has no server, and the route to it.
const COMPONENT: &str = "mcp";
const ROUTE: &str = "/mcp";

/// A `spin.toml`, as it is and as it is to be.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    text: String,
    changes: Vec<String>,
}

impl Manifest {
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            text,
            changes: vec![],
        })
    }

    /// The manifest that `find_manifest` finds; none is an error.
    pub fn find(from: Option<&Path>) -> Result<Self> {
        let path = find_manifest(from)?.context(
            "no `spin.toml` here or above: make an app with `spin new -t mcp-tool`, or name one \
             with `--from`",
        )?;
        Self::open(&path)
    }

    /// The manifest that `find_manifest` finds, else that of a new app in the current folder,
    /// called `name` or as the folder is.
    pub fn open_or_create(from: Option<&Path>, name: Option<&str>) -> Result<Self> {
        if let Some(path) = find_manifest(from)? {
            return Self::open(&path);
        }
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        let name = name.map_or_else(|| kebab(&here, "mcp-server"), str::to_owned);
        Ok(Self::create(Path::new("spin.toml"), &name))
    }

    /// The manifest of a new app, which exists from the first `save` on.
    pub fn create(path: &Path, name: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: format!(
                "spin_manifest_version = 2\n\n[application]\nname = {}\nversion = \"0.1.0\"\n",
                Value::from(name)
            ),
            changes: vec![format!("created `{}`", path.display())],
        }
    }

    /// What `save` is going to write, in sentences.
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// The manifest with all changes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The app that the manifest with its changes describes.
    pub fn app(&self, component: Option<&str>) -> Result<App> {
        App::parse(&self.path, &self.text, component)
    }

    /// Writes the changes, all or none. Without any, the file is not touched.
    pub fn save(&self) -> Result<()> {
        match self.changes.is_empty() {
            true => Ok(()),
            false => file::replace(&self.path, self.text.as_bytes()),
        }
    }

    /// Adds what is missing of the server's component and route, and returns the id of the
    /// component: `component` if given, else the one that is a server already, else `mcp`.
    pub fn ensure_server(&mut self, component: Option<&str>) -> Result<String> {
        let manifest = self.parse()?;
        let id = server_id(&manifest, component).with_context(|| self.cannot_add())?;
        let (table, has_build) = match manifest.get("component").and_then(|all| all.get(&id)) {
            Some(item) => (Some(item), item.get("build").is_some()),
            None => (None, false),
        };
        let has_source = table.is_some_and(|item| item.get("source").is_some());
        // Where `[component.ID]` stands by itself, new keys belong right below it.
        let header = table
            .and_then(Item::as_table)
            .filter(|table| !table.is_implicit() && !table.is_dotted())
            .and_then(|table| table.span());
        let needs_route = !has_route(&manifest, &id).with_context(|| self.cannot_add())?;

        if needs_route {
            self.append(&format!(
                "[[trigger.http]]\nroute = \"{ROUTE}\"\ncomponent = \"{id}\"\n"
            ))?;
            self.note(format!("routed `{ROUTE}` to component `{id}`"));
        }
        if !has_source {
            let source = format!("source = \"{id}.wasm\"\n");
            match header {
                Some(header) => self.insert_below(header.end, &source)?,
                None => self.append(&format!("[component.{id}]\n{source}"))?,
            }
            self.note(format!("gave component `{id}` the source `{id}.wasm`"));
            if !has_build {
                let command = match component {
                    Some(id) => format!("spin mcp build --component-id {id}"),
                    None => "spin mcp build".into(),
                };
                self.append(&format!(
                    "[component.{id}.build]\ncommand = \"{command}\"\n"
                ))?;
                self.note(format!(
                    "gave component `{id}` the build command `{command}`"
                ));
            }
        }
        Ok(id)
    }

    /// Lets component `id` open a key-value store, if it may open none so far and has a header
    /// of its own. Where it has not, nothing changes.
    pub fn ensure_store(&mut self, id: &str, store: &str) -> Result<()> {
        let manifest = self.parse()?;
        let table = manifest.get("component").and_then(|all| all.get(id));
        let table = table
            .and_then(Item::as_table)
            .filter(|table| !table.is_implicit() && !table.is_dotted())
            .filter(|table| !table.contains_key("key_value_stores"));
        let source = table.and_then(|table| table.get("source"));
        let Some(source) = source.and_then(Item::span) else {
            return Ok(());
        };
        let line = format!("key_value_stores = [{}]\n", Value::from(store));
        self.insert_below(source.end, &line)?;
        self.note(format!(
            "gave component `{id}` the key-value store `{store}`"
        ));
        Ok(())
    }

    /// Adds patterns to what `spin watch` watches to build component `id`, if that has a `build`
    /// table with a header of its own and no `workdir`. Where it has not, nothing changes.
    pub fn ensure_watch(&mut self, id: &str, patterns: &[String]) -> Result<()> {
        let manifest = self.parse()?;
        let build = ["component", id, "build"]
            .iter()
            .try_fold(manifest.as_item(), |item, key| item.get(key));
        let build = build
            .and_then(Item::as_table)
            .filter(|table| !table.is_implicit() && !table.is_dotted());
        // With a `workdir`, patterns would begin there.
        let build = build.filter(|build| !build.contains_key("workdir"));
        let Some(build) = build.filter(|_| !patterns.is_empty()) else {
            return Ok(());
        };
        let quoted: Vec<_> = patterns
            .iter()
            .map(|pattern| Value::from(pattern.as_str()).to_string())
            .collect();
        match build.get("watch") {
            Some(watch) => {
                let Some(array) = watch.as_array() else {
                    return Ok(());
                };
                let last = array.iter().last().and_then(Value::span);
                match (last, watch.span()) {
                    (Some(last), Some(all)) => {
                        let (position, text) = self.behind(last, all, &quoted);
                        self.insert(position, &text)?;
                    }
                    (None, Some(all)) => self.insert(all.start + 1, &quoted.join(", "))?,
                    _ => return Ok(()),
                }
            }
            None => {
                let Some(command) = build.get("command").and_then(Item::span) else {
                    return Ok(());
                };
                let line = format!("watch = [{}]\n", quoted.join(", "));
                self.insert_below(command.end, &line)?;
            }
        }
        let patterns = patterns.join("`, `");
        self.note(format!(
            "told `spin watch` to build component `{id}` for `{patterns}`"
        ));
        Ok(())
    }

    /// Where and how to write values behind the last one of an array, in the manner of that: on
    /// the same line, or each on one of its own.
    fn behind(
        &self,
        last: Range<usize>,
        array: Range<usize>,
        values: &[String],
    ) -> (usize, String) {
        let rest = &self.text[last.end..array.end - 1];
        let comma = rest
            .find(|c: char| !c.is_whitespace())
            .filter(|at| rest[*at..].starts_with(','));
        let line = self.text[..last.start].rfind('\n').map_or(0, |end| end + 1);
        let indent = &self.text[line..last.start];
        if line <= array.start || !indent.trim().is_empty() {
            let more: String = values.iter().map(|value| format!(", {value}")).collect();
            return (last.end, more);
        }
        let lines: String = values
            .iter()
            .map(|value| format!("\n{indent}{value},"))
            .collect();
        match comma {
            // Behind a comment to the last value, too.
            Some(_) => {
                let end = rest.find('\n').unwrap_or(rest.len());
                let end = rest[..end].trim_end_matches('\r').len();
                (last.end + end, lines)
            }
            None => (last.end, format!(",{}", lines.trim_end_matches(','))),
        }
    }

    /// Adds a component to the features of server `component`, under the name of its file or
    /// repository. A feature that has this `source` already is left alone.
    pub fn add_feature(&mut self, component: &str, added: &Source) -> Result<()> {
        let dir = &dir_of(&self.path);
        let (source, name) = match added {
            Source::File(path) => {
                ensure!(
                    path.is_file(),
                    "no file `{}`: build the feature first, or correct the path",
                    path.display()
                );
                (relative(dir, path)?, kebab(path, "feature"))
            }
            other => (
                other.to_string(),
                kebab(Path::new(&other.name()), "feature"),
            ),
        };
        let manifest = self.parse()?;
        let features = ["component", component, "tool", "mcp", "features"]
            .iter()
            .try_fold(manifest.as_item(), |item, key| item.get(key))
            .and_then(Item::as_table_like);
        if let Some(features) = features {
            let same = |item: &Item| {
                let known = item.get("source").and_then(Item::as_str);
                known.is_some_and(|known| in_dir(dir, known) == in_dir(dir, &source))
            };
            if features.iter().any(|(_, item)| same(item)) {
                return Ok(());
            }
            if let Some(taken) = features.get(&name) {
                bail!(
                    "cannot add `{}` as feature `{name}`: that name belongs to `{}`; rename the \
                     file, or add it to `{}` under another name",
                    added,
                    taken.get("source").and_then(Item::as_str).unwrap_or("?"),
                    self.path.display()
                );
            }
        }
        self.append(&format!(
            "[component.{component}.tool.mcp.features.{name}]\nsource = {}\n",
            Value::from(source.as_str())
        ))?;
        self.note(format!("added feature `{name}` with source `{source}`"));
        Ok(())
    }

    fn parse(&self) -> Result<Document<&str>> {
        parse(&self.text).with_context(|| format!("cannot use `{}`", self.path.display()))
    }

    fn cannot_add(&self) -> String {
        format!("cannot add a server to `{}`", self.path.display())
    }

    fn note(&mut self, change: String) {
        self.changes.push(change);
    }

    fn append(&mut self, block: &str) -> Result<()> {
        let gap = match self.text.as_str() {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        self.insert(self.text.len(), &format!("{gap}{block}"))
    }

    /// Inserts lines below the one that holds the byte at `position`.
    fn insert_below(&mut self, position: usize, lines: &str) -> Result<()> {
        match self.text[position..].find('\n') {
            Some(length) => self.insert(position + length + 1, lines),
            None => self.insert(self.text.len(), &format!("\n{lines}")),
        }
    }

    /// Inserts `lines` with the line ends of the file. Refuses what would not be TOML, which
    /// happens where the tables around are written inline.
    fn insert(&mut self, position: usize, lines: &str) -> Result<()> {
        let lines = match self.text.contains("\r\n") {
            true => lines.replace('\n', "\r\n"),
            false => lines.to_owned(),
        };
        let mut text = self.text.clone();
        text.insert_str(position, &lines);
        if Document::parse(text.as_str()).is_err() {
            bail!(
                "cannot add to `{}`, where a table that these lines belong to is written inline; \
                 write it out with a header of its own, or add what they say by hand:\n\n{}",
                self.path.display(),
                lines.trim()
            );
        }
        self.text = text;
        Ok(())
    }
}

pub(super) fn parse(text: &str) -> Result<Document<&str>> {
    // The message shows the place, on lines of its own.
    Document::parse(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))
}

/// The component to make a server of.
fn server_id(manifest: &Document<&str>, wanted: Option<&str>) -> Result<String> {
    let servers = read::servers(&Section::root(manifest.as_table()))?;
    let (id, is_server) = match wanted {
        Some(id) => (id.to_owned(), servers.iter().any(|server| server.id == id)),
        None => match read::only(servers)? {
            Some(server) => (server.id, true),
            None => (COMPONENT.to_owned(), false),
        },
    };
    ensure!(
        is_kebab(&id),
        "`{id}` cannot be the id of a Spin component: use letters, digits and `-`"
    );
    let component = manifest.get("component").and_then(|all| all.get(&id));
    ensure!(
        is_server || component.is_none_or(|component| component.get("source").is_none()),
        "component `{id}` has a `source` but no `tool.mcp` table, so composing would overwrite \
         a component that is no MCP server; choose another id with `--component-id`"
    );
    Ok(id)
}

/// Whether an HTTP trigger leads to the component. It is an error if the server's route
/// leads to another one.
fn has_route(manifest: &Document<&str>, component: &str) -> Result<bool> {
    let triggers = manifest.get("trigger").and_then(|all| all.get("http"));
    let triggers: Vec<&dyn TableLike> = match triggers {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|t| t as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(values))) => values
            .iter()
            .filter_map(Value::as_inline_table)
            .map(|t| t as &dyn TableLike)
            .collect(),
        _ => vec![],
    };
    if triggers
        .iter()
        .any(|t| text(*t, "component") == Some(component))
    {
        return Ok(true);
    }
    if let Some(taken) = triggers.iter().find(|t| text(**t, "route") == Some(ROUTE)) {
        bail!(
            "route `{ROUTE}` leads to component `{}`: give that one another route, or write a \
             `[[trigger.http]]` for component `{component}` with a route of its own",
            text(*taken, "component").unwrap_or("?")
        );
    }
    Ok(false)
}

fn text<'a>(table: &'a dyn TableLike, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Item::as_str)
}

fn is_kebab(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The last part of a path as an id, without extension: `my-tool` for `target/my_tool.wasm`.
fn kebab(path: &Path, default: &str) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => default.into(),
        false => words.join("-").to_ascii_lowercase(),
    }
}
