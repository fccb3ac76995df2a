//! `mcp compose`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::ArgGroup;
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::build::{note_grants, note_store, summary};
use spin_mcp_app::{self as app, Manifest};
use spin_mcp_component::file;
use spin_mcp_compose::compose;
use spin_mcp_contract::{
    ComponentSource, Composition, Framework, Grant, Part, Role, Runtime, ServerConfig, Wasi,
    shipped,
};
use spin_mcp_registry::{Resolver, Source};

/// Compose feature components into one MCP server.
///
/// With `--output`, the features named here become that file, and no app is needed. Without
/// it, the features of the app in `spin.toml` become the `source` of its component; features
/// named here are added to the app first, and what the server needs is written to `spin.toml`,
/// which is created where there is none.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("parts").args(["features", "middleware"]).multiple(true))]
#[command(after_help = "Examples:
  # Make a server of two features, and run it
  spin mcp compose weather.wasm text.wasm -o server.wasm
  spin up --from server.wasm

  # Compose the app of the current folder
  spin mcp compose

  # Add a feature to the app, and compose it
  spin mcp compose weather.wasm

  # The same with a feature from a registry
  spin mcp compose ghcr.io/org/weather:1.2.0

  # Let a middleware see every request first, and tell it what to hide
  spin mcp compose weather.wasm -o server.wasm \\
    --middleware filter --settings 'filter={\"tools\": {\"deny\": [\"delete_*\"]}}'")]
pub struct ComposeCommand {
    /// Components to compose, in the order of the lists that clients see: files, or references to a
    /// registry
    #[arg(value_name = "FEATURE", value_parser = super::source())]
    features: Vec<Source>,

    /// Write the server to this file and leave `spin.toml` alone
    #[arg(short, long, value_name = "FILE", requires = "parts")]
    output: Option<PathBuf>,

    /// The name that the server tells clients [default: the name of the output file]
    #[arg(long, value_name = "NAME", requires = "output")]
    name: Option<String>,

    /// Put PREFIX before the names of a feature's tools and prompts; a feature's name is that of its
    /// file
    #[arg(long, value_name = "FEATURE=PREFIX", value_parser = prefix, requires = "output")]
    prefix: Vec<(String, String)>,

    /// Let a feature or a middleware use more of its host: `http`, `key-value`, `variables`, `filesystem`, `sockets`,
    /// `env`, or a WIT interface such as `fermyon:spin/sqlite`
    #[arg(long, value_name = "NAME=GRANT", value_parser = allow, requires = "output")]
    allow: Vec<(String, Grant)>,

    /// Ask a feature for its lists with every request, since they depend on it
    #[arg(long, value_name = "FEATURE", requires = "output")]
    dynamic: Vec<String>,

    /// Let requests pass this before features: `audit`, `filter`, `rate-limit`, `validate`, or a
    /// component; the first sees a request first
    #[arg(long, value_name = "MIDDLEWARE", value_parser = super::source(), requires = "output")]
    middleware: Vec<Source>,

    /// What a feature or a middleware is told: a JSON object
    #[arg(long, value_name = "NAME=JSON", value_parser = settings, requires = "output")]
    settings: Vec<(String, Map<String, Value>)>,

    /// Compose a sequence instead of a server: one component of middleware and features that other
    /// servers use as a middleware
    #[arg(long, requires = "output", conflicts_with_all = ["transport", "overrides"])]
    sequence: bool,

    /// Let this component speak with clients instead of the transport of spin-mcp
    #[arg(long, value_name = "COMPONENT", value_parser = super::source(), requires = "output")]
    transport: Option<Source>,

    /// Replace a part of the framework: `transport`, `router` or `context`
    #[arg(long = "override", value_name = "PART=COMPONENT", value_parser = framework_part)]
    #[arg(requires = "output")]
    overrides: Vec<(Framework, Source)>,

    /// The key-value store of a server that keeps state on Spin [default: default]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    #[arg(requires = "output")]
    store: Option<String>,

    /// The generation of WASI to compose for [default: 0.2, or what `spin.toml` says]
    #[arg(long, value_name = "VERSION")]
    wasi: Option<Wasi>,

    /// The host whose limits the server has to keep
    #[arg(long, value_name = "HOST", default_value = "spin")]
    runtime: Runtime,

    /// Fail if `mcp.lock` does not say what every tag stands for, or would have to change
    #[arg(long, conflicts_with = "output")]
    locked: bool,

    /// The app: its `spin.toml`, or the folder of it [default: the nearest one]
    #[arg(short, long, value_name = "PATH", conflicts_with = "output")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID", conflicts_with = "output")]
    component_id: Option<String>,
}

/// Reads `FEATURE=PREFIX`.
fn prefix(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((feature, prefix)) if !feature.is_empty() && !prefix.is_empty() => {
            Ok((feature.into(), prefix.into()))
        }
        _ => Err("expected `FEATURE=PREFIX`, such as `text=text-`".into()),
    }
}

/// Reads `NAME=GRANT`.
fn allow(text: &str) -> Result<(String, Grant), String> {
    match text.split_once('=') {
        Some((feature, grant)) if !feature.is_empty() => Ok((feature.into(), grant.parse()?)),
        _ => Err("expected `NAME=GRANT`, such as `weather=http`".into()),
    }
}

/// Reads `NAME=JSON`.
fn settings(text: &str) -> Result<(String, Map<String, Value>), String> {
    match text.split_once('=') {
        Some((name, json)) if !name.is_empty() => {
            let settings = serde_json::from_str(json);
            let settings = settings.map_err(|error| format!("no JSON object: {error}"))?;
            Ok((name.into(), settings))
        }
        _ => Err("expected `NAME=JSON`, such as `rate-limit={\"requests\": 10}`".into()),
    }
}

/// Reads `PART=COMPONENT`.
fn framework_part(text: &str) -> Result<(Framework, Source)> {
    let (part, source) = text
        .split_once('=')
        .context("expected `PART=COMPONENT`, such as `router=my-router.wasm`")?;
    let part = Framework::from_str(part, false).map_err(|_| {
        let known = Framework::ALL.map(|part| format!("`{part}`"));
        anyhow!(
            "`{part}` is no part of the framework; its parts are {}",
            known.join(", ")
        )
    })?;
    Ok((part, Source::parse(source)?))
}

impl ComposeCommand {
    pub fn run(self) -> Result<()> {
        match &self.output {
            Some(output) => self.compose_file(output),
            None => self.compose_app(),
        }
    }

    fn compose_file(&self, output: &Path) -> Result<()> {
        let mut resolver = Resolver::new()?;
        let mut parts: Vec<Part> = Vec::new();
        let features = self.features.iter().map(|source| (Role::Feature, source));
        let middleware = self.middleware.iter();
        let middleware = middleware.map(|source| (Role::Middleware, source));
        for (role, source) in features.chain(middleware) {
            let name = source.name();
            let shipped = shipped::MIDDLEWARE.into_iter().find(|shipped| {
                role == Role::Middleware && source.file() == Some(&PathBuf::from(shipped))
            });
            if let Some(twin) = parts.iter().find(|part| part.name == name) {
                bail!(
                    "`{}` and `{source}` would both be `{name}`; {}",
                    twin.component,
                    match shipped {
                        None => "rename one of the files",
                        Some(_) => "in spin.toml, the tables of both have names of their own",
                    }
                );
            }
            if let Some(file) = source.file()
                && role == Role::Middleware
                && shipped.is_none()
                && !file.exists()
            {
                bail!(
                    "there is no file `{source}`, and no middleware of that name in spin-mcp, which has `{}`",
                    shipped::MIDDLEWARE.join("`, `")
                );
            }
            let component = match shipped {
                Some(shipped) => ComponentSource::Shipped(shipped),
                None => ComponentSource::Resolved(resolver.resolve(source)?),
            };
            parts.push(Part {
                role,
                component,
                prefix: of(&self.prefix, &name).last(),
                allow: of(&self.allow, &name).collect(),
                dynamic: self.dynamic.contains(&name),
                settings: of(&self.settings, &name).last(),
                name,
            });
        }
        self.check_names(&parts)?;
        let (features, middleware) = parts
            .into_iter()
            .partition(|part| part.role == Role::Feature);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => stem(output)?,
        };
        let transport = self.transport.iter();
        let transport = transport.map(|source| (Framework::Transport, source));
        let others = self.overrides.iter().map(|(part, source)| (*part, source));
        let overrides = transport
            .chain(others)
            .map(|(part, source)| app::override_of(part, source, &mut resolver))
            .collect::<Result<_>>()?;
        let composed = compose(&Composition {
            wasi: self.wasi.unwrap_or_default(),
            runtime: self.runtime,
            server: ServerConfig {
                name,
                store: self.store.clone(),
                ..ServerConfig::default()
            },
            features,
            middleware,
            overrides,
            sequence: self.sequence,
        })?;
        file::replace(output, &composed.component)?;
        note_grants(&composed.record);
        note_store(&composed.record);
        writeln!(std::io::stdout(), "{}", summary(output, &composed))?;
        Ok(())
    }

    /// Refuses options for what is not there.
    fn check_names(&self, parts: &[Part]) -> Result<()> {
        let prefixed = self.prefix.iter().map(|(name, _)| ("--prefix", name));
        let dynamic = self.dynamic.iter().map(|name| ("--dynamic", name));
        let allowed = self.allow.iter().map(|(name, _)| ("--allow", name));
        let told = self.settings.iter().map(|(name, _)| ("--settings", name));
        let of_features = prefixed.chain(dynamic).map(|option| (option, true));
        let of_all = allowed.chain(told).map(|option| (option, false));
        for ((flag, name), features_only) in of_features.chain(of_all) {
            let mut known = parts
                .iter()
                .filter(|part| !features_only || part.role == Role::Feature);
            if !known.clone().any(|part| part.name == *name) {
                let known: Vec<_> = known
                    .by_ref()
                    .map(|part| format!("`{}`", part.name))
                    .collect();
                bail!(
                    "`{flag}` names `{name}`, which is not among {}",
                    known.join(", ")
                );
            }
        }
        Ok(())
    }

    fn compose_app(&self) -> Result<()> {
        let from = self.from.as_deref();
        let mut manifest = match self.features.is_empty() {
            true => Manifest::find(from)?,
            false => Manifest::open_or_create(from, None)?,
        };
        let id = manifest.ensure_server(self.component_id.as_deref())?;
        for feature in &self.features {
            manifest.add_feature(&id, feature)?;
        }
        let app = manifest.app(Some(&id))?;
        let mut resolver = Resolver::of_app(&app.dir, self.locked)?;
        let mut composition = app.composition(&mut resolver)?;
        resolver.retain(&app.tags)?;
        composition.wasi = self.wasi.unwrap_or(composition.wasi);
        composition.runtime = self.runtime;
        let composed = compose(&composition)?;
        if let Some(store) = &composed.record.store {
            manifest.ensure_store(&id, store)?;
        }
        manifest.app(Some(&id))?.check_store(&composed.record)?;
        file::replace(&app.output, &composed.component)?;
        resolver.save()?;
        // Last, so that nothing points at a server that could not be composed.
        manifest.save()?;
        note_grants(&composed.record);
        note_store(&composed.record);
        let mut stdout = std::io::stdout().lock();
        for change in manifest.changes() {
            writeln!(stdout, "spin.toml: {change}")?;
        }
        writeln!(stdout, "{}", summary(&app.output, &composed))?;
        Ok(())
    }
}

/// What options say of one part.
fn of<T: Clone>(options: &[(String, T)], part: &str) -> impl Iterator<Item = T> {
    let said = options.iter().filter(move |(name, _)| name == part);
    said.map(|(_, value)| value.clone())
}

/// The name of a file without its extension.
fn stem(path: &Path) -> Result<String> {
    let stem = path
        .file_stem()
        .with_context(|| format!("`{}` has no file name", path.display()))?;
    Ok(stem.to_string_lossy().into_owned())
}
