//! JSON Schemas of what functions get and return. They are written as text, since a map of
//! `serde_json` would not keep the order of the author.

use serde_json::{Value, json};
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
    let params = function.params.iter();
    let params = params.map(|param| (&*param.name, param.ty, None));
    let input = Writer::new(resolve, false).record(params, 0)?;
    let mut output = Writer::new(resolve, true);
    let mut result = function.result.map(|ty| dealias(resolve, ty));
    if let Some(Type::Id(id)) = result
        && let TypeDefKind::Result(both) = &resolve.types[id].kind
    {
        result = both.ok.map(|ty| dealias(resolve, ty));
        // It is not in the schema, but it must have one.
        both.err.map(|ty| output.schema(ty, 1)).transpose()?;
    }
    let is_record = |ty: Type| matches!(ty, Type::Id(id) if matches!(resolve.types[id].kind, TypeDefKind::Record(_)));
    let output = match result {
        None => None,
        Some(ty) => Some(match output.schema(ty, 1)? {
            schema if is_record(ty) => schema,
            schema => object(&[("result", schema)], &["result"]),
        }),
    };
    for schema in output.iter().chain([&input]) {
        // `serde_json` reads 128 levels.
        let schema = serde_json::from_str(schema).map_err(|_| too_deep())?;
        if depth(&schema) > MAX_DEPTH {
            return Err(too_deep());
        }
    }
    Ok(Schemas {
        docs: text(&function.docs),
        input,
        output,
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

fn text(docs: &Docs) -> Option<String> {
    let text = docs.contents.as_deref()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn object(properties: &[(&str, String)], required: &[&str]) -> String {
    let properties = properties.iter();
    let properties: Vec<_> = properties
        .map(|(name, schema)| format!("\"{name}\":{schema}"))
        .collect();
    let required = match required {
        [] => String::new(),
        required => format!(",\"required\":{}", json!(required)),
    };
    format!(
        r#"{{"type":"object","properties":{{{}}}{required},"additionalProperties":false}}"#,
        properties.join(",")
    )
}

fn any_of(mut choices: Vec<String>) -> String {
    match choices.len() {
        1 => choices.remove(0),
        _ => format!(r#"{{"anyOf":[{}]}}"#, choices.join(",")),
    }
}

/// A schema with what the author wrote about the value, instead of what is said about its type.
fn described(schema: String, docs: Option<String>) -> String {
    let Some(docs) = docs else { return schema };
    let rest = match schema.strip_prefix(r#"{"description":"#) {
        Some(rest) => {
            let mut docs = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            docs.next();
            &rest[docs.byte_offset() + 1..]
        }
        None => &schema[1..],
    };
    format!(r#"{{"description":{},{rest}"#, json!(docs))
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
        fields: impl Iterator<Item = (&'f str, Type, Option<String>)>,
        depth: usize,
    ) -> Result<String, String> {
        let (mut properties, mut required) = (Vec::new(), Vec::new());
        for (name, ty, docs) in fields {
            let option = match dealias(self.resolve, ty) {
                Type::Id(id) => match self.resolve.types[id].kind {
                    TypeDefKind::Option(some) => Some(some),
                    _ => None,
                },
                _ => None,
            };
            let schema = match option {
                Some(some) => self.some(some, depth + 1)?,
                None => {
                    required.push(name);
                    self.schema(ty, depth + 1)?
                }
            };
            properties.push((name, described(schema, docs)));
        }
        Ok(object(&properties, &required))
    }

    /// The payload of an option. One that `null` belongs to gets an object around it.
    fn some(&mut self, ty: Type, depth: usize) -> Result<String, String> {
        let schema = self.schema(ty, depth)?;
        Ok(match is_nullable(self.resolve, ty) {
            true => object(&[("some", schema)], &["some"]),
            false => schema,
        })
    }

    fn schema(&mut self, ty: Type, depth: usize) -> Result<String, String> {
        let left = self.left.checked_sub(1);
        let large = || format!("its schema would contain more than {MAX_TYPES} types");
        self.left = left.ok_or_else(large)?;
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let bounded = |least: i64, most: i64| {
            format!(r#"{{"type":"integer","minimum":{least},"maximum":{most}}}"#)
        };
        // Beyond what every reader of JSON keeps exact, a string.
        let long = |least: &str, digits: &str| {
            format!(
                r#"{{"anyOf":[{{"type":"integer"{least}}},{{"type":"string","pattern":"{digits}"}}]}}"#
            )
        };
        Ok(match ty {
            Type::Bool => r#"{"type":"boolean"}"#.to_owned(),
            Type::U8 => bounded(0, u8::MAX.into()),
            Type::U16 => bounded(0, u16::MAX.into()),
            Type::U32 => bounded(0, u32::MAX.into()),
            Type::S8 => bounded(i8::MIN.into(), i8::MAX.into()),
            Type::S16 => bounded(i16::MIN.into(), i16::MAX.into()),
            Type::S32 => bounded(i32::MIN.into(), i32::MAX.into()),
            Type::U64 => long(r#","minimum":0"#, "^[0-9]{1,20}$"),
            Type::S64 => long("", "^-?[0-9]{1,19}$"),
            Type::F32 | Type::F64 if self.output => {
                r#"{"anyOf":[{"type":"number"},{"type":"string","enum":["NaN","Infinity","-Infinity"]}]}"#.to_owned()
            }
            Type::F32 | Type::F64 => r#"{"type":"number"}"#.to_owned(),
            Type::Char => r#"{"type":"string","minLength":1,"maxLength":1}"#.to_owned(),
            Type::String => r#"{"type":"string"}"#.to_owned(),
            Type::ErrorContext => return Err("it uses an error context".to_owned()),
            Type::Id(id) => {
                let ty = &self.resolve.types[id];
                let schema = self.defined(&ty.kind, depth)?;
                described(schema, text(&ty.docs))
            }
        })
    }

    fn defined(&mut self, kind: &'a TypeDefKind, depth: usize) -> Result<String, String> {
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
                let types = types.join(",");
                format!(
                    r#"{{"type":"array","prefixItems":[{types}],"minItems":{length},"maxItems":{length}}}"#
                )
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|case| (&*case.name, case.ty, text(&case.docs)));
                self.cases(cases.collect(), depth)?
            }
            TypeDefKind::Result(result) => {
                let cases = vec![("ok", result.ok, None), ("err", result.err, None)];
                self.cases(cases, depth)?
            }
            TypeDefKind::Enum(all) => {
                let cases = all.cases.iter();
                names(cases.map(|case| (&*case.name, text(&case.docs))))
            }
            TypeDefKind::Flags(flags) if flags.flags.len() <= 32 => {
                let flags = flags.flags.iter();
                let items = names(flags.map(|flag| (&*flag.name, text(&flag.docs))));
                format!(r#"{{"type":"array","items":{items},"uniqueItems":true}}"#)
            }
            TypeDefKind::Option(ty) => {
                let none = r#"{"type":"null"}"#.to_owned();
                any_of(vec![self.some(*ty, depth + 1)?, none])
            }
            TypeDefKind::List(ty) if dealias(self.resolve, *ty) == Type::U8 => {
                r#"{"type":"string","contentEncoding":"base64"}"#.to_owned()
            }
            TypeDefKind::List(ty) => {
                let items = self.schema(*ty, depth + 1)?;
                format!(r#"{{"type":"array","items":{items}}}"#)
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
    ) -> Result<String, String> {
        let (full, bare): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(_, ty, _)| ty.is_some());
        let mut choices = Vec::new();
        if !bare.is_empty() {
            choices.push(names(bare.into_iter().map(|(name, _, docs)| (name, docs))));
        }
        for (name, ty, docs) in full {
            let Some(ty) = ty else { continue };
            let case = [(name, self.schema(ty, depth + 1)?)];
            choices.push(described(object(&case, &[name]), docs));
        }
        Ok(any_of(choices))
    }
}

/// A choice of names, and what they mean, a line each.
fn names<'n>(names: impl Iterator<Item = (&'n str, Option<String>)> + Clone) -> String {
    let lines = names.clone();
    let lines = lines.filter_map(|(name, docs)| Some(format!("`{name}`: {}", docs?)));
    let lines: Vec<_> = lines.collect();
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    let schema = format!(r#"{{"type":"string","enum":{}}}"#, json!(names));
    described(schema, (!lines.is_empty()).then(|| lines.join("\n")))
}
