//! What a component imports and exports, and the component in a file.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{
    ComponentExternalKind, Encoding, Parser, Payload, Validator, WasmFeatures,
    component_types::ComponentEntityType,
};
use wit_component::ComponentEncoder;

use crate::{guard, packages};

/// How deep components may be nested, since reading them is recursive.
const MAX_DEPTH: usize = 50;

/// The component in a file, made from a core module if that carries its component type.
pub fn componentize<'b>(bytes: Cow<'b, [u8]>, shown: &str) -> Result<Cow<'b, [u8]>> {
    let encoding = match Parser::new(0).parse_all(&bytes).next() {
        Some(Ok(Payload::Version { encoding, .. })) => Some(encoding),
        _ => None,
    };
    match encoding {
        Some(Encoding::Component) => Ok(bytes),
        Some(Encoding::Module) => {
            let mut is_typed = false;
            for payload in Parser::new(0).parse_all(&bytes) {
                if let Ok(Payload::CustomSection(section)) = payload
                    && section.name().starts_with("component-type")
                {
                    is_typed = true;
                    World::read(section.data()).with_context(|| {
                        format!("`{shown}` has a damaged component type; build it again")
                    })?;
                }
            }
            ensure!(
                is_typed,
                "`{shown}` is a core module without a component type; \
                 build it for `wasm32-wasip2`, or embed its WIT with `wasm-tools component embed`"
            );
            let component = guard(|| ComponentEncoder::default().module(&bytes)?.encode());
            component
                .map(Cow::Owned)
                .with_context(|| format!("cannot make a component of the core module `{shown}`"))
        }
        None => bail!(
            "`{shown}` is not a WebAssembly component, which is what a build for `wasm32-wasip2` writes"
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
    /// The functions that the component uses of it.
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
        packages::check(component, &types)?;
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

    /// Whether it exports an interface of this name.
    pub fn exports(&self, interface: &str) -> bool {
        self.exports.iter().any(|export| export == interface)
    }
}
