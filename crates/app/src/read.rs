//! From the text of a manifest to an `App`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use spin_mcp_protocol::{
    catalog::ServerInput,
    types::types::{CacheHint, CacheScope},
};
use toml_edit::Item;

use super::section::Section;
use super::{App, Origin, Part, edit};
use spin_mcp_component::path::{dir_of, in_dir};
use spin_mcp_contract::shipped;
use spin_mcp_contract::{Framework, Grant, Role, ServerConfig, Wasi};
use spin_mcp_registry::{Reference, Source};

impl App {
    /// The app that `text`, the manifest at `path`, describes.
    pub(super) fn parse(path: &Path, text: &str, component: Option<&str>) -> Result<App> {
        let dir = dir_of(path);
        edit::parse(text)
            .and_then(|manifest| Self::read(dir, &Section::root(manifest.as_table()), component))
            .with_context(|| format!("cannot use `{}`", path.display()))
    }

    fn read(dir: PathBuf, root: &Section, component: Option<&str>) -> Result<App> {
        let version = root.get("spin_manifest_version");
        ensure!(
            version.and_then(|version| version.as_integer()) == Some(2),
            "`spin_manifest_version` is not 2: only version 2 of the manifest can hold an MCP \
             server; `spin doctor` converts older ones"
        );
        let server = find_server(root, component)?;
        let settings = server.mcp;
        settings.allow_only(
            &[
                "wasi",
                "features",
                "middleware",
                "middlewares",
                "transport",
                "overrides",
                "server",
                "store",
                "cache",
                "page-size",
            ],
            &["auth"],
        )?;

        let output = server.component.path("source")?.with_context(|| {
            format!(
                "`{}` has no `source`: say where compose shall write the server, such as \
                 `source = \"mcp.wasm\"`",
                server.component
            )
        })?;
        let output = in_dir(&dir, &output);
        let features = read_features(&dir, &settings)?;
        let middleware = read_middleware(&dir, &settings)?;
        let twin = |link: &&Part| features.iter().any(|feature| feature.name == link.name);
        if let Some(Part { name, .. }) = middleware.iter().find(twin) {
            bail!("a feature and a middleware are both named `{name}`; rename one of the tables");
        }
        let mut parts = features.iter().chain(&middleware);
        if let Some(Part { role, name, .. }) = parts.find(|part| part.file() == Some(&output)) {
            bail!(
                "{role} `{name}` and component `{}` have the same `source`: composing would \
                 overwrite the {role}; choose another `source` for the component",
                server.id
            );
        }
        Ok(App {
            wasi: read_wasi(&settings)?,
            server: read_server_config(root, &settings)?,
            component: server.id,
            output,
            tags: tags(root)?,
            targets: read_targets(root, &server.component)?,
            watch: match server.component.section("build")? {
                Some(build) => build.strings("watch")?,
                None => vec![],
            },
            key_value_stores: server.component.strings("key_value_stores")?,
            features,
            middleware,
            overrides: read_overrides(&dir, &settings)?,
            dir,
        })
    }
}

/// A component with a `tool.mcp` table.
pub(super) struct Server<'a> {
    pub id: String,
    component: Section<'a>,
    mcp: Section<'a>,
}

/// All components that are MCP servers.
pub(super) fn servers<'a>(root: &Section<'a>) -> Result<Vec<Server<'a>>> {
    let components = match root.section("component")? {
        Some(components) => components.sections()?,
        None => vec![],
    };
    let mut servers = vec![];
    for (id, component) in components {
        let mcp = match component.section("tool")? {
            Some(tool) => tool.section("mcp")?,
            None => None,
        };
        if let Some(mcp) = mcp {
            servers.push(Server { id, component, mcp });
        }
    }
    Ok(servers)
}

/// The tags that any server of the manifest uses: what `mcp.lock` holds.
pub(super) fn tags(root: &Section) -> Result<Vec<String>> {
    let mut tags = vec![];
    for server in servers(root)? {
        let mut sources = vec![server.mcp.source("transport")?];
        for parts in ["features", "middlewares"] {
            if let Some(parts) = server.mcp.section(parts)? {
                for (_, part) in parts.sections()? {
                    sources.push(part.source("source")?);
                }
            }
        }
        if let Some(overrides) = server.mcp.section("overrides")? {
            for part in Framework::ALL {
                sources.push(overrides.source(part.as_str())?);
            }
        }
        let found = sources.iter().flatten().filter_map(Source::tag);
        tags.extend(found.map(Reference::to_string));
    }
    Ok(tags)
}

/// The server to use where none was chosen, if there is any.
pub(super) fn only(mut servers: Vec<Server>) -> Result<Option<Server>> {
    let ids: Vec<_> = servers.iter().map(|s| format!("`{}`", s.id)).collect();
    ensure!(
        servers.len() < 2,
        "components {} are MCP servers: choose one with `--component-id`",
        ids.join(" and ")
    );
    Ok(servers.pop())
}

fn find_server<'a>(root: &Section<'a>, wanted: Option<&str>) -> Result<Server<'a>> {
    let servers = servers(root)?;
    match wanted {
        Some(id) => servers
            .into_iter()
            .find(|server| server.id == id)
            .with_context(|| {
                format!(
                    "component `{id}` has no `tool.mcp` table, so it is no MCP server: add a \
                     feature with `spin mcp compose FEATURE.wasm`, or choose another component \
                     with `--component-id`"
                )
            }),
        None => only(servers)?.context(
            "no component has a `tool.mcp` table: add a feature with `spin add -t mcp-tool` or \
             `spin mcp compose FEATURE.wasm`",
        ),
    }
}

/// Of the component if it names any, else of the app. Those that are defined in a file or at a
/// URL have no name that could be known.
fn read_targets(root: &Section, component: &Section) -> Result<Vec<String>> {
    let own = component.get("targets");
    let of_app = root.section("application")?;
    let targets = own.or(of_app.and_then(|application| application.get("targets")));
    let targets = targets.and_then(|item| item.as_array());
    let names = targets
        .into_iter()
        .flatten()
        .filter_map(|target| target.as_str());
    Ok(names.map(str::to_owned).collect())
}

fn read_wasi(mcp: &Section) -> Result<Wasi> {
    match mcp.string("wasi")?.as_deref() {
        None => Ok(Wasi::default()),
        Some("0.2") => Ok(Wasi::P2),
        Some("0.3") => Ok(Wasi::P3),
        Some(other) => bail!("`{mcp}.wasi` must be `0.2` or `0.3`, not `{other}`"),
    }
}

fn read_features(dir: &Path, mcp: &Section) -> Result<Vec<Part>> {
    let features = match mcp.section("features")? {
        Some(features) => features.sections()?,
        None => vec![],
    };
    ensure!(
        !features.is_empty(),
        "`{mcp}` has no features: add a component with `spin mcp compose FEATURE.wasm`, or make \
         one with `spin add -t mcp-tool NAME`"
    );
    let features = features.into_iter();
    features
        .map(|(name, feature)| {
            feature.allow_only(
                &[
                    "source", "build", "workdir", "prefix", "allow", "dynamic", "settings",
                ],
                &[],
            )?;
            let source = feature.source("source")?.with_context(|| {
                format!("`{feature}` has no `source`: name the component file of the feature")
            })?;
            Ok(Part {
                prefix: feature.string("prefix")?,
                dynamic: feature.boolean("dynamic")?.unwrap_or_default(),
                ..read_part(dir, Role::Feature, name, &feature, Origin::Source(source))?
            })
        })
        .collect()
}

/// In the order of the chain.
fn read_middleware(dir: &Path, mcp: &Section) -> Result<Vec<Part>> {
    let mut tables = match mcp.section("middlewares")? {
        Some(tables) => tables.sections()?,
        None => vec![],
    };
    let order = mcp.strings("middleware")?;
    if let Some(twice) = order.iter().find(|name| {
        let mut same = order.iter().filter(|other| other == name);
        same.nth(1).is_some()
    }) {
        bail!(
            "`{mcp}.middleware` names `{twice}` twice; give one of them a table of another name, with \
             `source = \"{twice}\"`"
        );
    }
    let mut middleware = vec![];
    for name in order {
        let table = tables.iter().position(|(known, _)| *known == name);
        let table = table.map(|table| tables.remove(table).1);
        middleware.push(read_link(dir, mcp, name, table)?);
    }
    for (name, table) in tables {
        middleware.push(read_link(dir, mcp, name, Some(table))?);
    }
    Ok(middleware)
}

fn read_link(dir: &Path, mcp: &Section, name: String, table: Option<Section>) -> Result<Part> {
    let Some(table) = table else {
        let shipped = shipped(&name).with_context(|| {
            format!(
                "`{mcp}.middleware` names `{name}`, which spin-mcp does not have; it has `{}`, and others need a \
                 table `[{mcp}.middlewares.{name}]` with their `source`",
                shipped::MIDDLEWARE.join("`, `")
            )
        })?;
        let shipped = Origin::Shipped(shipped);
        return Ok(Part::new(Role::Middleware, name, shipped, dir));
    };
    table.allow_only(&["source", "build", "workdir", "allow", "settings"], &[])?;
    let source = table.get("source").map(Item::as_str);
    if let Some(shipped) = source.unwrap_or(Some(&name)).and_then(shipped) {
        return read_part(
            dir,
            Role::Middleware,
            name,
            &table,
            Origin::Shipped(shipped),
        );
    }
    let source = table.source("source")?.with_context(|| {
        format!(
            "`{table}` has no `source`, and spin-mcp has no middleware `{name}`; name its component file, or one \
             of `{}`",
            shipped::MIDDLEWARE.join("`, `")
        )
    })?;
    read_part(dir, Role::Middleware, name, &table, Origin::Source(source))
}

/// `transport` for short; all parts of the framework in a table.
fn read_overrides(dir: &Path, mcp: &Section) -> Result<Vec<(Framework, Source)>> {
    let mut overrides = vec![];
    if let Some(source) = mcp.source("transport")? {
        overrides.push((Framework::Transport, source.in_dir(dir)));
    }
    if let Some(table) = mcp.section("overrides")? {
        table.allow_only(&Framework::ALL.map(Framework::as_str), &[])?;
        for part in Framework::ALL {
            if let Some(source) = table.source(part.as_str())? {
                overrides.push((part, source.in_dir(dir)));
            }
        }
    }
    Ok(overrides)
}

fn shipped(name: &str) -> Option<&'static str> {
    let mut shipped = shipped::MIDDLEWARE.into_iter();
    shipped.find(|shipped| *shipped == name)
}

/// What features and middleware have in common.
fn read_part(
    dir: &Path,
    role: Role,
    name: String,
    table: &Section,
    origin: Origin,
) -> Result<Part> {
    let origin = match origin {
        Origin::Source(source) => Origin::Source(source.in_dir(dir)),
        shipped => shipped,
    };
    let build = table.string("build")?;
    ensure!(
        build.is_none() || matches!(origin, Origin::Source(Source::File(_))),
        "`{table}` has a `build` command, but its `source` is `{origin}`, which nothing builds; name \
         the file that the command writes, or remove the command"
    );
    let workdir = table.string("workdir")?.unwrap_or_default();
    ensure!(
        !Path::new(&workdir).has_root(),
        "`{table}.workdir` must be relative to the folder of `spin.toml`, not `{workdir}`"
    );
    Ok(Part {
        build,
        workdir: in_dir(dir, &workdir),
        allow: read_allow(table)?,
        settings: table.json("settings")?,
        ..Part::new(role, name, origin, dir)
    })
}

fn read_allow(feature: &Section) -> Result<Vec<Grant>> {
    let grants = feature.strings("allow")?.into_iter();
    grants
        .map(|grant| {
            let parsed = grant.parse();
            parsed.map_err(|error: String| anyhow!("`{feature}.allow`: {error}"))
        })
        .collect()
}

fn read_server_config(root: &Section, mcp: &Section) -> Result<ServerConfig> {
    let mut config = ServerConfig::default();
    let mut name = None;
    if let Some(application) = root.section("application")? {
        name = application.string("name")?;
        config.version = application.string("version")?;
    }
    if let Some(server) = mcp.section("server")? {
        server.allow_only(
            &[
                "name",
                "version",
                "title",
                "instructions",
                "website",
                "allowed-origins",
                "allowed-hosts",
            ],
            &["icons"],
        )?;
        name = server.string("name")?.or(name);
        config.version = server.string("version")?.or(config.version);
        config.title = server.string("title")?;
        config.instructions = server.string("instructions")?;
        config.website = server.string("website")?;
        config.allowed_origins = server.strings("allowed-origins")?;
        config.allowed_hosts = server.strings("allowed-hosts")?;
        for origin in &config.allowed_origins {
            ensure!(
                origin
                    .split_once("://")
                    .is_some_and(|(scheme, host)| !scheme.is_empty() && is_host(host)),
                "`{server}.allowed-origins` holds `{origin}`, which is no origin: write scheme and \
                 host, such as `https://app.example.com`"
            );
        }
        for host in &config.allowed_hosts {
            ensure!(
                is_host(host),
                "`{server}.allowed-hosts` holds `{host}`, which is no host: write its name, such \
                 as `mcp.example.com`, and its port if it has one"
            );
        }
    }
    config.store = mcp.string("store")?;
    ensure!(
        config.store.as_deref() != Some(""),
        "`{mcp}.store` is empty: name one of the component's `key_value_stores`"
    );
    config.cache = read_cache(mcp)?;
    config.page_size = match mcp.integer("page-size", "a number of entries")? {
        Some(size) => Some(
            usize::try_from(size)
                .ok()
                .filter(|size| *size > 0)
                .with_context(|| format!("`{mcp}.page-size` must be at least 1, not {size}"))?,
        ),
        None => None,
    };
    config.name = name.context("`application.name` is missing: it is the name of the server")?;
    Ok(config)
}

fn read_cache(mcp: &Section) -> Result<Option<CacheHint>> {
    let Some(cache) = mcp.section("cache")? else {
        return Ok(None);
    };
    cache.allow_only(&["ttl", "scope"], &[])?;
    let mut hint = ServerInput::default().cache;
    if let Some(seconds) = cache.integer("ttl", "a number of seconds, such as `300`")? {
        let milliseconds = u32::try_from(seconds).map(|seconds| u64::from(seconds) * 1000);
        hint.ttl_ms = milliseconds.ok().with_context(|| {
            format!(
                "`{cache}.ttl` must be seconds from 0 to {}, not {seconds}",
                u32::MAX
            )
        })?;
    }
    hint.scope = match cache.string("scope")?.as_deref() {
        None => hint.scope,
        Some("public") => CacheScope::Public,
        Some("private") => CacheScope::Private,
        Some(other) => bail!("`{cache}.scope` must be `public` or `private`, not `{other}`"),
    };
    Ok(Some(hint))
}

fn is_host(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    !host.is_empty() && host.chars().all(allowed)
}
