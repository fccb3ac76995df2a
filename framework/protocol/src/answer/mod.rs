//! The outcome of a feature as a JSON-RPC response.

pub(crate) mod bridge;
pub(crate) mod extension;
pub(crate) mod input;
pub(crate) mod lists;

use crate::{
    call::{Call, Outcome, Response, Step},
    catalog::Catalog,
    serve::chain,
    state::services::Services,
    wire::{
        MAX_RESULT, content,
        failure::Failure,
        json::{self, Object, Value},
        message::SERVER_INFO,
        types::{
            completion_types::Completion,
            prompt_types::{PromptOutcome, PromptResult},
            resource_types::{ReadOutcome, ReadResult},
            tool_types::{ToolOutcome, ToolResult},
            types::{CacheHint, CacheScope, Error},
        },
        version::Version,
    },
};

/// Values that one completion holds at most
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion#completion-results).
const MAX_COMPLETIONS: usize = 100;

/// How long what was read may be reused if the feature does not say: not at all.
const NO_CACHE: CacheHint = CacheHint {
    ttl_ms: 0,
    scope: CacheScope::Private,
};

/// Turns an outcome into a response, or into what else the client has to be asked.
pub fn settle<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Step {
    if S::WHOLE && call.task.is_some() {
        return Step::Done(extension::advance(call, outcome, services));
    }
    let version = call.client.version;
    Step::Done(match outcome {
        Outcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))) => {
            return input::require(call, &required, services);
        }
        Outcome::Tool(Ok(Some(ToolOutcome::Complete(result)))) => tool(call, &result),
        Outcome::Tool(Ok(Some(ToolOutcome::Extension(result)))) => {
            extension::answer(call, &result, services)
        }
        Outcome::Tool(Ok(None)) => call.fail(&call.target.unknown(version.is_modern())),
        Outcome::Tool(Err(error)) => of_feature(call, &error),
        // The small server has tools alone.
        other if S::WHOLE => return settle_other(call, other, services),
        _ => call.fail(&Failure::internal("the server is too small for this")),
    })
}

/// The outcome of anything but a tool.
fn settle_other<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Step {
    Step::Done(match outcome {
        Outcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        | Outcome::Resource(Ok(Some(ReadOutcome::InputRequired(required)))) => {
            return input::require(call, &required, services);
        }
        Outcome::Prompt(Ok(Some(PromptOutcome::Complete(result)))) => prompt(call, &result),
        Outcome::Resource(Ok(Some(ReadOutcome::Complete(result)))) => resource(call, &result),
        Outcome::Completion(Ok(Some(result))) => completion(call, &result),
        Outcome::Completion(Ok(None)) => completion(call, &NO_COMPLETION),
        Outcome::List(listed) => return lists::settle(call, listed),
        Outcome::Handled(handled) => return chain::settle(call, handled, services),
        Outcome::Tool(_) | Outcome::Prompt(Ok(None)) | Outcome::Resource(Ok(None)) => {
            call.fail(&call.target.unknown(call.client.version.is_modern()))
        }
        Outcome::Prompt(Err(error))
        | Outcome::Resource(Err(error))
        | Outcome::Completion(Err(error)) => of_feature(call, &error),
    })
}

pub fn of_feature(call: &Call<'_>, error: &Error) -> Response {
    let response = call.fail(&Failure::of_feature(error, call.client.version));
    // An error has a message and data of the feature's making.
    if response.body.len() > MAX_RESULT {
        call.fail(&too_large(call))
    } else {
        response
    }
}

pub const NO_COMPLETION: Completion = Completion {
    values: Vec::new(),
    total: None,
    has_more: false,
};

/// A response whose result `write` appends. `size` is what it takes about.
pub fn respond(
    call: &Call<'_>,
    size: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> Response {
    // Found out before it is written where it can be: a component has little memory.
    if size > MAX_RESULT {
        return call.fail(&too_large(call));
    }
    let mut body = Vec::with_capacity(size + call.catalog.server_info().len() + 256);
    let mut response = Object::begin(&mut body);
    response.string("jsonrpc", "2.0");
    response.json("id", call.id.as_bytes());
    if let Err(failure) = write(response.key("result")) {
        return call.fail(&failure);
    }
    response.end();
    if body.len() > MAX_RESULT {
        return call.fail(&too_large(call));
    }
    Response {
        status: 200,
        body,
        failure: None,
    }
}

pub fn too_large(call: &Call<'_>) -> Failure {
    Failure::internal(format!(
        "{} answered with more than {MAX_RESULT} bytes; let it return less at a time",
        call.target.describe()
    ))
}

fn tool(call: &Call<'_>, result: &ToolResult) -> Response {
    let blocks: usize = result.content.iter().map(content::size).sum();
    let structured = result.structured_content.as_ref().map_or(0, String::len);
    let size = blocks + structured.min(MAX_RESULT) + 64 * result.content.len();
    // Structured content that is too long may still be short once it is compact.
    let size = if blocks > MAX_RESULT {
        size
    } else {
        size.min(MAX_RESULT)
    };
    respond(call, size, |out| write_tool(out, call, result))
}

/// Appends a `CallToolResult`
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-result).
pub fn write_tool(out: &mut Vec<u8>, call: &Call<'_>, result: &ToolResult) -> Result<(), Failure> {
    let version = call.client.version;
    let mut object = begin_complete(out, call);
    list(object.key("content"), &result.content, |out, block| {
        content::block(out, block, version)
    });
    if let Some(structured) = &result.structured_content {
        write_structured(&mut object, call, structured, version)?;
    }
    if result.is_error {
        object.bool("isError", true);
    }
    write_meta(&mut object, call, result.meta.as_deref())?;
    object.end();
    Ok(())
}

/// Before 2026-07-28 structured content was always an object; clients refuse anything else.
fn write_structured(
    object: &mut Object<'_>,
    call: &Call<'_>,
    structured: &str,
    version: Version,
) -> Result<(), Failure> {
    let fault = |_| broken(call, "structured content that is not valid JSON");
    if !version.is_modern() && !Value::parse(structured).map_err(fault)?.is_object() {
        return Ok(());
    }
    json::compact(object.key("structuredContent"), structured).map_err(fault)?;
    Ok(())
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/prompts#getting-a-prompt)
fn prompt(call: &Call<'_>, result: &PromptResult) -> Response {
    let version = call.client.version;
    let messages = result.messages.iter();
    let size = messages
        .map(|message| content::size(&message.content) + 64)
        .sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        object.optional("description", result.description.as_deref());
        list(object.key("messages"), &result.messages, |out, message| {
            content::prompt_message(out, message, version)
        });
        write_meta(&mut object, call, result.meta.as_deref())?;
        object.end();
        Ok(())
    })
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/resources#reading-resources)
fn resource(call: &Call<'_>, result: &ReadResult) -> Response {
    let contents = result.contents.iter();
    let size = contents
        .map(|contents| content::resource_size(contents) + 64)
        .sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        list(object.key("contents"), &result.contents, |out, contents| {
            content::resource_contents(out, contents)
        });
        if call.client.version.is_modern() {
            let hint = result.cache.unwrap_or(NO_CACHE);
            object.json("ttlMs", hint.ttl_ms.to_string().as_bytes());
            object.string(
                "cacheScope",
                match hint.scope {
                    CacheScope::Private => "private",
                    CacheScope::Public => "public",
                },
            );
        }
        write_meta(&mut object, call, result.meta.as_deref())?;
        object.end();
        Ok(())
    })
}

/// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion)
fn completion(call: &Call<'_>, result: &Completion) -> Response {
    let values = &result.values[..result.values.len().min(MAX_COMPLETIONS)];
    let size = values.iter().map(|value| value.len() + 8).sum();
    respond(call, size, |out| {
        let mut object = begin_complete(out, call);
        let mut written = Object::begin(object.key("completion"));
        list(written.key("values"), values, |out, value| {
            json::string(out, value)
        });
        if let Some(total) = result.total {
            written.json("total", total.to_string().as_bytes());
        }
        written.bool(
            "hasMore",
            result.has_more || result.values.len() > MAX_COMPLETIONS,
        );
        written.end();
        write_meta(&mut object, call, None)?;
        object.end();
        Ok(())
    })
}

fn begin_complete<'o>(out: &'o mut Vec<u8>, call: &Call<'_>) -> Object<'o> {
    let mut object = Object::begin(out);
    if call.client.version.is_modern() {
        object.string("resultType", "complete");
    }
    object
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The feature's metadata and, for modern clients, who the server is.
pub fn write_meta(
    object: &mut Object<'_>,
    call: &Call<'_>,
    meta: Option<&str>,
) -> Result<(), Failure> {
    let modern = call.client.version.is_modern();
    if !modern && meta.is_none() {
        return Ok(());
    }
    let meta = match meta.map(Value::parse) {
        None => None,
        Some(Ok(meta)) if meta.is_object() => Some(meta),
        Some(_) => return Err(broken(call, "metadata that is not a JSON object")),
    };
    match meta {
        // Well-formed, as it was read.
        Some(meta) if !modern => drop(json::compact(object.key("_meta"), meta.text)),
        _ => write_named(object.key("_meta"), &call.catalog, meta),
    }
    Ok(())
}

/// Appends metadata with who the server is, whatever it said of that.
pub fn write_named(out: &mut Vec<u8>, catalog: &Catalog<'_>, meta: Option<Value<'_>>) {
    let mut written = Object::begin(out);
    written.json(SERVER_INFO, catalog.server_info());
    let members = meta.iter().flat_map(Value::members);
    for (key, value) in members.filter(|(key, _)| !key.is_str(SERVER_INFO)) {
        // Well-formed, as part of what was read.
        let _ = json::compact(written.raw_key(key), value.text);
    }
    written.end();
}

/// What the feature answered is of no use to a client.
pub fn broken(call: &Call<'_>, what: &str) -> Failure {
    Failure::internal(format!("{} answered with {what}", call.target.describe()))
}
