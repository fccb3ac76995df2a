//! The user's app: reads and edits its `spin.toml`, and builds its features and middleware.

pub mod auth;
mod build;
mod edit;
mod manifest;
mod read;
mod sources;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use spin_mcp_contract::record::Record;
use spin_mcp_contract::{
    ComponentSource, Composition, Framework, Grant, Override, Rego, Role, Runtime, ServerConfig,
    Wasi,
};
use spin_mcp_hosts::Target;
use spin_mcp_openapi::OpenApi;
use spin_mcp_registry::{Reference, Resolver, Source};

pub use auth::Auth;
pub use build::{BuildFailed, BuildOptions};
pub use edit::{Manifest, NewApi};
pub use manifest::quoted;
pub use sources::Sources;

/// An MCP server as an app's `spin.toml` describes it.
#[derive(Debug)]
pub struct App {
    /// The folder of `spin.toml`, where its relative paths begin.
    pub dir: PathBuf,
    /// The id of the Spin component that is the server.
    pub component: String,
    /// The `source` of that component, which compose writes.
    pub output: PathBuf,
    /// The registry tags that the servers of the manifest use, which `mcp.lock` holds.
    pub tags: Vec<String>,
    /// The stores that Spin opens for the component.
    pub key_value_stores: Vec<String>,
    /// The hosts that Spin lets the component call.
    pub outbound_hosts: Vec<String>,
    /// The routes that lead to the component.
    pub routes: Vec<String>,
    /// The target environments of the component, or else of the app.
    pub targets: Vec<String>,
    /// The files that `spin watch` watches to build the component.
    pub watch: Vec<String>,
    pub wasi: Wasi,
    pub server: ServerConfig,
    /// In the order of the manifest, which is the order of the lists that clients see.
    pub features: Vec<Part>,
    /// In order: the first one sees a request first.
    pub middleware: Vec<Part>,
    pub auth: Option<Auth>,
    /// The components that replace parts of the framework.
    pub overrides: Vec<(Framework, Source)>,
}

/// One table of `tool.mcp.features` or `tool.mcp.middleware`.
#[derive(Debug)]
pub struct Part {
    pub role: Role,
    pub name: String,
    pub origin: Origin,
    /// The shell command that writes `source`.
    pub build: Option<String>,
    /// Where `build` runs.
    pub workdir: PathBuf,
    /// Put before the name of each of a feature's tools and prompts.
    pub prefix: Option<String>,
    /// What it can use of its host.
    pub allow: Vec<Grant>,
    /// Whether the lists of a feature depend on the request.
    pub dynamic: bool,
    pub settings: Option<Map<String, Value>>,
}

/// Where a component comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    Source(Source),
    /// The name of a middleware that `mcp` contains.
    Shipped(&'static str),
    /// What compose makes of an OpenAPI document.
    OpenApi(Box<OpenApi>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Source(source) => source.fmt(f),
            Origin::Shipped(name) => f.write_str(name),
            Origin::OpenApi(of) => of.document.display().fmt(f),
        }
    }
}

impl App {
    /// Reads the manifest that `from` names: `spin.toml` itself or its folder. Without `from`, it
    /// is the nearest one at or above the current folder.
    pub fn find(from: Option<&Path>, component: Option<&str>) -> Result<App> {
        Manifest::find(from)?.app(component)
    }

    /// Reads the manifest at `path`. `component` chooses one of several servers.
    pub fn load(path: &Path, component: Option<&str>) -> Result<App> {
        Manifest::open(path)?.app(component)
    }

    /// What to compose. Every part must be built, or be in a registry.
    pub fn composition(&self, resolver: &mut Resolver) -> Result<Composition> {
        let mut resolve = |parts: &[Part]| {
            let parts = parts.iter().map(|part| part.resolve(resolver));
            parts.collect::<Result<Vec<_>>>()
        };
        Ok(Composition {
            wasi: self.wasi,
            runtime: Runtime::Spin,
            server: self.server.clone(),
            features: resolve(&self.features)?,
            middleware: resolve(&self.middleware)?,
            overrides: self
                .overrides
                .iter()
                .map(|(part, source)| override_of(*part, source, resolver))
                .collect::<Result<_>>()?,
            sequence: false,
            auth: self
                .auth
                .as_ref()
                .map(|auth| auth.resolve(resolver))
                .transpose()?,
        })
    }

    /// The policy in Rego of the table `auth`.
    pub fn rego(&self) -> Result<&Rego> {
        let policy = self.auth.as_ref().and_then(|auth| auth.policy.as_ref());
        let rego = policy.and_then(|policy| policy.rego.as_ref());
        rego.with_context(|| {
            let id = &self.component;
            format!(
                "component `{id}` has no policy in Rego; write `file = \"policy.rego\"` under \
                 `[component.{id}.tool.mcp.auth.policy]`"
            )
        })
    }

    /// Features, then middleware, then what authorizes.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let auth = self.auth.iter().flat_map(Auth::parts);
        self.features.iter().chain(&self.middleware).chain(auth)
    }

    /// The features that are OpenAPI documents.
    pub fn apis(&self) -> impl Iterator<Item = (&str, &OpenApi)> {
        self.features.iter().filter_map(|part| match &part.origin {
            Origin::OpenApi(of) => Some((&*part.name, &**of)),
            _ => None,
        })
    }

    /// The targets that `mcp check` knows. Prints a note about each of the others.
    pub fn known_targets(&self) -> Vec<Target> {
        let targets = self.targets.iter();
        targets
            .filter_map(|name| match name.parse() {
                Ok(target) => Some(target),
                Err(error) => {
                    eprintln!("note: target `{name}` is not checked: {error}");
                    None
                }
            })
            .collect()
    }

    /// The paths of the server's metadata to which no route leads.
    pub fn unrouted(&self) -> Vec<String> {
        let route = self
            .routes
            .iter()
            .find(|route| !route.starts_with("/.well-known/"));
        let route = route.map_or(edit::ROUTE, |route| route.trim_end_matches("/..."));
        let auth = self.auth.iter();
        let paths = auth.flat_map(|auth| auth.metadata_paths(route));
        let leads = |route: &String, path: &str| match route.strip_suffix("/...") {
            Some(start) => path.starts_with(start),
            None => route == path,
        };
        let is_routed = |path: &String| self.routes.iter().any(|route| leads(route, path));
        paths.filter(|path| !is_routed(path)).collect()
    }

    /// Fails if Spin would not open the server's stores for the component.
    pub fn check_store(&self, record: &Record) -> Result<()> {
        let mut stores = self.key_value_stores.clone();
        for (store, reason) in record.stores() {
            if stores.iter().any(|known| known == store) {
                continue;
            }
            stores.push(store.to_owned());
            bail!(
                "the server needs the key-value store `{store}` ({reason}), which component `{id}` cannot open; \
                 write `key_value_stores = {}` under `[component.{id}]` in spin.toml",
                toml_edit::Array::from_iter(&stores).to_string().trim(),
                id = self.component
            );
        }
        Ok(())
    }
}

/// The component at `source`, which replaces a part of the framework.
pub fn override_of(part: Framework, source: &Source, resolver: &mut Resolver) -> Result<Override> {
    let resolved = resolver.resolve(source);
    let resolved = resolved.with_context(|| format!("cannot get the component for `{part}`"))?;
    Ok(Override {
        part,
        component: ComponentSource::Resolved(resolved),
    })
}

impl Part {
    /// A part without any other key.
    fn new(role: Role, name: String, origin: Origin, dir: &Path) -> Part {
        Part {
            role,
            name,
            origin,
            build: None,
            workdir: dir.to_owned(),
            prefix: None,
            allow: vec![],
            dynamic: false,
            settings: None,
        }
    }

    /// The file of its component or document, if its source is one.
    pub fn file(&self) -> Option<&PathBuf> {
        match &self.origin {
            Origin::Source(source) => source.file(),
            Origin::OpenApi(of) => Some(&of.document),
            Origin::Shipped(_) => None,
        }
    }

    /// The registry tag of its component, if its source is one.
    pub fn tag(&self) -> Option<&Reference> {
        match &self.origin {
            Origin::Source(source) => source.tag(),
            Origin::Shipped(_) | Origin::OpenApi(_) => None,
        }
    }

    /// The part, with its component on this machine.
    fn resolve(&self, resolver: &mut Resolver) -> Result<spin_mcp_contract::Part> {
        let component = match &self.origin {
            Origin::Source(source) => self.component(source, resolver)?,
            Origin::Shipped(name) => ComponentSource::Shipped(name),
            Origin::OpenApi(of) => ComponentSource::OpenApi(of.clone()),
        };
        Ok(spin_mcp_contract::Part {
            role: self.role,
            name: self.name.clone(),
            component,
            prefix: self.prefix.clone(),
            allow: self.allow.clone(),
            dynamic: self.dynamic,
            settings: self.settings.clone(),
        })
    }

    fn component(&self, source: &Source, resolver: &mut Resolver) -> Result<ComponentSource> {
        let (role, name) = (self.role, &self.name);
        let resolved = resolver.resolve(source);
        let resolved =
            resolved.with_context(|| format!("cannot get the component of {role} `{name}`"))?;
        ensure!(
            source.file().is_none_or(|path| path.is_file()),
            "{role} `{name}` has no component at `{source}`: {}",
            match self.build {
                Some(_) => "`spin mcp build` builds it",
                None => "correct its `source`, or give it a `build` command",
            }
        );
        Ok(ComponentSource::Resolved(resolved))
    }
}

/// The manifest that `from` names, else the nearest one at or above the current folder. The
/// search ends where a Git repository does.
pub fn find_manifest(from: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(path) = from {
        let path = match path.is_dir() {
            true => path.join("spin.toml"),
            false => path.to_owned(),
        };
        ensure!(
            path.is_file(),
            "no file `{}`: `--from` takes the path of a `spin.toml` or of its folder",
            path.display()
        );
        return Ok(Some(path));
    }
    if Path::new("spin.toml").is_file() {
        return Ok(Some("spin.toml".into()));
    }
    let here = std::env::current_dir().context("cannot determine the current folder")?;
    for dir in here.ancestors() {
        let manifest = dir.join("spin.toml");
        if manifest.is_file() {
            return Ok(Some(manifest));
        }
        if dir.join(".git").exists() {
            break;
        }
    }
    Ok(None)
}
