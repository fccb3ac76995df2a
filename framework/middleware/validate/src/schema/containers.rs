//! What a schema requires of the elements of an array and of the members of an object.

use serde_json::{Map, Value};

use super::{
    At, Checker, Outcome,
    plain::{equal, limits},
};

/// This many comparisons of two elements are one step.
const COMPARISONS: usize = 64;

type Schema = Map<String, Value>;

impl<'s> Checker<'s> {
    pub(super) fn check_array(
        &self,
        schema: &'s Schema,
        value: &Value,
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let Value::Array(elements) = value else {
            return Ok(());
        };
        let count = elements.len();
        if let Some((most, least)) = limits(schema, "maxItems", "minItems") {
            if count > most {
                return at.invalid(format!("has {count} elements, and may have {most}"));
            }
            if count < least {
                return at.invalid(format!("has {count} elements, and must have {least}"));
            }
        }
        // Older drafts call this list `items`.
        let (first, others) = match schema.get("items") {
            Some(Value::Array(first)) => (Some(first), schema.get("additionalItems")),
            items => {
                let first = schema.get("prefixItems").filter(|_| !self.old);
                (first.and_then(Value::as_array), items)
            }
        };
        let first = first.map(Vec::as_slice).unwrap_or_default();
        for (index, element) in elements.iter().enumerate() {
            if let Some(schema) = first.get(index).or(others) {
                self.check(schema, element, &At::Element(at, index), depth + 1)?;
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (index, element) in elements.iter().enumerate() {
                self.step(1 + index / COMPARISONS)?;
                if elements[..index].iter().any(|other| equal(other, element)) {
                    return At::Element(at, index).invalid("is there before, too");
                }
            }
        }
        self.check_contains(schema, elements, at, depth)
    }

    fn check_contains(
        &self,
        schema: &'s Schema,
        elements: &[Value],
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let Some(contained) = schema.get("contains") else {
            return Ok(());
        };
        let limits = limits(schema, "maxContains", "minContains").filter(|_| !self.old);
        let (most, least) = limits.unwrap_or((usize::MAX, 1));
        let least = match schema.contains_key("minContains") {
            true => least,
            false => 1,
        };
        let mut count = 0;
        for (index, element) in elements.iter().enumerate() {
            count += usize::from(self.fits(contained, element, &At::Element(at, index), depth)?);
        }
        if count < least {
            return at.invalid(format!(
                "has {count} elements that match `contains`; at least {least} are required"
            ));
        }
        if count > most {
            return at.invalid(format!(
                "has {count} elements that match `contains`; at most {most} are allowed"
            ));
        }
        Ok(())
    }

    pub(super) fn check_object(
        &self,
        schema: &'s Schema,
        value: &Value,
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let Value::Object(members) = value else {
            return Ok(());
        };
        let count = members.len();
        if let Some((most, least)) = limits(schema, "maxProperties", "minProperties") {
            if count > most {
                return at.invalid(format!("has {count} members, and may have {most}"));
            }
            if count < least {
                return at.invalid(format!("has {count} members, and must have {least}"));
            }
        }
        if let Some(required) = schema.get("required") {
            requires(required, members, at)?;
        }
        self.check_members(schema, members, at, depth)?;
        self.check_dependents(schema, value, members, at, depth)
    }

    fn check_members(
        &self,
        schema: &'s Schema,
        members: &Map<String, Value>,
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (name, member) in members {
            let at = At::Member(at, name);
            if let Some(names) = schema.get("propertyNames") {
                self.check(names, &name.as_str().into(), &at, depth + 1)?;
            }
            let mut known = false;
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                known = true;
                self.check(schema, member, &at, depth + 1)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                match self.matches(pattern, name)? {
                    Some(true) => self.check(schema, member, &at, depth + 1)?,
                    Some(false) => continue,
                    // The pattern may match this member.
                    None => {}
                }
                known = true;
            }
            match others {
                _ if known => {}
                Some(Value::Bool(false)) => {
                    let names = properties.into_iter().flat_map(Map::keys).take(20);
                    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                    return at.invalid(match names.is_empty() {
                        true => "there is no such member".to_owned(),
                        false => format!("there is no such member; there are {}", names.join(", ")),
                    });
                }
                Some(schema) => self.check(schema, member, &at, depth + 1)?,
                None => {}
            }
        }
        Ok(())
    }

    fn check_dependents(
        &self,
        schema: &'s Schema,
        value: &Value,
        members: &Map<String, Value>,
        at: &At<'_>,
        depth: usize,
    ) -> Outcome {
        let keys: &[&str] = match self.old {
            true => &["dependencies"],
            false => &["dependentRequired", "dependentSchemas"],
        };
        for dependents in keys.iter().filter_map(|key| schema.get(*key)?.as_object()) {
            for (_, dependent) in dependents
                .iter()
                .filter(|(name, _)| members.contains_key(*name))
            {
                match dependent {
                    Value::Array(_) => requires(dependent, members, at)?,
                    schema => self.check(schema, value, at, depth + 1)?,
                }
            }
        }
        Ok(())
    }
}

fn requires(names: &Value, members: &Map<String, Value>, at: &At<'_>) -> Outcome {
    let names = names
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let missing: Vec<String> = names
        .filter(|name| !members.contains_key(*name))
        .map(|name| format!("`{name}`"))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => at.invalid(format!("{} is missing", missing.join(", "))),
    }
}
