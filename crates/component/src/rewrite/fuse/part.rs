//! Encodes the code of a module as a part of another.

use wasm_encoder::{
    CodeSection, Instruction,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{
    FunctionBody, KnownCustom, Name, NameSectionReader, Naming, Operator, Parser, Payload,
};

use super::{Fused, turns};

/// Where things of a module are in the fused one.
#[derive(Clone)]
pub struct Part {
    /// Each function.
    pub functions: Vec<u32>,
    /// The first of the others.
    pub types: u32,
    pub globals: u32,
    pub data: u32,
    pub elements: u32,
    /// The function that makes an index of the whole table of one of this part.
    pub element: u32,
    /// The function in the place of `memory.grow`; none of what decides about turns.
    pub grow: Option<u32>,
}

/// What a module does to its table, which is a part of another one.
#[derive(Debug)]
pub struct UsesTable;

impl std::fmt::Display for UsesTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the code of a module changes its table")
    }
}

type Outcome<T = ()> = Result<T, Error<UsesTable>>;

impl Part {
    /// Adds types, functions, globals and code.
    pub fn encode(&mut self, module: &[u8], fused: &mut Fused) -> Outcome {
        let mut imports = 0;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    self.parse_type_section(&mut fused.types, section)?
                }
                Payload::ImportSection(section) => imports = section.into_imports().count() as u32,
                Payload::FunctionSection(section) => {
                    self.parse_function_section(&mut fused.functions, section)?;
                }
                Payload::GlobalSection(section) => {
                    self.parse_global_section(&mut fused.globals, section)?;
                }
                Payload::CodeSectionEntry(body) => {
                    self.parse_function_body(&mut fused.code, body)?;
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        self.name(names, imports, fused);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps the names of the functions, which backtraces show.
    fn name(&self, names: NameSectionReader<'_>, imports: u32, fused: &mut Fused) {
        let functions = names.into_iter().filter_map(|name| match name {
            Ok(Name::Function(functions)) => Some(functions),
            _ => None,
        });
        for Naming { index, name } in functions.flatten().flatten() {
            if let Some(function) = self
                .functions
                .get(index as usize)
                .filter(|_| index >= imports)
            {
                fused.names.append(*function, name);
            }
        }
    }
}

impl Reencode for Part {
    type Error = UsesTable;

    fn type_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.types + index)
    }

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        let function = self.functions.get(index as usize).copied();
        function.ok_or(Error::UserError(UsesTable))
    }

    fn global_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.globals + index)
    }

    fn data_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.data + index)
    }

    fn element_index(&mut self, _: u32) -> Outcome<u32> {
        Err(Error::UserError(UsesTable))
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Outcome<Instruction<'a>> {
        Ok(match (operator, self.grow) {
            (Operator::MemorySize { .. }, Some(_)) => Instruction::GlobalGet(turns::PAGES),
            (Operator::MemoryGrow { .. }, Some(grow)) => Instruction::Call(grow),
            (
                Operator::TableGet { .. }
                | Operator::TableSet { .. }
                | Operator::TableSize { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. },
                _,
            ) => return Err(Error::UserError(UsesTable)),
            (other, _) => utils::instruction(self, other)?,
        })
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Outcome {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            if let Operator::CallIndirect { .. } | Operator::ReturnCallIndirect { .. } = operator {
                function.instruction(&Instruction::Call(self.element));
            }
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}
