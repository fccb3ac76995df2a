//! A feature component as compose finds it: what it exports, needs and cannot have.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};
use wasmparser::{
    ComponentExternalKind, Encoding, Parser, Payload, Validator, WasmFeatures,
    component_types::ComponentEntityType,
};
use wit_component::ComponentEncoder;

use crate::registry::MAX_COMPONENT;

use super::{
    Feature, Wasi,
    grants::Grants,
    guard::guard,
    hosts,
    imports::Imports,
    interface::{Interface, Kind, PACKAGE, VERSION},
    refuse,
};

pub const REQUEST: &str = "spin-mcp:server/request@0.1.0";
pub const INPUT: &str = "spin-mcp:server/input@0.1.0";
pub const CHANGES: &str = "spin-mcp:server/changes@0.1.0";
/// What a feature can ask and tell about the request that it serves.
pub const CONTEXT: [&str; 3] = [REQUEST, INPUT, CHANGES];

/// Interfaces of the contract that hold nothing but types.
const TYPES: [&str; 5] = [
    "types",
    "tool-types",
    "resource-types",
    "prompt-types",
    "completion-types",
];
/// How deep components may lie within each other. Whoever reads them recurses.
const MAX_DEPTH: usize = 50;
/// Namespaces that hosts serve.
const HOST_NAMESPACES: [&str; 4] = ["wasi", "spin", "fermyon", "wasmcloud"];

/// A feature that can be composed.
#[derive(Debug)]
pub struct Loaded {
    pub name: String,
    /// What the user calls its component, if that is not a file's path.
    pub origin: Option<String>,
    pub prefix: Option<String>,
    pub grants: Grants,
    /// What it imports, as WIT.
    pub wit: Imports,
    /// Its lists depend on the request.
    pub dynamic: bool,
    pub component: Vec<u8>,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    pub kind: Kind,
    /// What it exports; one at least.
    pub interfaces: Vec<Interface>,
    pub imports: Vec<Import>,
}

impl Loaded {
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

/// Reads a feature and says what keeps it out of a server of this edition.
pub fn load(feature: &Feature, wasi: Wasi) -> Result<Loaded> {
    let shown = feature.shown();
    let bytes = read(&feature.source)
        .with_context(|| format!("cannot read feature `{}` from `{shown}`", feature.name))?;
    let digest = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let component = componentize(bytes, &shown)?;
    let world = World::read(&component).with_context(|| {
        format!("`{shown}` is damaged or not a valid component; build it again")
    })?;
    let (kind, interfaces) = world.offers(feature)?;
    world.check_imports(feature, kind, &interfaces, wasi)?;
    let wit = guard(|| Imports::read(&component))
        .with_context(|| format!("cannot read what feature `{}` imports", feature.name))?;
    let mut grants = Grants::new(&wit, &feature.allow)
        .with_context(|| format!("cannot isolate feature `{}`", feature.name))?;
    let component = refuse::close_stdin(&component)
        .with_context(|| format!("cannot close stdin of feature `{}`", feature.name))?
        .unwrap_or(component);
    let component = match refuse::inline(&component, &wit, &grants.refusing) {
        Some(inlined) => {
            grants
                .refusing
                .retain(|name| !inlined.interfaces.contains(name));
            inlined.component
        }
        None => component,
    };
    Ok(Loaded {
        name: feature.name.clone(),
        origin: feature.origin.clone(),
        prefix: feature.prefix.clone(),
        grants,
        wit,
        dynamic: feature.dynamic,
        digest,
        kind,
        interfaces,
        imports: world.imports,
        component,
    })
}

/// Reads a file that may be of any size, or without an end.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_COMPONENT + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_COMPONENT,
        "it has more than {} MB, which is the most that a component may have",
        MAX_COMPONENT / 1_000_000
    );
    Ok(bytes)
}

/// The component in a file, made from a core module if that carries its component type.
pub(super) fn componentize(bytes: Vec<u8>, shown: &str) -> Result<Vec<u8>> {
    let encoding = match Parser::new(0).parse_all(&bytes).next() {
        Some(Ok(Payload::Version { encoding, .. })) => Some(encoding),
        _ => None,
    };
    match encoding {
        Some(Encoding::Component) => Ok(bytes),
        Some(Encoding::Module) => {
            let typed = Parser::new(0).parse_all(&bytes).any(|payload| {
                matches!(payload, Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type"))
            });
            ensure!(
                typed,
                "`{shown}` is a core module without a component type, so nothing says what it offers; \
                 build it for `wasm32-wasip2`, or embed its WIT with `wasm-tools component embed`"
            );
            guard(|| ComponentEncoder::default().module(&bytes)?.encode())
                .with_context(|| format!("cannot make a component of the core module `{shown}`"))
        }
        None => bail!(
            "`{shown}` is not a WebAssembly component; a feature is what a build for `wasm32-wasip2` writes"
        ),
    }
}

/// What a component imports and exports.
pub struct World {
    pub imports: Vec<Import>,
    pub exports: Vec<String>,
}

#[derive(Debug)]
pub struct Import {
    pub name: String,
    /// The functions that it uses of an instance.
    pub functions: Vec<String>,
}

impl World {
    pub fn read(component: &[u8]) -> Result<World> {
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            ensure!(
                depth <= MAX_DEPTH,
                "components within components, more than {MAX_DEPTH} deep"
            );
        }
        let types = Validator::new_with_features(WasmFeatures::all()).validate_all(component)?;
        let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = import?.name.name.to_owned();
                        let item = types
                            .as_ref()
                            .component_item_for_import(&name)
                            .map(|item| item.ty);
                        let functions = match item {
                            Some(ComponentEntityType::Instance(instance)) => types[instance]
                                .exports
                                .iter()
                                .filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)))
                                .map(|(name, _)| name.clone())
                                .collect(),
                            _ => Vec::new(),
                        };
                        imports.push(Import { name, functions });
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export?;
                        if export.kind == ComponentExternalKind::Instance {
                            exports.push(export.name.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(World { imports, exports })
    }

    fn exports(&self, interface: &str) -> bool {
        self.exports.iter().any(|export| export == interface)
    }

    /// What the component offers, and whether its functions are synchronous.
    fn offers(&self, feature: &Feature) -> Result<(Kind, Vec<Interface>)> {
        let (name, path) = (&feature.name, feature.shown());
        let of = |kind| {
            let all = Interface::ALL.into_iter();
            all.filter(move |interface| self.exports(interface.name(kind)))
        };
        let (kind, interfaces) = match (of(Kind::Sync).next(), of(Kind::Async).next()) {
            (None, None) => return self.offers_nothing(feature),
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
    fn offers_nothing<T>(&self, feature: &Feature) -> Result<T> {
        let (name, path) = (&feature.name, feature.shown());
        let own: Vec<_> = self
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
            None => bail!(
                "feature `{name}` (`{path}`) exports `{}`, which this version of `mcp` cannot serve yet; \
                 it serves `{tools}`, `{resources}` and `{prompts}`",
                own[0]
            ),
        }
    }

    fn check_imports(
        &self,
        feature: &Feature,
        kind: Kind,
        interfaces: &[Interface],
        wasi: Wasi,
    ) -> Result<()> {
        let (name, path) = (&feature.name, feature.shown());
        if wasi == Wasi::P2 && kind == Kind::Async {
            bail!(
                "feature `{name}` (`{path}`) has asynchronous functions (`{}`), which hosts of WASI 0.2 cannot \
                 run; compose with `--wasi 0.3` (`wasi = \"0.3\"` in spin.toml), or export `{}` instead",
                interfaces[0].name(kind),
                interfaces[0].name(Kind::Sync)
            );
        }
        for import in self.imports.iter().map(|import| import.name.as_str()) {
            let Some((namespace, rest)) = import.split_once(':') else {
                bail!(
                    "feature `{name}` (`{path}`) imports `{import}`, which has no package, so nobody can provide it"
                );
            };
            let version = rest.rsplit_once('@').map_or("", |(_, version)| version);
            if wasi == Wasi::P2 && namespace == "wasi" && version.starts_with("0.3.") {
                bail!(
                    "feature `{name}` (`{path}`) imports `{import}`, which hosts of WASI 0.2 do not have; \
                     compose with `--wasi 0.3` (`wasi = \"0.3\"` in spin.toml)"
                );
            }
            ensure!(
                !hosts::is_unheard_of(import),
                "feature `{name}` (`{path}`) imports `{import}`, a version that no host has; build it for \
                 WASI 0.2 or 0.3"
            );
            let own = CONTEXT.contains(&import)
                || TYPES
                    .iter()
                    .any(|types| import == format!("{PACKAGE}{types}{VERSION}"));
            if own || HOST_NAMESPACES.contains(&namespace) {
                continue;
            }
            if import.starts_with(PACKAGE) && !import.ends_with(VERSION) {
                bail!(
                    "feature `{name}` (`{path}`) imports `{import}`, but this `mcp` composes version {} of the \
                     contract; build the feature against that version",
                    &VERSION[1..]
                );
            }
            bail!(
                "feature `{name}` (`{path}`) imports `{import}`, which neither the framework nor a host \
                 provides; compose what provides it into the feature first, for instance with `wac plug`"
            );
        }
        Ok(())
    }
}
