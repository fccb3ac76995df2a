//! Results that keep their schema, whatever an API answers.
//!
//! Compose writes such schemas: no member must be there, so what does not fit can be left out.

use spin_mcp_protocol::json::{Kind, Value, compact, is_integer};

/// How many bytes are compared with schemas at most, where choices make a value compared again and again.
const MOST: usize = 16 << 20;

/// The part of a value that fits a schema.
pub fn fit(value: Value<'_>, schema: Value<'_>) -> Option<String> {
    let definitions = schema.member("$defs");
    let mut fit = Fit {
        definitions,
        left: MOST,
    };
    let kept = fit.value(value, schema);
    kept.filter(|_| fit.left > 0)
}

struct Fit<'a> {
    definitions: Option<Value<'a>>,
    left: usize,
}

impl Fit<'_> {
    fn value(&mut self, value: Value<'_>, schema: Value<'_>) -> Option<String> {
        self.left = self.left.saturating_sub(value.text.len() + 100);
        if self.left == 0 {
            return None;
        }
        if let Some(name) = schema.member("$ref").and_then(|name| name.as_str()) {
            let target = self.definitions?.member(name.strip_prefix("#/$defs/")?)?;
            return self.value(value, target);
        }
        let kinds = schema.member("type");
        let mut listed = kinds.iter().flat_map(Value::elements).peekable();
        let is_one = match kinds {
            Some(kinds) if listed.peek().is_none() => is(value, kinds),
            Some(_) => listed.any(|kind| is(value, kind)),
            None => true,
        };
        if !is_one || schema.member("not").is_some() {
            return None;
        }
        let mut text = None;
        for part in schema.member("allOf").iter().flat_map(Value::elements) {
            text = Some(self.text(text.as_deref().unwrap_or(value.text), part)?);
        }
        if let Some(choices) = schema.member("anyOf") {
            let own = text.as_deref().unwrap_or(value.text);
            // The choice that keeps most.
            let all = choices
                .elements()
                .filter_map(|choice| self.text(own, choice));
            text = Some(all.max_by_key(String::len)?);
        }
        let own = text.as_deref().map(Value::parse);
        self.members(own.and_then(Result::ok).unwrap_or(value), schema)
    }

    fn text(&mut self, text: &str, schema: Value<'_>) -> Option<String> {
        self.value(Value::parse(text).ok()?, schema)
    }

    fn members(&mut self, value: Value<'_>, schema: Value<'_>) -> Option<String> {
        let properties = schema.member("properties");
        let others = schema
            .member("additionalProperties")
            .filter(Value::is_object);
        let items = schema.member("items").filter(Value::is_object);
        let mut out = String::new();
        match value.kind {
            Kind::Object if properties.is_some() || others.is_some() => {
                for (key, member) in value.members() {
                    let own = properties.and_then(|all| all.member(&key.as_str()?));
                    let kept = match own.or(others) {
                        Some(schema) => self.value(member, schema),
                        None => plain(member),
                    };
                    if let Some(kept) = kept {
                        out.push(if out.is_empty() { '{' } else { ',' });
                        out += key.text;
                        out.push(':');
                        out += &kept;
                    }
                }
                out += if out.is_empty() { "{}" } else { "}" };
            }
            Kind::Array if items.is_some() => {
                for element in value.elements() {
                    out.push(if out.is_empty() { '[' } else { ',' });
                    out += &self.value(element, items?)?;
                }
                out += if out.is_empty() { "[]" } else { "]" };
            }
            _ => return plain(value),
        }
        Some(out)
    }
}

fn plain(value: Value<'_>) -> Option<String> {
    let mut out = vec![];
    compact(&mut out, value.text).ok()?;
    String::from_utf8(out).ok()
}

fn is(value: Value<'_>, kind: Value<'_>) -> bool {
    match &*kind.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.kind == Kind::Array,
        "string" => value.kind == Kind::String,
        "number" => value.kind == Kind::Number,
        "integer" => value.kind == Kind::Number && is_integer(value.text),
        "boolean" => value.kind == Kind::Bool,
        "null" => value.kind == Kind::Null,
        _ => true,
    }
}
