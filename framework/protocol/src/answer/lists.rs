//! Pages of lists to which dynamic features contribute.

use super::response;
use crate::{
    call::{
        Call, CallResponse, CallStep, Listed, Look, access,
        listing::{self, LONGEST_CURSOR, Listing},
        mirrored,
        target::Target,
    },
    catalog::{BuildError, Catalog, check, entries_on_a_page, stricter},
    state::services::Services,
    wire::{failure::Failure, types::types::Error},
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
    let context = (&call.catalog, !call.client.version.is_modern());
    let Target::List(listing) = &mut call.target else {
        return CallStep::Done(
            call.fail(&Failure::internal("a list arrived that was not asked for")),
        );
    };
    if let Err(problem) = listing.add(listed, (name, prefix), context, services) {
        let failure = Failure::internal(format!("feature `{name}` {problem}"));
        return CallStep::Done(call.fail(&failure));
    }
    listing.calls += 1;
    // A page ends with the feature's page that brings it to this many entries of dynamic features.
    let full =
        listing.names.len() >= entries_on_a_page(listing.kind) || listing.calls >= MOST_CALLS;
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

/// Compares the headers of a request with the arguments, once the feature has listed the tool.
pub fn compare(call: &mut Call<'_>, look: Look, listed: Result<Listed, Error>) -> CallStep {
    let list = match listed {
        Ok(Listed::Tools(list)) => list,
        Ok(_) => return CallStep::Invoke,
        Err(error) => return CallStep::Done(response::of_feature(call, &error)),
    };
    let name = call.target.name().strip_prefix(call.prefix());
    let tool = list.tools.iter().find(|tool| Some(&*tool.name) == name);
    match tool {
        Some(tool) => {
            // Clients do not see a tool whose schema is not valid.
            let rules = check::mirrored(tool).unwrap_or_default();
            let checked = rules.iter().try_for_each(|rule| {
                let path = rule.path.iter().map(String::as_str);
                mirrored::check(call.headers(), &rule.name(), path, call.argument_object())
            });
            match checked {
                Ok(()) => CallStep::Invoke,
                Err(failure) => CallStep::Done(call.fail(&failure)),
            }
        }
        None if list.next_cursor.is_some() && look.pages + 1 < MOST_CALLS => {
            call.look = Some(Look {
                cursor: list.next_cursor,
                pages: look.pages + 1,
            });
            CallStep::Invoke
        }
        // Features need not list every tool.
        None => CallStep::Invoke,
    }
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
    /// Adds a page of a feature, without the entries that clients refuse: some clients throw away
    /// the whole list because of one.
    fn add<S: Services>(
        &mut self,
        listed: Listed,
        (feature, prefix): (&str, &str),
        (catalog, legacy): (&Catalog<'_>, bool),
        services: &mut S,
    ) -> Result<(), String> {
        let (kind, default) = (self.kind, catalog.cache());
        let mut put = |name: String, written: Result<Vec<u8>, BuildError>| {
            let is_new = !catalog.has(kind, &name) && !self.names.contains(&name);
            let written = written.and_then(|entry| match is_new {
                true => Ok(entry),
                false => Err(BuildError::Extra {
                    kind,
                    feature: feature.to_owned(),
                    name: name.clone(),
                    problem: "a name that the list has already".to_owned(),
                }),
            });
            match written {
                Ok(entry) => {
                    if !self.entries.is_empty() {
                        self.entries.push(b',');
                    }
                    self.entries.extend_from_slice(&entry);
                    self.names.insert(name);
                }
                Err(problem) => services.log(&format!("error: left out of the list: {problem}")),
            }
        };
        let (next, hint, length) = match listed {
            Listed::Tools(list) => {
                for tool in &list.tools {
                    let name = format!("{prefix}{}", tool.name);
                    let written = check::tool(feature, tool, &name)
                        .and_then(|_| check::written_tool(feature, tool, &name, legacy));
                    put(name, written);
                }
                (list.next_cursor, list.cache, list.tools.len())
            }
            Listed::Resources(list) => {
                for resource in &list.resources {
                    put(resource.uri.clone(), check::resource(feature, resource));
                }
                (list.next_cursor, list.cache, list.resources.len())
            }
            Listed::ResourceTemplates(list) => {
                for template in &list.resource_templates {
                    let written = check::template(feature, template);
                    put(template.uri_template.clone(), written);
                }
                (list.next_cursor, list.cache, list.resource_templates.len())
            }
            Listed::Prompts(list) => {
                for prompt in &list.prompts {
                    let name = format!("{prefix}{}", prompt.name);
                    let written = check::prompt(feature, prompt, &name);
                    put(name, written);
                }
                (list.next_cursor, list.cache, list.prompts.len())
            }
        };
        if let Some(cursor) = &next {
            if cursor.is_empty() || cursor.len() > LONGEST_CURSOR {
                return Err(format!(
                    "gave a cursor of {} bytes; it may have 1 to {LONGEST_CURSOR}",
                    cursor.len()
                ));
            }
            if length == 0 {
                return Err("gave an empty page with a cursor, so its list might never end".into());
            }
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
