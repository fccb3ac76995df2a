//! Rejects packages that use each other's types in a circle.
//!
//! A valid component can have them, but WIT cannot, and `wit-parser` recurses on them until the stack
//! overflows, which `guard` cannot catch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Result, bail};
use wasmparser::{
    ComponentExternalKind, Parser, Payload,
    component_types::{ComponentAnyTypeId, ComponentEntityType},
    types::{Types, TypesRef},
};

/// Checks the imports and exports of a validated component, and of component types in it.
pub fn check(component: &[u8], types: &Types) -> Result<()> {
    let types = types.as_ref();
    let (mut items, mut depth) = (Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import?.name.name;
                    items.extend(
                        types
                            .component_item_for_import(name)
                            .map(|item| (name, item)),
                    );
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export?;
                    let name = export.name.name;
                    if export.kind != ComponentExternalKind::Module {
                        items.extend(
                            types
                                .component_item_for_export(name)
                                .map(|item| (name, item)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    let (mut worlds, mut seen) = (vec![(Package::default(), items)], HashSet::new());
    while let Some((world, items)) = worlds.pop() {
        let mut uses = Uses::new(types);
        for (name, item) in items {
            match item.ty {
                ComponentEntityType::Instance(instance) => {
                    uses.insert(world, package(name));
                    let exports = types[instance].exports.values();
                    exports.for_each(|export| uses.add(package(name), &export.ty));
                }
                ComponentEntityType::Component(id)
                | ComponentEntityType::Type {
                    referenced: ComponentAnyTypeId::Component(id),
                    ..
                } if seen.insert(id) => {
                    let items = types[id].imports.iter().chain(&types[id].exports);
                    let items = items.map(|(name, item)| (name.as_str(), item));
                    worlds.push((package(name), items.collect()));
                }
                _ => uses.add(Package::default(), &item.ty),
            }
        }
        uses.check()?;
    }
    Ok(())
}

/// A package and its version.
type Package<'a> = (&'a str, &'a str);

/// The packages of types, and which package uses which other ones.
struct Uses<'a> {
    types: TypesRef<'a>,
    owners: HashMap<ComponentAnyTypeId, Package<'a>>,
    packages: BTreeMap<Package<'a>, BTreeSet<Package<'a>>>,
}

impl<'a> Uses<'a> {
    fn new(types: TypesRef<'a>) -> Self {
        Uses {
            types,
            owners: HashMap::new(),
            packages: BTreeMap::new(),
        }
    }

    fn add(&mut self, package: Package<'a>, item: &ComponentEntityType) {
        let ComponentEntityType::Type {
            referenced,
            created,
        } = item
        else {
            return;
        };
        let mut next = Some(*referenced);
        while let Some(ty) = next {
            if let Some(owner) = self.owners.get(&ty) {
                self.insert(package, *owner);
                break;
            }
            next = self.types.peel_alias(ty);
        }
        self.owners.insert(*created, package);
    }

    fn insert(&mut self, package: Package<'a>, used: Package<'a>) {
        if package != used {
            self.packages.entry(package).or_default().insert(used);
        }
    }

    /// Removes packages that use none or that none uses, until only circles are left.
    fn check(mut self) -> Result<()> {
        loop {
            let users: BTreeSet<_> = self.packages.keys().copied().collect();
            let all: BTreeSet<_> = self.packages.values().flatten().copied().collect();
            let packages = &mut self.packages;
            packages.retain(|user, used| all.contains(user) && !used.is_disjoint(&users));
            if self.packages.len() == users.len() {
                break;
            }
        }
        let names: Vec<_> = self.packages.into_keys().map(|(name, _)| name).collect();
        if names.is_empty() {
            return Ok(());
        }
        bail!("packages `{}` use types of each other", names.join("`, `"))
    }
}

/// The package of an interface. Interfaces without a package share one.
fn package(interface: &str) -> Package<'_> {
    let (path, version) = interface.split_once('@').unwrap_or((interface, ""));
    let package = path.split_once('/').map_or("", |(package, _)| package);
    (package, version)
}

#[cfg(test)]
mod tests {
    use wasmparser::{Validator, WasmFeatures};

    use super::*;

    fn check_text(last: &str) -> Result<()> {
        let text = format!(
            r#"(component
                (import "a:a/one@1.0.0" (instance $one
                    (type $t (record (field "x" u32)))
                    (export "t" (type (eq $t)))))
                (alias export $one "t" (type $t))
                (import "b:b/two@1.0.0" (instance $two
                    (alias outer 1 $t (type $t))
                    (export "t" (type (eq $t)))))
                (alias export $two "t" (type $u))
                (import "{last}" (instance
                    (alias outer 1 $u (type $u))
                    (export "t" (type (eq $u))))))"#
        );
        let component = wat::parse_str(text).unwrap();
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        check(&component, &validator.validate_all(&component).unwrap())
    }

    #[test]
    fn a_circle_of_packages_is_refused() {
        check_text("c:c/three@1.0.0").unwrap();
        check_text("b:b/three@1.0.0").unwrap();
        check_text("a:a/three@2.0.0").unwrap();
        let error = check_text("a:a/three@1.0.0").unwrap_err().to_string();
        assert_eq!(error, "packages `a:a`, `b:b` use types of each other");
    }
}
