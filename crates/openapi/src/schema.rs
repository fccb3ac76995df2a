//! Schemas of a document as JSON Schema that stands alone.
//!
//! A schema that several places use is written once, under `$defs`, so the size is that of what the
//! document says. What nests too deep for the size that a tool may have is left out from below: such
//! a schema allows more than the document's.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::document::{Document, members, reference};

/// The most levels of a schema.
const MAX_LEVELS: usize = 40;
/// The most characters of a description within a schema.
const MAX_DESCRIPTION: usize = 300;
const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "object", "array", "null",
];

#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    /// All that helps to write a value.
    Input,
    /// What kinds of values come, and nothing that an API may break: no lengths, no lists of values,
    /// and no members that must be there.
    Output,
}

/// The schema, with as many levels as fit into `most` bytes.
pub fn schema(
    document: &Document,
    schema: &Value,
    side: Side,
    most: usize,
) -> Result<Value, String> {
    let mut fitting = None;
    for levels in 1..=MAX_LEVELS {
        let mut writer = Writer {
            document,
            side,
            levels,
            left: most,
            is_cut: false,
            names: HashMap::new(),
            taken: HashSet::new(),
            waiting: vec![],
        };
        let written = writer.root(schema)?;
        let fits = written.to_string().len() <= most;
        if fitting.is_some() && !fits {
            break;
        }
        fitting = Some(written);
        if !fits || !writer.is_cut {
            break;
        }
    }
    Ok(fitting.unwrap_or(json!({})))
}

struct Writer<'a> {
    document: &'a Document,
    side: Side,
    levels: usize,
    /// About how many bytes may follow. Without any, the result is not used.
    left: usize,
    is_cut: bool,
    /// The names under `$defs`, by what they are.
    names: HashMap<*const Value, String>,
    taken: HashSet<String>,
    waiting: Vec<(String, &'a Value, usize)>,
}

impl<'a> Writer<'a> {
    fn root(&mut self, schema: &'a Value) -> Result<Value, String> {
        let mut root = self.schema(schema, 0)?;
        let mut definitions = Map::new();
        let mut next = 0;
        while let Some((name, schema, level)) = self.waiting.get(next).cloned() {
            let written = self.schema(schema, level)?;
            definitions.insert(name, written);
            next += 1;
        }
        let mut uses = HashMap::new();
        count(&root, &mut uses);
        definitions
            .values()
            .for_each(|schema| count(schema, &mut uses));
        inline(&mut root, &mut definitions, &uses);
        let mut written = Map::new();
        // What stays is used several times, or contains itself.
        while let Some(name) = definitions.keys().next().cloned() {
            let mut schema = definitions.shift_remove(&name).unwrap_or_default();
            inline(&mut schema, &mut definitions, &uses);
            written.insert(name, schema);
        }
        if let (Some(root), false) = (root.as_object_mut(), written.is_empty()) {
            root.insert("$defs".into(), Value::Object(written));
        }
        Ok(root)
    }

    fn schema(&mut self, schema: &'a Value, level: usize) -> Result<Value, String> {
        let target = self.document.resolve(schema)?;
        let Some(object) = target.as_object() else {
            return Ok(match target {
                Value::Bool(false) => json!({"not": {}}),
                _ => json!({}),
            });
        };
        let own = schema
            .get("description")
            .filter(|_| reference(schema).is_some());
        let written = match reference(schema) {
            Some(path) if is_nested(object) && level > 0 && level <= self.levels => {
                let name = self.name(target, path, level);
                json!({"$ref": format!("#/$defs/{name}")})
            }
            _ => self.object(object, level)?,
        };
        Ok(match own.and_then(Value::as_str) {
            Some(own) => described(written, own),
            None => written,
        })
    }

    fn name(&mut self, target: &'a Value, path: &str, level: usize) -> String {
        if let Some(name) = self.names.get(&std::ptr::from_ref(target)) {
            return name.clone();
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        let allowed = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
        let plain: String = last.chars().filter(allowed).collect();
        let mut name = plain.clone();
        let mut number = 2;
        while name.is_empty() || !self.taken.insert(name.clone()) {
            name = format!("{plain}{number}");
            number += 1;
        }
        self.names.insert(target, name.clone());
        self.waiting.push((name.clone(), target, level));
        name
    }

    fn object(&mut self, object: &'a Map<String, Value>, level: usize) -> Result<Value, String> {
        let is_cut = is_nested(object) && (level > self.levels || self.left == 0);
        self.is_cut |= is_cut;
        let mut out = Map::new();
        let is_input = self.side == Side::Input;
        for (key, value) in object {
            match (key.as_str(), value) {
                ("type", _) => {
                    if let Some(value) = types(value) {
                        out.insert(key.clone(), value);
                    }
                }
                ("description", Value::String(text)) if !text.trim().is_empty() => {
                    out.insert(key.clone(), bounded(text.trim(), MAX_DESCRIPTION).into());
                }
                _ if is_cut => {}
                ("properties", Value::Object(_)) => {
                    let hidden = if is_input { "readOnly" } else { "writeOnly" };
                    let mut properties = Map::new();
                    for (name, schema) in members(Some(value)) {
                        if !self.is_marked(schema, hidden)? {
                            properties.insert(name.clone(), self.schema(schema, level + 1)?);
                        }
                    }
                    out.insert(key.clone(), Value::Object(properties));
                }
                ("items", Value::Object(_) | Value::Bool(_))
                | ("additionalProperties", Value::Object(_)) => {
                    let schema = self.schema(value, level + 1)?;
                    out.insert(key.clone(), schema);
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(choices)) if !choices.is_empty() => {
                    let all: Result<Vec<_>, _> = choices
                        .iter()
                        .map(|choice| self.schema(choice, level + 1))
                        .collect();
                    let all = all?;
                    match (key.as_str(), all.as_slice(), is_input) {
                        ("allOf", [Value::Object(only)], _)
                            if only.keys().all(|key| !out.contains_key(key)) =>
                        {
                            out.extend(only.clone());
                        }
                        // A value of several choices is one of some choice.
                        ("oneOf", _, false) => _ = out.insert("anyOf".into(), all.into()),
                        _ => _ = out.insert(key.clone(), all.into()),
                    }
                }
                _ if is_input => self.for_input(key, value, object, level, &mut out)?,
                _ => {}
            }
        }
        if is_input && let Some(required) = out.get_mut("required").and_then(Value::as_array_mut) {
            let properties = object.get("properties");
            required.retain(|name| {
                let name = name.as_str().unwrap_or_default();
                let schema = properties.and_then(|all| all.get(name));
                !schema.is_some_and(|schema| self.is_marked(schema, "readOnly").unwrap_or(false))
            });
            if required.is_empty() {
                out.shift_remove("required");
            }
        }
        if !out.contains_key("type") {
            let kind = [("properties", "object"), ("items", "array")];
            let kind = kind.iter().find(|(key, _)| out.contains_key(*key));
            out.extend(kind.map(|(_, kind)| ("type".to_owned(), json!(kind))));
        }
        self.left = self
            .left
            .saturating_sub(out.keys().map(|key| key.len() + 4).sum::<usize>() + 4);
        let is_nullable =
            self.document.is_old && object.get("nullable") == Some(&Value::Bool(true));
        Ok(if is_nullable {
            nullable(out)
        } else {
            Value::Object(out)
        })
    }

    /// Keywords that only help to write a value, if they have a value that JSON Schema allows.
    fn for_input(
        &mut self,
        key: &str,
        value: &'a Value,
        object: &Map<String, Value>,
        level: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let limit = |name: &str| {
            object
                .get(name)
                .filter(|_| self.document.is_old)
                .and_then(Value::as_bool)
        };
        let kept = match key {
            "enum" => value.as_array().map(|values| {
                let mut once: Vec<Value> = vec![];
                for value in values {
                    if !once.contains(value) {
                        once.push(value.clone());
                    }
                }
                once.into()
            }),
            "const" | "default" => Some(value.clone()),
            "format" => value.is_string().then(|| value.clone()),
            "pattern" => value
                .as_str()
                .filter(|text| text.len() <= 200)
                .map(Value::from),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" => value.is_u64().then(|| value.clone()),
            "minimum" if limit("exclusiveMinimum") == Some(true) => None,
            "maximum" if limit("exclusiveMaximum") == Some(true) => None,
            "minimum" | "maximum" => value.is_number().then(|| value.clone()),
            "exclusiveMinimum" | "exclusiveMaximum" => match value {
                Value::Number(_) => Some(value.clone()),
                Value::Bool(true) => {
                    let limit = if key.ends_with("Minimum") {
                        "minimum"
                    } else {
                        "maximum"
                    };
                    object.get(limit).filter(|limit| limit.is_number()).cloned()
                }
                _ => None,
            },
            "multipleOf" => value
                .as_f64()
                .filter(|number| *number > 0.0)
                .map(|_| value.clone()),
            "uniqueItems" | "additionalProperties" => value.is_boolean().then(|| value.clone()),
            "required" => value.as_array().map(|names| {
                let mut seen = HashSet::new();
                let names = names.iter().filter_map(Value::as_str);
                json!(names.filter(|name| seen.insert(*name)).collect::<Vec<_>>())
            }),
            "not" => Some(self.schema(value, level + 1)?),
            "prefixItems" => {
                let all = value.as_array().filter(|all| !all.is_empty());
                let all = all.map(|all| {
                    all.iter()
                        .map(|schema| self.schema(schema, level + 1))
                        .collect()
                });
                all.transpose()?.map(|all: Vec<_>| all.into())
            }
            "patternProperties" => {
                let mut all = Map::new();
                for (pattern, schema) in members(Some(value)) {
                    all.insert(pattern.clone(), self.schema(schema, level + 1)?);
                }
                Some(Value::Object(all))
            }
            _ => None,
        };
        let is_empty = kept
            .as_ref()
            .is_some_and(|kept| kept.as_array().is_some_and(Vec::is_empty));
        if let (Some(kept), false) = (kept, is_empty) {
            self.left = self.left.saturating_sub(kept.to_string().len());
            out.insert(key.to_owned(), kept);
        }
        Ok(())
    }

    fn is_marked(&self, schema: &Value, mark: &str) -> Result<bool, String> {
        let target = self.document.resolve(schema)?;
        Ok(target.get(mark) == Some(&Value::Bool(true)))
    }
}

/// Whether there are schemas within a schema.
fn is_nested(object: &Map<String, Value>) -> bool {
    let within = [
        "properties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "additionalProperties",
        "prefixItems",
        "not",
    ];
    within
        .iter()
        .any(|key| object.get(*key).is_some_and(|value| !value.is_boolean()))
}

/// The known ones of some types.
fn types(value: &Value) -> Option<Value> {
    let is_known = |value: &&Value| value.as_str().is_some_and(|text| TYPES.contains(&text));
    match value {
        Value::String(_) => Some(value).filter(is_known).cloned(),
        Value::Array(all) => {
            let known: Vec<_> = all.iter().filter(is_known).cloned().collect();
            (!known.is_empty()).then(|| known.into())
        }
        _ => None,
    }
}

/// What `nullable` of OpenAPI 3.0 says, in JSON Schema.
fn nullable(mut out: Map<String, Value>) -> Value {
    if let Some(Value::Array(values)) = out.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(Value::String(kind)) = out.get("type") {
        out.insert("type".into(), json!([kind, "null"]));
        return Value::Object(out);
    }
    let description = out.shift_remove("description");
    if out.is_empty() {
        return json!({});
    }
    let mut choice = Map::new();
    choice.extend(description.map(|text| ("description".to_owned(), text)));
    choice.insert("anyOf".into(), json!([out, {"type": "null"}]));
    Value::Object(choice)
}

/// A schema with this description.
pub fn described(schema: Value, text: &str) -> Value {
    let Value::Object(mut object) = schema else {
        return schema;
    };
    if !text.trim().is_empty() {
        object.insert(
            "description".into(),
            bounded(text.trim(), MAX_DESCRIPTION).into(),
        );
    }
    Value::Object(object)
}

/// The beginning of a text.
pub fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let start = &text[..end];
            let end = start.rfind(char::is_whitespace).filter(|at| *at > most / 2);
            format!("{}…", start[..end.unwrap_or(start.len())].trim_end())
        }
    }
}

/// The schema under `$defs` that a schema names.
fn definition(schema: &Value) -> Option<&str> {
    reference(schema)?.strip_prefix("#/$defs/")
}

fn count(value: &Value, uses: &mut HashMap<String, usize>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = definition(value) {
                *uses.entry(name.to_owned()).or_default() += 1;
            }
            object.values().for_each(|value| count(value, uses));
        }
        Value::Array(values) => values.iter().for_each(|value| count(value, uses)),
        _ => {}
    }
}

/// Writes what is used once in the place where it is used. Of what contains itself, something is used
/// twice.
fn inline(value: &mut Value, definitions: &mut Map<String, Value>, uses: &HashMap<String, usize>) {
    let only = definition(value)
        .filter(|name| uses.get(*name) == Some(&1))
        .map(str::to_owned);
    if let Some(schema) = only.and_then(|name| definitions.shift_remove(&name)) {
        let own = value
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned);
        *value = match own {
            Some(own) => described(schema, &own),
            None => schema,
        };
    }
    match value {
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| inline(value, definitions, uses)),
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| inline(value, definitions, uses)),
        _ => {}
    }
}
