//! Strict reading of one table of a manifest. Errors name keys as they would be written at
//! the top of the file: `component.mcp.tool.mcp.wasi`.

use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value as Json};
use toml_edit::{Item, Key, Table, TableLike, Value};

use spin_mcp_registry::{Download, Source};

/// A table and its full name.
pub struct Section<'a> {
    name: String,
    table: &'a dyn TableLike,
}

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<'a> Section<'a> {
    pub fn root(table: &'a Table) -> Self {
        Self {
            name: String::new(),
            table,
        }
    }

    pub fn get(&self, key: &str) -> Option<&'a Item> {
        self.table.get(key).filter(|item| !item.is_none())
    }

    fn name_of(&self, key: &str) -> String {
        let key = Key::new(key).display_repr().into_owned();
        match self.name.is_empty() {
            true => key,
            false => format!("{}.{key}", self.name),
        }
    }

    fn wrong_type<T>(&self, key: &str, expected: &str, found: &Item) -> Result<T> {
        bail!(
            "`{}` must be {expected}, not {}",
            self.name_of(key),
            with_article(found)
        )
    }

    pub fn string(&self, key: &str) -> Result<Option<String>> {
        match self.get(key) {
            None => Ok(None),
            Some(item) => match item.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => self.wrong_type(key, "a string", item),
            },
        }
    }

    /// A whole number; `expected` says of what.
    pub fn integer(&self, key: &str, expected: &str) -> Result<Option<i64>> {
        match self.get(key) {
            None => Ok(None),
            Some(item) => match item.as_integer() {
                Some(number) => Ok(Some(number)),
                None => self.wrong_type(key, expected, item),
            },
        }
    }

    pub fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(item) => match item.as_bool() {
                Some(flag) => Ok(Some(flag)),
                None => self.wrong_type(key, "`true` or `false`", item),
            },
        }
    }

    pub fn strings(&self, key: &str) -> Result<Vec<String>> {
        let Some(item) = self.get(key) else {
            return Ok(vec![]);
        };
        let texts = item.as_array().and_then(|array| {
            let texts = array.iter().map(|value| value.as_str().map(str::to_owned));
            texts.collect()
        });
        match texts {
            Some(texts) => Ok(texts),
            None if item.is_array() => {
                bail!("`{}` must hold nothing but strings", self.name_of(key))
            }
            None => self.wrong_type(key, "an array of strings", item),
        }
    }

    /// The path of a file.
    pub fn path(&self, key: &str) -> Result<Option<String>> {
        let Some(source) = self.source(key)? else {
            return Ok(None);
        };
        match source {
            Source::File(_) => self.string(key),
            _ => bail!(
                "`{}` must be the path of a file, not `{source}`",
                self.name_of(key)
            ),
        }
    }

    /// Where a component is: the path of a file, a reference to a registry, or a URL with a
    /// digest.
    pub fn source(&self, key: &str) -> Result<Option<Source>> {
        let Some(item) = self.get(key) else {
            return Ok(None);
        };
        let name = self.name_of(key);
        if let Some(text) = item.as_str() {
            ensure!(!text.is_empty(), "`{name}` is empty: name a file");
            let source = Source::parse(text);
            return source
                .map(Some)
                .with_context(|| format!("cannot use `{name}`"));
        }
        let Some(table) = self.section(key).ok().flatten() else {
            return self.wrong_type(key, "a string", item);
        };
        if table.get("registry").is_some() || table.get("package").is_some() {
            bail!(
                "`{name}` is a package; write its reference in the registry instead, such as \
                 `ghcr.io/org/weather:1.2.0`"
            );
        }
        table.allow_only(&["url", "digest"], &[])?;
        match (table.string("url")?, table.string("digest")?) {
            (Some(url), Some(digest)) => {
                let download = Download::new(&url, &digest);
                let download = download.with_context(|| format!("cannot use `{name}`"))?;
                Ok(Some(Source::Url(download)))
            }
            _ => bail!("`{name}` must have a `url` and a `digest`"),
        }
    }

    pub fn section(&self, key: &str) -> Result<Option<Section<'a>>> {
        match self.get(key) {
            None => Ok(None),
            Some(item) => match item.as_table_like() {
                Some(table) => Ok(Some(Section {
                    name: self.name_of(key),
                    table,
                })),
                None => self.wrong_type(key, "a table", item),
            },
        }
    }

    /// A table as JSON.
    pub fn json(&self, key: &str) -> Result<Option<Map<String, Json>>> {
        let Some(section) = self.section(key)? else {
            return Ok(None);
        };
        section.to_json().map(Some)
    }

    fn to_json(&self) -> Result<Map<String, Json>> {
        let entries = self.table.iter().filter(|(_, item)| !item.is_none());
        entries
            .map(|(key, item)| Ok((key.to_owned(), json(item, &self.name_of(key))?)))
            .collect()
    }

    /// All entries, each a table, in the order of the file.
    pub fn sections(&self) -> Result<Vec<(String, Section<'a>)>> {
        let keys = self.table.iter().filter(|(_, item)| !item.is_none());
        keys.filter_map(|(key, _)| match self.section(key) {
            Ok(section) => section.map(|section| Ok((key.to_owned(), section))),
            Err(error) => Some(Err(error)),
        })
        .collect()
    }

    /// Refuses every key but the `known` ones. `planned` ones are part of the design, and
    /// get an answer that tells them from spelling mistakes.
    pub fn allow_only(&self, known: &[&str], planned: &[&str]) -> Result<()> {
        for (key, item) in self.table.iter() {
            if item.is_none() || known.contains(&key) {
                continue;
            }
            if planned.contains(&key) {
                bail!(
                    "`{}` is not supported yet by spin-mcp {}: remove it",
                    self.name_of(key),
                    env!("CARGO_PKG_VERSION")
                );
            }
            let likeness = |known: &str| strsim::jaro(key, known);
            let nearest = known
                .iter()
                .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            match nearest.filter(|nearest| likeness(nearest) > 0.7) {
                Some(nearest) => bail!(
                    "unknown key `{}`: did you mean `{nearest}`?",
                    self.name_of(key)
                ),
                None => bail!(
                    "unknown key `{}`: the keys here are `{}`",
                    self.name_of(key),
                    known.join("`, `")
                ),
            }
        }
        Ok(())
    }
}

/// A value as JSON, which has no dates and no infinite numbers. Errors call it `name`.
fn json(item: &Item, name: &str) -> Result<Json> {
    if let Some(table) = item.as_table_like() {
        let name = name.to_owned();
        return Ok(Json::Object(Section { name, table }.to_json()?));
    }
    if let Some(tables) = item.as_array_of_tables() {
        let tables = tables.iter().map(|table| {
            let name = name.to_owned();
            Ok(Json::Object(Section { name, table }.to_json()?))
        });
        return tables.collect::<Result<_>>().map(Json::Array);
    }
    match item.as_value() {
        Some(Value::String(text)) => Ok(text.value().as_str().into()),
        Some(Value::Boolean(flag)) => Ok((*flag.value()).into()),
        Some(Value::Integer(number)) => Ok((*number.value()).into()),
        Some(Value::Float(number)) if number.value().is_finite() => Ok((*number.value()).into()),
        Some(Value::Array(values)) => {
            let values = values.iter().map(|value| json(&value.clone().into(), name));
            values.collect::<Result<_>>().map(Json::Array)
        }
        _ => bail!(
            "`{name}` is a date, or a number that is not finite, which settings cannot hold; write a string"
        ),
    }
}

fn with_article(item: &Item) -> String {
    let kind = match item.type_name() {
        "table" | "inline table" => "table",
        "array of tables" => "array of tables",
        other => other,
    };
    match kind.starts_with(['a', 'i']) {
        true => format!("an {kind}"),
        false => format!("a {kind}"),
    }
}
