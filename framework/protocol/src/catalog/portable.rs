//! Schemas as all known clients take them: no boolean schemas, a `type` beside `enum` and `const`,
//! `properties` at the root, `items` for each array, no formats of numbers, and no `null` for what
//! may be absent. Order and descriptions stay.
//!
//! A value that was valid stays valid, except `null` for an optional property of an input.

use crate::wire::json::{self, Kind, Object, Value, is_integer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Input,
    /// Clients check results, so `null` stays allowed.
    Output,
}

/// The schema as text. A text that is not a JSON object stays as it is.
pub fn portable(schema: &str, side: Side) -> String {
    let Ok(value) = Value::parse(schema) else {
        return schema.to_owned();
    };
    let mut out = Vec::with_capacity(schema.len());
    match value.kind {
        Kind::Object => write(&mut out, value, side),
        _ => return schema.to_owned(),
    }
    String::from_utf8(out).expect("JSON is made of texts")
}

pub fn write(out: &mut Vec<u8>, schema: Value<'_>, side: Side) {
    let dialect = schema
        .member("$schema")
        .and_then(|dialect| dialect.as_str());
    let pass = Pass {
        input: side == Side::Input,
        tuples: dialect.is_none_or(|dialect| dialect.contains("2020-12")),
        items: !schema.text.contains("unevaluatedItems"),
        choices: !schema.text.contains("/anyOf/") && !schema.text.contains("/oneOf/"),
    };
    let place = Place {
        root: true,
        optional: false,
        nulls: side == Side::Output,
    };
    pass.schema(out, schema, place);
}

/// What holds for a whole schema.
struct Pass {
    /// The root describes an object, even if it does not say so.
    input: bool,
    /// The dialect has `prefixItems`; older ones ignore it.
    tuples: bool,
    /// `items: {}` has no effect on `unevaluatedItems`.
    items: bool,
    /// No reference leads into `anyOf` or `oneOf`.
    choices: bool,
}

#[derive(Clone, Copy)]
struct Place {
    root: bool,
    /// It is a property that may be absent.
    optional: bool,
    /// `null` stays allowed.
    nulls: bool,
}

type Member<'a> = (Value<'a>, Value<'a>);

fn find<'a>(members: &[Member<'a>], name: &str) -> Option<Value<'a>> {
    let mut members = members.iter();
    members.find_map(|(key, value)| key.is_str(name).then_some(*value))
}

impl Pass {
    fn schema(&self, out: &mut Vec<u8>, schema: Value<'_>, place: Place) {
        match (schema.kind, schema.text) {
            (Kind::Bool, "true") => out.extend_from_slice(b"{}"),
            (Kind::Bool, _) => out.extend_from_slice(br#"{"not":{}}"#),
            (Kind::Object, _) if place.optional && !place.nulls => {
                let mut text = self.without_null(schema);
                // What was a choice may allow `null`, too.
                loop {
                    let again = self.without_null(value(&text));
                    if again == text {
                        break;
                    }
                    text = again;
                }
                self.object(out, value(&text), place);
            }
            (Kind::Object, _) => self.object(out, schema, place),
            _ => compact(out, schema),
        }
    }

    fn object(&self, out: &mut Vec<u8>, schema: Value<'_>, place: Place) {
        let members: Vec<_> = schema.members().collect();
        let has = |name: &str| find(&members, name).is_some();
        let is = |kind: &str| find(&members, "type").is_some_and(|of| of.is_str(kind));
        let choice = has("const") || has("enum");
        let mut untyped = !has("type");
        let mut object = Object::begin(out);
        if untyped && place.root && self.input {
            untyped = false;
            object.string("type", "object");
            if !has("properties") {
                object.json("properties", b"{}");
            }
        }
        for (key, value) in &members {
            let name = key.as_str().unwrap_or_default();
            match &*name {
                "format" if value.as_str().is_some_and(|name| is_of_numbers(&name)) => continue,
                "const" if untyped => types(&mut object, [*value]),
                "enum" if untyped && !has("const") => types(&mut object, value.elements()),
                _ => {}
            }
            self.member(object.raw_key(*key), &name, *value, &members, place);
            match &*name {
                "type" if place.root && is("object") && !has("properties") && !choice => {
                    object.json("properties", b"{}");
                }
                "prefixItems" if self.items && !has("items") => {
                    object.json("items", &self.after(*value, &members, place));
                }
                _ => {}
            }
        }
        let bare = !has("items") && !has("prefixItems") && !choice;
        if self.items && is("array") && bare {
            object.json("items", b"{}");
        }
        object.end();
    }

    /// The value of a keyword.
    fn member(
        &self,
        out: &mut Vec<u8>,
        name: &str,
        value: Value<'_>,
        all: &[Member<'_>],
        place: Place,
    ) {
        let below = place.below();
        match (name, value.kind) {
            ("properties", Kind::Object) => {
                let required = find(all, "required");
                let is_required = |name: &Value<'_>| {
                    let mut names = required.iter().flat_map(Value::elements);
                    names.any(|other| other.as_str() == name.as_str())
                };
                self.named(out, value, |name| Place {
                    optional: !is_required(name),
                    ..below
                });
            }
            (
                "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
                Kind::Object,
            ) => self.named(out, value, |_| below),
            ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Kind::Array) => {
                out.push(b'[');
                for (index, schema) in value.elements().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.schema(out, schema, below);
                }
                out.push(b']');
            }
            ("items" | "contentSchema", _)
            | (
                "additionalProperties"
                | "unevaluatedProperties"
                | "additionalItems"
                | "unevaluatedItems",
                // Clients know these as booleans.
                Kind::Object,
            ) => self.schema(out, value, below),
            // Here a schema that allows less would allow more elsewhere.
            ("not" | "if" | "then" | "else" | "contains" | "propertyNames", _) => {
                let nulls = Place {
                    nulls: true,
                    ..below
                };
                self.schema(out, value, nulls);
            }
            _ => compact(out, value),
        }
    }

    /// Schemas by name. Lists of names, in `dependencies`, stay as they are.
    fn named(&self, out: &mut Vec<u8>, schemas: Value<'_>, place: impl Fn(&Value<'_>) -> Place) {
        let mut object = Object::begin(out);
        for (key, schema) in schemas.members() {
            self.schema(object.raw_key(key), schema, place(&key));
        }
        object.end();
    }

    /// The schema of what follows a tuple. If nothing can follow, it is that of the elements if
    /// they have the same, for clients that know `items` alone.
    fn after(&self, tuple: Value<'_>, all: &[Member<'_>], place: Place) -> Vec<u8> {
        let elements = tuple.elements().map(|schema| {
            let mut out = Vec::new();
            self.schema(&mut out, schema, place.below());
            out
        });
        let mut elements: Vec<_> = elements.collect();
        let most = find(all, "maxItems").and_then(|most| most.text.parse::<usize>().ok());
        let closed = self.tuples && most.is_some_and(|most| most <= elements.len());
        elements.dedup();
        match elements.as_mut_slice() {
            // Names of schemas must be unique.
            [only] if closed && !tuple.text.contains("\"$") => std::mem::take(only),
            _ => b"{}".to_vec(),
        }
    }

    /// The schema without `null`, unless it allows nothing else.
    fn without_null(&self, schema: Value<'_>) -> Vec<u8> {
        let members: Vec<_> = schema.members().collect();
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        for (key, value) in &members {
            let name = key.as_str().unwrap_or_default();
            let left: Vec<_> = match &*name {
                "default" if value.kind == Kind::Null => continue,
                "type" => value
                    .elements()
                    .filter(|kind| !kind.is_str("null"))
                    .collect(),
                "enum" => value
                    .elements()
                    .filter(|value| value.kind != Kind::Null)
                    .collect(),
                "anyOf" | "oneOf" if self.choices => value
                    .elements()
                    .filter(|choice| !is_null(*choice))
                    .collect(),
                _ => Vec::new(),
            };
            match (&*name, left.as_slice()) {
                (_, left) if left.is_empty() || left.len() == value.elements().count() => {
                    compact(object.raw_key(*key), *value);
                }
                ("type", [only]) => compact(object.raw_key(*key), *only),
                ("anyOf" | "oneOf", [only]) if fits(*only, &members) => {
                    for (key, value) in only.members() {
                        if key
                            .as_str()
                            .is_none_or(|name| find(&members, &name).is_none())
                        {
                            compact(object.raw_key(key), value);
                        }
                    }
                }
                (_, left) => {
                    let texts: Vec<_> = left.iter().map(|value| value.text).collect();
                    let out = object.raw_key(*key);
                    out.extend_from_slice(format!("[{}]", texts.join(",")).as_bytes());
                }
            }
        }
        object.end();
        out
    }
}

impl Place {
    fn below(self) -> Place {
        Place {
            root: false,
            optional: false,
            ..self
        }
    }
}

/// Whether a choice can be written in the place of the choices: both say nothing of the same, except
/// for readers.
fn fits(choice: Value<'_>, members: &[Member<'_>]) -> bool {
    let for_readers = |name: &str| matches!(name, "title" | "description" | "default" | "examples");
    choice.is_object()
        && choice.members().all(|(key, _)| {
            let name = key.as_str().unwrap_or_default();
            name != "$id" && (for_readers(&name) || find(members, &name).is_none())
        })
}

/// Whether a schema says `null` and nothing else.
fn is_null(schema: Value<'_>) -> bool {
    let says_null = |(key, value): Member<'_>| {
        key.is_str("type") && value.is_str("null")
            || key.is_str("const") && value.kind == Kind::Null
    };
    schema.members().next().is_some() && schema.members().all(says_null)
}

/// Writes the types of these values.
fn types<'a>(object: &mut Object<'_>, values: impl IntoIterator<Item = Value<'a>>) {
    let mut types = Vec::new();
    for value in values {
        let kind = match value.kind {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number if is_integer(value.text) => "integer",
            Kind::Number => "number",
            Kind::Bool => "boolean",
            Kind::Null => "null",
        };
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    if types.contains(&"number") {
        types.retain(|kind| *kind != "integer");
    }
    match types.as_slice() {
        [] => {}
        [only] => object.string("type", only),
        _ => object.json("type", format!("[\"{}\"]", types.join("\",\"")).as_bytes()),
    }
}

/// Whether a format is one of those that generators of schemas write for numbers.
fn is_of_numbers(format: &str) -> bool {
    let bits = format.trim_start_matches('u').strip_prefix("int");
    bits.is_some_and(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()))
        || matches!(format, "float" | "double" | "half" | "decimal")
}

fn value(text: &[u8]) -> Value<'_> {
    let text = std::str::from_utf8(text).expect("JSON is made of texts");
    Value::parse(text).expect("it was written as JSON")
}

fn compact(out: &mut Vec<u8>, value: Value<'_>) {
    json::compact(out, value.text).expect("a value that was read is well-formed");
}

#[cfg(test)]
mod tests;
