//! The entries of any list.

use std::collections::HashMap;

use super::{error::BuildError, input::FeatureInput};
use crate::{
    catalog::{list_kind::ListKind, written::object},
    wire::{
        content::is_icon,
        failure::excerpt,
        json::Value,
        time::is_iso8601,
        types::types::{Annotations, Icon},
    },
};

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

/// What entries of several kinds have. Instances leave out what is not valid in it.
#[derive(Default)]
pub struct Extras<'e> {
    pub meta: Option<&'e str>,
    pub icons: &'e [Icon],
    pub annotations: Option<&'e Annotations>,
    pub mime_type: Option<&'e str>,
}

impl Extras<'_> {
    pub fn check(
        &self,
        kind: ListKind,
        feature: &FeatureInput,
        name: &str,
    ) -> Result<(), BuildError> {
        let refuse = |problem: String| {
            Err(BuildError::Extra {
                kind,
                feature: feature.name.clone(),
                name: name.to_owned(),
                problem,
            })
        };
        let meta = self.meta.map(object);
        let Some(meta) = meta.map_or(Some(None), |meta| meta.map(Some)) else {
            return Err(BuildError::NotAnObject {
                kind,
                feature: feature.name.clone(),
                name: name.to_owned(),
                member: "metadata",
            });
        };
        let keys = meta.iter().flat_map(Value::members);
        let keys = keys.map(|(key, _)| key.as_str().unwrap_or_default());
        if let Some(key) = keys.into_iter().find(|key| !is_meta_key(key)) {
            let key = key.escape_debug();
            return refuse(format!(
                "metadata with the key `{key}`; write it as `name` or `com.example/name`"
            ));
        }
        if let Some(icon) = self.icons.iter().find(|icon| !is_icon(&icon.src)) {
            let src = excerpt(&icon.src);
            return refuse(format!(
                "an icon `{src}` that clients do not load; give it an `https:` or `data:` URI"
            ));
        }
        let modified = self.annotations.and_then(|all| all.last_modified.as_ref());
        if let Some(time) = modified.filter(|time| !is_iso8601(time)) {
            let time = time.escape_debug();
            return refuse(format!(
                "`lastModified` `{time}`; write date, time and zone, such as `2026-07-28T12:00:00Z`"
            ));
        }
        if self.mime_type == Some("") {
            return refuse("an empty MIME type; leave it out".to_owned());
        }
        Ok(())
    }
}

/// Whether a key of `_meta` has a valid name, perhaps after a prefix of labels
/// (https://modelcontextprotocol.io/specification/2026-07-28/basic#meta).
fn is_meta_key(key: &str) -> bool {
    let (prefix, name) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_name = name.is_empty() && prefix.is_some()
        || name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.ends_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_name && prefix.is_none_or(|prefix| prefix.split('.').all(is_label))
}
