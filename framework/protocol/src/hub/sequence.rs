//! A hub that is a link itself, and has another one behind it: a saved sequence.

use crate::{
    catalog::Catalog,
    json::{self, Object, Value},
    types::types::Error,
};

use super::{Failure, error, text};

/// Before the cursors of the links behind.
const BEHIND: &str = "next:";

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The next link has it.
    Next,
    /// It is answered here, if it is about what is here; else, the next link has it.
    Own,
    /// Its own part of a list comes first, then that of the next link.
    List(&'static str),
    /// The next link answers, and its own capabilities are added.
    Capabilities,
}

impl Reach {
    pub fn of(method: &str) -> Reach {
        match method {
            "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => Reach::Own,
            "tools/list" => Reach::List("tools"),
            "prompts/list" => Reach::List("prompts"),
            "resources/list" => Reach::List("resources"),
            "resources/templates/list" => Reach::List("resourceTemplates"),
            "initialize" | "server/discover" => Reach::Capabilities,
            _ => Reach::Next,
        }
    }
}

/// The parameters for the next link, if a page of a list is one of those behind.
pub fn behind(params: &str) -> Option<String> {
    let cursor = Value::parse(params).ok()?.member("cursor")?.as_str()?;
    let cursor = cursor.strip_prefix(BEHIND)?;
    Some(with_cursor(params, Some(cursor)))
}

/// The parameters for the first page of the next link.
pub fn first(params: &str) -> String {
    with_cursor(params, None)
}

fn with_cursor(params: &str, cursor: Option<&str>) -> String {
    rebuilt(params, &["cursor"], |object| {
        object.optional("cursor", cursor)
    })
}

/// Whether this page of its own is the last one.
pub fn is_last(page: &str) -> bool {
    let page = Value::parse(page).ok();
    page.is_some_and(|page| page.member("nextCursor").is_none())
}

/// A page of the next link, as its clients see it.
pub fn page(page: &str) -> Result<String, Error> {
    let value = object(page)?;
    let cursor = cursor(&value)?;
    Ok(rebuilt(page, &["nextCursor"], |object| {
        object.optional("nextCursor", cursor.as_deref());
    }))
}

/// The last page of its own with the first one of the next link behind it.
pub fn joined(list: &'static str, own: &str, next: &str) -> Result<String, Error> {
    let (mine, theirs) = (object(own)?, object(next)?);
    let cursor = cursor(&theirs)?;
    let entries = theirs
        .member(list)
        .filter(|list| list.kind == json::Kind::Array);
    let entries = entries.ok_or_else(|| broken("what is not a list"))?;
    let mut all = b"[".to_vec();
    let own_entries = mine.member(list);
    let own_entries = own_entries.iter().flat_map(Value::elements);
    for (index, entry) in own_entries.chain(entries.elements()).enumerate() {
        if index > 0 {
            all.push(b',');
        }
        all.extend_from_slice(entry.text.as_bytes());
    }
    all.push(b']');
    let number = |value: &Value<'_>| {
        value
            .member("ttlMs")
            .and_then(|ttl| ttl.text.parse::<u64>().ok())
    };
    let ttl = mine.member("ttlMs").is_some().then(|| {
        // Whoever does not say how long is not kept.
        number(&mine).unwrap_or(0).min(number(&theirs).unwrap_or(0))
    });
    let private = |value: &Value<'_>| {
        !value
            .member("cacheScope")
            .is_some_and(|scope| scope.is_str("public"))
    };
    let scope =
        mine.member("cacheScope")
            .is_some()
            .then(|| match private(&mine) || private(&theirs) {
                true => "private",
                false => "public",
            });
    Ok(rebuilt(
        own,
        &[list, "nextCursor", "ttlMs", "cacheScope"],
        |object| {
            object.json(list, &all);
            object.optional("nextCursor", cursor.as_deref());
            if let Some(ttl) = ttl {
                object.json("ttlMs", ttl.to_string().as_bytes());
            }
            object.optional("cacheScope", scope);
        },
    ))
}

/// What the server can do, with what this part of it can.
pub fn capable(catalog: &Catalog<'_>, described: &str) -> Result<String, Error> {
    let value = object(described)?;
    let mine = [b"{\"a\":1", catalog.initialize(catalog.store().is_some())].concat();
    let mine = text(mine).map_err(|failure| error(&failure))?;
    let mine = object(&mine)?;
    let (mine, theirs) = (mine.member("capabilities"), value.member("capabilities"));
    let mut all = Vec::new();
    let mut object = Object::begin(&mut all);
    let theirs = theirs.iter().flat_map(Value::members);
    let known: Vec<_> = theirs.collect();
    for (key, capability) in &known {
        object
            .raw_key(*key)
            .extend_from_slice(capability.text.as_bytes());
    }
    for (key, capability) in mine.iter().flat_map(Value::members) {
        if !known
            .iter()
            .any(|(other, _)| other.as_str() == key.as_str())
        {
            object
                .raw_key(key)
                .extend_from_slice(capability.text.as_bytes());
        }
    }
    object.end();
    Ok(rebuilt(described, &["capabilities"], |object| {
        object.json("capabilities", &all);
    }))
}

/// The cursor of the next link, so that it comes back here.
fn cursor(page: &Value<'_>) -> Result<Option<String>, Error> {
    let Some(cursor) = page.member("nextCursor") else {
        return Ok(None);
    };
    let cursor = cursor
        .as_str()
        .ok_or_else(|| broken("a cursor that is no string"))?;
    Ok(Some(format!("{BEHIND}{cursor}")))
}

/// A JSON object without these members, and with what `more` adds.
fn rebuilt(from: &str, without: &[&str], more: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = Vec::with_capacity(from.len());
    let mut object = Object::begin(&mut out);
    let all = Value::parse(from).ok();
    for (key, value) in all.iter().flat_map(Value::members) {
        if !without.iter().any(|name| key.is_str(name)) {
            object.raw_key(key).extend_from_slice(value.text.as_bytes());
        }
    }
    more(&mut object);
    object.end();
    String::from_utf8(out).unwrap_or_default()
}

fn object(text: &str) -> Result<Value<'_>, Error> {
    let value = Value::parse(text).ok().filter(Value::is_object);
    value.ok_or_else(|| broken("what is not a JSON object"))
}

fn broken(what: &str) -> Error {
    error(&Failure::internal(format!(
        "the next link answered with {what}"
    )))
}

#[cfg(test)]
mod tests;
