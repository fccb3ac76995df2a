//! JSON becomes values in memory, and these become flat values.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use spin_mcp_protocol::json::{Kind as Json, Value, is_integer};

use crate::{
    MAX_FLAT, Memory, Problem, list,
    table::{Item, Kind, Shape, Table},
};

/// Padding may be missing.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

type Outcome<T = ()> = Result<T, Problem>;

/// Writes a value of a type, and returns its address. `text` is JSON.
pub fn lower(memory: &mut impl Memory, table: Table<'_>, ty: u32, text: &str) -> Outcome<u32> {
    let value = Value::parse(text).map_err(|_| Problem::new("the arguments are not valid JSON"))?;
    let Shape { size, align, .. } = table.shape(ty);
    let mut lower = Lower { memory, table };
    let at = lower.allocate(size.into(), align)?;
    lower.value(ty, value, at)?;
    Ok(at)
}

struct Lower<'m, 't, M> {
    memory: &'m mut M,
    table: Table<'t>,
}

impl<M: Memory> Lower<'_, '_, M> {
    fn allocate(&mut self, size: u64, align: u32) -> Outcome<u32> {
        let room = u32::try_from(size).ok();
        let room = room.and_then(|size| self.memory.allocate(size, align));
        room.ok_or_else(Problem::too_large)
    }

    fn number(&mut self, at: u32, size: u32, value: u64) {
        self.memory.write(at, &value.to_le_bytes()[..size as usize]);
    }

    fn span(&mut self, at: u32, bytes: (u32, u32)) {
        self.number(at, 8, u64::from(bytes.1) << 32 | u64::from(bytes.0));
    }

    fn bytes(&mut self, at: u32, bytes: &[u8]) -> Outcome {
        let to = self.allocate(bytes.len() as u64, 1)?;
        self.memory.write(to, bytes);
        self.span(at, (to, bytes.len() as u32));
        Ok(())
    }

    fn value(&mut self, ty: u32, value: Value<'_>, at: u32) -> Outcome {
        let (table, shape) = (self.table, self.table.shape(ty));
        match shape.kind {
            Kind::Bool if value.kind == Json::Bool => {
                self.number(at, 1, (value.text == "true").into());
            }
            Kind::F32 | Kind::F64 => {
                let bits = float(shape.kind, value).ok_or_else(|| expected(table, ty))?;
                self.number(at, shape.size, bits);
            }
            Kind::Char => {
                let text = value.as_str();
                let mut chars = text.iter().flat_map(|text| text.chars());
                let (Some(one), None) = (chars.next(), chars.next()) else {
                    return Err(expected(table, ty));
                };
                self.number(at, 4, u32::from(one).into());
            }
            Kind::String if value.kind == Json::String => {
                let text = value.as_str().ok_or_else(|| expected(table, ty))?;
                self.bytes(at, text.as_bytes())?;
            }
            Kind::List => self.list(ty, value, at)?,
            Kind::Record if value.is_object() => self.record(shape, ty, value, at)?,
            Kind::Tuple if value.kind == Json::Array => {
                let fields = table.items(shape, ty);
                if value.elements().count() != table.items(shape, ty).count() {
                    return Err(expected(table, ty));
                }
                for (index, (item, element)) in fields.zip(value.elements()).enumerate() {
                    self.item(item, element, at)
                        .map_err(|problem| problem.within(&index))?;
                }
            }
            Kind::Variant | Kind::Result => self.variant(shape, ty, value, at)?,
            Kind::Option => {
                let (some, nullable) = table.payload(ty);
                self.number(at, 1, (value.kind != Json::Null).into());
                match value.kind {
                    Json::Null => {}
                    _ if nullable => {
                        let mut members = value.members();
                        let (Some((key, inner)), None) = (members.next(), members.next()) else {
                            return Err(expected(table, ty));
                        };
                        if !key.is_str(some.name) {
                            return Err(expected(table, ty));
                        }
                        self.item(some, inner, at)
                            .map_err(|problem| problem.within(&some.name))?;
                    }
                    _ => self.item(some, value, at)?,
                }
            }
            Kind::Flags if value.kind == Json::Array => {
                let mut flags = 0;
                for (index, element) in value.elements().enumerate() {
                    let bit = table
                        .items(shape, ty)
                        .position(|item| element.is_str(item.name));
                    let names = || list(table.items(shape, ty).map(|item| item.name));
                    let bit = bit.ok_or_else(|| {
                        Problem::new(format!("expected one of {}", names())).within(&index)
                    })?;
                    flags |= 1 << bit;
                }
                self.number(at, shape.size, flags);
            }
            _ => {
                let integer = integer(shape.kind, value).ok_or_else(|| expected(table, ty))?;
                self.number(at, shape.size, integer as u64);
            }
        }
        Ok(())
    }

    fn item(&mut self, item: Item<'_>, value: Value<'_>, at: u32) -> Outcome {
        match item.ty {
            Some(ty) => self.value(ty, value, at + item.offset),
            None => Ok(()),
        }
    }

    fn list(&mut self, ty: u32, value: Value<'_>, at: u32) -> Outcome {
        let (table, element) = (self.table, self.table.element(ty));
        let Shape {
            kind, size, align, ..
        } = table.shape(element);
        if kind == Kind::U8
            && let Some(text) = value.as_str()
        {
            let bytes = BASE64.decode(&*text).map_err(|_| expected(table, ty))?;
            return self.bytes(at, &bytes);
        }
        if value.kind != Json::Array {
            return Err(expected(table, ty));
        }
        let length = value.elements().count() as u64;
        let to = self.allocate(length * u64::from(size), align)?;
        self.span(at, (to, length as u32));
        for (index, one) in value.elements().enumerate() {
            self.value(element, one, to + index as u32 * size)
                .map_err(|problem| problem.within(&index))?;
        }
        Ok(())
    }

    fn record(&mut self, shape: Shape, ty: u32, value: Value<'_>, at: u32) -> Outcome {
        let table = self.table;
        let mut given = vec![false; table.items(shape, ty).count()];
        for (key, member) in value.members() {
            let mut fields = table.items(shape, ty).enumerate();
            let Some((index, field)) = fields.find(|(_, field)| key.is_str(field.name)) else {
                let key = key.as_str().unwrap_or_default();
                let mut names = table.items(shape, ty).map(|field| field.name).peekable();
                let known = match names.peek() {
                    Some(_) => format!("expected {}", list(names)),
                    None => "expected nothing".to_owned(),
                };
                return Err(Problem::new(format!("unknown; {known}")).within(&key));
            };
            let lowered = match std::mem::replace(&mut given[index], true) {
                true => Err(Problem::new("it occurs twice")),
                false => self.item(field, member, at),
            };
            lowered.map_err(|problem| problem.within(&field.name))?;
        }
        for (field, _) in table
            .items(shape, ty)
            .zip(given)
            .filter(|(_, given)| !given)
        {
            let ty = field.ty.unwrap_or(0);
            if table.shape(ty).kind != Kind::Option {
                let mut missing = expected(table, ty);
                missing.what.push_str(", but it is missing");
                return Err(missing.within(&field.name));
            }
            self.number(at + field.offset, 1, 0);
        }
        Ok(())
    }

    fn variant(&mut self, shape: Shape, ty: u32, value: Value<'_>, at: u32) -> Outcome {
        let table = self.table;
        let mut members = value.members();
        let (key, payload) = match (value.kind, members.next(), members.next()) {
            (Json::String, ..) => (value, None),
            (Json::Object, Some((key, payload)), None) => (key, Some(payload)),
            _ => return Err(expected(table, ty)),
        };
        let mut cases = table.items(shape, ty).enumerate();
        let Some((index, case)) = cases.find(|(_, case)| key.is_str(case.name)) else {
            return Err(expected(table, ty));
        };
        let size = table.discriminant(shape, ty);
        self.number(at, size, index as u64);
        let lowered = match (case.ty, payload) {
            (Some(_), Some(payload)) => self.item(case, payload, at),
            (None, None) => return Ok(()),
            (None, Some(payload)) if payload.kind == Json::Null => return Ok(()),
            (None, Some(_)) => Err(Problem::new("expected null, since this case has no value")),
            (Some(ty), None) => {
                let Problem { what, .. } = expected(table, ty);
                return Err(Problem::new(format!(
                    "expected an object such as {{\"{}\": …}}, with {} in it",
                    case.name,
                    what.trim_start_matches("expected ")
                )));
            }
        };
        lowered.map_err(|problem| problem.within(&case.name))
    }
}

/// The values of a type between two numbers.
fn range(kind: Kind) -> Option<(i128, i128)> {
    Some(match kind {
        Kind::U8 => (0, u8::MAX.into()),
        Kind::U16 => (0, u16::MAX.into()),
        Kind::U32 => (0, u32::MAX.into()),
        Kind::U64 => (0, u64::MAX.into()),
        Kind::S8 => (i8::MIN.into(), i8::MAX.into()),
        Kind::S16 => (i16::MIN.into(), i16::MAX.into()),
        Kind::S32 => (i32::MIN.into(), i32::MAX.into()),
        Kind::S64 => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

fn integer(kind: Kind, value: Value<'_>) -> Option<i128> {
    let (least, most) = range(kind)?;
    let text = match (value.kind, kind) {
        (Json::Number, _) => value.text.into(),
        (Json::String, Kind::U64 | Kind::S64) => value.as_str()?,
        _ => return None,
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let number = match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // No type needs more; leading zeros are not JSON.
        true if (1..=20).contains(&digits.len()) => text.parse().ok()?,
        // Such as `1.0` and `1e3`. Above that, a float cannot tell two integers apart.
        false if value.kind == Json::Number && is_integer(&text) => {
            let float = text.parse::<f64>().ok()?;
            (float.abs() <= 9_007_199_254_740_991.0).then_some(float as i128)?
        }
        _ => return None,
    };
    (least..=most).contains(&number).then_some(number)
}

/// The bits of a number.
fn float(kind: Kind, value: Value<'_>) -> Option<u64> {
    let text = match value.kind {
        Json::Number => value.text.into(),
        // What JSON has no numbers for; results have them, too.
        Json::String => value.as_str()?,
        _ => return None,
    };
    if value.kind == Json::String && !["NaN", "Infinity", "-Infinity"].contains(&&*text) {
        return None;
    }
    let is_finite = value.kind == Json::Number;
    match kind {
        Kind::F32 => {
            let float: f32 = text.parse().ok()?;
            (float.is_finite() == is_finite).then(|| float.to_bits().into())
        }
        _ => {
            let float: f64 = text.parse().ok()?;
            (float.is_finite() == is_finite).then(|| float.to_bits())
        }
    }
}

/// What a type takes, as a sentence.
fn expected(table: Table<'_>, ty: u32) -> Problem {
    let shape = table.shape(ty);
    let names = || list(table.items(shape, ty).map(|item| item.name));
    Problem::new(match shape.kind {
        Kind::Bool => "expected true or false".to_owned(),
        Kind::F32 | Kind::F64 => format!("expected a number of {} bits", shape.size * 8),
        Kind::Char => "expected a string of one character".to_owned(),
        Kind::String => "expected a string".to_owned(),
        Kind::List if table.shape(table.element(ty)).kind == Kind::U8 => {
            "expected bytes as a string in base64".to_owned()
        }
        Kind::List => "expected an array".to_owned(),
        Kind::Record => match names() {
            names if names.is_empty() => "expected an empty object".to_owned(),
            names => format!("expected an object with {names}"),
        },
        Kind::Tuple => {
            let count = table.items(shape, ty).count();
            format!("expected an array of {count} elements")
        }
        Kind::Variant | Kind::Result => {
            match table.items(shape, ty).all(|case| case.ty.is_none()) {
                true => format!("expected one of {}", names()),
                false => {
                    let bare = |case: &Item<'_>| case.ty.is_none();
                    let bare = list(table.items(shape, ty).filter(bare).map(|case| case.name));
                    let full = |case: &Item<'_>| case.ty.is_some();
                    let full = list(table.items(shape, ty).filter(full).map(|case| case.name));
                    let bare = match bare.is_empty() {
                        true => String::new(),
                        false => format!("one of the strings {bare}, or "),
                    };
                    format!("expected {bare}an object with one of {full}")
                }
            }
        }
        // Anything but null is a value of the type in it, unless null is one, too.
        Kind::Option => "expected null or an object with `some`".to_owned(),
        Kind::Flags => format!("expected an array of {}", names()),
        kind => {
            let (least, most) = range(kind).unwrap_or_default();
            format!("expected an integer from {least} to {most}")
        }
    })
}

/// The flat values of what lies in memory, each as the bits of its core type.
pub fn flatten(memory: &impl Memory, table: Table<'_>, ty: u32, at: u32) -> [u64; MAX_FLAT] {
    let (mut flat, mut next) = ([0; MAX_FLAT], 0);
    flatten_into(memory, table, ty, at, &mut flat, &mut next);
    flat
}

fn flatten_into(
    memory: &impl Memory,
    table: Table<'_>,
    ty: u32,
    at: u32,
    flat: &mut [u64; MAX_FLAT],
    next: &mut usize,
) {
    let shape = table.shape(ty);
    let end = *next + shape.flat as usize;
    let mut push = |value| {
        if let Some(place) = flat.get_mut(*next) {
            *place = value;
        }
        *next += 1;
    };
    match shape.kind {
        Kind::String | Kind::List => {
            let (address, length) = memory.span(at);
            push(address.into());
            push(length.into());
        }
        Kind::S8 => push(u64::from(memory.number(at, 1) as i8 as u32)),
        Kind::S16 => push(u64::from(memory.number(at, 2) as i16 as u32)),
        Kind::Record | Kind::Tuple => {
            for item in table.items(shape, ty) {
                if let Some(ty) = item.ty {
                    flatten_into(memory, table, ty, at + item.offset, flat, next);
                }
            }
        }
        Kind::Variant | Kind::Result | Kind::Option => {
            let case = memory.number(at, table.discriminant(shape, ty));
            push(case);
            let case = match shape.kind {
                Kind::Option => (case == 1).then(|| table.payload(ty).0),
                _ => table.items(shape, ty).nth(case as usize),
            };
            if let Some((ty, offset)) = case.and_then(|case| Some((case.ty?, case.offset))) {
                flatten_into(memory, table, ty, at + offset, flat, next);
            }
            // What other cases would need is zero.
            *next = end;
        }
        _ => push(memory.number(at, shape.size)),
    }
}
