//! The filter of a `subscriptions/listen` request
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#notification-filter).

use std::iter;

use crate::wire::{
    failure::Failure,
    json::{Kind, Reader, Value},
};

/// The most resources that a listener or a session may watch.
pub const MOST_RESOURCES: usize = 256;
/// The most tasks that a listener may watch.
pub const MOST_TASKS: usize = 64;
/// The longest URI or task id that can be watched, in bytes.
pub const LONGEST_NAME: usize = 2048;

/// The changes that a server can report. All others are removed from every listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Changes of the list of tools.
    pub tools: bool,
    /// Changes of the list of prompts.
    pub prompts: bool,
    /// Changes of the lists of resources and of their templates.
    pub resources: bool,
    /// Changes of single resources.
    pub updates: bool,
    /// Changes of tasks.
    pub tasks: bool,
}

/// A filter, without repetitions.
#[derive(Debug, Default, PartialEq)]
pub struct Filter {
    pub tools: bool,
    pub prompts: bool,
    pub resources: bool,
    pub uris: Vec<String>,
    pub tasks: Vec<String>,
}

/// Reads a filter. Unknown members belong to extensions and are ignored.
pub fn read(notifications: Option<Value<'_>>) -> Result<Filter, Failure> {
    let Some(notifications) = notifications else {
        return Err(Failure::malformed_params("`notifications` is missing"));
    };
    if !notifications.is_object() {
        return Err(Failure::malformed_params(
            "`notifications` is not an object",
        ));
    }
    const KNOWN: [&str; 5] = [
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
        "resourceSubscriptions",
        "taskIds",
    ];
    let mut filter = Filter::default();
    let mut seen = [false; KNOWN.len()];
    for (key, value) in notifications.members() {
        let Some(index) = KNOWN.iter().position(|name| key.is_str(name)) else {
            continue;
        };
        let name = KNOWN[index];
        if std::mem::replace(&mut seen[index], true) {
            return Err(malformed(name, "occurs twice"));
        }
        match name {
            "toolsListChanged" => filter.tools = flag(name, value)?,
            "promptsListChanged" => filter.prompts = flag(name, value)?,
            "resourcesListChanged" => filter.resources = flag(name, value)?,
            "resourceSubscriptions" => filter.uris = strings(name, value, MOST_RESOURCES)?,
            _ => filter.tasks = strings(name, value, MOST_TASKS)?,
        }
    }
    Ok(filter)
}

/// The resources and the tasks that a filter names; none if it is malformed.
pub fn named(notifications: Option<Value<'_>>) -> (Vec<String>, Vec<String>) {
    let filter = read(notifications).unwrap_or_default();
    (filter.uris, filter.tasks)
}

fn malformed(name: &str, what: &str) -> Failure {
    Failure::malformed_params(format!("`notifications.{name}` {what}"))
}

fn flag(name: &str, value: Value<'_>) -> Result<bool, Failure> {
    match value.kind {
        Kind::Bool => Ok(value.text == "true"),
        _ => Err(malformed(name, "is not a boolean")),
    }
}

fn strings(name: &str, value: Value<'_>, most: usize) -> Result<Vec<String>, Failure> {
    if value.kind != Kind::Array {
        return Err(malformed(name, "is not an array of strings"));
    }
    let mut strings: Vec<String> = Vec::new();
    for (index, item) in items(value).enumerate() {
        if index == most {
            return Err(malformed(
                name,
                &format!("has more than {most} items; listen for the others by another request"),
            ));
        }
        let Some(item) = item.as_str() else {
            return Err(malformed(name, "is not an array of strings"));
        };
        if item.len() > LONGEST_NAME {
            return Err(malformed(
                name,
                &format!("has an item of more than {LONGEST_NAME} bytes"),
            ));
        }
        if !strings.iter().any(|known| *known == item) {
            strings.push(item.into_owned());
        }
    }
    Ok(strings)
}

/// The items of a well-formed array.
fn items(array: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let mut rest = &array.text[1..array.text.len() - 1];
    iter::from_fn(move || {
        let mut reader = Reader::new(rest);
        let item = reader.value().ok()?;
        let after = rest[reader.position()..].trim_ascii_start();
        rest = after.strip_prefix(',').unwrap_or(after);
        Some(item)
    })
}
