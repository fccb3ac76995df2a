//! Makes components lazy: a core module that has a linear memory fills it at its first call.
//! `docs/explain/architecture.md` says why, and when this is worth it.
//!
//! Code outside a module must not see its memory before the first call. So all that the component
//! lifts must be functions of modules that become lazy, and other modules with access to the memory
//! must be reached through these alone, which is how toolchains build components.

mod module;

use anyhow::Result;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind,
    ComponentOuterAliasKind, ComponentType, ExternalKind, Instance, Parser, Payload,
};

use super::{Level, edit_modules};
use module::Module;

/// The component with modules lazy whose memory begins with `pages` or more; none if there are none
/// that can be lazy.
pub fn lazy(component: &[u8], pages: u64) -> Result<Option<Vec<u8>>> {
    edit_modules(component, &|level| lazy_modules(level, pages))
}

fn lazy_modules(level: &Level<'_>, pages: u64) -> Result<Vec<Option<Vec<u8>>>> {
    let modules = level.modules.iter();
    let modules = modules.map(|module| Module::read(module, pages));
    let modules = modules.collect::<Result<Vec<_>>>()?;
    let lazy = Entries::read(level.bytes)?.fit(&modules);
    let modules = modules.iter().map(|module| match lazy {
        true => module.lazy(),
        false => Ok(None),
    });
    modules.collect()
}

/// How the core code of a component can be entered.
#[derive(Default)]
struct Entries {
    /// The module of each core function, if it is an export of an instance of a module.
    functions: Vec<Option<u32>>,
    instances: Vec<Option<u32>>,
    /// What is lifted, with the functions that the lifting uses.
    lifted: Vec<u32>,
    destructors: Vec<u32>,
    /// Modules go to other components or come from them.
    shares_modules: bool,
}

impl Entries {
    fn read(component: &[u8]) -> Result<Entries> {
        let (mut entries, mut depth) = (Entries::default(), 0);
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                payload if depth == 0 => entries.add(payload)?,
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        entries.shares_modules |= is_outer_module(&alias?);
                    }
                }
                _ => {}
            }
        }
        Ok(entries)
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.instances.push(match instance? {
                        Instance::Instantiate { module_index, .. } => Some(module_index),
                        Instance::FromExports(_) => None,
                    });
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(alias?);
                }
            }
            Payload::ComponentTypeSection(section) => {
                for ty in section {
                    if let ComponentType::Resource { dtor, .. } = ty? {
                        self.destructors.extend(dtor);
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let kind = import?.ty.kind();
                    self.shares_modules |= kind == ComponentExternalKind::Module;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    self.shares_modules |= export?.kind == ComponentExternalKind::Module;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: ComponentAlias<'_>) {
        match alias {
            ComponentAlias::CoreInstanceExport {
                kind: ExternalKind::Func | ExternalKind::FuncExact,
                instance_index,
                ..
            } => {
                let module = self.instances.get(instance_index as usize);
                self.functions.push(module.copied().flatten());
            }
            ComponentAlias::InstanceExport { kind, .. } => {
                self.shares_modules |= kind == ComponentExternalKind::Module;
            }
            alias => self.shares_modules |= is_outer_module(&alias),
        }
    }

    fn canonical(&mut self, function: CanonicalFunction) {
        let CanonicalFunction::Lift {
            core_func_index,
            options,
            ..
        } = function
        else {
            self.functions.push(None);
            return;
        };
        self.lifted.push(core_func_index);
        self.lifted
            .extend(options.iter().filter_map(|option| match option {
                CanonicalOption::Realloc(function)
                | CanonicalOption::PostReturn(function)
                | CanonicalOption::Callback(function) => Some(*function),
                _ => None,
            }));
    }

    /// Whether these modules can be lazy.
    fn fit(&self, modules: &[Module<'_>]) -> bool {
        let module = |function: &u32| {
            let module = self.functions.get(*function as usize).copied().flatten()?;
            modules.get(module as usize)
        };
        let is_lazy = |function| module(function).is_some_and(Module::can_be_lazy);
        // `wit-component` lets destructors pass through a table, which a module without memory has.
        let glue = modules.iter().all(|module| !module.imports_memory);
        let drops = |function| {
            is_lazy(function) || glue && module(function).is_some_and(|it| it.memories == 0)
        };
        // With several, one could see the memory of another before the first call of that.
        let instances = self.instances.iter().flatten();
        let owners = instances.filter_map(|module| modules.get(*module as usize));
        let owners = owners.filter(|module| module.owns_memory());
        !self.shares_modules
            && owners.count() <= 1
            && modules.iter().all(|module| !module.starts)
            && self.lifted.iter().all(is_lazy)
            && self.destructors.iter().all(drops)
    }
}

/// Whether a component uses a module of a component around it.
fn is_outer_module(alias: &ComponentAlias<'_>) -> bool {
    let module = ComponentOuterAliasKind::CoreModule;
    matches!(alias, ComponentAlias::Outer { kind, .. } if *kind == module)
}

#[cfg(test)]
mod tests;
