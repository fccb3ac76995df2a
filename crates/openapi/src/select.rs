//! Which operations become tools.

use std::fmt;

use spin_mcp_protocol::pattern::matches;

use crate::operation::{METHODS, Operation};

/// Chooses operations. `*` in a text stands for any characters.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// By `operationId`.
    Operation(String),
    Tag(String),
    /// By method and path, of which one may be missing.
    Place(Option<String>, Option<String>),
}

impl Selector {
    /// Reads `listPets`, `tag:pets`, `GET`, `/pets/*` or `GET /pets/*`.
    pub fn parse(text: &str) -> Selector {
        let is_method = |word: &str| METHODS.iter().any(|known| known.eq_ignore_ascii_case(word));
        let method = |word: &str| Some(word.to_ascii_uppercase());
        match (text.strip_prefix("tag:"), text.split_once(' ')) {
            (Some(tag), _) => Selector::Tag(tag.to_owned()),
            (_, Some((word, path))) if is_method(word) || word == "*" => Selector::Place(
                method(word).filter(|word| word != "*"),
                Some(path.trim().to_owned()),
            ),
            _ if text.starts_with('/') => Selector::Place(None, Some(text.to_owned())),
            // In capitals, since an operation can be called `get`.
            _ if is_method(text) && text == text.to_ascii_uppercase() => {
                Selector::Place(method(text), None)
            }
            _ => Selector::Operation(text.to_owned()),
        }
    }

    pub fn selects(&self, operation: &Operation<'_>) -> bool {
        match self {
            Selector::Operation(id) => operation.id.is_some_and(|own| matches(id, own)),
            Selector::Tag(tag) => operation.tags.iter().any(|own| matches(tag, own)),
            Selector::Place(method, path) => {
                method.as_ref().is_none_or(|own| own == operation.method)
                    && path
                        .as_ref()
                        .is_none_or(|path| matches(path, operation.path))
            }
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Operation(id) => f.write_str(id),
            Selector::Tag(tag) => write!(f, "tag:{tag}"),
            Selector::Place(Some(method), Some(path)) => write!(f, "{method} {path}"),
            Selector::Place(one, other) => {
                f.write_str(one.as_ref().or(other.as_ref()).map_or("", |text| text))
            }
        }
    }
}

/// What to write instead of a selector that selects nothing.
pub fn hint(selector: &Selector, all: &[Operation<'_>]) -> String {
    let known: Vec<&str> = match selector {
        Selector::Tag(_) => all
            .iter()
            .flat_map(|operation| operation.tags.iter().copied())
            .collect(),
        Selector::Operation(_) => all.iter().filter_map(|operation| operation.id).collect(),
        Selector::Place(..) => all.iter().map(|operation| operation.path).collect(),
    };
    let (text, noun) = match selector {
        Selector::Tag(tag) => (tag.as_str(), "tag"),
        Selector::Operation(id) => (id.as_str(), "`operationId`"),
        Selector::Place(_, path) => (path.as_deref().unwrap_or_default(), "path"),
    };
    let likeness = |known: &&&str| strsim::jaro(text, known);
    let nearest = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(nearest) => format!("the nearest {noun} is `{nearest}`"),
        None => format!("the document has no {noun}"),
    }
}
