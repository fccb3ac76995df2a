//! The operations of a document.

use serde_json::Value;

use crate::{
    document::{Document, elements, members},
    server,
};

pub const METHODS: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"];

pub struct Operation<'a> {
    pub id: Option<&'a str>,
    pub method: &'static str,
    pub path: &'a str,
    pub tags: Vec<&'a str>,
    /// The operation, and what its path says for all operations.
    pub object: &'a Value,
    pub shared: &'a Value,
}

impl<'a> Operation<'a> {
    /// All of a document, in its order. Paths that lead out of it have none.
    pub fn all(document: &'a Document) -> Vec<Operation<'a>> {
        let mut all = vec![];
        for (path, shared) in members(document.root.get("paths")) {
            let Ok(shared) = document.resolve(shared) else {
                continue;
            };
            for (key, object) in members(Some(shared)) {
                let method = METHODS
                    .iter()
                    .find(|method| method.eq_ignore_ascii_case(key));
                let (Some(method), true) = (method, object.is_object()) else {
                    continue;
                };
                all.push(Operation {
                    id: object.get("operationId").and_then(Value::as_str),
                    method,
                    path,
                    tags: elements(object.get("tags"))
                        .filter_map(Value::as_str)
                        .collect(),
                    object,
                    shared,
                });
            }
        }
        all
    }

    /// As messages name it.
    pub fn shown(&self) -> String {
        self.id.map_or_else(|| self.place(), str::to_owned)
    }

    pub fn place(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether a key of `names` is for it.
    pub fn is(&self, name: &str) -> bool {
        self.id == Some(name) || self.place() == name
    }

    /// Its parameters, those of its path included.
    pub fn parameters(&self, document: &'a Document) -> Result<Vec<&'a Value>, String> {
        let mut parameters: Vec<&Value> = vec![];
        for list in [self.shared, self.object] {
            for parameter in elements(list.get("parameters")) {
                let parameter = document.resolve(parameter)?;
                let same = |other: &&&Value| {
                    ["name", "in"]
                        .iter()
                        .all(|key| other.get(key) == parameter.get(key))
                };
                let known = parameters.iter().position(|other| same(&other));
                match known {
                    Some(index) => parameters[index] = parameter,
                    None => parameters.push(parameter),
                }
            }
        }
        Ok(parameters)
    }

    /// The server that it has instead of the document's.
    pub fn own_server(&self) -> Option<String> {
        [self.object, self.shared]
            .into_iter()
            .find_map(server::first)
    }
}
