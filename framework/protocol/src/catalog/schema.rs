//! The rules of MCP for names of tools and for annotations in their schemas. Whether a schema is
//! valid JSON Schema is checked elsewhere.

use std::{collections::BTreeMap, fmt};

use super::written::object;
use crate::wire::{
    MAX_DEPTH,
    json::{Kind, Value},
};

/// Why the name of a tool is invalid
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-names).
#[derive(Clone, PartialEq, Debug)]
pub enum NameError {
    Empty,
    /// The number of characters.
    TooLong(usize),
    Character(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => f.write_str("the name is empty; it must have 1 to 128 characters"),
            NameError::TooLong(length) => {
                write!(f, "the name has {length} characters; it may have 128")
            }
            NameError::Character(character) => {
                write!(
                    f,
                    "the name contains `{}`; it may contain `A-Z a-z 0-9 _ - .`",
                    character.escape_debug()
                )
            }
        }
    }
}

impl std::error::Error for NameError {}

/// Checks the name of a tool that clients see.
pub fn check_tool_name(name: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match (name.chars().count(), name.chars().find(|&c| !allowed(c))) {
        (0, _) => Err(NameError::Empty),
        (_, Some(character)) => Err(NameError::Character(character)),
        (length @ 129.., None) => Err(NameError::TooLong(length)),
        _ => Ok(()),
    }
}

/// The types of parameters that a header can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ParameterType {
    String,
    Integer,
    Boolean,
}

/// A parameter that clients mirror into a header
/// (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#custom-headers-from-tool-parameters).
#[derive(Clone, PartialEq, Debug)]
pub struct HeaderParameter {
    /// The value of `x-mcp-header`: the header is `Mcp-Param-` and this.
    pub header: String,
    /// The names of the properties that lead to the value in the arguments.
    pub path: Vec<String>,
    pub parameter_type: ParameterType,
}

impl HeaderParameter {
    /// The name of the header, in lower case.
    pub fn name(&self) -> String {
        format!("mcp-param-{}", self.header.to_ascii_lowercase())
    }
}

/// Why the input schema of a tool is invalid.
#[derive(Clone, PartialEq, Debug)]
pub enum SchemaError {
    NotAnObject,
    /// Its `type` is not `object`.
    TypeIsNotObject,
    /// An `x-mcp-header` at this place, a JSON pointer, breaks a rule.
    Header {
        place: String,
        problem: HeaderProblem,
    },
}

#[derive(Clone, PartialEq, Debug)]
pub enum HeaderProblem {
    NotAString,
    Empty,
    Character(char),
    /// The place of the other parameter, and its spelling.
    Duplicate {
        first: String,
        header: String,
    },
    /// The path to it does not consist of `properties` only.
    Unreachable,
    /// It is not a string, integer or boolean. With its `type`, if there is one.
    Type(Option<String>),
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaError::NotAnObject => {
                write!(f, "the input schema is not one JSON object of at most {MAX_DEPTH} levels")
            }
            SchemaError::TypeIsNotObject => {
                f.write_str("the `type` of the input schema is not `object`; add `\"type\": \"object\"` at its top")
            }
            SchemaError::Header { place, problem } => {
                write!(f, "`x-mcp-header` at `{place}` of the input schema {problem}")
            }
        }
    }
}

impl std::error::Error for SchemaError {}

impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderProblem::NotAString => f.write_str("is not a string; give the part of the header's name after `Mcp-Param-`"),
            HeaderProblem::Empty => f.write_str("is empty; give the part of the header's name after `Mcp-Param-`"),
            HeaderProblem::Character(character) => {
                write!(f, "contains `{}`, which the name of a header cannot; use letters, digits and `-`", character.escape_debug())
            }
            HeaderProblem::Duplicate { first, header } => {
                write!(f, "says `{header}`, which `{first}` has already (case does not count); choose another")
            }
            HeaderProblem::Unreachable => {
                f.write_str("is not reached from the root through `properties` alone; annotate a plain property instead")
            }
            HeaderProblem::Type(Some(found)) => {
                write!(f, "is on a property of type `{found}`; only `string`, `integer` and `boolean` fit into a header")
            }
            HeaderProblem::Type(None) => {
                f.write_str("is on a property without a `type`; only `string`, `integer` and `boolean` fit into a header")
            }
        }
    }
}

/// The parameters of an input schema that are mirrored into headers, in the schema's order of
/// nesting.
pub fn header_parameters(input_schema: &str) -> Result<Vec<HeaderParameter>, SchemaError> {
    let root = object(input_schema).ok_or(SchemaError::NotAnObject)?;
    if !root
        .member("type")
        .is_some_and(|kind| kind.is_str("object"))
    {
        return Err(SchemaError::TypeIsNotObject);
    }
    let mut search = Search::default();
    let place = Place {
        pointer: String::new(),
        path: Some(Vec::new()),
    };
    search.schema(root, &place)?;
    Ok(search.found)
}

/// Where the search is: as a JSON pointer, and as names of properties while only `properties`
/// led there.
#[derive(Clone)]
struct Place {
    pointer: String,
    path: Option<Vec<String>>,
}

impl Place {
    fn below(&self, keyword: &str, name: Option<&str>) -> Place {
        let mut pointer = format!("{}/{}", self.pointer, escape_pointer(keyword));
        if let Some(name) = name {
            pointer = format!("{pointer}/{}", escape_pointer(name));
        }
        let path = match (&self.path, keyword, name) {
            (Some(path), "properties", Some(name)) => {
                Some(path.iter().cloned().chain([name.to_owned()]).collect())
            }
            _ => None,
        };
        Place { pointer, path }
    }
}

fn escape_pointer(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

#[derive(Default)]
struct Search {
    found: Vec<HeaderParameter>,
    /// The place of each header, by its name in lower case.
    places: BTreeMap<String, String>,
}

impl Search {
    fn schema(&mut self, schema: Value<'_>, place: &Place) -> Result<(), SchemaError> {
        if let Some(annotation) = schema.member("x-mcp-header") {
            self.annotation(annotation, schema, place)
                .map_err(|problem| SchemaError::Header {
                    place: place.pointer.clone(),
                    problem,
                })?;
        }
        for (keyword, value) in schema.members() {
            let keyword = keyword.as_str().unwrap_or_default();
            match (&*keyword, value.kind) {
                // Data, in which nothing is an annotation.
                ("const" | "default" | "enum" | "example" | "examples", _) => {}
                (
                    "properties" | "patternProperties" | "$defs" | "definitions"
                    | "dependentSchemas",
                    Kind::Object,
                ) => {
                    for (name, schema) in value.members() {
                        let name = name.as_str().unwrap_or_default();
                        self.schema(schema, &place.below(&keyword, Some(&name)))?;
                    }
                }
                (_, Kind::Array) => {
                    for (index, schema) in value.elements().enumerate() {
                        self.schema(schema, &place.below(&keyword, Some(&index.to_string())))?;
                    }
                }
                _ => self.schema(value, &place.below(&keyword, None))?,
            }
        }
        Ok(())
    }

    fn annotation(
        &mut self,
        header: Value<'_>,
        schema: Value<'_>,
        place: &Place,
    ) -> Result<(), HeaderProblem> {
        let header = header.as_str().ok_or(HeaderProblem::NotAString)?;
        if header.is_empty() {
            return Err(HeaderProblem::Empty);
        }
        if let Some(character) = header.chars().find(|&c| !is_token_character(c)) {
            return Err(HeaderProblem::Character(character));
        }
        let path = place.path.clone().ok_or(HeaderProblem::Unreachable)?;
        let kind = schema.member("type");
        let kind = kind.map(|kind| kind.as_str().unwrap_or(kind.text.into()));
        let parameter_type = match kind.as_deref() {
            Some("string") => ParameterType::String,
            Some("integer") => ParameterType::Integer,
            Some("boolean") => ParameterType::Boolean,
            other => return Err(HeaderProblem::Type(other.map(str::to_owned))),
        };
        let first = self
            .places
            .insert(header.to_ascii_lowercase(), place.pointer.clone());
        if let Some(first) = first {
            return Err(HeaderProblem::Duplicate {
                first,
                header: header.into_owned(),
            });
        }
        self.found.push(HeaderParameter {
            header: header.into_owned(),
            path,
            parameter_type,
        });
        Ok(())
    }
}

/// Whether RFC 9110 allows the character in the name of a header.
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests;
