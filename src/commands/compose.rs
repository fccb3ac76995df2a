//! `mcp compose`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::ArgGroup;
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use spin_mcp_app::{self as app, Manifest};
use spin_mcp_component::file;
use spin_mcp_compose::{authenticator, compose, policy};
use spin_mcp_contract::{
    ComponentSource, Composition, Framework, Grant, Part, Role, Runtime, ServerConfig, Wasi,
    shipped,
};
use spin_mcp_openapi::is_document;
use spin_mcp_registry::{Resolver, Source};

use super::AppArgs;
use crate::terminal;

/// Compose features and middleware into an MCP server.
///
/// With `--output`, the features named here become that file, and no app is needed. Without it,
/// the command composes the app in `spin.toml`. Features named here are first added to the app,
/// and `spin.toml` is created if there is none.
///
/// A feature is a file, or a reference to a registry. A feature or middleware is named after its
/// file or repository.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("parts").args(["features", "middleware"]).multiple(true))]
#[command(after_help = "Examples:
  # Compose a server from two features, and run it
  spin mcp compose weather.wasm text.wasm -o server.wasm
  spin mcp serve server.wasm

  # Compose the app in the current folder
  spin mcp compose

  # Add a feature to the app, and compose it
  spin mcp compose weather.wasm

  # Add a feature from a registry
  spin mcp compose ghcr.io/org/weather:1.2.0

  # Share the authenticator of the app between servers
  spin mcp compose --authenticator -o company-auth.wasm

  # Share the policy of the app between servers
  spin mcp compose --authorizer -o company-policy.wasm

  # Hide tools with the `filter` middleware
  spin mcp compose weather.wasm -o server.wasm \\
    --middleware filter --settings 'filter={\"tools\": {\"deny\": [\"delete_*\"]}}'")]
pub struct ComposeCommand {
    /// Features, in the order in which clients see their tools: files, or references to a registry
    #[arg(value_name = "FEATURE", value_parser = super::source())]
    features: Vec<Source>,

    /// Write the server to this file and do not touch `spin.toml`
    #[arg(short, long, value_name = "FILE", conflicts_with = "locked")]
    output: Option<PathBuf>,

    /// The server's name [default: the name of the output file]
    #[arg(long, value_name = "NAME", requires = "output")]
    name: Option<String>,

    /// Put PREFIX before the names of a feature's tools and prompts
    #[arg(long, value_name = "FEATURE=PREFIX", value_parser = prefix, requires = "output")]
    prefix: Vec<(String, String)>,

    /// Grant a feature or middleware access to its host: `http`, `key-value`, `variables`,
    /// `filesystem`, `sockets`, `env`, or a WIT package or interface such as `fermyon:spin/sqlite`
    #[arg(long, value_name = "NAME=GRANT", value_parser = allow, requires = "output")]
    allow: Vec<(String, Grant)>,

    /// Ask a feature for its lists on every request, because they depend on the request
    #[arg(long, value_name = "FEATURE", requires = "output")]
    dynamic: Vec<String>,

    /// Add a middleware: `audit`, `filter`, `rate-limit`, `validate` or a component; the first one
    /// sees a request first
    #[arg(long, value_name = "MIDDLEWARE", value_parser = super::source(), requires = "output")]
    middleware: Vec<Source>,

    /// Settings for a feature or middleware, as a JSON object
    #[arg(long, value_name = "NAME=JSON", value_parser = settings, requires = "output")]
    settings: Vec<(String, Map<String, Value>)>,

    /// Make a sequence instead of a server: the middleware and features named here in one
    /// component, which other servers use as a middleware
    #[arg(long, requires = "output", conflicts_with_all = ["transport", "overrides"])]
    sequence: bool,

    /// Make an authenticator with the settings of the table `auth` of the app, for other servers to
    /// name in `auth.source`
    #[arg(long, requires = "output", conflicts_with_all = ["parts", "locked"])]
    authenticator: bool,

    /// Make a component of the policy in the table `auth.policy` of the app, for other servers to name
    /// in `auth.policy.source`
    #[arg(long, requires = "output", conflicts_with_all = ["parts", "locked", "authenticator"])]
    authorizer: bool,

    /// The old name of `--sequence`.
    #[arg(long, hide = true)]
    handler: bool,

    /// Replace the transport, which speaks MCP with clients
    #[arg(long, value_name = "COMPONENT", value_parser = super::source(), requires = "output")]
    transport: Option<Source>,

    /// Replace a part of the framework: `transport`, `router` or `context`
    #[arg(long = "override", value_name = "PART=COMPONENT", value_parser = framework_part)]
    #[arg(requires = "output")]
    overrides: Vec<(Framework, Source)>,

    /// The key-value store of a server that keeps state [default: default]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    #[arg(requires = "output")]
    store: Option<String>,

    /// The version of WASI to compose for [default: 0.2, or what `spin.toml` says]
    #[arg(long, value_name = "VERSION")]
    wasi: Option<Wasi>,

    /// The host to compose for
    #[arg(long, value_name = "HOST", default_value = "spin")]
    runtime: Runtime,

    /// Fail if `mcp.lock` lacks a tag or would have to change
    #[arg(long)]
    locked: bool,

    #[command(flatten)]
    app: AppArgs,
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
            let settings = settings.map_err(|error| format!("not a JSON object: {error}"))?;
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
            "`{part}` is not a part of the framework; its parts are {}",
            known.join(", ")
        )
    })?;
    Ok((part, Source::parse(source)?))
}

impl ComposeCommand {
    pub fn run(self) -> Result<()> {
        ensure!(!self.handler, "`--handler` is now `--sequence`");
        let files = self.features.iter().filter_map(Source::file);
        if let Some(file) = files.into_iter().find(|file| is_document(file)) {
            let file = file.display();
            bail!(
                "`{file}` is not a component; `spin mcp add openapi {file}` makes a feature of an OpenAPI document"
            );
        }
        match &self.output {
            Some(output) if self.authenticator => self.compose_authenticator(output),
            Some(output) if self.authorizer => self.compose_authorizer(output),
            Some(output) => self.compose_file(output),
            None => self.compose_app(),
        }
    }

    fn compose_authenticator(&self, output: &Path) -> Result<()> {
        let app = self.app.find()?;
        let auth = app.auth.as_ref().with_context(|| {
            let id = &app.component;
            format!("component `{id}` has no table `auth`; write `[component.{id}.tool.mcp.auth]`")
        })?;
        let auth = auth.resolve(&mut Resolver::of_app(&app.dir, false)?)?;
        auth.warnings
            .iter()
            .for_each(|warning| eprintln!("warning: {warning}"));
        let wasi = self.wasi.unwrap_or(app.wasi);
        let component = authenticator(auth, wasi, self.runtime)?;
        file::replace(output, &component)?;
        let size = component.len().div_ceil(1000);
        let (output, wasi) = (output.display(), wasi.as_str());
        writeln!(
            std::io::stdout(),
            "composed `{output}`: an authenticator for WASI {wasi}, {size} KB"
        )?;
        Ok(())
    }

    fn compose_authorizer(&self, output: &Path) -> Result<()> {
        let (component, warnings) = policy(self.app.find()?.rego()?)?;
        warnings
            .iter()
            .for_each(|warning| eprintln!("warning: {warning}"));
        file::replace(output, &component)?;
        let size = component.len().div_ceil(1000);
        let output = output.display();
        writeln!(
            std::io::stdout(),
            "composed `{output}`: a policy, {size} KB"
        )?;
        Ok(())
    }

    fn compose_file(&self, output: &Path) -> Result<()> {
        ensure!(
            self.app.from().is_none() && self.app.component_id().is_none(),
            "`--from` and `--component-id` name an app, and `--output` composes without one; remove them"
        );
        ensure!(
            !self.features.is_empty() || !self.middleware.is_empty(),
            "`--output` needs the features of the server; name their components"
        );
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
                    "`{}` and `{source}` would both have the name `{name}`; {}",
                    twin.component,
                    match shipped {
                        None => "rename one of the files",
                        Some(_) =>
                            "name both in spin.toml, such as `name = \"filter-2\"`, `source = \"filter\"`",
                    }
                );
            }
            if let Some(file) = source.file()
                && role == Role::Middleware
                && shipped.is_none()
                && !file.exists()
            {
                bail!(
                    "unknown middleware `{source}`: it is neither a file nor one of `{}`",
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
            auth: None,
            overrides,
            sequence: self.sequence,
        })?;
        file::replace(output, &composed.component)?;
        terminal::print_notes(&composed);
        writeln!(
            std::io::stdout(),
            "{}",
            terminal::summary(output, &composed)
        )?;
        Ok(())
    }

    /// Checks that options name parts of the server.
    fn check_names(&self, parts: &[Part]) -> Result<()> {
        let prefixed = self.prefix.iter().map(|(name, _)| ("--prefix", name));
        let dynamic = self.dynamic.iter().map(|name| ("--dynamic", name));
        let allowed = self.allow.iter().map(|(name, _)| ("--allow", name));
        let set = self.settings.iter().map(|(name, _)| ("--settings", name));
        let of_features = prefixed.chain(dynamic).map(|option| (option, true));
        let of_all = allowed.chain(set).map(|option| (option, false));
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
        let from = self.app.from();
        let mut manifest = match self.features.is_empty() {
            true => Manifest::find(from)?,
            false => Manifest::open_or_create(from, None)?,
        };
        let id = manifest.ensure_server(self.app.component_id())?;
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
        manifest.ensure_access(&app)?;
        manifest.ensure_apis(&app)?;
        manifest.app(Some(&id))?.check_store(&composed.record)?;
        file::replace(&app.output, &composed.component)?;
        resolver.save()?;
        // Last, so that `spin.toml` never names a server that could not be composed.
        manifest.save()?;
        terminal::print_notes(&composed);
        let mut stdout = std::io::stdout().lock();
        for change in manifest.changes() {
            writeln!(stdout, "spin.toml: {change}")?;
        }
        writeln!(stdout, "{}", terminal::summary(&app.output, &composed))?;
        Ok(())
    }
}

/// The values of the options that name this part.
fn of<T: Clone>(options: &[(String, T)], part: &str) -> impl Iterator<Item = T> {
    let named = options.iter().filter(move |(name, _)| name == part);
    named.map(|(_, value)| value.clone())
}

/// The name of a file without its extension.
fn stem(path: &Path) -> Result<String> {
    let stem = path
        .file_stem()
        .with_context(|| format!("`{}` has no file name", path.display()))?;
    Ok(stem.to_string_lossy().into_owned())
}
