//! Middleware: arguments and results that fit the schemas of their tool.
//!
//! What the schemas are, it learns as a client does: it lists the tools of the next link.

mod schema;
mod strict;

use serde_json::Value as Json;
use spin_mcp_link::{
    Error, INTERNAL_ERROR, Link, Next, Settings, Value, error, excerpt, json::Object, object,
};

use schema::Fault;

#[cfg(target_family = "wasm")]
spin_mcp_link::export!(Validate);

/// The most pages of a list that are read for one call.
const MOST_PAGES: usize = 32;

pub struct Validate {
    arguments: bool,
    results: bool,
}

/// The schemas of a tool, as it lists them.
struct Tool {
    input: Option<String>,
    output: Option<String>,
}

impl Link for Validate {
    const NAME: &str = "validate";

    fn new(settings: Settings<'_>) -> Result<Validate, String> {
        let arguments = settings.boolean("arguments")?.unwrap_or(true);
        let results = settings.boolean("results")?.unwrap_or(true);
        settings.end()?;
        Ok(Validate { arguments, results })
    }

    async fn handle(
        &self,
        next: &impl Next,
        method: &str,
        params: String,
    ) -> Result<String, Error> {
        let name = match method {
            "tools/call" => name(&params),
            _ => None,
        };
        let Some(name) = name else {
            return next.handle(method, params).await;
        };
        // Nobody has a tool of that name: the next link says so.
        let Some(tool) = tool(next, &name).await? else {
            return next.handle(method, params).await;
        };
        if self.arguments
            && let Some(schema) = &tool.input
            && let Some(problem) = wrong_arguments(&name, schema, &params)?
        {
            return Ok(problem);
        }
        let answer = next.handle(method, params).await?;
        if self.results
            && let Some(schema) = &tool.output
        {
            check_result(&name, schema, &answer)?;
        }
        Ok(answer)
    }
}

fn name(params: &str) -> Option<String> {
    let name = Value::parse(params).ok()?.member("name")?.as_str()?;
    Some(name.into_owned())
}

/// The tool of this name in the list of the next link.
async fn tool(next: &impl Next, name: &str) -> Result<Option<Tool>, Error> {
    let mut params = "{}".to_owned();
    for _ in 0..MOST_PAGES {
        let listed = next.handle("tools/list", params).await?;
        let listed = object(&listed, "the answer to `tools/list`")?;
        let tools = listed.member("tools");
        let mut tools = tools.iter().flat_map(Value::elements);
        let is_named = |tool: &Value<'_>| tool.member("name").is_some_and(|n| n.is_str(name));
        if let Some(tool) = tools.find(is_named) {
            let schema = |member| tool.member(member).map(|schema| schema.text.to_owned());
            return Ok(Some(Tool {
                input: schema("inputSchema"),
                output: schema("outputSchema"),
            }));
        }
        let Some(cursor) = listed.member("nextCursor") else {
            return Ok(None);
        };
        let mut out = Vec::new();
        let mut written = Object::begin(&mut out);
        written.json("cursor", cursor.text.as_bytes());
        written.end();
        params = String::from_utf8(out).expect("JSON is made of texts");
    }
    Err(error(
        INTERNAL_ERROR,
        format!(
            "the tools of this server take more than {MOST_PAGES} pages, which are too many to find the schema of `{}`",
            excerpt(name)
        ),
    ))
}

/// The answer to a call whose arguments do not fit; none if they do.
fn wrong_arguments(name: &str, schema: &str, params: &str) -> Result<Option<String>, Error> {
    let params = object(params, "`params`")?;
    let arguments = params.member("arguments");
    let arguments = strict::parse(arguments.map_or("{}", |arguments| arguments.text));
    let problem = match arguments {
        Ok(arguments) => match schema::check(&parse_schema(name, schema)?, &arguments) {
            Ok(()) => return Ok(None),
            Err(Fault::Invalid(problem)) => problem.to_string(),
            Err(Fault::Complex) => return Err(too_complex("arguments", name)),
        },
        Err(problem) => problem,
    };
    let mut out = Vec::new();
    let mut result = Object::begin(&mut out);
    let content = result.key("content");
    content.push(b'[');
    let mut text = Object::begin(content);
    text.string("type", "text");
    text.string("text", &format!("invalid arguments: {problem}"));
    text.end();
    content.push(b']');
    result.bool("isError", true);
    result.end();
    Ok(Some(String::from_utf8(out).expect("JSON is made of texts")))
}

/// Fails if the result of a tool is not what it promised.
fn check_result(name: &str, schema: &str, answer: &str) -> Result<(), Error> {
    let result = object(answer, &format!("the answer of tool `{}`", excerpt(name)))?;
    let kind = result.member("resultType");
    let is_complete = kind.is_none_or(|kind| kind.is_str("complete"));
    let is_error = result
        .member("isError")
        .is_some_and(|flag| flag.text == "true");
    if !is_complete || is_error {
        return Ok(());
    }
    let broken = |problem: &str| {
        let name = excerpt(name);
        error(
            INTERNAL_ERROR,
            format!("tool `{name}` answered what its output schema does not allow: {problem}"),
        )
    };
    let Some(content) = result.member("structuredContent") else {
        return Err(broken("there is no structured content"));
    };
    let content = strict::parse(content.text).map_err(|problem| broken(&problem))?;
    match schema::check(&parse_schema(name, schema)?, &content) {
        Ok(()) => Ok(()),
        Err(Fault::Invalid(problem)) => Err(broken(&problem.to_string())),
        Err(Fault::Complex) => Err(too_complex("result", name)),
    }
}

fn parse_schema(name: &str, schema: &str) -> Result<Json, Error> {
    serde_json::from_str(schema).map_err(|problem| {
        let name = excerpt(name);
        error(
            INTERNAL_ERROR,
            format!("a schema of tool `{name}` cannot be read: {problem}"),
        )
    })
}

fn too_complex(what: &str, name: &str) -> Error {
    let name = excerpt(name);
    error(
        INTERNAL_ERROR,
        format!("the {what} of tool `{name}` cannot be checked: it takes too long with its schema"),
    )
}

#[cfg(test)]
mod tests;
