//! What a component imports, as WIT.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

use anyhow::{Context as _, Result, bail, ensure};
use wit_component::{
    ComponentEncoder, DecodedWasm, StringEncoding, decode, dummy_module, embed_component_metadata,
    metadata,
};
use wit_parser::{
    Function, Handle, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, Type, TypeDefKind,
    TypeId, WorldId, WorldItem,
};

/// The imports of a component.
#[derive(Debug)]
pub struct Imports {
    resolve: Resolve,
    world: WorldId,
    interfaces: BTreeMap<String, InterfaceId>,
}

impl Imports {
    pub fn read(component: &[u8]) -> Result<Imports> {
        let DecodedWasm::Component(resolve, world) = decode(component)? else {
            bail!("it is a WIT package");
        };
        let interfaces = resolve.worlds[world].imports.iter();
        let interfaces = interfaces
            .filter_map(|(key, item)| match item {
                WorldItem::Interface { id, .. } => Some((resolve.name_world_key(key), *id)),
                _ => None,
            })
            .collect();
        Ok(Imports {
            resolve,
            world,
            interfaces,
        })
    }

    pub fn resolve(&self) -> &Resolve {
        &self.resolve
    }

    pub fn world(&self) -> WorldId {
        self.world
    }

    pub fn id(&self, interface: &str) -> InterfaceId {
        self.interfaces[interface]
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.interfaces.keys().map(String::as_str)
    }

    /// Whether an interface has functions or resources, not just types.
    pub fn does_something(&self, interface: &str) -> bool {
        let interface = &self.resolve.interfaces[self.interfaces[interface]];
        let resource = |id: &TypeId| matches!(self.resolve.types[*id].kind, TypeDefKind::Resource);
        !interface.functions.is_empty() || interface.types.values().any(resource)
    }

    /// Whether one interface uses types of another.
    pub fn uses(&self, interface: &str, other: &str) -> bool {
        let mut deps = self
            .resolve
            .interface_direct_deps(self.interfaces[interface]);
        deps.any(|dep| dep == self.interfaces[other])
    }

    /// A small component that imports the interfaces that are `known`, and does nothing; none if
    /// none is known.
    pub fn stub(&self, known: impl Fn(&str) -> bool) -> Result<Option<Vec<u8>>> {
        let (mut resolve, world) = (self.resolve.clone(), self.world);
        let mut imports = resolve.worlds[world].imports.clone();
        imports.retain(|key, _| known(&resolve.name_world_key(key)));
        for name in self.names().filter(|name| known(name)) {
            let mut others = self.names().filter(|other| !known(other));
            if let Some(other) = others.find(|other| self.uses(name, other)) {
                bail!("`{name}` uses types of `{other}`");
            }
        }
        if imports.is_empty() {
            return Ok(None);
        }
        resolve.worlds[world].imports = imports;
        resolve.worlds[world].exports.clear();
        let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
        let mut module = dummy_module(&resolve, world, mangling);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        let mut encoder = ComponentEncoder::default();
        encoder.merge_imports_based_on_semver(false);
        Ok(Some(encoder.module(&module)?.encode()?))
    }

    /// These interfaces and those whose types they use, and nothing else. `name` must differ from the
    /// names of other parts that are merged with this one.
    pub fn part(&self, name: &str, interfaces: &[String]) -> Result<Resolve> {
        let (mut resolve, world) = (self.resolve.clone(), self.world);
        exports(&mut resolve, world, name, interfaces)?;
        let mut module = wasm_encoder::Module::new().finish();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        Ok(metadata::decode(&module)?.1.resolve)
    }
}

/// Makes a world that exports these interfaces, and imports the others whose types they use.
pub fn exports(
    resolve: &mut Resolve,
    world: WorldId,
    name: &str,
    interfaces: &[String],
) -> Result<()> {
    let mut imports = resolve.worlds[world].imports.clone();
    imports.retain(|key, _| interfaces.contains(&resolve.name_world_key(key)));
    resolve.worlds[world].imports = imports;
    resolve
        .exportize(world, Some(name.to_owned()), None)
        .with_context(|| format!("cannot export `{}`", interfaces.join("`, `")))
}

/// The types of the interfaces of components that were seen before, and the owners of these.
///
/// `wac_types::SubtypeChecker` does not replace this: a component imports the functions that it
/// calls, so of two components that import an interface, neither import is a subtype of the other.
#[derive(Default)]
pub struct Shapes<'a> {
    seen: HashMap<(String, String), (u64, &'a str)>,
}

impl<'a> Shapes<'a> {
    /// Refuses the imports of a component that have other types in another component.
    pub fn check(&mut self, owner: &'a str, imports: &Imports) -> Result<()> {
        let mut shapes = Shape {
            resolve: &imports.resolve,
            known: HashMap::new(),
        };
        // The interfaces of the contract are checked against the contract.
        let host = imports.interfaces.iter();
        for (name, id) in host.filter(|(name, _)| !name.starts_with("spin-mcp:")) {
            let interface = &imports.resolve.interfaces[*id];
            let types = interface.types.iter();
            let types = types.map(|(name, id)| (name, shapes.of(&Type::Id(*id))));
            let mut items: Vec<_> = types.collect();
            let functions = interface.functions.iter();
            items.extend(functions.map(|(name, function)| (name, shapes.of_function(function))));
            for (item, shape) in items {
                let seen = self.seen.entry((name.clone(), item.clone()));
                let (known, first) = *seen.or_insert((shape, owner));
                ensure!(
                    known == shape,
                    "{first} and {owner} both import `{name}`, but with different types of `{item}`; \
                     build them against the same WIT"
                );
            }
        }
        Ok(())
    }
}

/// Distinguishes types by what they hold, and resources by their names.
struct Shape<'a> {
    resolve: &'a Resolve,
    known: HashMap<TypeId, u64>,
}

impl Shape<'_> {
    fn of_function(&mut self, function: &Function) -> u64 {
        let mut hash = DefaultHasher::new();
        function.kind.is_async().hash(&mut hash);
        for param in &function.params {
            (&param.name, self.of(&param.ty)).hash(&mut hash);
        }
        self.of_payload(&function.result).hash(&mut hash);
        hash.finish()
    }

    fn of_payload(&mut self, ty: &Option<Type>) -> Option<u64> {
        ty.as_ref().map(|ty| self.of(ty))
    }

    fn of(&mut self, ty: &Type) -> u64 {
        let mut hash = DefaultHasher::new();
        let Type::Id(id) = ty else {
            ty.hash(&mut hash);
            return hash.finish();
        };
        if let Some(known) = self.known.get(id) {
            return *known;
        }
        let resolve = self.resolve;
        let kind = &resolve.types[*id].kind;
        if let TypeDefKind::Type(ty) = kind {
            return self.of(ty);
        }
        kind.as_str().hash(&mut hash);
        match kind {
            TypeDefKind::Record(record) => {
                for field in &record.fields {
                    (&field.name, self.of(&field.ty)).hash(&mut hash);
                }
            }
            TypeDefKind::Tuple(tuple) => {
                for ty in &tuple.types {
                    self.of(ty).hash(&mut hash);
                }
            }
            TypeDefKind::Variant(variant) => {
                for case in &variant.cases {
                    (&case.name, self.of_payload(&case.ty)).hash(&mut hash);
                }
            }
            TypeDefKind::Enum(cases) => {
                for case in &cases.cases {
                    case.name.hash(&mut hash);
                }
            }
            TypeDefKind::Flags(flags) => {
                for flag in &flags.flags {
                    flag.name.hash(&mut hash);
                }
            }
            TypeDefKind::Option(ty) | TypeDefKind::List(ty) => self.of(ty).hash(&mut hash),
            TypeDefKind::FixedLengthList(ty, length) => (self.of(ty), length).hash(&mut hash),
            TypeDefKind::Map(key, value) => (self.of(key), self.of(value)).hash(&mut hash),
            TypeDefKind::Result(result) => {
                self.of_payload(&result.ok).hash(&mut hash);
                self.of_payload(&result.err).hash(&mut hash);
            }
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => {
                self.of_payload(ty).hash(&mut hash);
            }
            TypeDefKind::Handle(Handle::Own(resource)) => {
                (true, self.of(&Type::Id(*resource))).hash(&mut hash);
            }
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                (false, self.of(&Type::Id(*resource))).hash(&mut hash);
            }
            TypeDefKind::Resource => {
                let ty = &resolve.types[*id];
                ty.name.hash(&mut hash);
            }
            TypeDefKind::Type(_) | TypeDefKind::Unknown => {}
        }
        let shape = hash.finish();
        self.known.insert(*id, shape);
        shape
    }
}
