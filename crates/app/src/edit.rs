//! Adds to `spin.toml` what a server needs. Comments, order and line ends stay as they are, and
//! `save` alone writes the file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml_edit::{
    Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike, TomlError,
    Value, value,
};

use super::{App, find_manifest, read};
use spin_mcp_component::file;
use spin_mcp_component::path::{dir_of, in_dir, relative};
use spin_mcp_contract::grants::allows_origin;
use spin_mcp_openapi::Template;
use spin_mcp_registry::Source;

/// The component that is added where an app has no server, and the route to it.
const COMPONENT: &str = "mcp";
pub(super) const ROUTE: &str = "/mcp";

/// A feature to add: what to write into its table `openapi`.
#[derive(Debug, Default)]
pub struct NewApi {
    pub document: PathBuf,
    /// None: as the document is called.
    pub name: Option<String>,
    pub base_url: Option<String>,
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub headers: Vec<(String, Template)>,
}

/// A `spin.toml`, before and after the changes.
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
        let here = std::env::current_dir().context("cannot determine the current folder")?;
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
        let cannot = format!("cannot add a server to `{}`", self.path.display());
        let document = self.parse()?;
        let id = server_id(&document, component).with_context(|| cannot.clone())?;
        let known = document.get("component").and_then(|all| all.get(&id));
        let has = |key: &str| known.is_some_and(|component| component.get(key).is_some());
        let (has_source, has_build) = (has("source"), has("build"));
        if !has_route(&document, &id).with_context(|| cannot)? {
            self.add_route(ROUTE, &id)?;
        }
        if !has_source {
            self.edit(|document| {
                let components = descend(document, &["component"])?;
                if !components.contains_key(&id) {
                    components.insert(&id, at_end(Table::new()));
                }
                let header = components.get_mut(&id).and_then(Item::as_table_mut);
                // Only its sub-tables are in the file.
                if let Some(table) =
                    header.filter(|table| table.is_implicit() && !table.is_dotted())
                {
                    table.set_implicit(false);
                    table.set_position(Some(isize::MAX));
                }
                child(components, &id)?.insert("source", value(format!("{id}.wasm")));
                Ok(())
            })?;
            self.note(format!("gave component `{id}` the source `{id}.wasm`"));
            if !has_build {
                let command = match component {
                    Some(id) => format!("spin mcp build --component-id {id}"),
                    None => "spin mcp build".into(),
                };
                self.edit(|document| {
                    let build = Table::from_iter([("command", command.as_str())]);
                    let component = descend(document, &["component", &id])?;
                    component.insert("build", at_end(build));
                    Ok(())
                })?;
                self.note(format!(
                    "gave component `{id}` the build command `{command}`"
                ));
            }
        }
        Ok(id)
    }

    /// Lets component `id` open a key-value store, if it has no `key_value_stores`.
    pub fn ensure_store(&mut self, id: &str, store: &str) -> Result<()> {
        let document = self.parse()?;
        let component = document.get("component").and_then(|all| all.get(id));
        if component.is_none_or(|component| component.get("key_value_stores").is_some()) {
            return Ok(());
        }
        self.edit(|document| {
            let component = descend(document, &["component", id])?;
            component.insert("key_value_stores", value(Array::from_iter([store])));
            Ok(())
        })?;
        self.note(format!(
            "gave component `{id}` the key-value store `{store}`"
        ));
        Ok(())
    }

    /// Adds what authorization needs: routes to the metadata, and where keys are fetched from and
    /// kept.
    pub fn ensure_access(&mut self, app: &App) -> Result<()> {
        let (id, Some(auth)) = (&app.component, &app.auth) else {
            return Ok(());
        };
        for route in app.unrouted() {
            let document = self.parse()?;
            if let Some(taken) = triggers(&document)
                .iter()
                .find(|t| text(**t, "route") == Some(&route))
            {
                bail!(
                    "route `{route}` leads to component `{}`, but clients look there for the metadata of component \
                     `{id}`; give that one another route",
                    text(*taken, "component").unwrap_or("?")
                );
            }
            self.add_route(&route, id)?;
        }
        let origins = auth.origins();
        if origins.is_empty() {
            return Ok(());
        }
        self.allow(app, origins, "the keys of tokens")?;
        self.ensure_store(id, &auth.store)
    }

    /// Lets the component call the APIs of its features.
    pub fn ensure_apis(&mut self, app: &App) -> Result<()> {
        for (name, of) in app.apis() {
            let origin = of.server()?.origin();
            let app = self.app(Some(&app.component))?;
            self.allow(&app, vec![origin], &format!("feature `{name}`"))?;
        }
        Ok(())
    }

    /// Adds origins to `allowed_outbound_hosts`.
    fn allow(&mut self, app: &App, origins: Vec<String>, why: &str) -> Result<()> {
        let id = &app.component;
        let allowed = |origin: &String| allows_origin(&app.outbound_hosts, origin);
        let missing: Vec<_> = origins
            .into_iter()
            .filter(|origin| !allowed(origin))
            .collect();
        if !missing.is_empty() {
            self.edit(|document| {
                let component = descend(document, &["component", id])?;
                match component
                    .get_mut("allowed_outbound_hosts")
                    .map(Item::as_array_mut)
                {
                    None => {
                        let hosts = Array::from_iter(&missing);
                        component.insert("allowed_outbound_hosts", value(hosts));
                    }
                    Some(Some(hosts)) => extend(hosts, &missing),
                    Some(None) => bail!("`allowed_outbound_hosts` must be an array"),
                }
                Ok(())
            })?;
            self.note(format!(
                "allowed component `{id}` to call `{}`, for {why}",
                missing.join("`, `")
            ));
        }
        Ok(())
    }

    /// Adds patterns to what `spin watch` watches to build component `id`, if that has a `build`
    /// table. With a `workdir`, where patterns begin, nothing changes.
    pub fn ensure_watch(&mut self, id: &str, patterns: &[String]) -> Result<()> {
        let document = self.parse()?;
        let build = ["component", id, "build"]
            .iter()
            .try_fold(document.as_item(), |item, key| item.get(key));
        let is_open = |build: &&Item| {
            let watch = build.get("watch");
            build.is_table_like()
                && build.get("workdir").is_none()
                && watch.is_none_or(Item::is_array)
        };
        if patterns.is_empty() || build.filter(is_open).is_none() {
            return Ok(());
        }
        self.edit(|document| {
            let build = descend(document, &["component", id, "build"])?;
            match build.get_mut("watch").and_then(Item::as_array_mut) {
                Some(watch) => extend(watch, patterns),
                None => {
                    build.insert("watch", value(Array::from_iter(patterns)));
                }
            }
            Ok(())
        })?;
        let patterns = patterns.join("`, `");
        self.note(format!(
            "added `{patterns}` to the `watch` patterns of component `{id}`"
        ));
        Ok(())
    }

    /// Adds a component to the features of server `component`, under the name of its file or
    /// repository. Nothing changes if a feature has this `source` already.
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
        let document = self.parse()?;
        let features = ["component", component, "tool", "mcp", "features"]
            .iter()
            .try_fold(document.as_item(), |item, key| item.get(key))
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
        self.edit(|document| {
            let feature = Table::from_iter([("source", source.as_str())]);
            let path = ["component", component, "tool", "mcp", "features"];
            descend(document, &path)?.insert(&name, at_end(feature));
            Ok(())
        })?;
        self.note(format!("added feature `{name}` with source `{source}`"));
        Ok(())
    }

    /// Adds an OpenAPI document to the features of server `component`, and returns the feature's name.
    pub fn add_openapi(&mut self, component: &str, added: &NewApi) -> Result<String> {
        let dir = &dir_of(&self.path);
        let file = &added.document;
        ensure!(
            file.is_file(),
            "no file `{}`: correct the path, or download the document first",
            file.display()
        );
        let name = added.name.clone().unwrap_or_else(|| kebab(file, "api"));
        ensure!(
            is_kebab(&name),
            "`{name}` cannot be the name of a feature: use letters, digits and `-`"
        );
        let document = self.parse()?;
        let path = ["component", component, "tool", "mcp", "features", &name];
        let taken = path
            .iter()
            .try_fold(document.as_item(), |item, key| item.get(key));
        ensure!(
            taken.is_none(),
            "there is a feature `{name}` already; change it in `{}`, or choose another name with `--name`",
            self.path.display()
        );
        let source = relative(dir, file)?;
        self.edit(|document| {
            let mut table = Table::from_iter([("document", value(source.as_str()))]);
            let lists = [("include", &added.include), ("exclude", &added.exclude)];
            for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                table.insert(key, value(Array::from_iter(list)));
            }
            if let Some(url) = &added.base_url {
                table.insert("base_url", value(url.as_str()));
            }
            if !added.headers.is_empty() {
                let headers = added
                    .headers
                    .iter()
                    .map(|(name, text)| (name, text.to_string()));
                table.insert("headers", value(InlineTable::from_iter(headers)));
            }
            descend(document, &path)?.insert("openapi", at_end(table));
            Ok(())
        })?;
        self.note(format!(
            "added feature `{name}` with the OpenAPI document `{source}`"
        ));
        for variable in added.headers.iter().flat_map(|(_, text)| text.variables()) {
            self.ensure_variable(component, variable)?;
        }
        Ok(name)
    }

    /// Gives component `id` a secret variable of the app.
    fn ensure_variable(&mut self, id: &str, name: &str) -> Result<()> {
        self.edit(|document| {
            let declared = descend(document, &["variables"])?;
            if !declared.contains_key(name) {
                let keys = InlineTable::from_iter([("required", true), ("secret", true)]);
                declared.insert(name, value(keys));
            }
            let own = descend(document, &["component", id, "variables"])?;
            if !own.contains_key(name) {
                own.insert(name, value(format!("{{{{ {name} }}}}")));
            }
            Ok(())
        })?;
        self.note(format!("gave component `{id}` the variable `{name}`"));
        Ok(())
    }

    fn add_route(&mut self, path: &str, id: &str) -> Result<()> {
        let mut route = Table::from_iter([("route", path), ("component", id)]);
        self.edit(|document| {
            let trigger = descend(document, &["trigger"])?;
            if !trigger.contains_key("http") {
                trigger.insert("http", Item::ArrayOfTables(ArrayOfTables::new()));
            }
            match trigger.get_mut("http") {
                Some(Item::ArrayOfTables(routes)) => {
                    // Beside the others: what a user adds to the end of the file belongs to the last
                    // table there.
                    let last = routes.iter().last().and_then(Table::position);
                    route.set_position(Some(last.unwrap_or(isize::MAX)));
                    routes.push(route);
                }
                Some(Item::Value(Value::Array(routes))) => {
                    routes.push(route.into_inline_table());
                }
                _ => bail!("`trigger.http` must be an array of tables"),
            }
            Ok(())
        })?;
        self.note(format!("routed `{path}` to component `{id}`"));
        Ok(())
    }

    fn parse(&self) -> Result<DocumentMut> {
        parse(&self.text).with_context(|| format!("cannot use `{}`", self.path.display()))
    }

    fn note(&mut self, change: String) {
        self.changes.push(change);
    }

    /// Changes the document. What comes to its end comes after the comments there, too.
    fn edit(&mut self, change: impl FnOnce(&mut DocumentMut) -> Result<()>) -> Result<()> {
        let before = self.text.replace("\r\n", "\n");
        let mut document = parse(&before)?;
        change(&mut document).with_context(|| format!("cannot edit `{}`", self.path.display()))?;
        let comments = document.trailing().as_str().unwrap_or_default().to_owned();
        let mut after = document.to_string();
        let body = before.strip_suffix(&comments).unwrap_or(&before);
        let appended = after.strip_suffix(&comments);
        if let Some(appended) = appended.and_then(|after| after.strip_prefix(body)) {
            let line_end = match comments.is_empty() || comments.ends_with('\n') {
                true => "",
                false => "\n",
            };
            after = format!("{before}{line_end}{appended}");
        }
        self.text = match self.text.contains("\r\n") {
            true => after.replace('\n', "\r\n"),
            false => after,
        };
        Ok(())
    }
}

pub(super) fn parse(text: &str) -> Result<DocumentMut> {
    // The message shows the place, on lines of its own.
    text.parse()
        .map_err(|error: TomlError| anyhow!("{}", error.to_string().trim_end()))
}

/// A table with a header at the end of the file, where its parent is not written inline.
fn at_end(mut table: Table) -> Item {
    table.set_implicit(false);
    table.set_position(Some(isize::MAX));
    Item::Table(table)
}

/// The table `key` of a table, which is made if it is missing.
fn child<'a>(table: &'a mut dyn TableLike, key: &str) -> Result<&'a mut dyn TableLike> {
    if !table.contains_key(key) {
        let mut implicit = Table::new();
        implicit.set_implicit(true);
        table.insert(key, Item::Table(implicit));
    }
    let child = table.get_mut(key).and_then(Item::as_table_like_mut);
    child.with_context(|| format!("`{key}` must be a table"))
}

fn descend<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut dyn TableLike> {
    let root: &mut dyn TableLike = document.as_table_mut();
    path.iter().try_fold(root, |table, key| child(table, key))
}

/// Adds values to an array, each on a line of its own if the last one is.
fn extend(array: &mut Array, values: &[String]) {
    let has_comma = array.trailing_comma();
    let mut after = array.trailing().as_str().unwrap_or_default().to_owned();
    let mut line = None;
    if let Some(last) = array.iter_mut().last() {
        let prefix = last.decor().prefix().and_then(RawString::as_str);
        line = prefix.and_then(|prefix| Some(prefix[prefix.rfind('\n')?..].to_owned()));
        if !has_comma {
            let suffix = last.decor().suffix().and_then(RawString::as_str);
            after.insert_str(0, suffix.unwrap_or_default());
            last.decor_mut().set_suffix("");
        }
    }
    let Some(line) = line else {
        array.extend(values);
        return;
    };
    // A comment behind the last value stays there.
    let (mut comment, rest) = after.split_at(after.find('\n').unwrap_or(after.len()));
    for text in values {
        let prefix = format!("{comment}{line}");
        array.push_formatted(Value::from(text).decorated(prefix, ""));
        comment = "";
    }
    array.set_trailing(rest);
}

/// The component to make a server of.
fn server_id(document: &DocumentMut, wanted: Option<&str>) -> Result<String> {
    let servers: Vec<_> = read::servers_of(document)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let id = match wanted {
        Some(id) => id,
        None => read::only(&servers)?.unwrap_or(COMPONENT),
    };
    ensure!(
        is_kebab(id),
        "`{id}` cannot be the id of a Spin component: use letters, digits and `-`"
    );
    let component = document.get("component").and_then(|all| all.get(id));
    ensure!(
        servers.contains(&id)
            || component.is_none_or(|component| component.get("source").is_none()),
        "component `{id}` has a `source` but no `tool.mcp` table, so composing would overwrite \
         a component that is not an MCP server; choose another id with `--component-id`"
    );
    Ok(id.to_owned())
}

/// The HTTP triggers of a component.
pub(super) fn triggers_of<'d>(
    document: &'d DocumentMut,
    component: &str,
) -> impl Iterator<Item = &'d dyn TableLike> {
    let triggers = triggers(document).into_iter();
    triggers.filter(move |t| text(*t, "component") == Some(component))
}

/// The HTTP triggers.
fn triggers(document: &DocumentMut) -> Vec<&dyn TableLike> {
    let triggers = document.get("trigger").and_then(|all| all.get("http"));
    match triggers {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|t| t as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(values))) => values
            .iter()
            .filter_map(Value::as_inline_table)
            .map(|t| t as &dyn TableLike)
            .collect(),
        _ => vec![],
    }
}

/// The routes that lead to a component.
pub(super) fn routes(document: &DocumentMut, component: &str) -> Vec<String> {
    let own = triggers_of(document, component);
    own.filter_map(|t| text(t, "route").map(str::to_owned))
        .collect()
}

/// Whether an HTTP trigger leads to the component. It is an error if the server's route
/// leads to another one.
fn has_route(document: &DocumentMut, component: &str) -> Result<bool> {
    let triggers = triggers(document);
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
