//! Makes tools out of functions. A function takes its arguments as a struct and returns what
//! it found, or why it failed. It gives the tool its name; the struct's doc comment becomes
//! the description, and the struct's fields with theirs become the schema of the arguments.

use std::fmt::Display;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

wit_bindgen::generate!({ path: "wit", generate_all });
use exports::spin_mcp::server::tools::{Error, Guest, ToolList, ToolOutcome};
use spin_mcp::server::tool_types::{self, ToolResult};
use spin_mcp::server::types::{ContentBlock, TextContent};

/// A function as a tool; `tools!` writes it.
pub struct Tool {
    pub name: &'static str,
    pub describe: fn(&str) -> tool_types::Tool,
    pub call: fn(&str, u64) -> Answer<'_>,
}

type Answer<'a> = Result<String, String>;

/// What can be a tool: a function of its arguments, or of these and the id of the request,
/// which is for the imports `request`.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a tool",
    note = "a tool takes one struct, perhaps the request's `u64` after it, and gives a `Result`"
)]
pub trait Function<A, T, E, Takes> {
    fn call(self, arguments: A, request: u64) -> Result<T, E>;
}

impl<F: Fn(A) -> Result<T, E>, A, T, E> Function<A, T, E, (A,)> for F {
    fn call(self, arguments: A, _request: u64) -> Result<T, E> {
        self(arguments)
    }
}

impl<F: Fn(A, u64) -> Result<T, E>, A, T, E> Function<A, T, E, (A, u64)> for F {
    fn call(self, arguments: A, request: u64) -> Result<T, E> {
        self(arguments, request)
    }
}

/// Lists functions as tools: `tools![add, subtract]`.
macro_rules! tools {
    ($($function:ident),* $(,)?) => {
        &[$($crate::mcp::Tool {
            name: stringify!($function),
            describe: |name| $crate::mcp::describe(name, $function),
            call: |arguments, request| $crate::mcp::call(arguments, request, $function),
        }),*]
    };
}
pub(crate) use tools;

struct Component;

impl Guest for Component {
    fn list_tools(_request: u64, cursor: Option<String>) -> Result<ToolList, Error> {
        first_page(cursor)?;
        Ok(ToolList {
            tools: crate::TOOLS.iter().map(|t| (t.describe)(t.name)).collect(),
            next_cursor: None,
            cache: None,
        })
    }

    fn call_tool(
        request: u64,
        name: String,
        arguments: String,
    ) -> Result<Option<ToolOutcome>, Error> {
        let Some(tool) = crate::TOOLS.iter().find(|t| t.name == name) else {
            return Ok(None);
        };
        let answer = (tool.call)(&arguments, request);
        let is_error = answer.is_err();
        let text = Some(answer.unwrap_or_else(|why| why)).filter(|text| !text.is_empty());
        let block = |text| {
            ContentBlock::Text(TextContent {
                text,
                annotations: None,
                meta: None,
            })
        };
        Ok(Some(ToolOutcome::Complete(ToolResult {
            is_error,
            content: text.into_iter().map(block).collect(),
            structured_content: None,
            meta: None,
        })))
    }
}

export!(Component);

pub fn describe<A: JsonSchema, T, E, Takes>(
    name: &str,
    _: impl Function<A, T, E, Takes>,
) -> tool_types::Tool {
    let (schema, description) = schema::<A>();
    tool_types::Tool {
        name: name.into(),
        title: None,
        description,
        input_schema: schema.as_value().to_string(),
        output_schema: None,
        annotations: None,
        icons: vec![],
        meta: None,
    }
}

pub fn call<A, T, E, Takes>(
    arguments: &str,
    request: u64,
    function: impl Function<A, T, E, Takes>,
) -> Result<String, String>
where
    A: DeserializeOwned,
    T: Display,
    E: Display,
{
    let arguments = parse(arguments).map_err(|why| format!("invalid arguments: {why}"))?;
    match function.call(arguments, request) {
        Ok(answer) => Ok(answer.to_string()),
        Err(why) => Err(format!("{why:#}")),
    }
}

/// The arguments, which may be as clients and models write them: `3.0` for `3`, `null` for what may
/// be absent, and text of JSON for an array or object.
fn parse<A: DeserializeOwned>(arguments: &str) -> Result<A, String> {
    let mut reader = serde_json::Deserializer::from_str(arguments);
    let mut outcome = serde_path_to_error::deserialize(&mut reader);
    let mut given: Value = serde_json::from_str(arguments).unwrap_or_default();
    loop {
        match outcome {
            Err(why) if mend(&mut given, why.path()) => {
                outcome = serde_path_to_error::deserialize(&given);
            }
            outcome => return outcome.map_err(|why| without_position(&why.to_string()).to_owned()),
        }
    }
}

/// Says whether it changed what is at this path.
fn mend(given: &mut Value, path: &Path) -> bool {
    let mut place = given;
    for segment in path {
        let inner = match (segment, place) {
            (Segment::Map { key } | Segment::Enum { variant: key }, Value::Object(members)) => {
                if members.get(key).is_some_and(Value::is_null) {
                    members.remove(key);
                    return true;
                }
                members.get_mut(key)
            }
            (Segment::Seq { index }, Value::Array(elements)) => elements.get_mut(*index),
            _ => None,
        };
        let Some(inner) = inner else { return false };
        place = inner;
    }
    let better = match place {
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 2_f64.powi(53))
            .map(|float| Value::from(float as i64)),
        Value::String(text) => serde_json::from_str(text)
            .ok()
            .filter(|found: &Value| found.is_object() || found.is_array()),
        _ => None,
    };
    match better {
        Some(better) => {
            *place = better;
            true
        }
        None => false,
    }
}

/// Lines and columns mean nothing to a model, which never sees the JSON text that was sent.
fn without_position(why: &str) -> &str {
    why.rsplit_once(" at line ").map_or(why, |(what, _)| what)
}

/// The schema of a struct without its doc comment, and the doc comment.
fn schema<A: JsonSchema>() -> (Schema, Option<String>) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>();
    schema.remove("title");
    let description = schema.remove("description");
    let description = description.and_then(|text| text.as_str().map(str::to_owned));
    (schema, description)
}

/// Lists have one page, which is asked for without a cursor.
fn first_page(cursor: Option<String>) -> Result<(), Error> {
    match cursor {
        None => Ok(()),
        Some(_) => Err(error(-32602, "the list has one page, without a cursor")),
    }
}

fn error(code: i32, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}
