//! The rules of MCP for names of tools and for annotations in their schemas. Whether a schema is
//! valid JSON Schema is checked elsewhere.

use std::{collections::HashMap, fmt};

use serde_json::{Map, Value};

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
            NameError::Empty => f.write_str("the name is empty; it takes 1 to 128 characters"),
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

/// Why the input schema of a tool is invalid.
#[derive(Clone, PartialEq, Debug)]
pub enum SchemaError {
    /// The message of the parser.
    NotJson(String),
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
            SchemaError::NotJson(problem) => write!(f, "the input schema is not valid JSON: {problem}"),
            SchemaError::NotAnObject => f.write_str("the input schema is not a JSON object"),
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
    let schema: Value = serde_json::from_str(input_schema)
        .map_err(|error| SchemaError::NotJson(error.to_string()))?;
    let Value::Object(root) = schema else {
        return Err(SchemaError::NotAnObject);
    };
    if root.get("type").and_then(Value::as_str) != Some("object") {
        return Err(SchemaError::TypeIsNotObject);
    }
    let mut search = Search::default();
    search.schema(
        &root,
        &mut Place {
            pointer: String::new(),
            path: Some(Vec::new()),
        },
    )?;
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
    places: HashMap<String, String>,
}

impl Search {
    fn schema(
        &mut self,
        schema: &Map<String, Value>,
        place: &mut Place,
    ) -> Result<(), SchemaError> {
        if let Some(annotation) = schema.get("x-mcp-header") {
            self.annotation(annotation, schema, place)
                .map_err(|problem| SchemaError::Header {
                    place: place.pointer.clone(),
                    problem,
                })?;
        }
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                // Data, in which nothing is an annotation.
                ("const" | "default" | "enum" | "example" | "examples", _) => {}
                (
                    "properties" | "patternProperties" | "$defs" | "definitions"
                    | "dependentSchemas",
                    Value::Object(named),
                ) => {
                    for (name, schema) in named {
                        if let Value::Object(schema) = schema {
                            self.schema(schema, &mut place.below(keyword, Some(name)))?;
                        }
                    }
                }
                (_, Value::Object(schema)) => {
                    self.schema(schema, &mut place.below(keyword, None))?
                }
                (_, Value::Array(schemas)) => {
                    for (index, schema) in schemas.iter().enumerate() {
                        if let Value::Object(schema) = schema {
                            self.schema(
                                schema,
                                &mut place.below(keyword, Some(&index.to_string())),
                            )?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn annotation(
        &mut self,
        header: &Value,
        schema: &Map<String, Value>,
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
        let parameter_type = match schema.get("type") {
            Some(Value::String(name)) => match name.as_str() {
                "string" => ParameterType::String,
                "integer" => ParameterType::Integer,
                "boolean" => ParameterType::Boolean,
                other => return Err(HeaderProblem::Type(Some(other.to_owned()))),
            },
            Some(other) => return Err(HeaderProblem::Type(Some(other.to_string()))),
            None => return Err(HeaderProblem::Type(None)),
        };
        let first = self
            .places
            .insert(header.to_ascii_lowercase(), place.pointer.clone());
        if let Some(first) = first {
            return Err(HeaderProblem::Duplicate {
                first,
                header: header.to_owned(),
            });
        }
        self.found.push(HeaderParameter {
            header: header.to_owned(),
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
