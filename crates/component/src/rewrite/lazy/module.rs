//! Makes one core module lazy.

use anyhow::{Result, anyhow};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, Instruction, MemoryType, SectionId, TypeSection,
    reencode::{self, Reencode},
};
use wasmparser::{
    CompositeInnerType, DataKind, ElementKind, ExternalKind, FuncType, Parser, Payload, TypeRef,
    ValType,
};

/// A core module, as far as it matters here.
#[derive(Default)]
pub struct Module<'a> {
    bytes: &'a [u8],
    pages: u64,
    /// None for a type that is not that of a function.
    types: Vec<Option<FuncType>>,
    /// The type of each function.
    functions: Vec<u32>,
    globals: Vec<wasmparser::GlobalType>,
    imported_tables: u32,
    memory: Option<wasmparser::MemoryType>,
    /// How many memories it has, with those that it imports.
    pub memories: u32,
    pub imports_memory: bool,
    /// The instance runs code when it is made.
    pub starts: bool,
    has_code: bool,
    exports: Vec<wasmparser::Export<'a>>,
    /// Functions that may be called without guard are in tables or globals that others see.
    hands_out_functions: bool,
    /// The active segments of data, with their numbers.
    data: Vec<(u32, Segment<'a>)>,
    has_global_section: bool,
    has_data_count: bool,
    /// How many segments of data it has.
    data_count: u32,
}

/// An active segment.
struct Segment<'a> {
    /// The instructions that compute its offset.
    offset: &'a [u8],
    length: u32,
}

impl<'a> Segment<'a> {
    fn new(offset: &wasmparser::ConstExpr<'a>, length: u32) -> wasmparser::Result<Segment<'a>> {
        let mut reader = offset.get_binary_reader();
        let offset = reader.read_bytes(reader.bytes_remaining())?;
        Ok(Segment {
            offset: offset.strip_suffix(&[END]).unwrap_or(offset),
            length,
        })
    }
}

/// The most bytes of data that a first call copies. Hosts map the data of other modules, and copy only
/// the pages that a call writes to.
const MAX_DATA: u64 = 1 << 20;
/// The last instruction of an expression.
const END: u8 = 0x0b;

impl<'a> Module<'a> {
    /// `pages`: the least that its memory must begin with to be worth it.
    pub fn read(bytes: &'a [u8], pages: u64) -> Result<Module<'a>> {
        let mut module = Module {
            bytes,
            pages,
            ..Module::default()
        };
        for payload in Parser::new(0).parse_all(bytes) {
            module.add(payload?)?;
        }
        Ok(module)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    let types = group?.into_types().map(|ty| match ty.composite_type.inner {
                        CompositeInnerType::Func(ty) => Some(ty),
                        _ => None,
                    });
                    self.types.extend(types);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
                        TypeRef::Global(ty) => self.globals.push(ty),
                        TypeRef::Table(_) => self.imported_tables += 1,
                        TypeRef::Memory(_) => {
                            self.memories += 1;
                            self.imports_memory = true;
                        }
                        TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories += 1;
                    self.memory = Some(memory?);
                }
            }
            Payload::GlobalSection(section) => {
                self.has_global_section = true;
                for global in section {
                    self.globals.push(global?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.hands_out_functions |= match export.kind {
                        ExternalKind::Table => true,
                        ExternalKind::Global => {
                            let global = self.globals.get(export.index as usize);
                            global.is_none_or(|it| matches!(it.content_type, ValType::Ref(_)))
                        }
                        _ => false,
                    };
                    self.exports.push(export);
                }
            }
            Payload::StartSection { .. } => self.starts = true,
            Payload::ElementSection(section) => {
                for element in section {
                    if let ElementKind::Active { table_index, .. } = element?.kind {
                        let is_imported = table_index.unwrap_or(0) < self.imported_tables;
                        self.hands_out_functions |= is_imported;
                    }
                }
            }
            Payload::DataCountSection { .. } => self.has_data_count = true,
            Payload::CodeSectionStart { .. } => self.has_code = true,
            Payload::DataSection(section) => {
                self.data_count = section.count();
                for (number, data) in (0..).zip(section) {
                    let data = data?;
                    if let DataKind::Active { offset_expr, .. } = data.kind {
                        let segment = Segment::new(&offset_expr, data.data.len() as u32)?;
                        self.data.push((number, segment));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub fn owns_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether nothing but calls of its functions can tell when its memory is filled, and the memory
    /// is worth it.
    pub fn can_be_lazy(&self) -> bool {
        let Some(memory) = &self.memory else {
            return false;
        };
        let plain = !memory.memory64 && !memory.shared && memory.page_size_log2.is_none();
        let data = self
            .data
            .iter()
            .map(|(_, segment)| u64::from(segment.length));
        self.memories == 1
            && plain
            && memory.initial >= self.pages.max(1)
            && data.sum::<u64>() <= MAX_DATA
            && !self.starts
            && self.has_code
            && self.guarded().next().is_some()
            && self.guarded().all(|function| self.ty(function).is_some())
            && !self.hands_out_functions
    }

    /// The module whose memory is filled at the first call of an export; none if it must stay.
    pub fn lazy(&self) -> Result<Option<Vec<u8>>> {
        if !self.can_be_lazy() {
            return Ok(None);
        }
        let mut module = wasm_encoder::Module::new();
        Lazy(self)
            .parse_core_module(&mut module, Parser::new(0), self.bytes)
            .map_err(|error| anyhow!("cannot fill its memory later: {error}"))?;
        Ok(Some(module.finish()))
    }

    /// The exported functions in the order of the functions that guard them.
    fn guarded(&self) -> impl Iterator<Item = u32> {
        let exports = self.exports.iter();
        exports.filter(|it| is_function(it.kind)).map(|it| it.index)
    }

    fn ty(&self, function: u32) -> Option<&FuncType> {
        let ty = self.functions.get(function as usize)?;
        self.types.get(*ty as usize)?.as_ref()
    }

    /// The function that fills the memory.
    fn fill(&self) -> u32 {
        self.functions.len() as u32
    }

    /// The global that is not zero after the first call.
    fn filled(&self) -> u32 {
        self.globals.len() as u32
    }

    fn fill_body(&self) -> Function {
        let mut code = Function::new([]);
        code.instruction(&Instruction::I32Const(1));
        code.instruction(&Instruction::GlobalSet(self.filled()));
        let pages = self.memory.map_or(0, |memory| memory.initial);
        code.instruction(&Instruction::I32Const(pages as u32 as i32));
        code.instruction(&Instruction::MemoryGrow(0));
        code.instruction(&Instruction::I32Const(-1));
        code.instruction(&Instruction::I32Eq);
        code.instruction(&Instruction::If(BlockType::Empty));
        code.instruction(&Instruction::Unreachable);
        code.instruction(&Instruction::End);
        for (number, data) in &self.data {
            code.raw(data.offset.iter().copied());
            code.instruction(&Instruction::I32Const(0));
            code.instruction(&Instruction::I32Const(data.length as i32));
            code.instruction(&Instruction::MemoryInit {
                mem: 0,
                data_index: *number,
            });
            code.instruction(&Instruction::DataDrop(*number));
        }
        code.instruction(&Instruction::End);
        code
    }

    fn guard_body(&self, function: u32) -> Function {
        let mut code = Function::new([]);
        code.instruction(&Instruction::GlobalGet(self.filled()));
        code.instruction(&Instruction::I32Eqz);
        code.instruction(&Instruction::If(BlockType::Empty));
        code.instruction(&Instruction::Call(self.fill()));
        code.instruction(&Instruction::End);
        let params = self.ty(function).map_or(0, |ty| ty.params().len());
        for param in 0..params {
            code.instruction(&Instruction::LocalGet(param as u32));
        }
        code.instruction(&Instruction::Call(function));
        code.instruction(&Instruction::End);
        code
    }
}

fn is_function(kind: ExternalKind) -> bool {
    matches!(kind, ExternalKind::Func | ExternalKind::FuncExact)
}

/// Encodes a module with its additions behind what it had, so that no index changes.
struct Lazy<'m, 'a>(&'m Module<'a>);

type Outcome<T = ()> = std::result::Result<T, reencode::Error>;

impl Lazy<'_, '_> {
    fn global(&self, section: &mut GlobalSection) {
        let ty = GlobalType {
            val_type: wasm_encoder::ValType::I32,
            mutable: true,
            shared: false,
        };
        section.global(ty, &ConstExpr::i32_const(0));
    }
}

impl Reencode for Lazy<'_, '_> {
    type Error = std::convert::Infallible;

    fn intersperse_section_hook(
        &mut self,
        module: &mut wasm_encoder::Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Outcome {
        match before {
            Some(SectionId::Export) if !self.0.has_global_section => {
                let mut section = GlobalSection::new();
                self.global(&mut section);
                module.section(&section);
            }
            Some(SectionId::Code) if !self.0.has_data_count && self.0.data_count > 0 => {
                let count = self.0.data_count;
                module.section(&DataCountSection { count });
            }
            _ => {}
        }
        Ok(())
    }

    fn parse_type_section(
        &mut self,
        section: &mut TypeSection,
        reader: wasmparser::TypeSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_type_section(self, section, reader)?;
        section.ty().function([], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        reader: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_function_section(self, section, reader)?;
        section.function(self.0.types.len() as u32);
        for function in self.0.guarded() {
            section.function(self.0.functions[function as usize]);
        }
        Ok(())
    }

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Outcome<MemoryType> {
        let memory = reencode::utils::memory_type(self, ty);
        Ok(MemoryType {
            minimum: 0,
            ..memory
        })
    }

    fn parse_global_section(
        &mut self,
        section: &mut GlobalSection,
        reader: wasmparser::GlobalSectionReader<'_>,
    ) -> Outcome {
        reencode::utils::parse_global_section(self, section, reader)?;
        self.global(section);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        section: &mut ExportSection,
        reader: wasmparser::ExportSectionReader<'_>,
    ) -> Outcome {
        let mut guards = self.0.fill() + 1..;
        for export in reader {
            let mut export = export?;
            if is_function(export.kind) {
                export.index = guards.next().unwrap_or(export.index);
            }
            self.parse_export(section, export)?;
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        reader: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome {
        for body in reader {
            section.raw(body?.as_bytes());
        }
        section.function(&self.0.fill_body());
        for function in self.0.guarded() {
            section.function(&self.0.guard_body(function));
        }
        Ok(())
    }

    fn parse_data_section(
        &mut self,
        section: &mut DataSection,
        reader: wasmparser::DataSectionReader<'_>,
    ) -> Outcome {
        for data in reader {
            section.passive(data?.data.iter().copied());
        }
        Ok(())
    }
}
