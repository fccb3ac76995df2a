//! A client's file: its comments, order and other members stay as they are.

use anyhow::{Result, anyhow, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::{Entry, OWN};

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// With comments and trailing commas, if the file has them.
    Json,
    Toml,
}

/// A file that can be written again.
pub enum Document {
    Json(CstRootNode),
    Toml(Box<DocumentMut>),
}

impl Document {
    /// An empty text is a file without members.
    pub fn parse(syntax: Syntax, text: &str) -> Result<Self> {
        match syntax {
            Syntax::Json => {
                let root = CstRootNode::parse(text, &ParseOptions::default());
                let root = root.map_err(|error| anyhow!("{error}"))?;
                match (root.value(), root.object_value()) {
                    (Some(_), None) => bail!("it is not an object"),
                    _ => Ok(Self::Json(root)),
                }
            }
            Syntax::Toml => Ok(Self::Toml(Box::new(text.parse()?))),
        }
    }

    /// Adds an entry to a table, or replaces the members of [`OWN`] in the one that is there.
    pub fn set(mut self, table: &str, name: &str, entry: &Entry) -> Result<Self> {
        match &mut self {
            Self::Json(root) => {
                let servers = object(&root.object_value_or_set(), table)?;
                set_members(&object(&servers, name)?, entry);
            }
            Self::Toml(document) => {
                let servers = document.entry(table).or_insert_with(|| {
                    let mut table = Table::new();
                    table.set_implicit(true);
                    Item::Table(table)
                });
                let servers = table_of(servers, table)?;
                let own = servers
                    .entry(name)
                    .or_insert_with(|| Item::Table(Table::new()));
                let own = table_of(own, name)?;
                for member in OWN.iter().filter(|member| !has(entry, member)) {
                    own.remove(member);
                }
                for (member, value) in entry {
                    let value = toml(value);
                    match own.get_mut(member).and_then(Item::as_value_mut) {
                        Some(before) => {
                            let decor = before.decor().clone();
                            *before = value;
                            *before.decor_mut() = decor;
                        }
                        None => drop(own.insert(member, Item::Value(value))),
                    }
                }
            }
        }
        Ok(self)
    }

    /// Takes an entry out of a table; nothing if it is not there.
    pub fn remove(mut self, table: &str, name: &str) -> Self {
        match &mut self {
            Self::Json(root) => {
                let servers = root.object_value().and_then(|top| top.object_value(table));
                if let Some(entry) = servers.and_then(|servers| servers.get(name)) {
                    entry.remove();
                }
            }
            Self::Toml(document) => {
                let servers = document.get_mut(table).and_then(Item::as_table_like_mut);
                if let Some(servers) = servers {
                    servers.remove(name);
                }
            }
        }
        self
    }

    pub fn text(&self) -> String {
        match self {
            Self::Json(root) => root.to_string(),
            Self::Toml(document) => document.to_string(),
        }
    }
}

/// The object with this name, which is made if there is none.
fn object(parent: &CstObject, name: &str) -> Result<CstObject> {
    let found = parent.object_value_or_create(name);
    found.ok_or_else(|| anyhow!("`{name}` in it is not an object"))
}

fn set_members(own: &CstObject, entry: &Entry) {
    for member in OWN.iter().filter(|member| !has(entry, member)) {
        if let Some(member) = own.get(member) {
            member.remove();
        }
    }
    for (member, value) in entry {
        match own.get(member) {
            Some(member) => member.set_value(jsonc(value)),
            None => drop(own.append(member, jsonc(value))),
        }
    }
}

fn has(entry: &Entry, member: &str) -> bool {
    entry.iter().any(|(name, _)| *name == member)
}

fn table_of<'a>(item: &'a mut Item, name: &str) -> Result<&'a mut dyn TableLike> {
    let found = item.as_table_like_mut();
    found.ok_or_else(|| anyhow!("`{name}` in it is not a table"))
}

/// Entries have texts, lists of texts and objects of texts.
fn jsonc(value: &Value) -> CstInputValue {
    match value {
        Value::Array(all) => CstInputValue::Array(all.iter().map(jsonc).collect()),
        Value::Object(all) => {
            let all = all.iter().map(|(name, value)| (name.clone(), jsonc(value)));
            CstInputValue::Object(all.collect())
        }
        other => CstInputValue::String(other.as_str().unwrap_or_default().to_owned()),
    }
}

fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Array(all) => all.iter().map(toml).collect::<toml_edit::Array>().into(),
        Value::Object(all) => {
            let all = all.iter().map(|(name, value)| (name, toml(value)));
            all.collect::<toml_edit::InlineTable>().into()
        }
        other => other.as_str().unwrap_or_default().into(),
    }
}
