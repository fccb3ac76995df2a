//! Values in memory become JSON.

use std::borrow::Cow;

use base64::Engine as _;
use spin_mcp_protocol::json;

use crate::{
    MAX_RESULT, Memory,
    lower::BASE64,
    table::{Item, Kind, Shape, Table},
};

/// The integers that every reader of JSON keeps exact (RFC 8259, section 6).
const SAFE: i128 = 9_007_199_254_740_991;

/// What a function answered.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// For clients and models that read text.
    pub text: String,
    /// A JSON object.
    pub structured: Option<String>,
    pub is_error: bool,
}

/// The result would be larger than an answer can be.
#[derive(Debug, PartialEq)]
struct TooLarge;

/// Reads the result of a function from its address. None: it returned nothing.
pub fn answer(memory: &impl Memory, table: Table<'_>, result: Option<(u32, u32)>) -> Answer {
    try_answer(memory, table, result).unwrap_or_else(|TooLarge| {
        let most = MAX_RESULT >> 20;
        Answer {
            text: format!("the result is larger than {most} MiB; ask for less"),
            structured: None,
            is_error: true,
        }
    })
}

fn try_answer(
    memory: &impl Memory,
    table: Table<'_>,
    result: Option<(u32, u32)>,
) -> Result<Answer, TooLarge> {
    let (mut value, mut is_error) = (result, false);
    if let Some((ty, at)) = result
        && table.shape(ty).kind == Kind::Result
    {
        let shape = table.shape(ty);
        let index = memory.number(at, 1);
        let case = table.items(shape, ty).nth(index as usize);
        is_error = index == 1;
        value = case.and_then(|case| Some((case.ty?, at + case.offset)));
    }
    let Some((ty, at)) = value else {
        let text = match is_error {
            true => "failed, without saying why",
            false => "done",
        };
        return Ok(Answer {
            text: text.to_owned(),
            structured: None,
            is_error,
        });
    };
    let lift = Lift { memory, table };
    let mut out = Vec::new();
    lift.value(ty, at, &mut out)?;
    let json = String::from_utf8(out).unwrap_or_default();
    let structured = match (is_error, table.shape(ty).kind) {
        (true, _) => None,
        (false, Kind::Record) => Some(json.clone()),
        (false, _) => Some(format!("{{\"result\":{json}}}")),
    };
    let text = json::Value::parse(&json).ok();
    let text = text.and_then(|value| value.as_str().map(Cow::into_owned));
    let text = text.unwrap_or(json);
    Ok(Answer {
        text,
        structured,
        is_error,
    })
}

struct Lift<'m, 't, M> {
    memory: &'m M,
    table: Table<'t>,
}

impl<M: Memory> Lift<'_, '_, M> {
    fn value(&self, ty: u32, at: u32, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        if out.len() > MAX_RESULT {
            return Err(TooLarge);
        }
        let (table, shape) = (self.table, self.table.shape(ty));
        let number = |size| self.memory.number(at, size);
        match shape.kind {
            Kind::Bool => out.extend_from_slice(match number(1) {
                0 => b"false",
                _ => b"true",
            }),
            Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => {
                integer(number(shape.size).into(), out);
            }
            Kind::S8 => integer((number(1) as i8).into(), out),
            Kind::S16 => integer((number(2) as i16).into(), out),
            Kind::S32 => integer((number(4) as i32).into(), out),
            Kind::S64 => integer((number(8) as i64).into(), out),
            Kind::F32 => {
                let value = f32::from_bits(number(4) as u32);
                float(value.into(), &format!("{value:?}"), out);
            }
            Kind::F64 => {
                let value = f64::from_bits(number(8));
                float(value, &format!("{value:?}"), out);
            }
            Kind::Char => {
                let value = char::from_u32(number(4) as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                json::string(out, value.encode_utf8(&mut [0; 4]));
            }
            Kind::String => {
                let (address, length) = self.memory.span(at);
                if length as usize > MAX_RESULT {
                    return Err(TooLarge);
                }
                let text = String::from_utf8_lossy(self.memory.read(address, length));
                json::string(out, &text);
            }
            Kind::List => self.list(ty, at, out)?,
            Kind::Record => {
                out.push(b'{');
                let mut first = true;
                for field in table.items(shape, ty) {
                    let Some((ty, at)) = self.present(field, at) else {
                        continue;
                    };
                    comma(&mut first, out);
                    json::string(out, field.name);
                    out.push(b':');
                    self.value(ty, at, out)?;
                }
                out.push(b'}');
            }
            Kind::Tuple => {
                out.push(b'[');
                let mut first = true;
                for item in table.items(shape, ty) {
                    comma(&mut first, out);
                    self.value(item.ty.unwrap_or(0), at + item.offset, out)?;
                }
                out.push(b']');
            }
            Kind::Variant | Kind::Result => {
                let case = number(table.discriminant(shape, ty)) as usize;
                if let Some(case) = table.items(shape, ty).nth(case) {
                    self.case(case, at, out)?;
                }
            }
            Kind::Option => match (number(1), table.payload(ty)) {
                (0, _) => out.extend_from_slice(b"null"),
                (_, (some, true)) => self.case(some, at, out)?,
                (_, (some, false)) => {
                    self.value(some.ty.unwrap_or(0), at + some.offset, out)?;
                }
            },
            Kind::Flags => {
                let flags = number(shape.size);
                out.push(b'[');
                let mut first = true;
                for (bit, flag) in table.items(shape, ty).enumerate() {
                    if flags >> bit & 1 == 1 {
                        comma(&mut first, out);
                        json::string(out, flag.name);
                    }
                }
                out.push(b']');
            }
        }
        Ok(())
    }

    /// The value of a field, unless it is an option that is `none`.
    fn present(&self, field: Item<'_>, at: u32) -> Option<(u32, u32)> {
        let (ty, at) = (field.ty?, at + field.offset);
        match self.table.shape(ty).kind {
            Kind::Option if self.memory.number(at, 1) == 0 => None,
            Kind::Option => match self.table.payload(ty) {
                (_, true) => Some((ty, at)),
                (some, false) => Some((some.ty?, at + some.offset)),
            },
            _ => Some((ty, at)),
        }
    }

    fn case(&self, case: Item<'_>, at: u32, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let Some(ty) = case.ty else {
            json::string(out, case.name);
            return Ok(());
        };
        out.push(b'{');
        json::string(out, case.name);
        out.push(b':');
        self.value(ty, at + case.offset, out)?;
        out.push(b'}');
        Ok(())
    }

    fn list(&self, ty: u32, at: u32, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let element = self.table.element(ty);
        let Shape { kind, size, .. } = self.table.shape(element);
        let (address, length) = self.memory.span(at);
        if length as usize > MAX_RESULT {
            return Err(TooLarge);
        }
        if kind == Kind::U8 {
            out.push(b'"');
            let text = BASE64.encode(self.memory.read(address, length));
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
            return Ok(());
        }
        out.push(b'[');
        let mut first = true;
        for index in 0..length {
            comma(&mut first, out);
            self.value(element, address + index * size, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

fn comma(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

fn integer(value: i128, out: &mut Vec<u8>) {
    let text = match value.abs() <= SAFE {
        true => value.to_string(),
        false => format!("\"{value}\""),
    };
    out.extend_from_slice(text.as_bytes());
}

fn float(value: f64, text: &str, out: &mut Vec<u8>) {
    let text = match value {
        _ if value.is_finite() => text,
        _ if value.is_nan() => "\"NaN\"",
        _ if value > 0.0 => "\"Infinity\"",
        _ => "\"-Infinity\"",
    };
    out.extend_from_slice(text.as_bytes());
}
