//! The names of tools.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};
use sha2::{Digest as _, Sha256};
use spin_mcp_protocol::schema::check_tool_name;

use crate::operation::Operation;

/// A name for each operation of at most `most` characters. Of operations with the same name, the
/// first in the document keeps it; what the others get depends on themselves alone.
pub fn names(
    operations: &[&Operation<'_>],
    given: &[(String, String)],
    most: usize,
) -> Result<Vec<String>> {
    let given: HashMap<_, _> = given.iter().map(|(of, name)| (of.as_str(), name)).collect();
    let mut taken = HashSet::new();
    let mut names = vec![None; operations.len()];
    for (index, operation) in operations.iter().enumerate() {
        let place = operation.place();
        let by_id = operation.id.and_then(|id| given.get(id));
        let Some(name) = by_id.or(given.get(place.as_str())) else {
            continue;
        };
        if let Err(problem) = check_tool_name(name) {
            anyhow::bail!(
                "`names` gives `{}` the name `{name}`: {problem}",
                operation.shown()
            );
        }
        ensure!(
            taken.insert((*name).clone()),
            "`names` gives two operations the name `{name}`"
        );
        names[index] = Some((*name).clone());
    }
    for (index, operation) in operations.iter().enumerate() {
        if names[index].is_some() {
            continue;
        }
        let place = operation.place();
        let plain = plain(operation.id.filter(|id| !id.is_empty()).unwrap_or(&place));
        let mut name = match plain.len() <= most && !plain.is_empty() {
            true => plain.clone(),
            false => marked(&plain, &place, most),
        };
        if taken.contains(&name) {
            name = marked(&plain, &place, most);
        }
        ensure!(
            taken.insert(name.clone()),
            "two operations get the name `{name}`; give one of them another name in `names`"
        );
        names[index] = Some(name);
    }
    Ok(names.into_iter().flatten().collect())
}

/// What all clients take: letters, digits, `_` and `-`.
fn plain(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = text.split(|c| !allowed(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// A name with a mark that belongs to its operation.
fn marked(name: &str, place: &str, most: usize) -> String {
    let mark = Sha256::digest(place);
    let mark: String = mark[..3].iter().map(|byte| format!("{byte:02x}")).collect();
    let start = &name[..name.len().min(most.saturating_sub(mark.len() + 1))];
    match start {
        "" => mark,
        start => format!("{}_{mark}", start.trim_end_matches('_')),
    }
}
