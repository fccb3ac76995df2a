//! Results of the next component, and of this sequence.

use crate::{
    serve::router::own::text,
    wire::{
        MAX_RESULT,
        failure::Failure,
        json::{Object, Value},
    },
};

/// Reads a complete result of the next component.
pub fn read<'t>(method: &str, text: &'t str) -> Result<Value<'t>, Failure> {
    if text.len() > MAX_RESULT {
        return Err(too_large(method));
    }
    let value = Value::parse(text).ok().filter(Value::is_object);
    let value = value.ok_or_else(|| broken(method, "something that is not a JSON object"))?;
    if !value.names_once() {
        return Err(broken(method, "a result that names a member twice"));
    }
    match value.member("resultType") {
        Some(kind) if !kind.is_str("complete") => {
            Err(broken(method, "a result that is not complete"))
        }
        _ => Ok(value),
    }
}

/// Writes all members except these.
pub fn copy(object: &mut Object<'_>, from: &Value<'_>, without: &[&str]) {
    for (key, value) in from.members() {
        if !without.iter().any(|name| key.is_str(name)) {
            object.raw_key(key).extend_from_slice(value.text.as_bytes());
        }
    }
}

/// The result as text, if it is not too large.
pub fn whole(method: &str, result: Vec<u8>) -> Result<String, Failure> {
    if result.len() > MAX_RESULT {
        return Err(too_large(method));
    }
    text(result)
}

fn too_large(method: &str) -> Failure {
    broken(
        method,
        &format!(
            "more than {MAX_RESULT} bytes, or too much together with the entries of this sequence; let it return less at a time"
        ),
    )
}

pub fn broken(method: &str, what: &str) -> Failure {
    Failure::internal(format!(
        "the next middleware answered `{method}` with {what}"
    ))
}
