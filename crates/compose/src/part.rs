//! Reads the component of a part: what it exports, what it imports, and what it may use of that.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use spin_mcp_component::{
    Digest, Import, Imports, Resolved, World, componentize, guard, rewrite::close_stdin,
};
use spin_mcp_contract::{
    ComponentSource, Grant, Grants, Interface, Kind, Need, Part, Record, Role, Wasi,
    interface::{AUTHENTICATOR, AUTHORIZER, CONTEXT, SETTINGS},
    shipped,
};

use crate::{
    adapt::{self, Adapted},
    check,
    list::Lists,
    provide::in_part,
};

/// A part that can be composed.
#[derive(Debug)]
pub struct Loaded {
    pub role: Role,
    pub name: String,
    /// The name that the user gave its component, if that is not the path of a file.
    pub origin: Option<String>,
    pub prefix: Option<String>,
    pub grants: Grants,
    /// What it imports, as WIT.
    pub wit: Imports,
    /// Its lists depend on the request.
    pub dynamic: bool,
    /// The JSON object that `settings` returns; none if the component does not import `settings`, or
    /// returns them itself.
    pub settings: Option<String>,
    pub component: Vec<u8>,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    pub kind: Kind,
    /// Whether an authenticator obtains keys.
    pub has_keys: bool,
    /// The interfaces that a feature exports, at least one.
    pub interfaces: Vec<Interface>,
    /// What the parts of a saved sequence need shared state for.
    pub state: Vec<Need>,
    pub imports: Vec<Import>,
    /// The functions that are not tools, and why, of a component with an adapter.
    pub left_out: Vec<String>,
    /// What the feature of an OpenAPI document offers, and the address of its API.
    pub api: Option<(Lists, String)>,
}

impl Loaded {
    /// As messages name it: `feature `text``.
    pub fn shown(&self) -> String {
        format!("{} `{}`", self.role, self.name)
    }

    pub fn exports(&self, interface: Interface) -> bool {
        self.interfaces.contains(&interface)
    }

    /// Its imports that are in `CONTEXT`, and not just for their types.
    pub fn context(&self) -> impl Iterator<Item = &Import> {
        let own = |import: &&Import| {
            CONTEXT.contains(&import.name.as_str()) && !import.functions.is_empty()
        };
        self.imports.iter().filter(own)
    }

    /// The interfaces through which the transport asks it.
    pub fn asked(&self) -> Vec<&'static str> {
        match self.role {
            Role::Authenticator if self.has_keys => vec![AUTHENTICATOR, self.kind.keys()],
            Role::Authenticator => vec![AUTHENTICATOR],
            Role::Policy => vec![AUTHORIZER],
            Role::Feature | Role::Middleware => vec![],
        }
    }

    /// Whether it can call this function of an interface.
    pub fn calls(&self, interface: &str, function: &str) -> bool {
        let mut imports = self.imports.iter();
        imports.any(|import| {
            import.name == interface && import.functions.iter().any(|name| name == function)
        })
    }
}

/// Reads a part from its file, and refuses it if it cannot be in a server of this WASI build.
pub fn load(part: &Part, wasi: Wasi) -> Result<Loaded> {
    let ComponentSource::Resolved(resolved) = &part.component else {
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

/// The framework's authenticator for other servers, each of which grants it what it needs there.
pub fn load_shared(part: &Part, bytes: Cow<'_, [u8]>, wasi: Wasi) -> Result<Loaded> {
    let imports = World::read(&bytes)?.imports.into_iter();
    let all = imports.map(|import| Grant::Wit(import.name));
    let allow = all
        .filter(|grant| !grant.to_string().starts_with("wasi:cli/"))
        .collect();
    let part = Part {
        allow,
        ..part.clone()
    };
    load_bytes(&part, bytes, wasi)
}

/// The same for bytes that were read already.
pub fn load_bytes(part: &Part, bytes: Cow<'_, [u8]>, wasi: Wasi) -> Result<Loaded> {
    let (role, name, shown) = (part.role, &part.name, part.component.to_string());
    let digest = match &part.component {
        ComponentSource::Resolved(Resolved::Pulled(pulled)) => pulled.digest.clone(),
        _ => Digest::of(&bytes),
    };
    let mut component = componentize(bytes, &shown)?;
    let mut world = World::read(&component).with_context(|| {
        format!("`{shown}` is damaged or not a valid component; build it again")
    })?;
    let mut docs = None;
    if let Some((without, found)) = adapt::docs::take(&component)? {
        (component, docs) = (without.into(), Some(found));
    }
    let record = Record::read(&component)?;
    let adapted = match (role, &record) {
        (Role::Feature, None) => Adapted::new(&component, &world, docs.as_ref()),
        _ => Ok(None),
    };
    let adapted = adapted.with_context(|| format!("`{shown}` cannot be a feature"))?;
    let joined = adapted.as_ref().map(|adapted| adapted.join(&component));
    let joined = joined.transpose()?;
    if let Some(joined) = &joined {
        world = World::read(joined)?;
    }
    let (kind, interfaces) = match role {
        Role::Feature => check::feature(&world, part)?,
        Role::Middleware => (check::middleware(&world, part)?, vec![]),
        Role::Authenticator | Role::Policy => (check::asked(&world, part, wasi)?, vec![]),
    };
    check::imports(&world, part, kind, &interfaces, wasi)?;
    let reads_settings = world.imports.iter().any(|import| import.name == SETTINGS);
    ensure!(
        part.settings.is_none() || reads_settings,
        "{role} `{name}` (`{shown}`) has settings, but does not import `{SETTINGS}`, so it would never read \
         them; remove `settings`, or build the {role} with that import"
    );
    let wit = guard(|| Imports::read(joined.as_deref().unwrap_or(&component)))
        .with_context(|| format!("cannot read what {role} `{name}` imports"))?;
    let optional: &[_] = match part.component {
        ComponentSource::Shipped(_) => &shipped::OPTIONAL,
        _ => &[],
    };
    let mut grants = Grants::new(&wit, &part.allow, optional)
        .with_context(|| format!("cannot isolate {role} `{name}`"))?;
    let component = close_stdin(&component)
        .with_context(|| format!("cannot close stdin of {role} `{name}`"))?
        .map_or(component, Cow::Owned);
    let settings = Value::Object(part.settings.clone().unwrap_or_default()).to_string();
    // The adapter imports nothing that is granted.
    let own = joined.map(|_| Imports::read(&component)).transpose()?;
    let own = own.as_ref().unwrap_or(&wit);
    let in_part = in_part::answer(&component, own, &grants.refusing, &settings);
    let (mut component, answered) = match in_part {
        Some(in_part) => (Cow::Owned(in_part.component), in_part.interfaces),
        None => (component, Vec::new()),
    };
    if let Some(adapted) = &adapted {
        component = adapted.join(&component)?.into();
    }
    grants.refusing.retain(|name| !answered.contains(name));
    if role == Role::Authenticator && matches!(part.component, ComponentSource::Shipped(_)) {
        // It has what its settings need, and asks for nothing else.
        grants.refused.clear();
    }
    let has_settings = answered.iter().any(|name| name == SETTINGS);
    let settings = (reads_settings && !has_settings).then_some(settings);
    ensure!(
        record.as_ref().is_none_or(|record| record.sequence),
        "{role} `{name}` (`{shown}`) is a composed server, not a part of one; compose its features and \
         middleware, or save them as a sequence with `--sequence`"
    );
    let state = record.iter().flat_map(Record::parts);
    let state = state.flat_map(|part| part.state.to_vec()).collect();
    Ok(Loaded {
        role,
        name: name.clone(),
        origin: match &part.component {
            ComponentSource::Resolved(Resolved::File(_)) | ComponentSource::OpenApi(_) => None,
            component => Some(component.to_string()),
        },
        prefix: part.prefix.clone(),
        grants,
        wit,
        dynamic: part.dynamic,
        settings,
        digest: digest.hex().to_owned(),
        has_keys: world.exports(kind.keys()),
        kind,
        interfaces,
        state,
        imports: world.imports,
        api: None,
        component: component.into_owned(),
        left_out: adapted.map_or_else(Vec::new, |adapted| adapted.left_out),
    })
}
