//! Saves the core module that `wit-component` puts between a module and its imports.
//!
//! A function of the host that a component calls can need the memory of a module, which is there only
//! once the module has its imports. So `wit-component` first instantiates a module of stubs (the shim),
//! each of which calls what is in its element of a table, and at the end one that fills the table (the
//! fixups). Here the stubs and the elements become part of the module that calls them: an instance of
//! the component makes a core instance and a table less, and no call goes through another instance.

mod level;
mod shim;

use anyhow::{Result, anyhow};
use wasm_encoder::{
    Component, ComponentAliasSection, Function, InstanceSection, Instruction, RawSection,
    reencode::{Error, Reencode, ReencodeComponent, component_utils},
};
use wasmparser::{
    ComponentAlias, ComponentAliasSectionReader, CustomSectionReader, Instance, KnownCustom, Parser,
};

use super::{
    COMPONENT, MODULE,
    replace_imports::{Core, Fate, ReplaceImports},
};
use level::{Glue, Level};
use shim::TABLE;

/// The component with the stubs in the modules that call them. It keeps those that are not as
/// `wit-component` makes them.
pub fn merge_stubs(component: &[u8]) -> Result<Vec<u8>> {
    let mut merge = Merge {
        glue: None,
        modules: 0,
        instances: 0,
    };
    let level = Level::read(component)?;
    if let Some(glue) = level.glue() {
        let (main, first) = with_stubs(level.modules[glue.main_module as usize], &glue)?;
        let fixups = level.modules[glue.fixups_module as usize];
        let fixups = shim::moved(fixups, first, glue.stubs.elements)?;
        merge.glue = Some((glue, main, fixups));
    }
    let mut merged = Component::new();
    merge
        .parse_component(&mut merged, Parser::new(0), component)
        .map_err(|error| anyhow!("cannot merge its core modules: {error}"))?;
    Ok(merged.finish())
}

/// A module with the stubs that it called, and the first of their elements in its table.
fn with_stubs(main: &[u8], glue: &Glue<'_>) -> Result<(Vec<u8>, u32)> {
    let core = Core::read(main)?;
    let imports = core.imports.iter();
    let elements = imports.map(|import| glue.imports.get(&(import.module, import.name)));
    let elements: Vec<_> = elements.collect();
    let fates = elements.iter().map(|element| match element {
        Some(_) => Fate::Replace,
        None => Fate::Keep,
    });
    let mut module = ReplaceImports::new(&core, fates.collect());
    let first = module.append_elements(glue.stubs.elements, TABLE);
    let module = module.encode(|_, index| {
        let mut stub = Function::new([]);
        let import = &core.imports[index];
        let params = core.ty(import).map_or(0, |ty| ty.params().len());
        for param in 0..params as u32 {
            stub.instruction(&Instruction::LocalGet(param));
        }
        let element = elements[index].copied().unwrap_or_default();
        stub.instruction(&Instruction::I32Const((first + element) as i32));
        stub.instruction(&Instruction::CallIndirect {
            type_index: import.ty,
            table_index: 0,
        });
        stub.instruction(&Instruction::End);
        Ok(stub)
    })?;
    Ok((module.finish(), first))
}

/// Encodes a component without its shim.
struct Merge<'a> {
    /// With the modules that take the place of those that called the stubs and filled the table.
    glue: Option<(Glue<'a>, Vec<u8>, Vec<u8>)>,
    /// How many were there so far.
    modules: u32,
    instances: u32,
}

type Outcome<T = ()> = std::result::Result<T, Error<anyhow::Error>>;

impl Merge<'_> {
    fn glue(&self) -> Option<&Glue<'_>> {
        self.glue.as_ref().map(|(glue, ..)| glue)
    }

    fn is_shim(&self, instance: u32) -> bool {
        self.glue().is_some_and(|glue| glue.shim == instance)
    }
}

impl Reencode for Merge<'_> {
    type Error = anyhow::Error;

    fn function_index(&mut self, function: u32) -> Outcome<u32> {
        let stubs = self
            .glue()
            .map_or(0, |glue| glue.functions_before(function));
        Ok(function - stubs)
    }
}

impl ReencodeComponent for Merge<'_> {
    fn module_index(&mut self, module: u32) -> u32 {
        let shim = self.glue().map(|glue| glue.shim_module);
        module - u32::from(shim.is_some_and(|shim| shim < module))
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        match self.glue() {
            // Its table is in another module now.
            Some(glue) if glue.shim == instance => glue.main - 1,
            Some(glue) => instance - u32::from(glue.shim < instance),
            None => instance,
        }
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _: Parser,
        module: &[u8],
    ) -> Outcome {
        let index = self.modules;
        self.modules += 1;
        let data = match &self.glue {
            Some((glue, ..)) if index == glue.shim_module => return Ok(()),
            Some((glue, main, _)) if index == glue.main_module => main,
            Some((glue, _, fixups)) if index == glue.fixups_module => fixups,
            _ => module,
        };
        component.section(&RawSection { id: MODULE, data });
        Ok(())
    }

    fn parse_component_subcomponent(
        &mut self,
        component: &mut Component,
        _: Parser,
        nested: &[u8],
        _: &[u8],
    ) -> Outcome {
        let data = &merge_stubs(nested).map_err(Error::UserError)?;
        let id = COMPONENT;
        component.section(&RawSection { id, data });
        Ok(())
    }

    fn parse_component_alias_section(
        &mut self,
        aliases: &mut ComponentAliasSection,
        section: ComponentAliasSectionReader<'_>,
    ) -> Outcome {
        for alias in section {
            let alias = alias?;
            let of_shim = match alias {
                ComponentAlias::CoreInstanceExport { instance_index, .. } => {
                    self.is_shim(instance_index)
                }
                _ => false,
            };
            if !of_shim {
                aliases.alias(self.component_alias(alias)?);
            }
        }
        Ok(())
    }

    fn parse_instance(
        &mut self,
        instances: &mut InstanceSection,
        instance: Instance<'_>,
    ) -> Outcome {
        let index = self.instances;
        self.instances += 1;
        if self.is_shim(index) {
            return Ok(());
        }
        let Instance::FromExports(exports) = &instance else {
            return component_utils::parse_instance(self, instances, instance);
        };
        let is_stub = |export: &wasmparser::Export<'_>| {
            let glue = self.glue();
            level::is_function(export.kind)
                && glue.is_some_and(|glue| glue.functions.contains(&export.index))
        };
        let exports: Vec<_> = exports.iter().filter(|it| !is_stub(it)).copied().collect();
        let exports = exports.into_iter().map(|export| {
            let kind = self.export_kind(export.kind)?;
            Ok((
                export.name,
                kind,
                self.external_index(export.kind, export.index)?,
            ))
        });
        instances.export_items(exports.collect::<Outcome<Vec<_>>>()?);
        Ok(())
    }

    fn parse_component_custom_section(
        &mut self,
        component: &mut Component,
        section: CustomSectionReader<'_>,
    ) -> Outcome {
        match section.as_known() {
            // It names things by index.
            KnownCustom::ComponentName(_) if self.glue.is_some() => Ok(()),
            _ => component_utils::parse_component_custom_section(self, component, section),
        }
    }
}

#[cfg(test)]
mod tests;
