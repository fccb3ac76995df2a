//! Makes one core module of several, which take turns in one linear memory and one table.
//! `docs/explain/architecture.md` says why.
//!
//! A module keeps its functions, its globals and its part of the table. `select` decides whose turn it
//! is: it saves the memory of the module before, clears it, and fills it with that of the other one. No
//! code can name what another module has, and no byte of another module is in the memory.

mod host;
mod part;
mod source;
mod turns;

use anyhow::{Context as _, Result, anyhow};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, Function, FunctionSection, GlobalSection, ImportSection,
    MemorySection, MemoryType, Module, NameMap, NameSection, RefType, TableSection, TableType,
    TypeSection, ValType,
};

use host::Host;
use part::Part;
use source::Source;
pub use turns::{MEMORIES, memories};

/// A module, and the new names of its exports: none of an export that goes.
pub struct Member<'a> {
    pub module: &'a [u8],
    pub rename: &'a dyn Fn(&str) -> Option<String>,
}

/// Whether a module can be one of several: it imports nothing that belongs to it alone, and only its
/// own code can reach its memory and its table.
pub fn can_be_fused(module: &[u8]) -> Result<bool> {
    let rename = &|_: &str| None;
    Ok(
        Source::read(module)?.is_some_and(|source| source.imports.iter().all(host::has))
            && fuse(&[Member { module, rename }]).is_ok(),
    )
}

/// The module of modules that can be fused. It exports `select`, and imports the functions of
/// `memories` and those of WASI 0.2.0 that its members call.
pub fn fuse(members: &[Member<'_>]) -> Result<Vec<u8>> {
    let sources = members.iter().map(|member| {
        let source = Source::read(member.module)?;
        source.context("a module cannot be fused")
    });
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let mut fused = Fused::new();
    let host = Host::new(&sources, &mut fused);
    let first = fused.imported + fused.functions.len();
    let parts = fused.parts(&sources, &host, first);
    turns::define(&mut fused, &sources, &parts, first)?;
    for (source, part) in sources.iter().zip(&parts) {
        fused.add(source, part.clone())?;
    }
    for ((source, part), member) in sources.iter().zip(&parts).zip(members) {
        for (name, function) in &source.exports {
            if let Some(name) = (member.rename)(name) {
                let function = part.functions[*function as usize];
                fused.exports.export(&name, ExportKind::Func, function);
            }
        }
    }
    Ok(fused.finish(&sources))
}

/// The sections of the module that is being made.
#[derive(Default)]
struct Fused {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
    names: NameMap,
    imported: u32,
    /// How many of them keep memories.
    memories: u32,
}

impl Fused {
    fn new() -> Fused {
        let mut fused = Fused::default();
        fused.memories = turns::declare(&mut fused);
        fused
    }

    fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let (params, results) = (params.iter().copied(), results.iter().copied());
        self.types.ty().function(params, results);
        self.types.len() - 1
    }

    /// All imports come before the first function.
    fn import(&mut self, module: &str, name: &str, params: &[ValType], results: &[ValType]) -> u32 {
        let ty = self.ty(params, results);
        self.imports.import(module, name, EntityType::Function(ty));
        self.imported += 1;
        self.imported - 1
    }

    fn function(&mut self, params: &[ValType], results: &[ValType], code: &Function) -> u32 {
        let ty = self.ty(params, results);
        self.functions.function(ty);
        self.code.function(code);
        self.imported + self.functions.len() - 1
    }

    /// Where everything that belongs to each module will be, behind the functions of `turns`.
    fn parts(&self, sources: &[Source<'_>], host: &Host<'_>, first: u32) -> Vec<Part> {
        let (mut function, mut elements) = (first + turns::functions(sources.len()), 0);
        let (mut globals, mut data) = (turns::GLOBALS, 0);
        let parts = sources.iter().enumerate().map(|(number, source)| {
            let imports = source.imports.iter();
            let imported = imports.map(|import| host.function(import).unwrap_or_default());
            let defined = function..function + source.defined();
            function = defined.end;
            let part = Part {
                functions: imported.chain(defined).collect(),
                types: 0,
                globals,
                data,
                elements,
                element: first + turns::element(number),
                grow: Some(first + turns::GROW),
            };
            globals += source.globals;
            data += source.data.len() as u32;
            elements += source.elements_in_table;
            part
        });
        parts.collect()
    }

    /// Adds what belongs to a module.
    fn add(&mut self, source: &Source<'_>, mut part: Part) -> Result<()> {
        part.types = self.types.len();
        for segment in &source.data {
            self.data.passive(segment.bytes.iter().copied());
        }
        for (offset, functions) in &source.elements {
            let functions = functions.iter().map(|it| part.functions[*it as usize]);
            let functions: Vec<_> = functions.collect();
            let offset = ConstExpr::i32_const((part.elements + offset) as i32);
            let functions = Elements::Functions(functions.into());
            self.elements.active(None, &offset, functions);
        }
        part.encode(source.module, self)
            .map_err(|error| anyhow!("cannot fuse its modules: {error}"))
    }

    fn finish(self, sources: &[Source<'_>]) -> Vec<u8> {
        let table: u64 = sources
            .iter()
            .map(|it| u64::from(it.elements_in_table))
            .sum();
        let (mut tables, mut memories, mut exports) =
            (TableSection::new(), MemorySection::new(), self.exports);
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: table,
            maximum: Some(table),
            shared: false,
        });
        memories.memory(MemoryType {
            minimum: turns::pages(sources),
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export("memory", ExportKind::Memory, 0);
        let count = self.data.len();
        let mut module = Module::new();
        module.section(&self.types);
        module.section(&self.imports);
        module.section(&self.functions);
        module.section(&tables);
        module.section(&memories);
        module.section(&self.globals);
        module.section(&exports);
        module.section(&self.elements);
        module.section(&DataCountSection { count });
        module.section(&self.code);
        module.section(&self.data);
        let mut names = NameSection::new();
        names.functions(&self.names);
        module.section(&names);
        module.finish()
    }
}
