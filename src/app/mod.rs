//! The user's app: what `spin.toml` says of an MCP server, and what is changed there.
//!
//! `tool.mcp` of a component is all that is read beside Spin's own `application` and the
//! component's `source`. Every error names the key it is about.

mod build;
mod edit;
mod file;
mod path;
mod read;
mod section;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::check::Target;
use crate::compose::record::Record;
use crate::compose::{self, Composition, Grant, Runtime, ServerConfig, Wasi};
use crate::registry::{Resolver, Source};

pub use build::{BuildFailed, BuildOptions};
pub use edit::Manifest;
pub use file::replace;
pub(crate) use path::in_dir;

/// An MCP server as an app's `spin.toml` describes it.
#[derive(Debug)]
pub struct App {
    /// The folder of `spin.toml`, where its relative paths begin.
    pub dir: PathBuf,
    /// The id of the Spin component that is the server.
    pub component: String,
    /// That component's `source`: where compose writes it.
    pub output: PathBuf,
    /// The tags of registries that any server of the manifest uses.
    pub tags: Vec<String>,
    /// The stores that Spin opens for that component.
    pub key_value_stores: Vec<String>,
    /// The environments that the component, or else the app, is meant for, as Spin calls them.
    pub targets: Vec<String>,
    /// The files that `spin watch` watches to build the component.
    pub watch: Vec<String>,
    pub wasi: Wasi,
    pub server: ServerConfig,
    /// In the order of the manifest, which is the order that clients see.
    pub features: Vec<Feature>,
}

/// One entry of `tool.mcp.features`.
#[derive(Debug)]
pub struct Feature {
    pub name: String,
    /// Its component.
    pub source: Source,
    /// The shell command that writes `source`.
    pub build: Option<String>,
    /// Where `build` runs.
    pub workdir: PathBuf,
    /// Put before the name of each of its tools and prompts.
    pub prefix: Option<String>,
    /// What it may use beside what every feature may.
    pub allow: Vec<Grant>,
    /// Its lists depend on the request.
    pub dynamic: bool,
}

impl App {
    /// Reads the manifest that `from` names: `spin.toml` itself or its folder. Without it,
    /// the search goes up from the current folder, as Spin's does.
    pub fn find(from: Option<&Path>, component: Option<&str>) -> Result<App> {
        Manifest::find(from)?.app(component)
    }

    /// Reads the manifest at `path`. `component` chooses among several servers.
    pub fn load(path: &Path, component: Option<&str>) -> Result<App> {
        Manifest::open(path)?.app(component)
    }

    /// What to compose. Every feature must have been built or be in a registry.
    pub fn composition(&self, resolver: &mut Resolver) -> Result<Composition> {
        let features = self.features.iter();
        Ok(Composition {
            wasi: self.wasi,
            runtime: Runtime::Spin,
            server: self.server.clone(),
            features: features
                .map(|feature| feature.resolve(resolver))
                .collect::<Result<_>>()?,
        })
    }

    /// The targets that `mcp check` knows. Tells of the others on stderr.
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

    /// Refuses a server whose store Spin would not open for the component.
    pub fn check_store(&self, record: &Record) -> Result<()> {
        let (Some(store), Some(reason)) = (&record.store, record.reason_for_state()) else {
            return Ok(());
        };
        let mut stores = self.key_value_stores.clone();
        if stores.contains(store) {
            return Ok(());
        }
        stores.push(store.clone());
        bail!(
            "the server needs the key-value store `{store}` ({reason}), which component `{id}` may not open; \
             write `key_value_stores = {}` under `[component.{id}]` in spin.toml",
            toml_edit::Array::from_iter(&stores).to_string().trim(),
            id = self.component
        );
    }
}

impl Feature {
    /// The feature as it is on this machine.
    fn resolve(&self, resolver: &mut Resolver) -> Result<compose::Feature> {
        let resolved = resolver.resolve(&self.source);
        let resolved = resolved
            .with_context(|| format!("cannot get the component of feature `{}`", self.name))?;
        ensure!(
            resolved.path.is_file(),
            "feature `{}` has no component at `{}`: {}",
            self.name,
            self.source,
            match self.build {
                Some(_) => "`spin mcp build` builds it",
                None => "correct its `source`, or give it a `build` command",
            }
        );
        Ok(compose::Feature {
            name: self.name.clone(),
            source: resolved.path,
            origin: resolved.origin,
            prefix: self.prefix.clone(),
            allow: self.allow.clone(),
            dynamic: self.dynamic,
        })
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
    let here = std::env::current_dir().context("cannot tell the current folder")?;
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
