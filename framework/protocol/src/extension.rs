//! Results of kinds that an extension defines; of these, tasks are the framework's own
//! (https://modelcontextprotocol.io/seps/2663-tasks-extension).

use std::borrow::Cow;

use crate::{
    Catalog, MAX_RESULT,
    answer::{self, broken},
    call::{Call, Outcome, Response},
    catalog::Flags,
    chain,
    failure::Failure,
    input,
    json::{self, Object, Value},
    services::{ServerPart, Services},
    target::{Slots, Target},
    tasks,
    types::tool_types::ToolOutcome,
};

/// Answers with what the feature said, or makes the task that it asks for.
pub fn answer<S: Services>(call: &Call<'_>, extension: &str, services: &mut S) -> Response {
    respond(call, result(call, extension, services))
}

/// The result of an extension, and its kind.
pub fn read<'t>(call: &Call<'_>, text: &'t str) -> Result<(Value<'t>, Cow<'t, str>), Failure> {
    let value = Value::parse(text).ok().filter(Value::is_object);
    let value =
        value.ok_or_else(|| broken(call, "an extension's result that is not a JSON object"))?;
    if !value.names_once() {
        return Err(broken(
            call,
            "an extension's result that names a member twice",
        ));
    }
    let kind = value.member("resultType").and_then(|kind| kind.as_str());
    let own = kind.filter(|kind| !matches!(&**kind, "complete" | "input_required"));
    let kind = own.ok_or_else(|| {
        broken(
            call,
            "an extension's result that has no `resultType` of its own",
        )
    })?;
    Ok((value, kind))
}

fn result<S: Services>(
    call: &Call<'_>,
    extension: &str,
    services: &mut S,
) -> Result<Vec<u8>, Failure> {
    let (value, kind) = read(call, extension)?;
    let modern = call.client.version.is_modern();
    if kind == "task" && !matches!(call.target, Target::Tool { .. }) {
        return Err(broken(call, "a task, which only tools may begin"));
    }
    if kind == "task" && !call.catalog.flags().contains(Flags::TASKS) {
        return Err(broken(
            call,
            "a task, but no tool of this server says in its `_meta` that it may",
        ));
    }
    if S::WHOLE && kind == "task" {
        if !modern || !tasks::declared(&call.client.capabilities) {
            return Err(tasks::undeclared());
        }
        let origin = tasks::Origin {
            principal: call.client.principal(),
            tool: call.target.name(),
            arguments: call.target.arguments(),
        };
        return tasks::create(services, &origin, &value);
    }
    let capabilities = Value::parse(&call.client.capabilities).ok();
    let extensions = capabilities.and_then(|capabilities| capabilities.member("extensions"));
    if !modern || extensions.is_none_or(|extensions| extensions.members().next().is_none()) {
        return Err(broken(
            call,
            "the result of an extension that this client did not declare",
        ));
    }
    Ok(value.text.as_bytes().to_vec())
}

/// What became of the task that this call advances.
pub fn advance<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Response {
    let Some(task) = call.task.take() else {
        return call.fail(&Failure::internal("there is no task"));
    };
    let step = step(call, outcome).unwrap_or_else(tasks::Step::Failed);
    let result = task.advanced(services, step);
    respond(call, result.map(tasks::Detailed::into_result))
}

fn respond(call: &Call<'_>, result: Result<Vec<u8>, Failure>) -> Response {
    match result {
        Ok(object) if object.len() > MAX_RESULT => call.fail(&answer::too_large(call)),
        Ok(object) => Response {
            status: 200,
            body: whole(&call.catalog, call.id, &object),
            failure: None,
        },
        Err(failure) => call.fail(&failure),
    }
}

fn step(call: &Call<'_>, outcome: Outcome) -> Result<tasks::Step, Failure> {
    let version = call.client.version;
    match outcome {
        Outcome::Tool(Ok(Some(ToolOutcome::Complete(result)))) => {
            let mut object = Vec::new();
            answer::write_tool(&mut object, call, &result)?;
            let object = String::from_utf8(object);
            object
                .map(tasks::Step::Complete)
                .map_err(|_| broken(call, "text that is not UTF-8"))
        }
        Outcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))) => {
            input::check(call, &required)?;
            Ok(tasks::Step::Input(required))
        }
        Outcome::Tool(Ok(Some(ToolOutcome::Extension(extension)))) => {
            if read(call, &extension)?.1 == "task" {
                Ok(tasks::Step::Working(extension))
            } else {
                Err(broken(call, "the result of an extension instead of a task"))
            }
        }
        Outcome::Tool(Err(error)) | Outcome::Handled(Err(error)) => {
            Err(Failure::of_feature(&error, version))
        }
        Outcome::Handled(Ok(result)) => chain::task_step(call, result),
        _ => Err(call.target.unknown(true)),
    }
}

/// A response to a modern client with this result, and who the server is.
pub fn whole(catalog: &Catalog<'_>, id: &str, result: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(result.len() + catalog.server_info().len() + 256);
    let mut response = Object::begin(&mut body);
    response.string("jsonrpc", "2.0");
    response.json("id", id.as_bytes());
    let mut object = Object::begin(response.key("result"));
    let text = str::from_utf8(result).unwrap_or_default();
    let result = Value::parse(text).ok();
    let is_meta = |key: &Value<'_>| key.is_str("_meta");
    for (key, value) in result.iter().flat_map(Value::members) {
        if !is_meta(&key) {
            // Well-formed, as part of what was read.
            let _ = json::compact(object.raw_key(key), value.text);
        }
    }
    let meta = result.and_then(|result| result.member("_meta"));
    answer::write_named(object.key("_meta"), catalog, meta);
    object.end();
    response.end();
    body
}

/// The call that a task is about.
pub fn target<'a, S: Services>(
    catalog: &Catalog<'a>,
    task: &tasks::Task,
    services: &S,
) -> Result<(Target<'a>, Slots), Failure> {
    let (name, arguments) = (task.tool().to_owned(), task.arguments().to_owned());
    if services.part() == ServerPart::Transport {
        // Links may know it by a name that the catalog does not have.
        let target = Target::Tool {
            tool: catalog.tool(&name),
            name: name.into(),
            arguments: arguments.into(),
        };
        return Ok((target, Slots::One(0)));
    }
    Target::named_tool(catalog, name.into(), arguments.into())
}
