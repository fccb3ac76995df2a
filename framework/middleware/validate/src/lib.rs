//! Middleware: checks arguments and results against the schemas of their tool.
//!
//! It learns the schemas as a client does: it lists the tools of the next component.

mod known;
mod schema;
mod strict;

use std::rc::Rc;

use serde_json::Value as Json;
use spin_mcp_middleware_sdk::{
    Error, INTERNAL_ERROR, Middleware, Next, Settings, Value, error, excerpt, json::Object, object,
};

use known::{Found, Pages, Tool};
use schema::Fault;

#[cfg(target_family = "wasm")]
spin_mcp_middleware_sdk::export!(Validate);

/// The most pages of a list that are read for one call.
const MOST_PAGES: usize = 32;

pub struct Validate {
    arguments: bool,
    results: bool,
    pages: Pages,
}

impl Middleware for Validate {
    const NAME: &str = "validate";

    fn new(settings: Settings<'_>) -> Result<Validate, String> {
        let arguments = settings.boolean("arguments")?.unwrap_or(true);
        let results = settings.boolean("results")?.unwrap_or(true);
        settings.end()?;
        Ok(Validate {
            arguments,
            results,
            pages: Pages::default(),
        })
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
        // The next component reports that there is no such tool.
        let Some(tool) = self.tool(next, &name).await? else {
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

impl Validate {
    /// The tool of this name, as the next component lists it.
    async fn tool(&self, next: &impl Next, name: &str) -> Result<Option<Rc<Tool>>, Error> {
        let mut params = "{}".to_owned();
        for _ in 0..MOST_PAGES {
            let page = next.handle("tools/list", params).await?;
            params = match self.pages.find(page, name)? {
                Found::Tool(tool) => return Ok(Some(tool)),
                Found::Nowhere => return Ok(None),
                Found::Later(params) => params,
            };
        }
        let name = excerpt(name);
        let problem = format!(
            "the tools of this server take more than {MOST_PAGES} pages, too many to find the schema of `{name}`"
        );
        Err(error(INTERNAL_ERROR, problem))
    }
}

/// The answer to a call whose arguments do not fit. None: they fit.
fn wrong_arguments(name: &str, schema: &Json, params: &str) -> Result<Option<String>, Error> {
    let params = object(params, "`params`")?;
    let arguments = params.member("arguments");
    let arguments = strict::parse(arguments.map_or("{}", |arguments| arguments.text));
    let problem = match arguments {
        Ok(mut arguments) => match schema::check(schema, &arguments).or_else(|_| {
            leave_out_nulls(schema, schema, &mut arguments);
            schema::check(schema, &arguments)
        }) {
            Ok(()) => return Ok(None),
            Err(Fault::Invalid(problem)) => problem.to_string(),
            Err(fault) => return Err(unchecked("arguments", name, &fault)),
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

/// Leaves out `null` where a property may be absent, because clients send either.
fn leave_out_nulls(root: &Json, schema: &Json, value: &mut Json) {
    let target = schema["$ref"]
        .as_str()
        .and_then(|target| target.strip_prefix('#'));
    let target = target.and_then(|target| root.pointer(target));
    let schema = target.unwrap_or(schema);
    match value {
        Json::Object(members) => {
            let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
            let properties = &schema["properties"];
            members.retain(|name, value| {
                let optional =
                    properties.get(name).is_some() && !required.iter().any(|other| other == name);
                !(value.is_null() && optional)
            });
            for (name, value) in members {
                leave_out_nulls(root, &properties[name], value);
            }
        }
        Json::Array(elements) => {
            for element in elements {
                leave_out_nulls(root, &schema["items"], element);
            }
        }
        _ => {}
    }
}

/// Fails if the result does not fit the output schema of the tool.
fn check_result(name: &str, schema: &Json, answer: &str) -> Result<(), Error> {
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
    match schema::check(schema, &content) {
        Ok(()) => Ok(()),
        Err(Fault::Invalid(problem)) => Err(broken(&problem.to_string())),
        Err(fault) => Err(unchecked("result", name, &fault)),
    }
}

fn unchecked(what: &str, name: &str, fault: &Fault) -> Error {
    let name = excerpt(name);
    let why = match fault {
        Fault::Unresolved(to) => {
            format!(
                "its schema refers to `{}`, which it does not contain",
                excerpt(to)
            )
        }
        _ => "the check with its schema takes too long".to_owned(),
    };
    error(
        INTERNAL_ERROR,
        format!("the {what} of tool `{name}` cannot be checked: {why}"),
    )
}

#[cfg(test)]
mod tests;
