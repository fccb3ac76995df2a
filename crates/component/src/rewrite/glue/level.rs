//! How the core modules of a component are connected.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind,
    ComponentOuterAliasKind, ComponentType, ExternalKind, Instance, InstantiationArg, Parser,
    Payload,
};

use super::shim::{Stubs, fills};

/// A component without those that are nested in it.
#[derive(Default)]
pub struct Level<'a> {
    pub modules: Vec<&'a [u8]>,
    instances: Vec<Instance<'a>>,
    /// The instance and the name that each core function is an alias of.
    functions: Vec<Option<(u32, &'a str)>>,
    /// Modules come from other components, so indices do not name `modules`.
    shares_modules: bool,
    /// The instances that something else is an alias of.
    others: HashSet<u32>,
    /// Functions that are not only arguments of instances.
    used: HashSet<u32>,
}

/// A shim, with the module that calls it and the one that fills its table.
#[derive(Debug, Default)]
pub struct Glue<'a> {
    pub shim: u32,
    pub shim_module: u32,
    pub stubs: Stubs<'a>,
    /// The core functions that are stubs.
    pub functions: HashSet<u32>,
    pub main: u32,
    pub main_module: u32,
    /// The imports of the module that are stubs, and the element that each one calls.
    pub imports: HashMap<(&'a str, &'a str), u32>,
    pub fixups_module: u32,
}

impl Glue<'_> {
    pub fn functions_before(&self, function: u32) -> u32 {
        let functions = self.functions.iter();
        functions.filter(|stub| **stub < function).count() as u32
    }
}

pub fn is_function(kind: ExternalKind) -> bool {
    matches!(kind, ExternalKind::Func | ExternalKind::FuncExact)
}

impl<'a> Level<'a> {
    pub fn read(component: &'a [u8]) -> Result<Level<'a>> {
        let (mut level, mut depth) = (Level::default(), 0);
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload?;
            match &payload {
                Payload::ModuleSection {
                    unchecked_range: range,
                    ..
                } => {
                    if depth == 0 {
                        let range = range.start as usize..range.end as usize;
                        level.modules.push(&component[range]);
                    }
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                _ if depth == 0 => level.add(payload)?,
                _ => {}
            }
        }
        Ok(level)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.instances.push(instance?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias? {
                        ComponentAlias::CoreInstanceExport {
                            kind,
                            instance_index,
                            name,
                        } if is_function(kind) => self.functions.push(Some((instance_index, name))),
                        ComponentAlias::CoreInstanceExport { instance_index, .. } => {
                            self.others.insert(instance_index);
                        }
                        ComponentAlias::InstanceExport { kind, .. } => {
                            self.shares_modules |= kind == ComponentExternalKind::Module;
                        }
                        ComponentAlias::Outer { kind, .. } => {
                            self.shares_modules |= kind == ComponentOuterAliasKind::CoreModule;
                        }
                    }
                }
            }
            Payload::ComponentTypeSection(section) => {
                for ty in section {
                    if let ComponentType::Resource { dtor, .. } = ty? {
                        self.used.extend(dtor);
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let kind = import?.ty.kind();
                    self.shares_modules |= kind == ComponentExternalKind::Module;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(&function?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn canonical(&mut self, function: &CanonicalFunction) {
        let options = match function {
            CanonicalFunction::Lift {
                core_func_index,
                options,
                ..
            } => {
                self.used.insert(*core_func_index);
                options
            }
            CanonicalFunction::Lower { options, .. } => {
                self.functions.push(None);
                options
            }
            _ => {
                self.functions.push(None);
                return;
            }
        };
        let functions = options.iter().filter_map(|option| match option {
            CanonicalOption::Realloc(function)
            | CanonicalOption::PostReturn(function)
            | CanonicalOption::Callback(function) => Some(*function),
            _ => None,
        });
        self.used.extend(functions);
    }

    /// The shim; none if there is none, or if anything is not as `wit-component` makes it.
    pub fn glue(&self) -> Option<Glue<'a>> {
        if self.shares_modules {
            return None;
        }
        let (shim, shim_module, stubs) =
            self.instantiated().find_map(|(index, module, args)| {
                let stubs = Stubs::read(self.modules.get(module as usize)?);
                Some((index, module, stubs.filter(|_| args.is_empty())?))
            })?;
        let functions = (0..).zip(&self.functions);
        let functions = functions.filter(|(_, of)| of.is_some_and(|(of, _)| of == shim));
        let functions: HashSet<u32> = functions.map(|(index, _)| index).collect();
        let (mut main, mut fixups, mut imports) = (HashSet::new(), Vec::new(), HashMap::new());
        for (index, module, args) in self.instantiated() {
            for arg in args {
                if arg.index == shim {
                    fixups.push((index, module));
                }
                let Some(Instance::FromExports(exports)) = self.instances.get(arg.index as usize)
                else {
                    continue;
                };
                for export in exports {
                    if is_function(export.kind) && functions.contains(&export.index) {
                        let (_, name) = self.functions[export.index as usize]?;
                        imports.insert((arg.name, export.name), *stubs.by_name.get(name)?);
                        main.insert((index, module));
                    }
                }
            }
        }
        let (Ok([(main, main_module)]), [(last, fixups_module)]) = (
            <[_; 1]>::try_from(main.into_iter().collect::<Vec<_>>()),
            &fixups[..],
        ) else {
            return None;
        };
        let once = |module: u32| self.instantiated().filter(|it| it.1 == module).count() == 1;
        let fits = shim < main
            && main < *last
            && !self.others.contains(&shim)
            && self.used.is_disjoint(&functions)
            && [shim_module, main_module, *fixups_module]
                .into_iter()
                .all(once)
            && fills(self.modules[*fixups_module as usize])
            && takes_stubs(self.modules[main_module as usize]);
        fits.then_some(Glue {
            shim,
            shim_module,
            stubs,
            functions,
            main,
            main_module,
            imports,
            fixups_module: *fixups_module,
        })
    }

    /// The instances of modules, with the modules and the arguments.
    fn instantiated(&self) -> impl Iterator<Item = (u32, u32, &[InstantiationArg<'a>])> {
        let instances = (0..).zip(&self.instances);
        instances.filter_map(|(index, instance)| match instance {
            Instance::Instantiate { module_index, args } => Some((index, *module_index, &**args)),
            Instance::FromExports(_) => None,
        })
    }
}

/// Whether a module imports nothing but functions, exports no table by the same name, and has a table
/// that can hold more, or none.
fn takes_stubs(module: &[u8]) -> bool {
    let Ok(core) = super::Core::read(module) else {
        return false;
    };
    let table = core.tables.first();
    let fits = table.is_none_or(|it| !it.table64 && !it.shared && it.element_type.is_func_ref());
    core.other_import.is_none() && !core.memories.is_empty() && fits
}
