//! JSON Schemas of what functions get and return.

use serde_json::{Map, Value, json};
use wit_parser::{Docs, Function, FunctionKind, Resolve, Type, TypeDefKind};

use super::{
    Tool,
    types::{dealias, is_nullable},
};

/// How deep the schemas of a function may nest, and with them its types. The framework takes 64
/// levels of JSON, with what is around them.
const MAX_DEPTH: usize = 60;
/// How many types the schema of one function may contain.
const MAX_TYPES: usize = 2_000;

/// What clients know of a function.
pub struct Schemas {
    /// The documentation of the function.
    docs: Option<String>,
    /// The schema of the arguments.
    pub input: String,
    /// That of the structured content.
    pub output: Option<String>,
}

impl Schemas {
    pub fn description(&self, tool: &Tool<'_>) -> String {
        let from = || match &tool.interface {
            Some(interface) => format!("The function `{}` of `{interface}`.", tool.function.name),
            None => format!("The function `{}`.", tool.function.name),
        };
        self.docs.clone().unwrap_or_else(from)
    }
}

/// The schemas of a function, or why it is not a tool.
pub fn schemas(resolve: &Resolve, function: &Function) -> Result<Schemas, String> {
    match function.kind {
        FunctionKind::Freestanding => {}
        FunctionKind::AsyncFreestanding => return Err("it is asynchronous".to_owned()),
        _ => return Err("it belongs to a resource".to_owned()),
    }
    let mut input = Writer::new(resolve, false);
    let params = function.params.iter();
    let params = params.map(|param| (&*param.name, param.ty, None));
    let input = input.record(params, 0)?;
    let mut output = Writer::new(resolve, true);
    let mut result = function.result.map(|ty| dealias(resolve, ty));
    if let Some(Type::Id(id)) = result
        && let TypeDefKind::Result(both) = &resolve.types[id].kind
    {
        result = both.ok.map(|ty| dealias(resolve, ty));
        // It is not in the schema, but it must have one.
        both.err.map(|ty| output.schema(ty, 1)).transpose()?;
    }
    let output = match result {
        None => None,
        Some(ty) => {
            let schema = output.schema(ty, 1)?;
            Some(match is_record(resolve, ty) {
                true => schema,
                false => object([("result", schema)].into_iter(), &["result"]),
            })
        }
    };
    if output
        .iter()
        .chain([&input])
        .any(|schema| depth(schema) > MAX_DEPTH)
    {
        return Err(too_deep());
    }
    Ok(Schemas {
        docs: text(&function.docs),
        input: input.to_string(),
        output: output.map(|schema| schema.to_string()),
    })
}

fn too_deep() -> String {
    format!("its schema would nest deeper than {MAX_DEPTH} levels")
}

fn depth(schema: &Value) -> usize {
    let below = match schema {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

fn is_record(resolve: &Resolve, ty: Type) -> bool {
    matches!(ty, Type::Id(id) if matches!(resolve.types[id].kind, TypeDefKind::Record(_)))
}

fn text(docs: &Docs) -> Option<String> {
    let text = docs.contents.as_deref()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn object<'a>(properties: impl Iterator<Item = (&'a str, Value)>, required: &[&str]) -> Value {
    let properties: Map<_, _> = properties
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = json!(false);
    schema
}

fn any_of(mut choices: Vec<Value>) -> Value {
    match choices.len() {
        1 => choices.remove(0),
        _ => json!({"anyOf": choices}),
    }
}

/// Adds what the author wrote about a value.
fn described(mut schema: Value, docs: Option<String>) -> Value {
    if let Some(docs) = docs {
        schema["description"] = json!(docs);
    }
    schema
}

struct Writer<'a> {
    resolve: &'a Resolve,
    output: bool,
    left: usize,
}

impl<'a> Writer<'a> {
    fn new(resolve: &'a Resolve, output: bool) -> Writer<'a> {
        Writer {
            resolve,
            output,
            left: MAX_TYPES,
        }
    }

    fn record<'f>(
        &mut self,
        fields: impl Iterator<Item = (&'f str, Type, Option<String>)> + Clone,
        depth: usize,
    ) -> Result<Value, String> {
        let is_required = |(_, ty, _): &(&str, Type, _)| !is_nullable(self.resolve, *ty);
        let required = fields.clone().filter(is_required);
        let required: Vec<_> = required.map(|(name, ..)| name).collect();
        let properties = fields.map(|(name, ty, docs)| {
            let schema = match dealias(self.resolve, ty) {
                Type::Id(id) => match self.resolve.types[id].kind {
                    TypeDefKind::Option(some) => self.some(some, depth + 1),
                    _ => self.schema(ty, depth + 1),
                },
                _ => self.schema(ty, depth + 1),
            };
            Ok((name, described(schema?, docs)))
        });
        let properties = properties.collect::<Result<Vec<_>, String>>()?;
        Ok(object(properties.into_iter(), &required))
    }

    /// The payload of an option. One that `null` belongs to gets an object around it.
    fn some(&mut self, ty: Type, depth: usize) -> Result<Value, String> {
        let schema = self.schema(ty, depth)?;
        Ok(match is_nullable(self.resolve, ty) {
            true => object([("some", schema)].into_iter(), &["some"]),
            false => schema,
        })
    }

    fn schema(&mut self, ty: Type, depth: usize) -> Result<Value, String> {
        let left = self.left.checked_sub(1);
        let large = || format!("its schema would contain more than {MAX_TYPES} types");
        self.left = left.ok_or_else(large)?;
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let bounded = |least: i64, most: i64| {
            Ok(json!({"type": "integer", "minimum": least, "maximum": most}))
        };
        // Beyond what every reader of JSON keeps exact, a string.
        let long = |integer: Value, pattern: &str| {
            Ok(json!({"anyOf": [integer, {"type": "string", "pattern": pattern}]}))
        };
        match ty {
            Type::Bool => Ok(json!({"type": "boolean"})),
            Type::U8 => bounded(0, u8::MAX.into()),
            Type::U16 => bounded(0, u16::MAX.into()),
            Type::U32 => bounded(0, u32::MAX.into()),
            Type::S8 => bounded(i8::MIN.into(), i8::MAX.into()),
            Type::S16 => bounded(i16::MIN.into(), i16::MAX.into()),
            Type::S32 => bounded(i32::MIN.into(), i32::MAX.into()),
            Type::U64 => long(json!({"type": "integer", "minimum": 0}), "^[0-9]{1,20}$"),
            Type::S64 => long(json!({"type": "integer"}), "^-?[0-9]{1,19}$"),
            Type::F32 | Type::F64 if self.output => Ok(json!({"anyOf": [
                {"type": "number"},
                {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]},
            ]})),
            Type::F32 | Type::F64 => Ok(json!({"type": "number"})),
            Type::Char => Ok(json!({"type": "string", "minLength": 1, "maxLength": 1})),
            Type::String => Ok(json!({"type": "string"})),
            Type::ErrorContext => Err("it uses an error context".to_owned()),
            Type::Id(id) => {
                let resolve = self.resolve;
                let ty = &resolve.types[id];
                let schema = self.defined(&ty.kind, depth)?;
                Ok(described(schema, text(&ty.docs)))
            }
        }
    }

    fn defined(&mut self, kind: &'a TypeDefKind, depth: usize) -> Result<Value, String> {
        let names = |names: Vec<&str>| json!({"type": "string", "enum": names});
        Ok(match kind {
            TypeDefKind::Type(ty) => self.schema(*ty, depth)?,
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| (&*field.name, field.ty, text(&field.docs)));
                self.record(fields, depth)?
            }
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|ty| self.schema(*ty, depth + 1));
                let (types, length) = (types.collect::<Result<Vec<_>, _>>()?, tuple.types.len());
                json!({"type": "array", "prefixItems": types, "minItems": length, "maxItems": length})
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|case| (&*case.name, case.ty, text(&case.docs)));
                self.cases(cases.collect(), depth)?
            }
            TypeDefKind::Result(result) => self.cases(
                vec![("ok", result.ok, None), ("err", result.err, None)],
                depth,
            )?,
            TypeDefKind::Enum(all) => {
                let cases = all.cases.iter();
                let docs = cases.filter_map(|case| Some((&*case.name, text(&case.docs)?)));
                let docs = meanings(docs);
                let cases = all.cases.iter().map(|case| &*case.name);
                described(names(cases.collect()), docs)
            }
            TypeDefKind::Flags(flags) if flags.flags.len() <= 32 => {
                let docs = flags.flags.iter();
                let docs = docs.filter_map(|flag| Some((&*flag.name, text(&flag.docs)?)));
                let docs = meanings(docs);
                let flags = flags.flags.iter().map(|flag| &*flag.name);
                let items = described(names(flags.collect()), docs);
                json!({"type": "array", "items": items, "uniqueItems": true})
            }
            TypeDefKind::Option(ty) => {
                any_of(vec![self.some(*ty, depth + 1)?, json!({"type": "null"})])
            }
            TypeDefKind::List(Type::U8) => json!({"type": "string", "contentEncoding": "base64"}),
            TypeDefKind::List(ty) if dealias(self.resolve, *ty) == Type::U8 => {
                json!({"type": "string", "contentEncoding": "base64"})
            }
            TypeDefKind::List(ty) => {
                json!({"type": "array", "items": self.schema(*ty, depth + 1)?})
            }
            TypeDefKind::Handle(_) => return Err("it uses a resource".to_owned()),
            TypeDefKind::Flags(_) => return Err("it uses more than 32 flags".to_owned()),
            other => return Err(format!("it uses a {}", other.as_str())),
        })
    }

    /// A string for cases without a value, and an object with one key for the others.
    fn cases(
        &mut self,
        cases: Vec<(&str, Option<Type>, Option<String>)>,
        depth: usize,
    ) -> Result<Value, String> {
        let (full, bare): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(_, ty, _)| ty.is_some());
        let mut choices = Vec::new();
        if !bare.is_empty() {
            let names: Vec<_> = bare.iter().map(|(name, ..)| *name).collect();
            let docs = bare.iter();
            let docs = docs.filter_map(|(name, _, docs)| Some((*name, docs.clone()?)));
            let schema = json!({"type": "string", "enum": names});
            choices.push(described(schema, meanings(docs)));
        }
        for (name, ty, docs) in full {
            let payload = ty.map(|ty| self.schema(ty, depth + 1)).transpose()?;
            let case = [(name, payload.unwrap_or_default())];
            choices.push(described(object(case.into_iter(), &[name]), docs));
        }
        Ok(any_of(choices))
    }
}

/// What names mean, a line each.
fn meanings<'n>(docs: impl Iterator<Item = (&'n str, String)>) -> Option<String> {
    let lines: Vec<_> = docs
        .map(|(name, docs)| format!("`{name}`: {docs}"))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
