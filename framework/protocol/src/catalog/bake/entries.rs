//! The entries of any list.

use std::collections::HashMap;

use super::{error::BuildError, input::FeatureInput};
use crate::catalog::{list_kind::ListKind, written::object};

/// The entries of one list, while they are added.
pub struct Entries<'a> {
    pub kind: ListKind,
    /// The names that clients know.
    names: Vec<String>,
    /// The feature of each name.
    owners: HashMap<String, &'a str>,
    /// JSON, for modern and for legacy clients.
    pub json: Vec<(Vec<u8>, Vec<u8>)>,
    pub records: Vec<u32>,
}

impl<'a> Entries<'a> {
    pub fn new(kind: ListKind) -> Entries<'a> {
        Entries {
            kind,
            names: Vec::new(),
            owners: HashMap::new(),
            json: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Claims the name of the next entry.
    pub fn claim(&mut self, name: &str, feature: &'a FeatureInput) -> Result<(), BuildError> {
        if let Some(first) = self.owners.insert(name.to_owned(), &feature.name) {
            return Err(BuildError::Duplicate {
                kind: self.kind,
                name: name.to_owned(),
                first: first.to_owned(),
                second: feature.name.clone(),
            });
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// The indices of the entries, sorted by name.
    pub fn sorted(&self) -> Vec<u32> {
        let mut sorted: Vec<u32> = (0..self.names.len() as u32).collect();
        sorted.sort_by_key(|&index| &self.names[index as usize]);
        sorted
    }
}

/// Refuses metadata that is not a JSON object: instances would leave it out.
pub fn check_meta(
    kind: ListKind,
    feature: &FeatureInput,
    name: &str,
    meta: Option<&str>,
) -> Result<(), BuildError> {
    if meta.is_none_or(|meta| object(meta).is_some()) {
        return Ok(());
    }
    Err(BuildError::NotAnObject {
        kind,
        feature: feature.name.clone(),
        name: name.to_owned(),
        member: "metadata",
    })
}
