//! The outcome of a tool as a JSON-RPC response
//! (https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-result).

use crate::{
    MAX_RESULT,
    call::{Call, Outcome},
    content,
    dispatch::unknown_tool,
    failure::Failure,
    input,
    json::{self, Object, Value},
    message::SERVER_INFO,
    types::tool_types::{ToolOutcome, ToolResult},
    version::Version,
};

/// Appends the response, and gives the HTTP status of one that is nothing else.
pub fn write(out: &mut Vec<u8>, call: &Call<'_>, outcome: Outcome) -> u16 {
    let start = out.len();
    let written = match outcome {
        Ok(Some(outcome)) => write_result(out, call, &outcome),
        Ok(None) => Err(unknown_tool(call.tool().name())),
        Err(error) => Err(Failure::of_feature(&error, call.client().version)),
    };
    let written = written.and_then(|()| {
        if out.len() - start > MAX_RESULT {
            Err(too_large(call))
        } else {
            Ok(())
        }
    });
    match written {
        Ok(()) => 200,
        Err(failure) => {
            out.truncate(start);
            failure.write(out, Some(call.id()));
            // An error has a message and data of the feature's making.
            if out.len() - start > MAX_RESULT {
                out.truncate(start);
                too_large(call).write(out, Some(call.id()));
            }
            failure.status
        }
    }
}

fn too_large(call: &Call<'_>) -> Failure {
    let name = call.tool().name();
    Failure::internal(format!(
        "tool `{name}` answered with more than {MAX_RESULT} bytes; let it return less at a time"
    ))
}

fn write_result(out: &mut Vec<u8>, call: &Call<'_>, outcome: &ToolOutcome) -> Result<(), Failure> {
    if let ToolOutcome::Complete(result) = outcome {
        // Found out before it is written where it can be: a component has little memory.
        let size: usize = result.content.iter().map(content::size).sum();
        if size > MAX_RESULT {
            return Err(too_large(call));
        }
        let structured = result
            .structured_content
            .as_ref()
            .map_or(0, String::len)
            .min(MAX_RESULT);
        out.reserve(
            size + structured + 64 * result.content.len() + call.tool().server_info().len() + 256,
        );
    }
    let mut response = Object::begin(out);
    response.string("jsonrpc", "2.0");
    response.json("id", call.id().as_bytes());
    let result = response.key("result");
    match outcome {
        ToolOutcome::Complete(complete) => write_complete(result, call, complete)?,
        ToolOutcome::InputRequired(required) => input::write(result, call, required)?,
        ToolOutcome::Extension(extension) => write_extension(result, call, extension)?,
    }
    response.end();
    Ok(())
}

fn write_complete(out: &mut Vec<u8>, call: &Call<'_>, result: &ToolResult) -> Result<(), Failure> {
    let version = call.client().version;
    let mut object = Object::begin(out);
    if version.is_modern() {
        object.string("resultType", "complete");
    }
    let list = object.key("content");
    list.push(b'[');
    for (index, block) in result.content.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        content::block(list, block, version);
    }
    list.push(b']');
    if let Some(structured) = &result.structured_content {
        write_structured(&mut object, call, structured, version)?;
    }
    if result.is_error {
        object.bool("isError", true);
    }
    let meta = match &result.meta {
        None => None,
        Some(meta) => match Value::parse(meta) {
            Ok(meta) if meta.is_object() => Some(meta),
            _ => return Err(broken(call, "metadata that is not a JSON object")),
        },
    };
    write_meta(&mut object, call, meta);
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

/// The feature's metadata and, for modern clients, who the server is.
pub fn write_meta(object: &mut Object<'_>, call: &Call<'_>, meta: Option<Value<'_>>) {
    let modern = call.client().version.is_modern();
    if !modern && meta.is_none() {
        return;
    }
    let mut written = Object::begin(object.key("_meta"));
    if modern {
        written.json(SERVER_INFO, call.tool().server_info());
    }
    let members = meta.iter().flat_map(Value::members);
    for (key, value) in members.filter(|(key, _)| !modern || !key.is_str(SERVER_INFO)) {
        // Well-formed, as part of what was read.
        let _ = json::compact(written.raw_key(key), value.text);
    }
    written.end();
}

/// What the feature answered is of no use to a client.
pub fn broken(call: &Call<'_>, what: &str) -> Failure {
    Failure::internal(format!(
        "tool `{}` answered with {what}",
        call.tool().name()
    ))
}

fn write_extension(out: &mut Vec<u8>, call: &Call<'_>, extension: &str) -> Result<(), Failure> {
    let value = Value::parse(extension).ok().filter(Value::is_object);
    let value =
        value.ok_or_else(|| broken(call, "an extension's result that is not a JSON object"))?;
    let kind = value.member("resultType").and_then(|kind| kind.as_str());
    if kind.is_none_or(|kind| matches!(&*kind, "complete" | "input_required")) {
        return Err(broken(
            call,
            "an extension's result that has no `resultType` of its own",
        ));
    }
    let capabilities = Value::parse(&call.client().capabilities).ok();
    let extensions = capabilities.and_then(|capabilities| capabilities.member("extensions"));
    if !call.client().version.is_modern()
        || extensions.is_none_or(|extensions| extensions.members().next().is_none())
    {
        return Err(broken(
            call,
            "the result of an extension that this client did not declare",
        ));
    }
    let _ = json::compact(out, value.text);
    Ok(())
}
