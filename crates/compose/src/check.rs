//! Checks what parts export and import: against the contract, against each other, and against hosts.

use anyhow::{Context as _, Result, bail, ensure};
use spin_mcp_component::{Size, World};
use spin_mcp_contract::{
    Interface, Kind, Part, Role, Runtime, Wasi,
    interface::{AUTHENTICATOR, AUTHORIZER, CONTEXT, PACKAGE, SETTINGS, VERSION},
    server::is_middleware,
};
use spin_mcp_runner::guest;
use wasmtime::{Config, Engine, component::Component};

use crate::{part::Loaded, plan::STORES};

/// The linear memories that Spin allows a component.
const SPIN_MEMORIES: usize = 32;

/// Interfaces of the contract that hold nothing but types.
const TYPES: [&str; 5] = [
    "types",
    "tool-types",
    "resource-types",
    "prompt-types",
    "completion-types",
];
/// Namespaces that hosts serve.
const HOST_NAMESPACES: [&str; 4] = ["wasi", "spin", "fermyon", "wasmcloud"];
const TRACES: [&str; 2] = ["wasi:otel/tracing@0.2.0-rc.2", "wasi:otel/types@0.2.0-rc.2"];

/// Packages that hosts have in the versions of WASI 0.2 and 0.3.
const WASI: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Whether this import has a version that was never published, so that no host can have it.
fn is_unpublished(import: &str) -> bool {
    let version = import.rsplit_once('@').map_or("", |(_, version)| version);
    let known = ["0.2.", "0.3."];
    is_wasi(import) && !known.iter().any(|known| version.starts_with(known))
}

fn is_wasi(import: &str) -> bool {
    WASI.contains(&import.split(['/', '@']).next().unwrap_or_default())
}

/// Whether the embedded host has an interface: releases of WASI, and what Spin has for state and
/// traces.
fn is_known(import: &str) -> bool {
    let version = import.rsplit_once('@').map_or("", |(_, version)| version);
    is_wasi(import) && !version.contains('-')
        || STORES.contains(&import)
        || TRACES.contains(&import)
}

/// Whether hosts may serve an interface.
pub fn is_of_host(import: &str) -> bool {
    let namespace = import
        .split_once(':')
        .map_or("", |(namespace, _)| namespace);
    HOST_NAMESPACES.contains(&namespace)
}

/// Refuses a part that imports an interface of hosts with a type that hosts do not provide, as far
/// as the embedded host knows the interface.
pub fn host_types(parts: &[Loaded]) -> Result<()> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config)?;
    let linker = guest::server_linker(&engine)?;
    for part in parts {
        let fits = || -> Result<()> {
            let Some(stub) = part.wit.stub(is_known)? else {
                return Ok(());
            };
            let stub = Component::new(&engine, stub)?;
            linker.instantiate_pre(&stub)?;
            Ok(())
        };
        fits().with_context(|| {
            format!(
                "{} imports an interface with a type that hosts do not provide; build it against the WIT that \
                 hosts publish",
                part.shown()
            )
        })?;
    }
    Ok(())
}

/// Refuses a server with more linear memories than its host allows.
pub fn memories(component: &[u8], runtime: Runtime) -> Result<()> {
    let memories = Size::of(component)
        .context("cannot read the composed server")?
        .memories;
    ensure!(
        runtime != Runtime::Spin || memories <= SPIN_MEMORIES,
        "the server would have {memories} linear memories, and Spin allows a component {SPIN_MEMORIES}; put \
         several features into one component, or compose for Wasmtime alone with `--runtime wasmtime`"
    );
    Ok(())
}

/// Refuses a component that is not a middleware, and says whether the functions of a middleware are
/// synchronous.
pub fn middleware(world: &World, middleware: &Part) -> Result<Kind> {
    let (name, path) = (&middleware.name, &middleware.component);
    let own = Kind::ALL.map(|kind| world.exports(kind.handler()));
    let kind = match own {
        [true, false] => Kind::Sync,
        [false, true] => Kind::Async,
        [true, true] => bail!(
            "middleware `{name}` (`{path}`) exports both `{}` and `{}`, but a middleware is either \
             synchronous or asynchronous; export one of them",
            Kind::Sync.handler(),
            Kind::Async.handler()
        ),
        [false, false] if is_middleware(world) => bail!(
            "middleware `{name}` (`{path}`) was built for another version of the contract: it exports `{}`, and \
             this `mcp` composes version {}; build it against that version, or use the `mcp` it was made for",
            world.exports.join("`, `"),
            &VERSION[1..]
        ),
        [false, false] => bail!(
            "middleware `{name}` (`{path}`) exports neither `{}` nor `{}`, so requests could not pass through \
             it; {}",
            Kind::Sync.handler(),
            Kind::Async.handler(),
            match world
                .exports
                .iter()
                .any(|export| Interface::is_known(export))
            {
                true =>
                    "it is a feature; list it under `features` in spin.toml, or name it without `--middleware`",
                false => "`spin add -t mcp-middleware` makes one that does",
            }
        ),
    };
    let other = Kind::ALL.into_iter().find(|other| *other != kind);
    let next = other.map(Kind::handler).filter(|next| {
        let mut imports = world.imports.iter();
        imports.any(|import| import.name == *next)
    });
    match next {
        None => Ok(kind),
        Some(next) => bail!(
            "middleware `{name}` (`{path}`) exports `{}`, but imports `{next}`; a middleware must export and \
             import the same interface",
            kind.handler()
        ),
    }
}

/// Refuses a component that the transport cannot ask, and says whether it waits for keys.
pub fn asked(world: &World, part: &Part, wasi: Wasi) -> Result<Kind> {
    let (role, name, path) = (part.role, &part.name, &part.component);
    let wanted = match role {
        Role::Policy => AUTHORIZER,
        _ => AUTHENTICATOR,
    };
    ensure!(
        world.exports(wanted),
        "{role} `{name}` (`{path}`) does not export `{wanted}`, through which the server asks it; {}",
        match role {
            Role::Policy =>
                "`spin mcp compose --authorizer` makes one that does of a policy in Rego",
            _ => "`spin add -t mcp-auth` makes one that does",
        }
    );
    let (kind, keys) = (
        wasi.kind(),
        Kind::ALL.map(|kind| world.exports(kind.keys())),
    );
    ensure!(
        role == Role::Policy || world.exports(kind.keys()) || keys == [false, false],
        "{role} `{name}` (`{path}`) was built for the other WASI build: a server of WASI {} calls `{}`, and it \
         does not export that; build it for WASI {0}",
        wasi.as_str(),
        kind.keys()
    );
    Ok(kind)
}

/// Refuses a component that is not a feature, and says what a feature offers and whether its
/// functions are synchronous.
pub fn feature(world: &World, feature: &Part) -> Result<(Kind, Vec<Interface>)> {
    let (name, path) = (&feature.name, &feature.component);
    let of = |kind| {
        let all = Interface::ALL.into_iter();
        all.filter(move |interface| world.exports(interface.name(kind)))
    };
    let (kind, interfaces) = match (of(Kind::Sync).next(), of(Kind::Async).next()) {
        (None, None) => return offers_nothing(world, feature),
        (Some(one), Some(other)) => bail!(
            "feature `{name}` (`{path}`) exports both `{}` and `{}`, but all functions of a feature are \
             either synchronous or asynchronous; export `{}` instead of the latter, or make two features of it",
            one.name(Kind::Sync),
            other.name(Kind::Async),
            other.name(Kind::Sync)
        ),
        (Some(_), None) => (Kind::Sync, of(Kind::Sync).collect::<Vec<_>>()),
        (None, Some(_)) => (Kind::Async, of(Kind::Async).collect()),
    };
    let completed = [Interface::Prompts, Interface::Resources];
    ensure!(
        !interfaces.contains(&Interface::Completions)
            || interfaces
                .iter()
                .any(|interface| completed.contains(interface)),
        "feature `{name}` (`{path}`) exports `{}` without `{}` or `{}`, so it has nothing to \
         complete; also export the prompts or resource templates that it completes",
        Interface::Completions.name(kind),
        Interface::Prompts.name(kind),
        Interface::Resources.name(kind)
    );
    Ok((kind, interfaces))
}

/// Says why a component is not a feature.
fn offers_nothing<T>(world: &World, feature: &Part) -> Result<T> {
    let (name, path) = (&feature.name, &feature.component);
    let own: Vec<_> = world
        .exports
        .iter()
        .filter(|export| export.starts_with(PACKAGE))
        .collect();
    let [tools, resources, prompts, _] = Interface::ALL.map(|known| known.name(Kind::Sync));
    match own.iter().find(|export| !export.ends_with(VERSION)) {
        Some(other) => bail!(
            "feature `{name}` (`{path}`) exports `{other}`, but this `mcp` composes version {} of the \
             contract; build the feature against that version, or use the `mcp` it was made for",
            &VERSION[1..]
        ),
        None if own.is_empty() => bail!(
            "`{path}` exports no interface of a feature; a feature exports `{tools}`, \
             `{resources}` or `{prompts}` (see `spin new -t mcp-tool`)"
        ),
        None if own
            .iter()
            .any(|own| Kind::ALL.iter().any(|kind| *own == kind.handler())) =>
        {
            bail!(
                "feature `{name}` (`{path}`) exports `{}` and offers nothing itself: it is a middleware; list it \
             under `middleware` in spin.toml, or name it with `--middleware`",
                own[0]
            )
        }
        None => bail!(
            "feature `{name}` (`{path}`) exports `{}`, which this version of `mcp` cannot serve yet; \
             it serves `{tools}`, `{resources}` and `{prompts}`",
            own[0]
        ),
    }
}

/// Refuses a part that imports what nothing provides.
pub fn imports(
    world: &World,
    part: &Part,
    kind: Kind,
    interfaces: &[Interface],
    wasi: Wasi,
) -> Result<()> {
    let (role, name, path) = (part.role, &part.name, &part.component);
    let export = |kind: Kind| match interfaces.first() {
        Some(interface) => interface.name(kind),
        None => kind.handler(),
    };
    if wasi == Wasi::P2 && kind == Kind::Async {
        bail!(
            "{role} `{name}` (`{path}`) has asynchronous functions (`{}`), which hosts of WASI 0.2 cannot \
             run; compose with `--wasi 0.3` (`wasi = \"0.3\"` in spin.toml), or export `{}` instead",
            export(kind),
            export(Kind::Sync)
        );
    }
    for import in world.imports.iter().map(|import| import.name.as_str()) {
        let Some((namespace, rest)) = import.split_once(':') else {
            bail!(
                "{role} `{name}` (`{path}`) imports `{import}`, which has no package, so nothing provides it"
            );
        };
        let version = rest.rsplit_once('@').map_or("", |(_, version)| version);
        if wasi == Wasi::P2 && namespace == "wasi" && version.starts_with("0.3.") {
            bail!(
                "{role} `{name}` (`{path}`) imports `{import}`, which hosts of WASI 0.2 do not have; \
                 compose with `--wasi 0.3` (`wasi = \"0.3\"` in spin.toml)"
            );
        }
        ensure!(
            !is_unpublished(import),
            "{role} `{name}` (`{path}`) imports `{import}`, a version that no host has; build it for \
             WASI 0.2 or 0.3"
        );
        let own = CONTEXT.contains(&import)
            || import == SETTINGS
            || (role == Role::Middleware && import == kind.handler())
            || TYPES
                .iter()
                .any(|types| import == format!("{PACKAGE}{types}{VERSION}"));
        // What `allow` names is from a host that the author knows.
        let granted = part.allow.iter().any(|grant| grant.names(import));
        if own || granted || is_of_host(import) {
            continue;
        }
        if import.starts_with(PACKAGE) && !import.ends_with(VERSION) {
            bail!(
                "{role} `{name}` (`{path}`) imports `{import}`, but this `mcp` composes version {} of the \
                 contract; build the {role} against that version",
                &VERSION[1..]
            );
        }
        bail!(
            "{role} `{name}` (`{path}`) imports `{import}`, which neither the framework nor a host \
             provides; compose what provides it into the {role} first, for instance with `wac plug`, or name it \
             in `allow` if your host provides it"
        );
    }
    Ok(())
}
