//! What follows the tables of a catalog: who may send requests.

use std::cmp::Reverse;

use super::{
    error::BuildError,
    input::ServerInput,
    writer::{Table, Writer},
};
use crate::{
    catalog::{
        access::{StdioCaller, Unmet},
        flags::Flags,
        layout::{TEXT, access, need},
    },
    wire::pattern,
};

/// The flags that say what follows.
pub fn flags(server: &ServerInput) -> Flags {
    let mut flags = Flags::default();
    if server.access.is_some() {
        flags = flags.with(Flags::ACCESS);
    }
    if !server.request_headers.is_empty() {
        flags = flags.with(Flags::HEADERS);
    }
    flags
}

/// The record without its tables, and the tables.
type Written = (Vec<u32>, Vec<Table>);

pub fn write(server: &ServerInput, writer: &mut Writer) -> Result<Option<Written>, BuildError> {
    if flags(server) == Flags::default() {
        return Ok(None);
    }
    let access = server.access.clone().unwrap_or_default();
    let mut record = vec![access::MARK];
    for text in [&access.resource, &access.documentation] {
        writer.text(&mut record, text.as_deref().unwrap_or_default().as_bytes());
    }
    let options = [
        (access.anonymous, access::ANONYMOUS),
        (access.unmet == Unmet::Hide, access::HIDE),
        (
            access.stdio == StdioCaller::Environment,
            access::ENVIRONMENT,
        ),
        (access.root_metadata, access::ROOT_METADATA),
        (access.policy, access::POLICY),
        (access.app_variables, access::APP_VARIABLES),
    ];
    let options = options.into_iter().filter(|(is_set, _)| *is_set);
    record.push(options.fold(0, |all, (_, option)| all | option));
    let mut needs = access.needs;
    needs.sort_by_cached_key(|need| {
        let rank = Reverse(pattern::specificity(&need.pattern));
        (need.kind, rank, need.pattern.clone())
    });
    for pair in needs.windows(2) {
        if (pair[0].kind, &pair[0].pattern) == (pair[1].kind, &pair[1].pattern) {
            let pattern = pair[0].pattern.clone();
            return Err(BuildError::DuplicateNeed { pattern });
        }
    }
    let mut texts = |table: &mut Vec<u32>, list: &[String]| {
        list.iter()
            .for_each(|text| writer.text(table, text.as_bytes()));
    };
    let (mut scopes, mut headers, mut request_headers) = (Vec::new(), Vec::new(), Vec::new());
    texts(&mut scopes, &access.scopes);
    texts(&mut headers, &access.headers);
    texts(&mut request_headers, &server.request_headers);
    let (mut records, mut need_scopes) = (Vec::new(), Vec::new());
    for need in &needs {
        records.push(need.kind as u32);
        texts(&mut records, std::slice::from_ref(&need.pattern));
        let first = need_scopes.len() / 2;
        records.extend([first as u32, need.scopes.len() as u32]);
        texts(&mut need_scopes, &need.scopes);
    }
    let tables = vec![
        (scopes, TEXT),
        (headers, TEXT),
        (records, need::SIZE),
        (need_scopes, TEXT),
        (request_headers, TEXT),
    ];
    Ok(Some((record, tables)))
}
