//! JSON of arguments and schemas.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The arguments, which may be as clients and models write them: `3.0` for `3`, `null` for what may
/// be absent, and text of JSON for an array or object.
pub(crate) fn arguments<A: DeserializeOwned>(arguments: &str) -> Result<A, String> {
    let mut given: Value = serde_json::from_str(arguments).map_err(|why| why.to_string())?;
    loop {
        match serde_path_to_error::deserialize(&given) {
            Err(why) if mend(&mut given, why.path()) => {}
            outcome => return outcome.map_err(|why| why.to_string()),
        }
    }
}

/// Says whether it changed what is at this path.
fn mend(given: &mut Value, path: &Path) -> bool {
    let mut place = given;
    for segment in path {
        let inner = match (segment, place) {
            (Segment::Map { key } | Segment::Enum { variant: key }, Value::Object(members)) => {
                if members.get(key).is_some_and(Value::is_null) {
                    members.remove(key);
                    return true;
                }
                members.get_mut(key)
            }
            (Segment::Seq { index }, Value::Array(elements)) => elements.get_mut(*index),
            _ => None,
        };
        let Some(inner) = inner else { return false };
        place = inner;
    }
    let better = match place {
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 2_f64.powi(53))
            .map(|float| Value::from(float as i64)),
        Value::String(text) => serde_json::from_str(text)
            .ok()
            .filter(|found: &Value| found.is_object() || found.is_array()),
        _ => None,
    };
    match better {
        Some(better) => {
            *place = better;
            true
        }
        None => false,
    }
}

/// The schema of a type without its doc comment, and the doc comment.
pub(crate) fn schema<T: JsonSchema>() -> (Schema, Option<String>) {
    whole(SchemaSettings::draft2020_12(), T::json_schema)
}

/// The schema of a type as it is written.
pub(crate) fn output<T: JsonSchema>() -> Schema {
    whole(
        SchemaSettings::draft2020_12().for_serialize(),
        T::json_schema,
    )
    .0
}

/// Not generic, as a component has this once for all its tools.
fn whole(
    settings: SchemaSettings,
    of: fn(&mut SchemaGenerator) -> Schema,
) -> (Schema, Option<String>) {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut schema = of(&mut generator);
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema.insert("$defs".into(), definitions.into());
    }
    schema.remove("title");
    let description = schema.remove("description");
    let description = description.and_then(|text| text.as_str().map(str::to_owned));
    (schema, description)
}

/// Whether a number is `null`: serde writes that for infinity, which JSON does not have.
pub(crate) fn endless(schema: &Value, root: &Value, value: &Value) -> bool {
    if let Some(path) = schema["$ref"].as_str() {
        let target = root.pointer(path.trim_start_matches('#'));
        return target.is_some_and(|schema| endless(schema, root, value));
    }
    match value {
        Value::Null => schema["type"] == "number",
        Value::Array(items) => items.iter().enumerate().any(|(at, item)| {
            let of = schema["prefixItems"].get(at).unwrap_or(&schema["items"]);
            endless(of, root, item)
        }),
        Value::Object(members) => members.iter().any(|(name, member)| {
            let of = schema["properties"].get(name);
            endless(of.unwrap_or(&schema["additionalProperties"]), root, member)
        }),
        _ => false,
    }
}

/// The texts that a schema allows, if it names them.
pub(crate) fn choices(schema: &Value) -> Vec<String> {
    let text = schema.as_str().or_else(|| schema["const"].as_str());
    let within = ["enum", "oneOf", "anyOf"].map(|key| schema[key].as_array());
    let within = within.into_iter().flatten().flatten().flat_map(choices);
    text.map(str::to_owned).into_iter().chain(within).collect()
}
