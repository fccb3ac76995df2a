//! Replaces imported functions of a core module by functions that the module itself defines.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, MemoryType, Module, RefType, SectionId, TableSection,
    TableType, TypeSection, ValType,
    reencode::{self, Reencode},
};
use wasmparser::{CompositeInnerType, ExternalKind, FuncType, Parser, Payload, TypeRef};

const PAGE: u64 = 65_536;

/// An imported function.
#[derive(Clone, Copy)]
pub struct Import<'a> {
    pub module: &'a str,
    pub name: &'a str,
    /// The index of its type.
    pub ty: u32,
}

/// What becomes of an imported function.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    /// The import stays as it is.
    Keep,
    /// A new function takes the place of the import.
    Replace,
    /// A new function takes the place of the import, which stays so that this function can call it.
    Wrap,
}

/// A core module, as far as it matters here.
#[derive(Default)]
pub struct Core<'a> {
    bytes: &'a [u8],
    /// None for a type that is not that of a function.
    types: Vec<Option<FuncType>>,
    /// The imported functions by index.
    pub imports: Vec<Import<'a>>,
    /// The name of an import that is not a function, if there is one.
    pub other_import: Option<&'a str>,
    /// How many functions the module defines.
    pub defined: u32,
    /// The imported memories, then those that the module defines.
    pub memories: Vec<wasmparser::MemoryType>,
    /// The tables that the module defines.
    pub tables: Vec<wasmparser::TableType>,
    /// The exported functions.
    pub exports: HashMap<&'a str, u32>,
}

impl<'a> Core<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Core<'a>> {
        let mut core = Core {
            bytes,
            ..Core::default()
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        core.types.extend(group?.into_types().map(
                            |ty| match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            },
                        ));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let (module, name) = (import.module, import.name);
                        if let TypeRef::Func(ty) = import.ty {
                            core.imports.push(Import { module, name, ty });
                            continue;
                        }
                        core.other_import = Some(name);
                        if let TypeRef::Memory(memory) = import.ty {
                            core.memories.push(memory);
                        }
                    }
                }
                Payload::FunctionSection(section) => core.defined = section.count(),
                Payload::MemorySection(section) => {
                    for memory in section {
                        core.memories.push(memory?);
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        core.tables.push(table?.ty);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            core.exports.insert(export.name, export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(core)
    }

    pub fn ty(&self, import: &Import<'_>) -> Option<&FuncType> {
        self.types.get(import.ty as usize)?.as_ref()
    }
}

/// A core module in which imports are being replaced. Its functions are: the imports that stay,
/// the imports that are added, the functions that it defined, and those that replace imports.
pub struct ReplaceImports<'c, 'a> {
    core: &'c Core<'a>,
    fates: Vec<Fate>,
    added: Vec<(String, String, u32)>,
    types: Vec<(Vec<ValType>, Vec<ValType>)>,
    bodies: Vec<(u32, Function)>,
    data: &'c [u8],
    elements: Option<Elements>,
}

/// Elements behind those of the first table.
struct Elements {
    count: u32,
    /// What the table is exported as.
    export: &'static str,
}

impl<'c, 'a> ReplaceImports<'c, 'a> {
    /// `fates` has one entry for each imported function.
    pub fn new(core: &'c Core<'a>, fates: Vec<Fate>) -> ReplaceImports<'c, 'a> {
        ReplaceImports {
            core,
            fates,
            added: Vec::new(),
            types: Vec::new(),
            bodies: Vec::new(),
            data: &[],
            elements: None,
        }
    }

    /// Puts elements behind those of the first table, which is exported under this name, and returns
    /// the index of the first one. A module without a table gets one.
    pub fn append_elements(&mut self, count: u32, export: &'static str) -> u32 {
        self.elements = Some(Elements { count, export });
        self.core.tables.first().map_or(0, |it| it.initial as u32)
    }

    /// Adds an import, and returns its index. All imports must be added before any other function
    /// is asked for its index.
    pub fn add_import(&mut self, module: &str, name: &str, ty: u32) -> u32 {
        let index = self.kept(self.fates.len()) + self.added.len() as u32;
        self.added.push((module.to_owned(), name.to_owned(), ty));
        index
    }

    /// Adds a type of functions, and returns its index.
    pub fn add_type(&mut self, params: Vec<ValType>, results: Vec<ValType>) -> u32 {
        self.types.push((params, results));
        (self.core.types.len() + self.types.len() - 1) as u32
    }

    /// Puts data behind all that the module has in its memory, and returns its address. The
    /// allocator of the module starts at the end of the memory that the linker gave it, so it does
    /// not use this.
    pub fn append_data(&mut self, data: &'c [u8]) -> u32 {
        let pages = self
            .core
            .memories
            .first()
            .map_or(0, |memory| memory.initial);
        self.data = data;
        (pages * PAGE) as u32
    }

    /// The index of an import that stays.
    pub fn import(&self, import: usize) -> u32 {
        self.kept(import)
    }

    /// The new index of a function of the module.
    pub fn function(&self, index: u32) -> u32 {
        let (imports, added) = (self.fates.len(), self.added.len() as u32);
        let is_replaced = |fate: &&Fate| **fate != Fate::Keep;
        match self.fates.get(index as usize) {
            Some(Fate::Keep) => self.kept(index as usize),
            Some(_) => {
                let before = self.fates[..index as usize].iter().filter(is_replaced);
                self.kept(imports) + added + self.core.defined + before.count() as u32
            }
            None => index - imports as u32 + self.kept(imports) + added,
        }
    }

    /// How many of the first imports stay.
    fn kept(&self, imports: usize) -> u32 {
        let fates = self.fates[..imports].iter();
        fates.filter(|fate| **fate != Fate::Replace).count() as u32
    }

    /// The module, where `body` gives the function in the place of an import, by its index.
    pub fn encode(mut self, body: impl Fn(&Self, usize) -> Result<Function>) -> Result<Module> {
        for (index, import) in self.core.imports.iter().enumerate() {
            if self.fates[index] != Fate::Keep {
                let body = body(&self, index)?;
                self.bodies.push((import.ty, body));
            }
        }
        let (mut module, bytes) = (Module::new(), self.core.bytes);
        self.parse_core_module(&mut module, Parser::new(0), bytes)
            .map_err(|error| anyhow!("cannot replace its imports: {error}"))?;
        Ok(module)
    }
}

type Outcome<T = ()> = std::result::Result<T, reencode::Error>;

impl Reencode for ReplaceImports<'_, '_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.function(index))
    }

    fn parse_type_section(
        &mut self,
        section: &mut TypeSection,
        reader: wasmparser::TypeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_type_section(self, section, reader)?;
        for (params, results) in &self.types {
            let (params, results) = (params.iter().copied(), results.iter().copied());
            section.ty().function(params, results);
        }
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        section: &mut ImportSection,
        reader: wasmparser::ImportSectionReader<'_>,
    ) -> Outcome {
        let mut function = 0;
        for import in reader.into_imports() {
            let import = import?;
            if let TypeRef::Func(_) = import.ty {
                function += 1;
                if self.fates[function - 1] == Fate::Replace {
                    continue;
                }
            }
            let ty = self.entity_type(import.ty)?;
            section.import(import.module, import.name, ty);
        }
        for (module, name, ty) in &self.added {
            section.import(module, name, EntityType::Function(*ty));
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_function_section(self, section, reader)?;
        for (ty, _) in &self.bodies {
            section.function(*ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_code_section(self, section, reader)?;
        for (_, code) in &self.bodies {
            section.function(code);
        }
        Ok(())
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Outcome {
        if let Some(elements) = &self.elements
            && self.core.tables.is_empty()
            && before == Some(SectionId::Memory)
        {
            let mut section = TableSection::new();
            section.table(TableType {
                element_type: RefType::FUNCREF,
                minimum: u64::from(elements.count),
                maximum: None,
                table64: false,
                shared: false,
            });
            module.section(&section);
        }
        Ok(())
    }

    fn parse_table(
        &mut self,
        section: &mut TableSection,
        mut table: wasmparser::Table<'_>,
    ) -> Outcome {
        if let Some(elements) = self.elements.as_ref().filter(|_| section.is_empty()) {
            let more = u64::from(elements.count);
            table.ty.initial += more;
            table.ty.maximum = table.ty.maximum.map(|maximum| maximum + more);
        }
        reencode::utils::parse_table(self, section, table)
    }

    fn parse_export_section(
        &mut self,
        section: &mut ExportSection,
        reader: wasmparser::ExportSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_export_section(self, section, reader)?;
        if let Some(elements) = &self.elements {
            section.export(elements.export, ExportKind::Table, 0);
        }
        Ok(())
    }

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Outcome<MemoryType> {
        let mut memory = reencode::utils::memory_type(self, ty);
        memory.minimum += (self.data.len() as u64).div_ceil(PAGE);
        Ok(memory)
    }

    fn parse_data_section(
        &mut self,
        section: &mut DataSection,
        reader: wasmparser::DataSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_data_section(self, section, reader)?;
        if !self.data.is_empty() {
            let pages = self
                .core
                .memories
                .first()
                .map_or(0, |memory| memory.initial);
            let address = ConstExpr::i32_const((pages * PAGE) as u32 as i32);
            section.active(0, &address, self.data.iter().copied());
        }
        Ok(())
    }

    fn data_count(&mut self, count: u32) -> Outcome<u32> {
        Ok(count + u32::from(!self.data.is_empty()))
    }
}
