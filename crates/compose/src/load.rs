//! A component as compose finds it: what it exports, needs and cannot have.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use spin_mcp_component::{Digest, Import, Imports, Resolved, World, componentize, guard};
use spin_mcp_contract::{
    Component, Grants, Interface, Kind, Need, Part, Record, Role, Wasi,
    interface::{CONTEXT, PACKAGE, SETTINGS, VERSION},
    server::is_middleware,
    shipped,
};

use crate::{hosts, refuse};

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

/// A part that can be composed.
#[derive(Debug)]
pub struct Loaded {
    pub role: Role,
    pub name: String,
    /// What the user calls its component, if that is not a file's path.
    pub origin: Option<String>,
    pub prefix: Option<String>,
    pub grants: Grants,
    /// What it imports, as WIT.
    pub wit: Imports,
    /// Its lists depend on the request.
    pub dynamic: bool,
    /// What `settings` answers, a JSON object, if another component has to.
    pub settings: Option<String>,
    pub component: Vec<u8>,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    pub kind: Kind,
    /// What a feature exports; one at least.
    pub interfaces: Vec<Interface>,
    /// What the parts of a saved sequence need state for.
    pub state: Vec<Need>,
    pub imports: Vec<Import>,
}

impl Loaded {
    /// As messages name it: `feature `text``.
    pub fn shown(&self) -> String {
        format!("{} `{}`", self.role, self.name)
    }

    pub fn exports(&self, interface: Interface) -> bool {
        self.interfaces.contains(&interface)
    }

    /// What it imports of `CONTEXT`.
    pub fn context(&self) -> impl Iterator<Item = &Import> {
        let own = |import: &&Import| CONTEXT.contains(&import.name.as_str());
        self.imports.iter().filter(own)
    }

    /// Whether it can call this function of an interface.
    pub fn calls(&self, interface: &str, function: &str) -> bool {
        let mut imports = self.imports.iter();
        imports.any(|import| {
            import.name == interface && import.functions.iter().any(|name| name == function)
        })
    }
}

/// Reads a part from its file and says what keeps it out of a server of this edition.
pub fn load(part: &Part, wasi: Wasi) -> Result<Loaded> {
    let Component::Resolved(resolved) = &part.component else {
        bail!("`{}` has no file", part.component);
    };
    let bytes = resolved.read().with_context(|| {
        let Part {
            role,
            name,
            component,
            ..
        } = part;
        format!("cannot read {role} `{name}` from `{component}`")
    })?;
    load_bytes(part, bytes, wasi)
}

/// The same for what was read already.
pub fn load_bytes(part: &Part, bytes: Cow<'_, [u8]>, wasi: Wasi) -> Result<Loaded> {
    let (role, name, shown) = (part.role, &part.name, part.component.to_string());
    let digest = match &part.component {
        Component::Resolved(Resolved::Pulled(pulled)) => pulled.digest.clone(),
        _ => Digest::of(&bytes),
    };
    let component = componentize(bytes, &shown)?;
    let world = World::read(&component).with_context(|| {
        format!("`{shown}` is damaged or not a valid component; build it again")
    })?;
    let (kind, interfaces) = match role {
        Role::Feature => offers(&world, part)?,
        Role::Middleware => (links(&world, part)?, vec![]),
    };
    check_imports(&world, part, kind, &interfaces, wasi)?;
    let reads_settings = world.imports.iter().any(|import| import.name == SETTINGS);
    ensure!(
        part.settings.is_none() || reads_settings,
        "{role} `{name}` (`{shown}`) has settings, but does not import `{SETTINGS}`, so it would never read \
         them; remove `settings`, or build the {role} with that import"
    );
    let wit = guard(|| Imports::read(&component))
        .with_context(|| format!("cannot read what {role} `{name}` imports"))?;
    let optional: &[_] = match part.component {
        Component::Shipped(_) => &shipped::OPTIONAL,
        Component::Resolved(_) => &[],
    };
    let mut grants = Grants::new(&wit, &part.allow, optional)
        .with_context(|| format!("cannot isolate {role} `{name}`"))?;
    let component = refuse::close_stdin(&component)
        .with_context(|| format!("cannot close stdin of {role} `{name}`"))?
        .map_or(component, Cow::Owned);
    let settings = Value::Object(part.settings.clone().unwrap_or_default()).to_string();
    let inlined = refuse::inline(&component, &wit, &grants.refusing, &settings);
    let (component, inlined) = match inlined {
        Some(inlined) => (Cow::Owned(inlined.component), inlined.interfaces),
        None => (component, Vec::new()),
    };
    grants.refusing.retain(|name| !inlined.contains(name));
    let holds_settings = inlined.iter().any(|name| name == SETTINGS);
    let settings = (reads_settings && !holds_settings).then_some(settings);
    let record = Record::read(&component)?;
    ensure!(
        record.as_ref().is_none_or(|record| record.handler),
        "{role} `{name}` (`{shown}`) is a composed server, not a part of one; compose what it was made of, or \
         a link of that with `--handler`"
    );
    let state = record.iter().flat_map(Record::parts);
    let state = state.flat_map(|part| part.state.to_vec()).collect();
    Ok(Loaded {
        role,
        name: name.clone(),
        origin: match &part.component {
            Component::Resolved(Resolved::File(_)) => None,
            component => Some(component.to_string()),
        },
        prefix: part.prefix.clone(),
        grants,
        wit,
        dynamic: part.dynamic,
        settings,
        digest: digest.hex().to_owned(),
        kind,
        interfaces,
        state,
        imports: world.imports,
        component: component.into_owned(),
    })
}

/// Whether the functions of a link are synchronous.
fn links(world: &World, link: &Part) -> Result<Kind> {
    let (name, path) = (&link.name, &link.component);
    let own = Kind::ALL.map(|kind| world.exports(kind.handler()));
    let kind = match own {
        [true, false] => Kind::Sync,
        [false, true] => Kind::Async,
        [true, true] => bail!(
            "middleware `{name}` (`{path}`) exports both `{}` and `{}`, but a link of the chain is either \
             synchronous or asynchronous; export one of them",
            Kind::Sync.handler(),
            Kind::Async.handler()
        ),
        [false, false] if is_middleware(world) => bail!(
            "middleware `{name}` (`{path}`) is made for another version of the contract: it exports `{}`, and \
             this `mcp` composes version {}; build it against that version, or use the `mcp` it was made for",
            world.exports.join("`, `"),
            &VERSION[1..]
        ),
        [false, false] => bail!(
            "middleware `{name}` (`{path}`) exports neither `{}` nor `{}`, so no request could pass through \
             it; {}",
            Kind::Sync.handler(),
            Kind::Async.handler(),
            match world
                .exports
                .iter()
                .any(|export| Interface::is_known(export))
            {
                true => "it is a feature, which belongs under `features`, or before `--middleware`",
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
            "middleware `{name}` (`{path}`) exports `{}`, but imports `{next}`; a link of the chain has one \
             of them on both sides",
            kind.handler()
        ),
    }
}

/// What the component offers, and whether its functions are synchronous.
fn offers(world: &World, feature: &Part) -> Result<(Kind, Vec<Interface>)> {
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
        "feature `{name}` (`{path}`) exports `{}` without `{}` or `{}`, so there is nothing that it could \
         complete; export the prompts or resource templates that it completes, too",
        Interface::Completions.name(kind),
        Interface::Prompts.name(kind),
        Interface::Resources.name(kind)
    );
    Ok((kind, interfaces))
}

/// Says why a component is no feature.
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
            "`{path}` exports nothing that an MCP server is made of; a feature exports `{tools}`, \
             `{resources}` or `{prompts}` (see `spin new -t mcp-tool`)"
        ),
        None if own
            .iter()
            .any(|own| Kind::ALL.iter().any(|kind| *own == kind.handler())) =>
        {
            bail!(
                "feature `{name}` (`{path}`) exports `{}` and offers nothing itself: it is a middleware, which \
             belongs under `middleware`, or behind `--middleware`",
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

fn check_imports(
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
                "{role} `{name}` (`{path}`) imports `{import}`, which has no package, so nobody can provide it"
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
            !hosts::is_unheard_of(import),
            "{role} `{name}` (`{path}`) imports `{import}`, a version that no host has; build it for \
             WASI 0.2 or 0.3"
        );
        let own = CONTEXT.contains(&import)
            || import == SETTINGS
            || (role == Role::Middleware && import == kind.handler())
            || TYPES
                .iter()
                .any(|types| import == format!("{PACKAGE}{types}{VERSION}"));
        if own || HOST_NAMESPACES.contains(&namespace) {
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
             provides; compose what provides it into the {role} first, for instance with `wac plug`"
        );
    }
    Ok(())
}
