//! Random types, their values as Wasmtime has them, and the JSON that these must be.

use serde_json::{Map, Value, json};
use wasmtime::component::Val;

#[derive(Clone, Debug)]
pub enum Ty {
    Bool,
    /// `true`: signed. Then the bits.
    Int(bool, u32),
    F32,
    F64,
    Char,
    String,
    List(Box<Ty>),
    Option(Box<Ty>),
    Tuple(Vec<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Record(String, Vec<Ty>),
    Variant(String, Vec<Option<Ty>>),
    Enum(String, u32),
    Flags(String, u32),
}

#[derive(Clone, Debug)]
pub struct Signature {
    pub params: Vec<Ty>,
    pub result: Option<Ty>,
}

pub struct Random {
    state: u64,
    /// The named types, as WIT.
    defined: Vec<String>,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            defined: Vec::new(),
        }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 11) % end as u64) as usize
    }

    pub fn function(&mut self) -> Signature {
        // Some have more flat parameters than a call passes without memory.
        let params = (0..self.below(6)).map(|_| self.ty(4)).collect();
        let result = (self.below(8) > 0).then(|| self.ty(4));
        Signature { params, result }
    }

    pub fn wit(&self, functions: &[Signature]) -> String {
        let mut wit = String::from("package test:random;\ninterface api {\n");
        self.defined.iter().for_each(|ty| wit += ty);
        for (index, function) in functions.iter().enumerate() {
            let params = function.params.iter().enumerate();
            let params: Vec<_> = params
                .map(|(index, ty)| format!("p{index}: {}", ty.wit()))
                .collect();
            let result = function
                .result
                .as_ref()
                .map(|ty| format!(" -> {}", ty.wit()));
            wit += &format!(
                "f{index}: func({}){};\n",
                params.join(", "),
                result.unwrap_or_default()
            );
        }
        wit + "}\nworld test { export api; }"
    }

    fn define(&mut self, kind: &str, items: &[String]) -> String {
        let name = format!("t{}", self.defined.len());
        self.defined
            .push(format!("{kind} {name} {{ {} }}\n", items.join(", ")));
        name
    }

    fn ty(&mut self, depth: usize) -> Ty {
        let choices = if depth == 0 { 12 } else { 20 };
        match self.below(choices) {
            0 => Ty::Bool,
            1..=5 => Ty::Int(self.below(2) == 1, 8 << self.below(4)),
            6 => Ty::F32,
            7 => Ty::F64,
            8 => Ty::Char,
            9 => Ty::String,
            10 => {
                // More than 256 cases take two bytes.
                let count = [1, 2, 3, 300][self.below(4)];
                let items: Vec<_> = (0..count).map(|index| format!("e{index}")).collect();
                Ty::Enum(self.define("enum", &items), count)
            }
            11 => {
                let count = [1, 8, 9, 17, 32][self.below(5)];
                let items: Vec<_> = (0..count).map(|index| format!("b{index}")).collect();
                Ty::Flags(self.define("flags", &items), count)
            }
            12 | 13 => Ty::List(Box::new(self.ty(depth - 1))),
            14 | 15 => Ty::Option(Box::new(self.ty(depth - 1))),
            16 => Ty::Tuple((0..=self.below(4)).map(|_| self.ty(depth - 1)).collect()),
            17 => {
                let mut half = || (self.below(3) > 0).then(|| Box::new(self.ty(depth - 1)));
                Ty::Result(half(), half())
            }
            18 => {
                let fields: Vec<_> = (0..=self.below(5)).map(|_| self.ty(depth - 1)).collect();
                let items = fields.iter().enumerate();
                let items: Vec<_> = items
                    .map(|(index, ty)| format!("f{index}: {}", ty.wit()))
                    .collect();
                Ty::Record(self.define("record", &items), fields)
            }
            _ => {
                let cases = 1 + self.below(5);
                let cases: Vec<_> = (0..cases)
                    .map(|_| (self.below(3) > 0).then(|| self.ty(depth - 1)))
                    .collect();
                let items = cases.iter().enumerate().map(|(index, ty)| match ty {
                    Some(ty) => format!("c{index}({})", ty.wit()),
                    None => format!("c{index}"),
                });
                let items: Vec<_> = items.collect();
                Ty::Variant(self.define("variant", &items), cases)
            }
        }
    }

    pub fn value(&mut self, ty: &Ty) -> Val {
        // The ends of ranges more often than what is between them.
        let bits = match self.below(4) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << 63 >> self.below(64),
            _ => self.next(),
        };
        match ty {
            Ty::Bool => Val::Bool(bits & 1 == 1),
            Ty::Int(false, 8) => Val::U8(bits as u8),
            Ty::Int(false, 16) => Val::U16(bits as u16),
            Ty::Int(false, 32) => Val::U32(bits as u32),
            Ty::Int(false, _) => Val::U64(bits),
            Ty::Int(true, 8) => Val::S8(bits as i8),
            Ty::Int(true, 16) => Val::S16(bits as i16),
            Ty::Int(true, 32) => Val::S32(bits as i32),
            Ty::Int(true, _) => Val::S64(bits as i64),
            Ty::F32 => Val::Float32(f32::from_bits(bits as u32)),
            Ty::F64 => Val::Float64(f64::from_bits(bits)),
            Ty::Char => Val::Char(
                ['a', '"', '\\', '\u{0}', 'é', '\u{D7FF}', '\u{E000}', '😀'][self.below(8)],
            ),
            Ty::String => {
                let texts = ["", "plain", "\"\\\n\u{1}/", "é😀\u{10FFFF}", "null"];
                let text = texts[self.below(texts.len())];
                Val::String(text.repeat(1 + self.below(3) * self.below(2000)))
            }
            Ty::List(ty) => {
                let length = [0, 1, 2, 5][self.below(4)];
                Val::List((0..length).map(|_| self.value(ty)).collect())
            }
            Ty::Option(ty) => Val::Option((bits & 1 == 1).then(|| Box::new(self.value(ty)))),
            Ty::Tuple(types) => Val::Tuple(types.iter().map(|ty| self.value(ty)).collect()),
            Ty::Result(ok, err) => {
                let mut half =
                    |ty: &Option<Box<Ty>>| ty.as_ref().map(|ty| Box::new(self.value(ty)));
                Val::Result(match bits & 1 {
                    0 => Ok(half(ok)),
                    _ => Err(half(err)),
                })
            }
            Ty::Record(_, fields) => {
                let fields = fields.iter().enumerate();
                Val::Record(
                    fields
                        .map(|(index, ty)| (format!("f{index}"), self.value(ty)))
                        .collect(),
                )
            }
            Ty::Variant(_, cases) => {
                let index = self.below(cases.len());
                let payload = cases[index].as_ref().map(|ty| Box::new(self.value(ty)));
                Val::Variant(format!("c{index}"), payload)
            }
            Ty::Enum(_, count) => Val::Enum(format!("e{}", self.below(*count as usize))),
            Ty::Flags(_, count) => {
                let set = (0..*count).filter(|bit| bits >> bit & 1 == 1);
                Val::Flags(set.map(|bit| format!("b{bit}")).collect())
            }
        }
    }

    /// JSON with something wrong in it, perhaps.
    pub fn mutated(&mut self, json: &str) -> String {
        let hostile = [
            "null",
            "true",
            "-1",
            "1e400",
            "1e-400",
            "99999999999999999999999999",
            "-0",
            "1.5",
            "\"\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "[]",
            "{}",
            "[[[[[[[[1]]]]]]]]",
            "{\"a\":{\"b\":{}}}",
            "\"\\u0000\"",
            "{\"some\":null}",
            "[null,null]",
            "18446744073709551615",
            "\"18446744073709551616\"",
            "0.1e1",
        ];
        let mut text = json.to_owned();
        for _ in 0..=self.below(3) {
            let bytes = text.as_bytes();
            // Where a value begins.
            let starts: Vec<_> = (1..bytes.len())
                .filter(|at| b":[,".contains(&bytes[at - 1]))
                .collect();
            let Some(at) = (!starts.is_empty()).then(|| starts[self.below(starts.len())]) else {
                return hostile[self.below(hostile.len())].to_owned();
            };
            let end = text[at..]
                .find([',', '}', ']'])
                .map_or(text.len(), |end| at + end);
            let new = match self.below(12) {
                0 => "[".repeat(70) + &"]".repeat(70),
                1 => String::new(),
                2 => format!("{0},{0}", &text[at..end]),
                3 => format!("[{}0]", "0,".repeat(2_000)),
                _ => hostile[self.below(hostile.len())].to_owned(),
            };
            text.replace_range(at..end, &new);
        }
        text
    }
}

impl Ty {
    fn wit(&self) -> String {
        let half = |ty: &Option<Box<Ty>>| ty.as_ref().map_or("_".to_owned(), |ty| ty.wit());
        match self {
            Ty::Bool => "bool".to_owned(),
            Ty::Int(signed, bits) => format!("{}{bits}", if *signed { 's' } else { 'u' }),
            Ty::F32 => "f32".to_owned(),
            Ty::F64 => "f64".to_owned(),
            Ty::Char => "char".to_owned(),
            Ty::String => "string".to_owned(),
            Ty::List(ty) => format!("list<{}>", ty.wit()),
            Ty::Option(ty) => format!("option<{}>", ty.wit()),
            Ty::Tuple(types) => {
                let types: Vec<_> = types.iter().map(Ty::wit).collect();
                format!("tuple<{}>", types.join(", "))
            }
            Ty::Result(None, None) => "result".to_owned(),
            Ty::Result(ok, None) => format!("result<{}>", half(ok)),
            Ty::Result(ok, err) => format!("result<{}, {}>", half(ok), half(err)),
            Ty::Record(name, _) | Ty::Variant(name, _) | Ty::Enum(name, _) | Ty::Flags(name, _) => {
                name.clone()
            }
        }
    }
}

/// The JSON of a value.
fn json(ty: &Ty, value: &Val) -> Value {
    let float = |finite: bool, text: String, positive: bool| match (finite, positive) {
        (true, _) => serde_json::from_str(&text).unwrap(),
        _ if text == "NaN" => json!("NaN"),
        (false, true) => json!("Infinity"),
        (false, false) => json!("-Infinity"),
    };
    let case = |name: &str, ty: Option<&Ty>, value: Option<&Val>| match (ty, value) {
        (Some(ty), Some(value)) => json!({name: json(ty, value)}),
        _ => json!(name),
    };
    match (ty, value) {
        (_, Val::Bool(value)) => json!(value),
        (_, Val::U8(value)) => json!(value),
        (_, Val::U16(value)) => json!(value),
        (_, Val::U32(value)) => json!(value),
        (_, Val::S8(value)) => json!(value),
        (_, Val::S16(value)) => json!(value),
        (_, Val::S32(value)) => json!(value),
        (_, Val::U64(value)) if *value >= 1 << 53 => json!(value.to_string()),
        (_, Val::U64(value)) => json!(value),
        (_, Val::S64(value)) if value.unsigned_abs() >= 1 << 53 => json!(value.to_string()),
        (_, Val::S64(value)) => json!(value),
        (_, Val::Float32(value)) => float(value.is_finite(), format!("{value:?}"), *value > 0.0),
        (_, Val::Float64(value)) => float(value.is_finite(), format!("{value:?}"), *value > 0.0),
        (_, Val::Char(value)) => json!(value),
        (_, Val::String(value)) => json!(value),
        (Ty::List(ty), Val::List(values)) if matches!(**ty, Ty::Int(false, 8)) => {
            use base64::Engine as _;
            let bytes = values.iter().map(|value| match value {
                Val::U8(value) => *value,
                other => panic!("{other:?}"),
            });
            json!(base64::engine::general_purpose::STANDARD.encode(bytes.collect::<Vec<_>>()))
        }
        (Ty::List(ty), Val::List(values)) => values.iter().map(|value| json(ty, value)).collect(),
        (Ty::Tuple(types), Val::Tuple(values)) => types
            .iter()
            .zip(values)
            .map(|(ty, value)| json(ty, value))
            .collect(),
        (_, Val::Option(None)) => Value::Null,
        (Ty::Option(ty), Val::Option(Some(value))) => match **ty {
            Ty::Option(_) => json!({"some": json(ty, value)}),
            _ => json(ty, value),
        },
        (Ty::Record(_, fields), Val::Record(values)) => {
            let members = fields.iter().zip(values);
            let members =
                members.filter_map(|(ty, (name, value))| Some((name.clone(), field(ty, value)?)));
            Value::Object(members.collect())
        }
        (Ty::Variant(_, cases), Val::Variant(name, value)) => {
            let index: usize = name[1..].parse().unwrap();
            case(name, cases[index].as_ref(), value.as_deref())
        }
        (Ty::Result(ok, _), Val::Result(Ok(value))) => case("ok", ok.as_deref(), value.as_deref()),
        (Ty::Result(_, err), Val::Result(Err(value))) => {
            case("err", err.as_deref(), value.as_deref())
        }
        (_, Val::Enum(name)) => json!(name),
        (_, Val::Flags(names)) => json!(names),
        other => panic!("{other:?}"),
    }
}

/// The JSON of a field; none for an option that is `none`.
pub fn field(ty: &Ty, value: &Val) -> Option<Value> {
    let none = matches!(value, Val::Option(None));
    (!none).then(|| json(ty, value))
}

/// The structured content of a result, and whether it is an error.
pub fn answer(ty: &Option<Ty>, value: &Option<Val>) -> (Option<Value>, bool) {
    let content = |ty: &Ty, value: &Val| match ty {
        Ty::Record(..) => json(ty, value),
        _ => Value::Object(Map::from_iter([("result".to_owned(), json(ty, value))])),
    };
    match (ty, value) {
        (Some(Ty::Result(Some(ok), _)), Some(Val::Result(Ok(Some(value))))) => {
            (Some(content(ok, value)), false)
        }
        (Some(Ty::Result(..)), Some(Val::Result(result))) => (None, result.is_err()),
        (Some(ty), Some(value)) => (Some(content(ty, value)), false),
        _ => (None, false),
    }
}

/// Whether two lists of values are the same; every NaN is.
pub fn same(a: &[Val], b: &[Val]) -> bool {
    let text = |values: &[Val]| format!("{values:?}");
    text(a) == text(b)
}
