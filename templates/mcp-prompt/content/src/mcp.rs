{% if async == "yes" %}
{%- assign fn = "async fn" %}{% assign await = ".await" %}
{%- else %}
{%- assign fn = "fn" %}{% assign await = "" %}
{%- endif -%}
//! Makes prompts out of functions. A function takes its arguments as a struct and returns the
//! text of the prompt, or why there is none. It gives the prompt its name; the struct's doc
//! comment becomes the description, and the struct's fields with theirs become the arguments.
//! A field that is an `Option` need not be given; the variants of an enum are its completions.

use std::fmt::Display;
{%- if async == "yes" %}
use std::pin::Pin;
{%- endif %}

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;
{%- if async == "yes" %}
use spin_sdk::wit_bindgen;

wit_bindgen::generate!({
    path: "wit",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    generate_all,
});
use exports::spin_mcp::server::{
    completions_async::Guest as Completions, prompts_async::Guest as Prompts,
};
{%- else %}

wit_bindgen::generate!({ path: "wit", generate_all });
use exports::spin_mcp::server::{completions::Guest as Completions, prompts::Guest as Prompts};
{%- endif %}
use spin_mcp::server::completion_types::{Completion, CompletionArgument, CompletionReference};
use spin_mcp::server::prompt_types::{
    self, PromptArgument, PromptList, PromptMessage, PromptOutcome, PromptResult,
};
use spin_mcp::server::types::{ContentBlock, Error, Role, TextContent};

/// What a client sends: names and texts.
type Arguments = [(String, String)];

/// A function as a prompt; `prompts!` writes it.
pub struct Prompt {
    pub name: &'static str,
    pub describe: fn(&str) -> prompt_types::Prompt,
    pub get: fn(&Arguments) -> Answer<'_>,
    pub complete: fn(&str) -> Vec<String>,
}
{%- if async == "yes" %}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + 'a>>;
{%- else %}

type Answer<'a> = Result<String, String>;
{%- endif %}

/// Lists functions as prompts: `prompts![summarize, translate]`.
macro_rules! prompts {
    ($($function:ident),* $(,)?) => {
        &[$($crate::mcp::Prompt {
            name: stringify!($function),
            describe: |name| $crate::mcp::describe(name, $function),
            get: |arguments| {% if async == "yes" %}Box::pin($crate::mcp::get(arguments, $function)){% else %}$crate::mcp::get(arguments, $function){% endif %},
            complete: |argument| $crate::mcp::complete(argument, $function),
        }),*]
    };
}
pub(crate) use prompts;

struct Component;

impl Prompts for Component {
    {{ fn }} list_prompts(_request: u64, cursor: Option<String>) -> Result<PromptList, Error> {
        first_page(cursor)?;
        let prompts = crate::PROMPTS.iter().map(|p| (p.describe)(p.name));
        Ok(PromptList {
            prompts: prompts.collect(),
            next_cursor: None,
            cache: None,
        })
    }

    {{ fn }} get_prompt(
        _request: u64,
        name: String,
        arguments: Vec<(String, String)>,
    ) -> Result<Option<PromptOutcome>, Error> {
        let Some(prompt) = find(&name) else {
            return Ok(None);
        };
        let text = (prompt.get)(&arguments){{ await }};
        let text = text.map_err(|why| error(-32602, why))?;
        Ok(Some(PromptOutcome::Complete(PromptResult {
            description: None,
            messages: vec![PromptMessage {
                role: Role::User,
                content: ContentBlock::Text(TextContent {
                    text,
                    annotations: None,
                    meta: None,
                }),
            }],
            meta: None,
        })))
    }
}

impl Completions for Component {
    {{ fn }} complete(
        _request: u64,
        reference: CompletionReference,
        argument: CompletionArgument,
        _context: Vec<(String, String)>,
    ) -> Result<Option<Completion>, Error> {
        let prompt = match &reference {
            CompletionReference::Prompt(name) => find(name),
            CompletionReference::ResourceTemplate(_) => None,
        };
        Ok(prompt.map(|prompt| completion((prompt.complete)(&argument.name), &argument.value)))
    }
}

export!(Component);

fn find(name: &str) -> Option<&'static Prompt> {
    crate::PROMPTS.iter().find(|prompt| prompt.name == name)
}

pub fn describe<A: JsonSchema, T>(name: &str, _: fn(A) -> T) -> prompt_types::Prompt {
    let (schema, description) = schema::<A>();
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let arguments = properties.into_iter().flatten().map(|(name, property)| {
        let text = property["description"].as_str();
        PromptArgument {
            name: name.clone(),
            title: None,
            description: text.map(str::to_owned),
            required: required.is_some_and(|names| names.iter().any(|n| n == name)),
        }
    });
    prompt_types::Prompt {
        name: name.into(),
        title: None,
        description,
        arguments: arguments.collect(),
        icons: vec![],
        meta: None,
    }
}

{% if async == "yes" -%}
pub async fn get<A, F, T, E>(given: &Arguments, function: fn(A) -> F) -> Result<String, String>
where
    A: DeserializeOwned + JsonSchema,
    F: Future<Output = Result<T, E>>,
{%- else -%}
pub fn get<A, T, E>(given: &Arguments, function: fn(A) -> Result<T, E>) -> Result<String, String>
where
    A: DeserializeOwned + JsonSchema,
{%- endif %}
    T: Display,
    E: Display,
{
    let (schema, _) = schema::<A>();
    let mut arguments = serde_json::Map::new();
    for (name, text) in given {
        // Clients send text. Where a field takes none, such as a number, the text is its JSON.
        let value = match takes_text(&property(&schema, name)) {
            true => text.as_str().into(),
            false => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        };
        arguments.insert(name.clone(), value);
    }
    let arguments = serde_path_to_error::deserialize(Value::Object(arguments))
        .map_err(|why| format!("invalid arguments: {why}"))?;
    match function(arguments){{ await }} {
        Ok(text) => Ok(text.to_string()),
        Err(why) => Err(format!("{why:#}")),
    }
}

pub fn complete<A: JsonSchema, T>(argument: &str, _: fn(A) -> T) -> Vec<String> {
    choices(&property(&schema::<A>().0, argument))
}

fn property(schema: &Schema, name: &str) -> Value {
    let properties = schema.get("properties");
    properties.map_or(Value::Null, |properties| properties[name].clone())
}

fn takes_text(schema: &Value) -> bool {
    match &schema["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        _ => true,
    }
}

/// The texts that a schema allows, if it names them.
fn choices(schema: &Value) -> Vec<String> {
    let text = schema.as_str().or_else(|| schema["const"].as_str());
    let within = ["enum", "oneOf", "anyOf"].map(|key| schema[key].as_array());
    let within = within.into_iter().flatten().flatten().flat_map(choices);
    text.map(str::to_owned).into_iter().chain(within).collect()
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

/// Those of the values that begin with what was typed.
fn completion(mut values: Vec<String>, typed: &str) -> Completion {
    values.retain(|value| value.starts_with(typed));
    Completion {
        total: u32::try_from(values.len()).ok(),
        values,
        has_more: false,
    }
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
