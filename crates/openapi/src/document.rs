//! Reads a document, and finds what its references lead to.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::MAX_DOCUMENT;

/// How many references can lead from one to the next.
const MAX_ALIASES: usize = 32;

pub struct Document {
    pub root: Value,
    /// The version is 3.0, whose schemas are not JSON Schema.
    pub is_old: bool,
}

impl Document {
    pub fn open(path: &Path) -> Result<Document> {
        let shown = path.display();
        let length = fs::metadata(path)
            .with_context(|| format!("cannot read the OpenAPI document `{shown}`"))?
            .len();
        ensure!(
            length <= MAX_DOCUMENT,
            "the OpenAPI document `{shown}` has more than {} MB",
            MAX_DOCUMENT >> 20
        );
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the OpenAPI document `{shown}`"))?;
        Document::read(&text).with_context(|| format!("cannot use the OpenAPI document `{shown}`"))
    }

    pub fn read(text: &str) -> Result<Document> {
        let root: Value = match text.trim_start().starts_with('{') {
            true => serde_json::from_str(text).context("it is not valid JSON")?,
            false => yaml(text)?,
        };
        if let Some(old) = root.get("swagger") {
            bail!(
                "it is written in Swagger {old}, which OpenAPI replaced; convert it to OpenAPI 3"
            );
        }
        let version = root.get("openapi").and_then(Value::as_str);
        let version =
            version.context("it has no `openapi`, the version of OpenAPI it is written in")?;
        let is_old = version.starts_with("3.0");
        ensure!(
            is_old || version.starts_with("3.1"),
            "it is written in OpenAPI `{version}`; only 3.0 and 3.1 are supported"
        );
        Ok(Document { root, is_old })
    }

    /// What a value is, if it is a reference: what that leads to within the document. The error is
    /// the reference that leads nowhere.
    pub fn resolve<'a>(&'a self, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..MAX_ALIASES {
            let Some(reference) = reference(value) else {
                return Ok(value);
            };
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(&decoded(pointer)));
            value = target.ok_or_else(|| reference.to_owned())?;
        }
        Err(reference(value).unwrap_or_default().to_owned())
    }

    /// The same for a member of an object; none if it is missing.
    pub fn member<'a>(
        &'a self,
        object: &'a Value,
        name: &str,
    ) -> Result<Option<&'a Value>, String> {
        object
            .get(name)
            .map(|value| self.resolve(value))
            .transpose()
    }
}

pub fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}

/// The members of an object; other values have none.
pub fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// The elements of an array; other values have none.
pub fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// A pointer in a URI fragment.
fn decoded(pointer: &str) -> String {
    let mut out = vec![];
    let mut rest = pointer.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *byte == b'%');
        let hex = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        out.push(hex.unwrap_or(*byte));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn yaml(text: &str) -> Result<Value> {
    let options = serde_saphyr::options! {
        // Anchors may make a document larger, but not without end.
        budget: serde_saphyr::budget! { max_nodes: 1_000_000, max_events: 3_000_000, max_depth: 128 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 200_000 },
        // `on` and `no` are names and words here.
        strict_booleans: true,
        with_snippet: false,
    };
    let object: Map<String, Value> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| anyhow::anyhow!("{}", error.to_string().trim()))
        .context("it is not valid YAML")?;
    Ok(Value::Object(object))
}
