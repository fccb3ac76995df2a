//! What a schema requires of a value, whatever it contains.

use std::cmp::Ordering;

use regex_lite::RegexBuilder;
use serde_json::{Map, Number, Value};

use super::{At, Checker, Fault, Outcome};

/// The largest size of a compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 64 << 10;

impl<'s> Checker<'s> {
    pub(super) fn check_plain(
        &self,
        schema: &'s Map<String, Value>,
        value: &Value,
        at: &At<'_>,
    ) -> Outcome {
        if let Some(types) = schema.get("type") {
            check_type(types, value, at)?;
        }
        if let Some(Value::Array(allowed)) = schema.get("enum") {
            self.step(allowed.len())?;
            if !allowed.iter().any(|allowed| equal(allowed, value)) {
                let allowed: Vec<String> = allowed.iter().take(20).map(shown).collect();
                return at.invalid(format!(
                    "expected one of {}, not {}",
                    allowed.join(", "),
                    shown(value)
                ));
            }
        }
        if let Some(expected) = schema.get("const")
            && !equal(expected, value)
        {
            return at.invalid(format!(
                "expected {}, not {}",
                shown(expected),
                shown(value)
            ));
        }
        match value {
            Value::Number(number) => check_number(schema, number, at),
            Value::String(text) => self.check_string(schema, text, at),
            _ => Ok(()),
        }
    }

    fn check_string(&self, schema: &'s Map<String, Value>, text: &str, at: &At<'_>) -> Outcome {
        if let Some((most, least)) = limits(schema, "maxLength", "minLength") {
            let length = text.chars().count();
            if length > most {
                return at.invalid(format!("has {length} characters, and may have {most}"));
            }
            if length < least {
                return at.invalid(format!("has {length} characters, and must have {least}"));
            }
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && self.matches(pattern, text)? == Some(false)
        {
            return at.invalid(format!(
                "does not match `{pattern}`: {}",
                shown(&text.into())
            ));
        }
        Ok(())
    }

    /// Whether a pattern matches a text. None: the pattern is not supported.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> Result<Option<bool>, Fault> {
        self.step(1 + text.len())?;
        // `\s` is Unicode white space in schemas, and ASCII white space here.
        if !text.is_ascii() && (pattern.contains("\\s") || pattern.contains("\\S")) {
            return Ok(None);
        }
        let mut builder = RegexBuilder::new(pattern);
        let pattern = builder.size_limit(LARGEST_PATTERN).build();
        Ok(pattern.ok().map(|pattern| pattern.is_match(text)))
    }
}

fn check_type(types: &Value, value: &Value, at: &At<'_>) -> Outcome {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_number().is_some_and(is_integer),
        _ => true,
    };
    let names: Vec<&str> = match types {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if names.is_empty() || names.iter().any(|name| is(name)) {
        return Ok(());
    }
    let names: Vec<String> = names.iter().map(|name| with_article(name)).collect();
    at.invalid(format!(
        "expected {}, not {}",
        names.join(" or "),
        shown(value)
    ))
}

fn with_article(name: &str) -> String {
    match name {
        "null" => name.to_owned(),
        "array" | "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn check_number(schema: &Map<String, Value>, number: &Number, at: &At<'_>) -> Outcome {
    let bound = |key| schema.get(key).and_then(Value::as_number);
    let too =
        |what: &str, bound: &Number| at.invalid(format!("must be {what} {bound}, not {number}"));
    let order = |bound: &Number| compare(number, bound);
    if let Some(least) = bound("minimum")
        && order(least).is_lt()
    {
        return too("at least", least);
    }
    if let Some(most) = bound("maximum")
        && order(most).is_gt()
    {
        return too("at most", most);
    }
    if let Some(least) = bound("exclusiveMinimum")
        && order(least).is_le()
    {
        return too("more than", least);
    }
    if let Some(most) = bound("exclusiveMaximum")
        && order(most).is_ge()
    {
        return too("less than", most);
    }
    if let Some(factor) = bound("multipleOf")
        && !is_multiple(number, factor)
    {
        return too("a multiple of", factor);
    }
    Ok(())
}

fn whole(number: &Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or(number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

fn is_integer(number: &Number) -> bool {
    whole(number).is_some() || float(number).fract() == 0.0
}

fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => float(a).partial_cmp(&float(b)).expect("JSON has no NaN"),
    }
}

/// Whether it is a multiple, as far as floating point can tell.
fn is_multiple(number: &Number, factor: &Number) -> bool {
    if let (Some(number), Some(factor)) = (whole(number), whole(factor)) {
        return factor == 0 || number % factor == 0;
    }
    let (number, factor) = (float(number), float(factor));
    let quotient = number / factor;
    let nearest = quotient.round();
    !quotient.is_finite() || (quotient - nearest).abs() <= 1e-9 * nearest.abs().max(1.0)
}

/// Whether two values are equal: `1` and `1.0` are.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (a, b) => a == b,
    }
}

/// The bounds of a length or count, if there is one.
pub(super) fn limits(
    schema: &Map<String, Value>,
    most: &str,
    least: &str,
) -> Option<(usize, usize)> {
    let limit = |key| {
        let number = schema.get(key)?.as_f64()?;
        Some(number as usize)
    };
    match (limit(most), limit(least)) {
        (None, None) => None,
        (most, least) => Some((most.unwrap_or(usize::MAX), least.unwrap_or(0))),
    }
}

/// A value as messages show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        plain => spin_mcp_middleware_sdk::excerpt(&plain.to_string()).into_owned(),
    }
}
