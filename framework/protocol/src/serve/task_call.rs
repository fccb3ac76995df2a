//! The call that advances a task.

use std::borrow::Cow;

use crate::{
    call::{
        Call, Input, Passed,
        caller::Caller,
        target::{Slots, Target},
    },
    catalog::Catalog,
    state::{
        services::{ServerPart, Services},
        tasks::Task,
    },
    wire::{failure::Failure, json::Object, message::Meta},
};

/// A call of the task's tool, for a request with this `id` and `_meta`. Fails if the catalog
/// does not have the tool.
pub fn task_call<'a, S: Services>(
    catalog: &Catalog<'a>,
    id: &'a str,
    meta: Meta<'a>,
    client: Caller<'a>,
    task: Box<Task>,
    services: &S,
) -> Result<Call<'a>, Failure> {
    let target = target(catalog, &task, services)?;
    let input = Input {
        responses: task.input_responses(),
        state: Some(task.state().to_owned()),
    };
    let mut call = Call::new(*catalog, id, target, meta, input, client);
    call.task = Some(task);
    if services.part() == ServerPart::Transport {
        pass(&mut call);
    }
    Ok(call)
}

/// The target of the task's call.
fn target<'a, S: Services>(
    catalog: &Catalog<'a>,
    task: &Task,
    services: &S,
) -> Result<(Target<'a>, Slots), Failure> {
    let (name, arguments) = (task.tool().to_owned(), task.arguments().to_owned());
    if services.part() == ServerPart::Transport {
        // Middleware may know the tool by a name that the catalog does not have.
        let target = Target::Tool {
            tool: catalog.tool(&name),
            name: name.into(),
            arguments: arguments.into(),
        };
        return Ok((target, Slots::One(0)));
    }
    Target::named_tool(catalog, name.into(), arguments.into())
}

/// Makes a call of a task a request for the chain.
fn pass(call: &mut Call<'_>) {
    let mut params = Vec::new();
    let mut object = Object::begin(&mut params);
    object.string("name", call.target.name());
    object.json("arguments", call.target.arguments().as_bytes());
    object.end();
    call.passed = Some(Passed {
        params: Cow::Owned(String::from_utf8(params).unwrap_or_default()),
        prepared: None,
    });
}
