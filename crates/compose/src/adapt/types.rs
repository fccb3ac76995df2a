//! The table of functions and types that the adapter works with.

use std::collections::HashMap;

use spin_mcp_values::{
    MAX_FLAT,
    table::{Content, Kind, Shape, Tool as Entry, Writer},
};
use wit_parser::{
    Resolve, SizeAlign, Type, TypeDefKind, TypeId,
    abi::{FlatTypes, WasmType},
};

use super::{Tool, names::names, schema::Schemas};

/// What a type is, behind all of its names.
pub fn dealias(resolve: &Resolve, mut ty: Type) -> Type {
    while let Type::Id(id) = ty
        && let TypeDefKind::Type(of) = resolve.types[id].kind
    {
        ty = of;
    }
    ty
}

/// The types that a type names.
pub fn parts(resolve: &Resolve, id: TypeId) -> Vec<Type> {
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            cases.filter_map(|case| case.ty).collect()
        }
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        _ => vec![],
    }
}

/// Whether `null` is a value of a type.
pub fn is_nullable(resolve: &Resolve, ty: Type) -> bool {
    matches!(dealias(resolve, ty), Type::Id(id) if matches!(resolve.types[id].kind, TypeDefKind::Option(_)))
}

pub struct Types<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
    known: HashMap<Type, u32>,
}

impl<'a> Types<'a> {
    pub fn new(resolve: &'a Resolve) -> Types<'a> {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        Types {
            resolve,
            sizes,
            known: HashMap::new(),
        }
    }

    /// All types of the functions must have schemas.
    pub fn table(mut self, tools: &[(Tool<'_>, Schemas)]) -> Vec<u8> {
        let mut writer = Writer::new(tools.len() as u32);
        let names = names(tools.iter().map(|(tool, _)| tool));
        for (index, ((tool, schemas), name)) in tools.iter().zip(&names).enumerate() {
            let params = self.params(tool, &mut writer);
            let result = tool.function.result;
            let entry = Entry {
                name,
                description: &schemas.description(tool),
                input_schema: &schemas.input,
                output_schema: schemas.output.as_deref().unwrap_or_default(),
                params,
                result: result.map(|ty| self.add(ty, &mut writer)),
            };
            writer.tool(index as u32, &entry);
        }
        writer.finish()
    }

    fn params(&mut self, tool: &Tool<'_>, writer: &mut Writer) -> u32 {
        let params = &tool.function.params;
        let types = || params.iter().map(|param| &param.ty);
        let info = self.sizes.record(types());
        let offsets = self.sizes.field_offsets(types());
        let offsets = offsets.into_iter().map(|(at, _)| at.size_wasm32() as u32);
        let mut flat = [WasmType::I32; MAX_FLAT + 1];
        let mut flat = FlatTypes::new(&mut flat);
        let fits = types().all(|ty| self.resolve.push_flat(ty, &mut flat));
        let shape = Shape {
            kind: Kind::Record,
            size: info.size.size_wasm32() as u32,
            align: info.align.align_wasm32() as u32,
            flat: match fits {
                true => flat.to_vec().len(),
                false => MAX_FLAT + 1,
            } as u32,
        };
        let fields = params.iter().zip(offsets);
        let fields = fields.map(|(param, at)| (&*param.name, self.add(param.ty, writer), at));
        let fields = Content::Fields(fields.collect());
        writer.add(shape, &fields)
    }

    fn add(&mut self, ty: Type, writer: &mut Writer) -> u32 {
        let ty = dealias(self.resolve, ty);
        if let Some(known) = self.known.get(&ty) {
            return *known;
        }
        let resolve = self.resolve;
        let (kind, content) = match ty {
            Type::Id(id) => self.defined(&resolve.types[id].kind, writer),
            ty => (scalar(ty), Content::Scalar),
        };
        let mut flat = [WasmType::I32; MAX_FLAT + 1];
        let mut flat = FlatTypes::new(&mut flat);
        let shape = Shape {
            kind,
            size: self.sizes.size(&ty).size_wasm32() as u32,
            align: self.sizes.align(&ty).align_wasm32() as u32,
            flat: match resolve.push_flat(&ty, &mut flat) {
                true => flat.to_vec().len(),
                false => MAX_FLAT + 1,
            } as u32,
        };
        let at = writer.add(shape, &content);
        self.known.insert(ty, at);
        at
    }

    fn defined(&mut self, kind: &'a TypeDefKind, writer: &mut Writer) -> (Kind, Content<'a>) {
        let fields = |types: &mut Self, all: Vec<(&'a str, Type)>, writer: &mut Writer| {
            let offsets = types.sizes.field_offsets(all.iter().map(|(_, ty)| ty));
            let offsets = offsets.into_iter().map(|(at, _)| at.size_wasm32() as u32);
            let offsets: Vec<_> = offsets.collect();
            let fields = all.into_iter().zip(offsets);
            let fields = fields.map(|((name, ty), at)| (name, types.add(ty, writer), at));
            Content::Fields(fields.collect())
        };
        let cases =
            |types: &mut Self, tag, all: Vec<(&'a str, Option<Type>)>, writer: &mut Writer| {
                let payloads = all.iter().map(|(_, ty)| ty.as_ref());
                let offset = types.sizes.payload_offset(tag, payloads).size_wasm32();
                let cases = all.into_iter();
                let cases = cases.map(|(name, ty)| (name, ty.map(|ty| types.add(ty, writer))));
                Content::Cases(offset as u32, cases.collect())
            };
        match kind {
            TypeDefKind::Record(record) => {
                let all = record.fields.iter();
                let all = all.map(|field| (&*field.name, field.ty)).collect();
                (Kind::Record, fields(self, all, writer))
            }
            TypeDefKind::Tuple(tuple) => {
                let all = tuple.types.iter().map(|ty| ("", *ty)).collect();
                (Kind::Tuple, fields(self, all, writer))
            }
            TypeDefKind::Variant(variant) => {
                let all = variant.cases.iter();
                let all = all.map(|case| (&*case.name, case.ty)).collect();
                (Kind::Variant, cases(self, variant.tag(), all, writer))
            }
            TypeDefKind::Enum(names) => {
                let all = names.cases.iter();
                let all = all.map(|case| (&*case.name, None)).collect();
                (Kind::Variant, cases(self, names.tag(), all, writer))
            }
            TypeDefKind::Result(result) => {
                let all = vec![("ok", result.ok), ("err", result.err)];
                (Kind::Result, cases(self, wit_parser::Int::U8, all, writer))
            }
            TypeDefKind::Option(ty) => {
                let payload = [Some(ty)];
                let offset = self.sizes.payload_offset(wit_parser::Int::U8, payload);
                let content = Content::Option {
                    offset: offset.size_wasm32() as u32,
                    payload: self.add(*ty, writer),
                    nullable: is_nullable(self.resolve, *ty),
                };
                (Kind::Option, content)
            }
            TypeDefKind::List(ty) => (Kind::List, Content::List(self.add(*ty, writer))),
            TypeDefKind::Flags(flags) => {
                let names = flags.flags.iter().map(|flag| &*flag.name);
                (Kind::Flags, Content::Flags(names.collect()))
            }
            _ => unreachable!("a type without a schema is not in the table"),
        }
    }
}

fn scalar(ty: Type) -> Kind {
    match ty {
        Type::Bool => Kind::Bool,
        Type::U8 => Kind::U8,
        Type::U16 => Kind::U16,
        Type::U32 => Kind::U32,
        Type::U64 => Kind::U64,
        Type::S8 => Kind::S8,
        Type::S16 => Kind::S16,
        Type::S32 => Kind::S32,
        Type::S64 => Kind::S64,
        Type::F32 => Kind::F32,
        Type::F64 => Kind::F64,
        Type::Char => Kind::Char,
        Type::String => Kind::String,
        _ => unreachable!("a type without a schema is not in the table"),
    }
}
