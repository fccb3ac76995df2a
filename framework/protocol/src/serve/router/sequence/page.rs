//! Pages of a list that continues in the next component.

use std::collections::BTreeSet;

use super::result::{broken, copy, read, whole};
use crate::{
    call::caller,
    catalog::{Catalog, ListKind, stricter},
    wire::{
        failure::Failure,
        json::{Kind, Object, Value},
        message::Params,
        types::types::{CacheHint, CacheScope},
    },
};

/// The prefix of cursors for the next component. A router's own cursors have no colon.
const BEHIND: &str = "next:";

/// The parameters for the next component, if the cursor is one of its own.
pub fn behind(params: &str) -> Option<String> {
    let parsed = Params::parse(params).ok()?;
    caller::check_params(&parsed).ok()?;
    let cursor = parsed.cursor?.as_str()?;
    Some(with_cursor(params, Some(cursor.strip_prefix(BEHIND)?)))
}

/// The parameters for the first page of the next component.
pub fn first(params: &str) -> String {
    with_cursor(params, None)
}

fn with_cursor(params: &str, cursor: Option<&str>) -> String {
    let mut out = Vec::with_capacity(params.len());
    let mut object = Object::begin(&mut out);
    let parsed = Value::parse(params).ok();
    parsed
        .iter()
        .for_each(|params| copy(&mut object, params, &["cursor"]));
    object.optional("cursor", cursor);
    object.end();
    String::from_utf8(out).unwrap_or_default()
}

/// Whether this is the last page of this sequence.
pub fn is_last(page: &str) -> bool {
    let page = Value::parse(page).ok();
    page.is_some_and(|page| page.member("nextCursor").is_none())
}

/// A page of the next component, after the last page of this sequence if there is one. `hides`:
/// without entries whose names this sequence has.
pub fn listed(
    catalog: &Catalog<'_>,
    kind: ListKind,
    own: Option<&str>,
    next: &str,
    hides: bool,
) -> Result<String, Failure> {
    let method = kind.method();
    let theirs = read(method, next)?;
    let mine = own.and_then(|own| Value::parse(own).ok());
    let cursor = cursor(method, &theirs)?;
    let list = theirs.member(kind.member());
    let list = list.filter(|list| list.kind == Kind::Array);
    let list = list.ok_or_else(|| broken(method, "something that is not a list"))?;
    let own_list = mine.and_then(|mine| mine.member(kind.member()));
    let own_entries: Vec<_> = own_list.iter().flat_map(Value::elements).collect();
    let name = |entry: &Value<'_>| Some(entry.member(kind.key())?.as_str()?.into_owned());
    let names: BTreeSet<_> = own_entries.iter().filter_map(name).collect();
    let is_hidden = |name: String| names.contains(&name) || catalog.has(kind, &name);
    let behind = list
        .elements()
        .filter(|entry| !hides || !name(entry).is_some_and(is_hidden));

    let mut out = Vec::with_capacity(next.len() + own.map_or(0, str::len) + 64);
    let mut object = Object::begin(&mut out);
    let made = [kind.member(), "nextCursor", "ttlMs", "cacheScope"];
    match &mine {
        Some(mine) => copy(&mut object, mine, &made),
        None => copy(&mut object, &theirs, &made[..2]),
    }
    let entries = object.key(kind.member());
    entries.push(b'[');
    for (index, entry) in own_entries.iter().copied().chain(behind).enumerate() {
        if index > 0 {
            entries.push(b',');
        }
        entries.extend_from_slice(entry.text.as_bytes());
    }
    entries.push(b']');
    object.optional("nextCursor", cursor.as_deref());
    // Older clients do not know cache hints.
    if let Some(mine) = mine.filter(|mine| mine.member("ttlMs").is_some()) {
        let hint = stricter(hint(&mine), hint(&theirs));
        object.json("ttlMs", hint.ttl_ms.to_string().as_bytes());
        let public = matches!(hint.scope, CacheScope::Public);
        object.string("cacheScope", if public { "public" } else { "private" });
    }
    object.end();
    whole(method, out)
}

/// The cache hint of a page. Without one: do not cache.
fn hint(page: &Value<'_>) -> CacheHint {
    let ttl = page.member("ttlMs").and_then(|ttl| ttl.text.parse().ok());
    let scope = page.member("cacheScope");
    CacheHint {
        ttl_ms: ttl.unwrap_or(0),
        scope: match scope.is_some_and(|scope| scope.is_str("public")) {
            true => CacheScope::Public,
            false => CacheScope::Private,
        },
    }
}

/// The cursor of the next component, with the prefix that leads back to it.
fn cursor(method: &str, page: &Value<'_>) -> Result<Option<String>, Failure> {
    let Some(cursor) = page.member("nextCursor") else {
        return Ok(None);
    };
    let cursor = cursor.as_str();
    let cursor = cursor.ok_or_else(|| broken(method, "a cursor that is not a string"))?;
    Ok(Some(format!("{BEHIND}{cursor}")))
}
