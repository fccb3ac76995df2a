//! Reads a module that is to be one of several.

use anyhow::Result;
use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, Operator,
    Parser, Payload, SubType, TypeRef,
};

use crate::rewrite::replace_imports::Import;

/// The most pages that a memory begins with. Hosts reset a larger one in another way, which costs the
/// calls of all.
const MAX_PAGES: u64 = 32;
/// The most bytes of data, which a first call copies.
const MAX_DATA: usize = 1 << 20;
/// The function that allocates arguments and results.
pub const REALLOC: &str = "cabi_realloc";

/// A module that fits.
#[derive(Default)]
pub struct Source<'a> {
    pub module: &'a [u8],
    /// How many there are.
    pub globals: u32,
    defined: u32,
    pub pages: u64,
    pub imports: Vec<Import<'a>>,
    pub elements_in_table: u32,
    /// Functions, and where they are in the table.
    pub elements: Vec<(u32, Vec<u32>)>,
    pub data: Vec<Segment<'a>>,
    /// The exported functions.
    pub exports: Vec<(&'a str, u32)>,
    memories: u32,
    tables: u32,
}

/// A segment of data.
pub struct Segment<'a> {
    /// Where it is at the start; none of a passive one.
    pub at: Option<u32>,
    pub bytes: &'a [u8],
}

impl<'a> Source<'a> {
    /// None if it does not fit.
    pub fn read(module: &'a [u8]) -> Result<Option<Source<'a>>> {
        let mut source = Source {
            module,
            ..Source::default()
        };
        for payload in Parser::new(0).parse_all(module) {
            if source.add(payload?)?.is_none() {
                return Ok(None);
            }
        }
        let active = source.data.iter().filter(|segment| segment.at.is_some());
        let data: usize = active.map(|segment| segment.bytes.len()).sum();
        let fits = source.memories == 1
            && source.tables <= 1
            && source.realloc().is_some()
            && data <= MAX_DATA;
        Ok(fits.then_some(source))
    }

    /// How many functions it has that are not imports.
    pub fn defined(&self) -> u32 {
        self.defined
    }

    pub fn realloc(&self) -> Option<u32> {
        let mut exports = self.exports.iter();
        let found = exports.find(|(name, _)| *name == REALLOC);
        found.map(|(_, function)| *function)
    }

    /// None if it does not fit.
    fn add(&mut self, payload: Payload<'a>) -> Result<Option<()>> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    let group = group?;
                    let mut types = group.types();
                    let is_plain = |ty: &SubType| {
                        matches!(ty.composite_type.inner, CompositeInnerType::Func(_))
                    };
                    if group.is_explicit_rec_group() || !types.all(is_plain) {
                        return Ok(None);
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let (module, name) = (import.module, import.name);
                    let TypeRef::Func(ty) = import.ty else {
                        return Ok(None);
                    };
                    self.imports.push(Import { module, name, ty });
                }
            }
            Payload::FunctionSection(section) => self.defined = section.count(),
            Payload::TableSection(section) => {
                for table in section {
                    let ty = table?.ty;
                    if ty.table64 || ty.shared || !ty.element_type.is_func_ref() {
                        return Ok(None);
                    }
                    self.tables += 1;
                    self.elements_in_table = ty.initial as u32;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    let is_plain =
                        !memory.memory64 && !memory.shared && memory.page_size_log2.is_none();
                    if !is_plain || memory.maximum.is_some() || memory.initial > MAX_PAGES {
                        return Ok(None);
                    }
                    self.memories += 1;
                    self.pages = memory.initial;
                }
            }
            Payload::GlobalSection(section) => self.globals = section.count(),
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    match export.kind {
                        // The initializer of a library would run in the first call.
                        ExternalKind::Func if export.name == "_initialize" => return Ok(None),
                        ExternalKind::Func => self.exports.push((export.name, export.index)),
                        ExternalKind::Memory | ExternalKind::Global => {}
                        _ => return Ok(None),
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    let ElementKind::Active {
                        table_index: None | Some(0),
                        offset_expr,
                    } = element.kind
                    else {
                        return Ok(None);
                    };
                    let (Some(offset), ElementItems::Functions(functions)) =
                        (constant(&offset_expr), element.items)
                    else {
                        return Ok(None);
                    };
                    let functions = functions.into_iter().collect::<Result<Vec<_>, _>>()?;
                    // One that is too long traps at the start, and must not reach the next part.
                    let end = u64::from(offset) + functions.len() as u64;
                    if end > u64::from(self.elements_in_table) {
                        return Ok(None);
                    }
                    self.elements.push((offset, functions));
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let at = match &data.kind {
                        DataKind::Passive => None,
                        DataKind::Active { offset_expr, .. } => match constant(offset_expr) {
                            Some(at) => Some(at),
                            None => return Ok(None),
                        },
                    };
                    let bytes = data.data;
                    self.data.push(Segment { at, bytes });
                }
            }
            Payload::StartSection { .. } | Payload::TagSection(_) => return Ok(None),
            _ => {}
        }
        Ok(Some(()))
    }
}

fn constant(expression: &ConstExpr<'_>) -> Option<u32> {
    let mut operators = expression.get_operators_reader().into_iter();
    match (operators.next()?.ok()?, operators.next()?.ok()?) {
        (Operator::I32Const { value }, Operator::End) => Some(value as u32),
        _ => None,
    }
}
