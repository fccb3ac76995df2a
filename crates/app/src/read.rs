//! From the keys of `spin.toml` to an `App`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use serde::de::IgnoredAny;
use spin_mcp_component::path::{dir_of, in_dir};
use spin_mcp_contract::{Framework, Role, ServerConfig, shipped};
use spin_mcp_openapi::OpenApi;
use spin_mcp_protocol::{
    catalog::ServerInput,
    types::types::{CacheHint, CacheScope},
    waits::StreamLimits,
};
use spin_mcp_registry::{Reference, Source};
use toml_edit::{DocumentMut, Item};

use crate::manifest::{
    self, Application, Cache, Component, Feature, Mcp, Middleware, Scope, Streams, TargetKey,
    quoted,
};
use crate::{App, Auth, Origin, Part, edit};

impl App {
    /// The app that `text`, the manifest at `path`, describes.
    pub(super) fn parse(path: &Path, text: &str, component: Option<&str>) -> Result<App> {
        edit::parse(text)
            .and_then(|document| Self::read(dir_of(path), &document, component))
            .with_context(|| format!("cannot use `{}`", path.display()))
    }

    fn read(dir: PathBuf, document: &DocumentMut, wanted: Option<&str>) -> Result<App> {
        let version = document.get("spin_manifest_version");
        ensure!(
            version.and_then(Item::as_integer) == Some(2),
            "`spin_manifest_version` is not 2: only version 2 of the manifest can hold an MCP \
             server; `spin doctor` converts older ones"
        );
        let application = match document.get("application") {
            Some(item) => manifest::read("application", item)?,
            None => Application::default(),
        };
        let mut servers = Vec::new();
        for (id, item) in servers_of(document) {
            let name = format!("component.{}", quoted(id));
            servers.push((id, manifest::read::<Component>(&name, item)?));
        }
        let tags = servers
            .iter()
            .flat_map(|(_, server)| tags(&server.tool.mcp));
        let tags = tags.map(Reference::to_string).collect();
        let ids: Vec<_> = servers.iter().map(|(id, _)| *id).collect();
        let id = choose(&ids, wanted)?;
        let chosen = servers.into_iter().find(|(known, _)| *known == id);
        let (_, server) = chosen.context("a server is one of all servers")?;
        let mcp = server.tool.mcp;
        if let Some(table) = misplaced_auth(document, id) {
            bail!(
                "`{table}.auth` lets everybody in: the server reads `[component.{}.tool.mcp.auth]`; move it there",
                quoted(id)
            );
        }

        let output = match server.source {
            Some(source) => match source.0 {
                Source::File(path) => in_dir(&dir, path),
                other => bail!("`component.{id}.source` must be the path of a file, not `{other}`"),
            },
            None => bail!(
                "`component.{id}` has no `source`: name the file that compose writes, such as \
                 `source = \"mcp.wasm\"`"
            ),
        };
        ensure!(
            !mcp.features.is_empty(),
            "`component.{id}.tool.mcp` has no features: add a component with \
             `spin mcp compose FEATURE.wasm`, or make one with `spin add -t mcp-tool NAME`"
        );
        let overrides = [
            (Framework::Transport, mcp.transport),
            (Framework::Transport, mcp.overrides.transport),
            (Framework::Router, mcp.overrides.router),
            (Framework::Context, mcp.overrides.context),
        ];
        let overrides = overrides
            .into_iter()
            .filter_map(|(part, source)| Some((part, source?.0.in_dir(&dir))))
            .collect();
        let targets = server.targets.unwrap_or(application.targets);
        let targets = targets.into_iter().filter_map(|target| match target {
            TargetKey::Name(name) => Some(name),
            TargetKey::Other(_) => None,
        });
        let auth = mcp.auth.map(|keys| {
            let name = format!("component.{}.tool.mcp.auth", quoted(id));
            Auth::new(&dir, &name, mcp.store.as_deref(), &server.variables, keys)
        });
        let features = mcp.features.into_iter();
        let middleware = mcp.middleware.into_iter();
        let app = App {
            wasi: mcp.wasi,
            server: ServerConfig {
                name: mcp
                    .server
                    .name
                    .or(application.name)
                    .context("`application.name` is missing: it is the name of the server")?,
                version: mcp.server.version.or(application.version),
                title: mcp.server.title,
                instructions: mcp.server.instructions,
                website: mcp.server.website,
                allowed_origins: mcp.server.allowed_origins,
                allowed_hosts: mcp.server.allowed_hosts,
                headers: mcp.server.headers,
                extensions: mcp
                    .server
                    .extensions
                    .into_iter()
                    .map(|(name, settings)| (name, settings.to_string()))
                    .collect(),
                store: mcp.store,
                cache: mcp.cache.map(cache_hint),
                streams: stream_limits(&mcp.streams)?,
                page_size: mcp.page_size.map(usize::from),
            },
            component: id.to_owned(),
            output,
            tags,
            key_value_stores: server.key_value_stores,
            outbound_hosts: server.allowed_outbound_hosts,
            auth: auth.transpose()?,
            routes: edit::routes(document, id),
            targets: targets.collect(),
            watch: server.build.watch,
            features: features
                .map(|(name, keys)| feature(&dir, id, name, keys, &server.variables))
                .collect::<Result<_>>()?,
            middleware: middleware
                .map(|keys| middleware_part(&dir, keys))
                .collect::<Result<_>>()?,
            overrides,
            dir,
        };
        app.check_parts()?;
        Ok(app)
    }

    fn check_parts(&self) -> Result<()> {
        let parts: Vec<_> = self.parts().collect();
        for (
            index,
            Part {
                role,
                name,
                origin,
                build,
                ..
            },
        ) in parts.iter().copied().enumerate()
        {
            if let Some(twin) = parts[..index].iter().find(|other| other.name == *name) {
                bail!(
                    "{role} `{name}` has the name of another {}; give it another `name`, and name its \
                     component in `source`",
                    twin.role
                );
            }
            let file = match origin {
                Origin::Source(Source::File(path)) => Some(path),
                Origin::OpenApi(of) => Some(&of.document),
                _ => None,
            };
            ensure!(
                build.is_none() || file.is_some(),
                "{role} `{name}` has a `build` command, but its `source` is `{origin}`, which is \
                 not built; name the file that the command writes, or remove the command"
            );
            ensure!(
                file != Some(&self.output),
                "{role} `{name}` and component `{}` have the same `source`: composing would \
                 overwrite the {role}; choose another `source` for the component",
                self.component
            );
        }
        Ok(())
    }
}

/// The table that has a key `auth` in vain.
fn misplaced_auth(document: &DocumentMut, id: &str) -> Option<String> {
    let component = format!("component.{}", quoted(id));
    let server = document.get("component").and_then(|all| all.get(id));
    let tool = server.and_then(|server| server.get("tool"));
    let tables = [
        ("application".to_owned(), document.get("application")),
        (format!("{component}.tool"), tool),
        (component, server),
    ];
    let has = |table: &Item| table.get("auth").is_some();
    let table = tables.into_iter().find(|(_, table)| table.is_some_and(has));
    table.map(|(name, _)| name).or_else(|| {
        let mut triggers = edit::triggers_of(document, id);
        triggers
            .any(|table| table.contains_key("auth"))
            .then(|| "trigger.http".to_owned())
    })
}

/// The components with a `tool.mcp` table.
pub(super) fn servers_of(document: &DocumentMut) -> Vec<(&str, &Item)> {
    let components = document.get("component").and_then(Item::as_table_like);
    let components = components
        .into_iter()
        .flat_map(|components| components.iter());
    let is_server = |item: &Item| item.get("tool").and_then(|tool| tool.get("mcp")).is_some();
    components.filter(|(_, item)| is_server(item)).collect()
}

/// The only server, if there is any.
pub(super) fn only<'a>(servers: &[&'a str]) -> Result<Option<&'a str>> {
    let ids: Vec<_> = servers.iter().map(|id| format!("`{id}`")).collect();
    ensure!(
        servers.len() < 2,
        "components {} are MCP servers: choose one with `--component-id`",
        ids.join(" and ")
    );
    Ok(servers.first().copied())
}

fn choose<'a>(servers: &[&'a str], wanted: Option<&str>) -> Result<&'a str> {
    match wanted {
        Some(id) => {
            let known = servers.iter().find(|known| **known == id);
            known.copied().with_context(|| {
                format!(
                    "component `{id}` has no `tool.mcp` table, so it is not an MCP server: add a \
                     feature with `spin mcp compose FEATURE.wasm`, or choose another component \
                     with `--component-id`"
                )
            })
        }
        None => only(servers)?.context(
            "no component has a `tool.mcp` table: add a feature with `spin add -t mcp-tool` or \
             `spin mcp compose FEATURE.wasm`",
        ),
    }
}

/// The tags of a server's sources in registries.
fn tags(mcp: &Mcp) -> impl Iterator<Item = &Reference> {
    let features = mcp.features.values();
    let features = features.filter_map(|feature| feature.source.as_ref());
    let middleware = mcp
        .middleware
        .iter()
        .filter_map(|part| part.source.as_ref());
    let overrides = &mcp.overrides;
    let overrides = [
        &mcp.transport,
        &overrides.transport,
        &overrides.router,
        &overrides.context,
    ];
    let auth = mcp.auth.iter();
    let policy = auth
        .clone()
        .filter_map(|auth| auth.policy.as_ref()?.source.as_ref());
    let sources = features
        .chain(middleware)
        .chain(auth.filter_map(|auth| auth.source.as_ref()))
        .chain(policy)
        .chain(overrides.into_iter().flatten());
    sources.filter_map(|source| source.0.tag())
}

fn feature(
    dir: &Path,
    id: &str,
    name: String,
    keys: Feature,
    variables: &IndexMap<String, IgnoredAny>,
) -> Result<Part> {
    let table = format!(
        "component.{}.tool.mcp.features.{}",
        quoted(id),
        quoted(&name)
    );
    let origin = match (keys.source, keys.openapi) {
        (Some(source), None) => Origin::Source(source.0.in_dir(dir)),
        (None, Some(openapi)) => {
            let given = [
                ("allow", !keys.allow.is_empty()),
                ("dynamic", keys.dynamic),
                ("settings", keys.settings.is_some()),
            ];
            if let Some((key, _)) = given.iter().find(|(_, given)| *given) {
                bail!(
                    "`{table}` has `openapi` and `{key}`, which is for a component of your own; remove `{key}`"
                );
            }
            let mut of = OpenApi::from(openapi);
            of.document = in_dir(dir, of.document);
            let unknown = of
                .variables()
                .into_iter()
                .find(|name| !variables.contains_key(*name));
            if let Some(name) = unknown {
                bail!(
                    "`{table}.openapi` names the variable `{name}`, which the component does not have; write \
                     `{name} = \"{{{{ {name} }}}}\"` below `[component.{id}.variables]`, and declare it below \
                     `[variables]`"
                );
            }
            Origin::OpenApi(Box::new(of))
        }
        (None, None) => bail!(
            "`{table}` has no `source`; name its component there, or an OpenAPI document in `openapi`"
        ),
        (Some(_), Some(_)) => {
            bail!("`{table}` has `source` and `openapi`, so it would be two features; remove one")
        }
    };
    Ok(Part {
        build: keys.build,
        workdir: in_dir(dir, keys.workdir),
        prefix: keys.prefix,
        allow: keys.allow,
        dynamic: keys.dynamic,
        settings: keys.settings,
        ..Part::new(Role::Feature, name, origin, dir)
    })
}

fn middleware_part(dir: &Path, keys: Middleware) -> Result<Part> {
    let name = keys.name;
    let word = match &keys.source {
        Some(source) => source.0.file().and_then(|path| path.to_str()),
        None => Some(name.as_str()),
    };
    let shipped = shipped::MIDDLEWARE
        .into_iter()
        .find(|shipped| Some(*shipped) == word);
    let origin = match (shipped, keys.source) {
        (Some(shipped), _) => Origin::Shipped(shipped),
        (None, Some(source)) => Origin::Source(source.0.in_dir(dir)),
        (None, None) => bail!(
            "middleware `{name}` has no `source`, and spin-mcp has no middleware of that name; \
             name its component file, or one of `{}`",
            shipped::MIDDLEWARE.join("`, `")
        ),
    };
    Ok(Part {
        build: keys.build,
        workdir: in_dir(dir, keys.workdir),
        allow: keys.allow,
        settings: keys.settings,
        ..Part::new(Role::Middleware, name, origin, dir)
    })
}

fn stream_limits(keys: &Streams) -> Result<StreamLimits> {
    let default = StreamLimits::default();
    let limits = StreamLimits {
        poll_ms: keys.poll_ms.unwrap_or(default.poll_ms),
        keep_alive_ms: keys.keep_alive_ms.unwrap_or(default.keep_alive_ms),
        longest_ms: keys.longest_ms.unwrap_or(default.longest_ms),
    };
    ensure!(
        limits == limits.bounded(),
        "`streams` is out of bounds: `poll_ms` must be 50 to 5000, `keep_alive_ms` 100 to 60000, and `longest_ms` \
         1000 to 3600000"
    );
    Ok(limits)
}

fn cache_hint(cache: Cache) -> CacheHint {
    let default = ServerInput::default().cache;
    CacheHint {
        ttl_ms: cache
            .ttl
            .map_or(default.ttl_ms, |seconds| u64::from(seconds) * 1000),
        scope: match cache.scope {
            None => default.scope,
            Some(Scope::Public) => CacheScope::Public,
            Some(Scope::Private) => CacheScope::Private,
        },
    }
}
