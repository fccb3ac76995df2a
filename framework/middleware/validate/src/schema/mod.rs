//! JSON Schema as a check of values: as much of it as the schemas of tools use
//! (https://json-schema.org/draft/2020-12/json-schema-validation).
//!
//! A schema is not compiled before it is used, since many instances check one value in their life.
//! Unsupported keywords (`unevaluated…`, `$dynamicRef`, formats, patterns with lookaround) allow
//! everything: no value is refused that the schema allows. A reference that leads nowhere, or to
//! another document, is a fault of the schema.

mod containers;
mod plain;

use std::fmt;

use serde_json::{Map, Value};

/// The most steps of a check. Applying a schema to a value is a step, and so is each character that a
/// pattern looks at.
const MOST_STEPS: usize = 200_000;
/// How deep schemas may be nested while they are applied: a reference to itself would not end.
const MOST_DEPTH: usize = 128;

#[derive(Debug)]
pub enum Fault {
    Invalid(Problem),
    /// The check takes too many steps.
    Complex,
    /// Nothing in the schema has the name of this reference.
    Unresolved(String),
}

/// What does not fit, and why.
#[derive(Debug)]
pub struct Problem {
    /// Such as `items[2].name`; empty for the whole value.
    path: String,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

type Outcome = Result<(), Fault>;

/// Checks whether a value fits.
pub fn check(schema: &Value, value: &Value) -> Outcome {
    let dialect = schema.get("$schema").and_then(Value::as_str);
    let checker = Checker {
        root: schema,
        // Draft 7 and older treat `$ref` differently, for instance.
        old: dialect.is_some_and(|dialect| dialect.contains("/draft-0")),
        steps: 0.into(),
    };
    checker.check(schema, value, &At::Root, 0)
}

struct Checker<'s> {
    root: &'s Value,
    old: bool,
    steps: std::cell::Cell<usize>,
}

/// A place in the value that is checked.
enum At<'a> {
    Root,
    Member(&'a At<'a>, &'a str),
    Element(&'a At<'a>, usize),
}

impl At<'_> {
    fn path(&self) -> String {
        match self {
            At::Root => String::new(),
            At::Member(At::Root, name) => (*name).to_owned(),
            At::Member(of, name) => format!("{}.{name}", of.path()),
            At::Element(of, index) => format!("{}[{index}]", of.path()),
        }
    }

    fn invalid(&self, what: impl Into<String>) -> Outcome {
        Err(Fault::Invalid(Problem {
            path: self.path(),
            what: what.into(),
        }))
    }
}

impl<'s> Checker<'s> {
    fn step(&self, count: usize) -> Outcome {
        let steps = self.steps.get().saturating_add(count);
        self.steps.set(steps);
        match steps > MOST_STEPS {
            true => Err(Fault::Complex),
            false => Ok(()),
        }
    }

    fn check(&self, schema: &'s Value, value: &Value, at: &At<'_>, depth: usize) -> Outcome {
        self.step(1)?;
        if depth > MOST_DEPTH {
            return Err(Fault::Complex);
        }
        let schema = match schema {
            Value::Bool(false) => return at.invalid("there must be nothing here"),
            Value::Object(schema) => schema,
            _ => return Ok(()),
        };
        // References within it do not refer to this document.
        if schema.contains_key("$id") && !self.is_root(schema) {
            return Ok(());
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            match self.resolve(target) {
                Some(target) => self.check(target, value, at, depth + 1)?,
                None => return Err(Fault::Unresolved(target.to_owned())),
            }
            if self.old {
                return Ok(());
            }
        }
        self.check_plain(schema, value, at)?;
        self.check_array(schema, value, at, depth)?;
        self.check_object(schema, value, at, depth)?;
        self.check_combined(schema, value, at, depth)
    }

    fn is_root(&self, schema: &Map<String, Value>) -> bool {
        self.root
            .as_object()
            .is_some_and(|root| std::ptr::eq(root, schema))
    }

    /// The schema that a reference within this document names.
    fn resolve(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&unescape(fragment));
        }
        let definitions = ["$defs", "definitions"]
            .iter()
            .filter_map(|key| self.root.get(key));
        let mut schemas = definitions
            .filter_map(Value::as_object)
            .flat_map(Map::values);
        schemas.find(|schema| schema.get("$anchor").and_then(Value::as_str) == Some(fragment))
    }

    fn check_combined(
        &self,
        schema: &'s Map<String, Value>,
        value: &Value,
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let all = |key| schema.get(key).and_then(Value::as_array).map(Vec::as_slice);
        for each in all("allOf").unwrap_or_default() {
            self.check(each, value, at, depth + 1)?;
        }
        if let Some(alternatives) = all("anyOf") {
            let (fitting, problems) = self.alternatives(alternatives, value, at, depth)?;
            if fitting == 0 {
                return at.invalid(problems);
            }
        }
        if let Some(alternatives) = all("oneOf") {
            let (fitting, problems) = self.alternatives(alternatives, value, at, depth)?;
            match fitting {
                0 => return at.invalid(problems),
                1 => {}
                _ => {
                    return at.invalid(format!(
                        "matches {fitting} alternatives, but must match exactly one"
                    ));
                }
            }
        }
        if let Some(other) = schema.get("not")
            && self.fits(other, value, at, depth)?
        {
            return at.invalid("is what the schema excludes");
        }
        if let Some(condition) = schema.get("if") {
            let then = match self.fits(condition, value, at, depth)? {
                true => schema.get("then"),
                false => schema.get("else"),
            };
            if let Some(then) = then {
                self.check(then, value, at, depth + 1)?;
            }
        }
        Ok(())
    }

    fn fits(
        &self,
        schema: &'s Value,
        value: &Value,
        at: &At<'_>,
        depth: usize,
    ) -> Result<bool, Fault> {
        match self.check(schema, value, at, depth + 1) {
            Ok(()) => Ok(true),
            Err(Fault::Invalid(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// How many schemas fit, and why the first few do not.
    fn alternatives(
        &self,
        schemas: &'s [Value],
        value: &Value,
        at: &At<'_>,
        depth: usize,
    ) -> Result<(usize, String), Fault> {
        const TOLD: usize = 3;
        let here = at.path();
        let mut fitting = 0;
        let mut problems: Vec<String> = Vec::new();
        for schema in schemas {
            match self.check(schema, value, at, depth + 1) {
                Ok(()) => fitting += 1,
                Err(Fault::Invalid(problem)) if problems.len() < TOLD => {
                    let what = match problem.path == here {
                        true => problem.what,
                        false => problem.to_string(),
                    };
                    if !problems.contains(&what) {
                        problems.push(what);
                    }
                }
                Err(Fault::Invalid(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok((fitting, problems.join("; or ")))
    }
}

/// A JSON pointer without the escapes of URIs.
fn unescape(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = (first == b'%').then(|| after.get(..2)).flatten();
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
