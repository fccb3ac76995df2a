//! Results that an extension defines. The framework itself handles tasks
//! (https://modelcontextprotocol.io/seps/2663-tasks-extension).

use std::borrow::Cow;

use super::response::{broken, respond_with};
use crate::{
    call::{Call, CallResponse, target::Target},
    catalog::Flags,
    state::{services::Services, tasks},
    wire::{failure::Failure, json::Value},
};

/// Answers with the result of the feature, or creates the task that it asks for.
pub fn answer<S: Services>(call: &Call<'_>, extension: &str, services: &mut S) -> CallResponse {
    respond_with(call, result(call, extension, services))
}

/// Reads the result of an extension; returns its kind, too.
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
            return Err(Failure {
                status: if modern { 400 } else { 200 },
                ..tasks::undeclared()
            });
        }
        let origin = tasks::TaskOrigin {
            principal: &services.principal(),
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
