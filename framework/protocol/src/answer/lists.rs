//! Pages of lists to which dynamic features contribute.

use super::response;
use crate::{
    call::{
        Call, CallResponse, CallStep, Listed, access,
        listing::{self, LONGEST_CURSOR, Listing},
        target::Target,
    },
    catalog::{
        entries_on_a_page, stricter,
        written::{prompt_json, resource_json, template_json, tool_json},
    },
    state::services::Services,
    wire::{
        failure::Failure,
        types::types::{CacheHint, Error},
    },
};

/// How many calls one page may take: each may return no entry.
const MOST_CALLS: usize = 32;

/// Continues with a page of a feature.
pub fn settle<S: Services>(
    call: &mut Call<'_>,
    outcome: Result<Listed, Error>,
    services: &mut S,
) -> CallStep {
    let listed = match outcome {
        Ok(listed) => listed,
        Err(error) => {
            let failure = Failure::of_feature(&error, call.client.version);
            return CallStep::Done(call.fail(&failure));
        }
    };
    let slot = call.slot();
    let feature = call.catalog.slot(slot);
    let (name, prefix) = feature.map_or(("", ""), |slot| (slot.name, slot.prefix));
    let legacy = !call.client.version.is_modern();
    let default = call.catalog.cache();
    let Target::List(listing) = &mut call.target else {
        return CallStep::Done(
            call.fail(&Failure::internal("a list arrived that was not asked for")),
        );
    };
    if let Err(problem) = listing.add(listed, prefix, legacy, default) {
        let failure = Failure::internal(format!("feature `{name}` {problem}"));
        return CallStep::Done(call.fail(&failure));
    }
    listing.calls += 1;
    // A page ends with the feature's page that brings it to this many entries of dynamic features.
    let full = listing.count >= entries_on_a_page(listing.kind) || listing.calls >= MOST_CALLS;
    let more = listing.cursor.is_some();
    if !full && (more || call.advance()) {
        return CallStep::Invoke;
    }
    let next = match (more, full) {
        (true, _) => Some(slot),
        (false, true) => call.advance().then(|| call.slot()),
        (false, false) => None,
    };
    if S::AUTH
        && let Err(failure) = show(call, services)
    {
        return CallStep::Done(call.fail(&failure));
    }
    CallStep::Done(respond(call, next))
}

/// Removes what the client may not see.
fn show<S: Services>(call: &mut Call<'_>, services: &mut S) -> Result<(), Failure> {
    let Target::List(listing) = &mut call.target else {
        return Ok(());
    };
    let list = String::from_utf8([b"[", &*listing.entries, b"]"].concat()).unwrap_or_default();
    let client = (&call.client, "{}");
    let seen = access::visible(&call.catalog, listing.kind, client, &list, services)?;
    if let Some(seen) = seen {
        listing.entries = seen[1..seen.len() - 1].to_vec();
    }
    Ok(())
}

impl Listing {
    fn add(
        &mut self,
        listed: Listed,
        prefix: &str,
        legacy: bool,
        default: CacheHint,
    ) -> Result<(), String> {
        let empty = |what: &str| format!("lists a tool with {what} that is not a JSON object");
        let mut entries = Vec::new();
        let (next, hint) = match listed {
            Listed::Tools(list) => {
                for tool in &list.tools {
                    let name = format!("{prefix}{}", tool.name);
                    entries.push(tool_json(tool, &name, legacy).map_err(empty)?);
                }
                (list.next_cursor, list.cache)
            }
            Listed::Resources(list) => {
                entries.extend(list.resources.iter().map(resource_json));
                (list.next_cursor, list.cache)
            }
            Listed::ResourceTemplates(list) => {
                entries.extend(list.resource_templates.iter().map(template_json));
                (list.next_cursor, list.cache)
            }
            Listed::Prompts(list) => {
                for prompt in &list.prompts {
                    entries.push(prompt_json(prompt, &format!("{prefix}{}", prompt.name)));
                }
                (list.next_cursor, list.cache)
            }
        };
        if let Some(cursor) = &next {
            if cursor.is_empty() || cursor.len() > LONGEST_CURSOR {
                return Err(format!(
                    "gave a cursor of {} bytes; it may have 1 to {LONGEST_CURSOR}",
                    cursor.len()
                ));
            }
            if entries.is_empty() {
                return Err("gave an empty page with a cursor, so its list might never end".into());
            }
        }
        self.count += entries.len();
        for entry in entries {
            if !self.entries.is_empty() {
                self.entries.push(b',');
            }
            self.entries.extend_from_slice(&entry);
        }
        self.cursor = next;
        self.hint = stricter(self.hint, hint.unwrap_or(default));
        Ok(())
    }
}

/// Writes the page, and the cursor of the next one.
fn respond(call: &Call<'_>, next: Option<usize>) -> CallResponse {
    let Target::List(listing) = &call.target else {
        return call.fail(&Failure::internal("a list arrived that was not asked for"));
    };
    let modern = call.client.version.is_modern();
    response::respond(call, listing.entries.len() + 64, |out| {
        out.extend_from_slice(if modern {
            b"{\"resultType\":\"complete\",\""
        } else {
            b"{\""
        });
        out.extend_from_slice(listing.kind.member().as_bytes());
        out.extend_from_slice(b"\":[");
        out.extend_from_slice(&listing.entries);
        out.push(b']');
        if let Some(slot) = next {
            out.extend_from_slice(b",\"nextCursor\":\"");
            out.extend_from_slice(
                listing::write_cursor(slot, listing.cursor.as_deref()).as_bytes(),
            );
            out.push(b'"');
        }
        if modern {
            out.extend_from_slice(&call.catalog.list_end_with(listing.hint));
        } else {
            out.push(b'}');
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
