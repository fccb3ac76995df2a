//! The two modules that `wit-component` adds.

use std::{collections::HashMap, convert::Infallible};

use anyhow::{Result, anyhow};
use wasm_encoder::{
    ConstExpr, Module, TableType,
    reencode::{self, Reencode},
};
use wasmparser::{ElementKind, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

/// The name of the table with what the stubs call.
pub const TABLE: &str = "$imports";

/// What a shim exports.
#[derive(Debug, Default)]
pub struct Stubs<'a> {
    /// How many elements its table has.
    pub elements: u32,
    /// The element that each stub calls.
    pub by_name: HashMap<&'a str, u32>,
}

impl<'a> Stubs<'a> {
    /// The stubs of a module that has nothing else.
    pub fn read(module: &'a [u8]) -> Option<Stubs<'a>> {
        let (mut stubs, mut bodies, mut exports) = (Stubs::default(), Vec::new(), Vec::new());
        let mut tables = 0;
        for payload in Parser::new(0).parse_all(module) {
            match payload.ok()? {
                Payload::TableSection(section) => {
                    for table in section {
                        stubs.elements = table.ok()?.ty.initial.try_into().ok()?;
                        tables += 1;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.ok()?;
                        match export.kind {
                            ExternalKind::Func => exports.push((export.name, export.index)),
                            ExternalKind::Table if export.name == TABLE => {}
                            _ => return None,
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(element(&body)?),
                Payload::Version { .. }
                | Payload::TypeSection(_)
                | Payload::FunctionSection(_)
                | Payload::CodeSectionStart { .. }
                | Payload::CustomSection(_)
                | Payload::End(_) => {}
                _ => return None,
            }
        }
        for (name, function) in exports {
            let element = *bodies.get(function as usize)?;
            stubs.by_name.insert(name, element);
        }
        (tables == 1).then_some(stubs)
    }
}

/// The element that a stub calls with all its arguments. That it has the type of the stub is checked
/// by who calls it.
fn element(body: &FunctionBody<'_>) -> Option<u32> {
    let (mut params, mut element) = (0, None);
    let mut operators = body.get_operators_reader().ok()?;
    while !operators.eof() {
        match operators.read().ok()? {
            Operator::LocalGet { local_index } if local_index == params && element.is_none() => {
                params += 1;
            }
            Operator::I32Const { value } if element.is_none() => {
                element = Some(u32::try_from(value).ok()?);
            }
            Operator::CallIndirect { table_index: 0, .. } | Operator::End => {}
            _ => return None,
        }
    }
    element
}

/// Whether a module does nothing but fill its imported table from the first element on.
pub fn fills(module: &[u8]) -> bool {
    let (mut tables, mut segments) = (0, 0);
    Parser::new(0)
        .parse_all(module)
        .all(|payload| match payload {
            Ok(Payload::ImportSection(section)) => section.into_imports().all(|import| {
                let ty = import.map(|import| import.ty);
                tables += u32::from(matches!(ty, Ok(TypeRef::Table(_))));
                matches!(ty, Ok(TypeRef::Func(_) | TypeRef::Table(_)))
            }),
            Ok(Payload::ElementSection(section)) => section.into_iter().all(|element| {
                segments += 1;
                let Ok(ElementKind::Active { offset_expr, .. }) = element.map(|it| it.kind) else {
                    return false;
                };
                let first = offset_expr.get_operators_reader().read();
                matches!(first, Ok(Operator::I32Const { value: 0 }))
            }),
            Ok(
                Payload::Version { .. }
                | Payload::TypeSection(_)
                // What the other module exports as `_initialize`.
                | Payload::StartSection { .. }
                | Payload::CustomSection(_)
                | Payload::End(_),
            ) => true,
            _ => false,
        })
        && tables == 1
        && segments == 1
}

/// Such a module, which fills other elements of its table.
pub fn moved(module: &[u8], first: u32, elements: u32) -> Result<Vec<u8>> {
    let mut moved = Module::new();
    Moved { first, elements }
        .parse_core_module(&mut moved, Parser::new(0), module)
        .map_err(|error| anyhow!("cannot fill another table: {error}"))?;
    Ok(moved.finish())
}

struct Moved {
    first: u32,
    elements: u32,
}

impl Reencode for Moved {
    type Error = Infallible;

    fn table_type(
        &mut self,
        table: wasmparser::TableType,
    ) -> Result<TableType, reencode::Error<Infallible>> {
        Ok(TableType {
            minimum: u64::from(self.first + self.elements),
            maximum: None,
            ..reencode::utils::table_type(self, table)?
        })
    }

    fn const_expr(
        &mut self,
        _: wasmparser::ConstExpr<'_>,
    ) -> Result<ConstExpr, reencode::Error<Infallible>> {
        Ok(ConstExpr::i32_const(self.first as i32))
    }
}
