//! Results of a chain.

mod answered;

use std::collections::BTreeSet;

use super::{
    extension, input,
    response::{self, broken},
};
use crate::{
    call::{
        Call, CallResponse, CallStep, access,
        target::{self, Target},
    },
    state::{services::Services, tasks},
    wire::{
        failure::Failure,
        json::{self, Value},
        types::types::{Error, InputRequest, InputRequired},
    },
};
use answered::{HandledResult, ResultKind};

/// Turns the result of a chain into a response, or into requests for the client.
pub fn settle<S: Services>(
    call: &mut Call<'_>,
    handled: Result<String, Error>,
    services: &mut S,
) -> CallStep {
    let text = match handled {
        Ok(text) if S::AUTH => match show(call, text, services) {
            Ok(text) => text,
            Err(failure) => return CallStep::Done(call.fail(&failure)),
        },
        Ok(text) => text,
        Err(error) => return CallStep::Done(response::of_feature(call, &error)),
    };
    let answered = match HandledResult::read(call, &text) {
        Ok(answered) => answered,
        Err(failure) => return CallStep::Done(call.fail(&failure)),
    };
    match answered.kind {
        ResultKind::Complete => CallStep::Done(complete(call, &answered)),
        ResultKind::InputRequired if matches!(call.target, Target::Method(_)) => {
            CallStep::Done(call.fail(&needs_input(call)))
        }
        ResultKind::InputRequired => match required(call, &answered.value) {
            Ok(required) => input::require(call, &required, services),
            Err(failure) => CallStep::Done(call.fail(&failure)),
        },
        ResultKind::Extension => CallStep::Done(extension::answer(call, &text, services)),
    }
}

/// Removes the entries of a list that the client may not see.
fn show<S: Services>(call: &Call<'_>, text: String, services: &mut S) -> Result<String, Failure> {
    let kind = target::list_kind(call.target.method());
    let (Some(kind), Ok(result)) = (kind, Value::parse(&text)) else {
        return Ok(text);
    };
    // More than one list is refused later.
    let Some(list) = result.member(kind.member()) else {
        return Ok(text);
    };
    let params = call.passed.as_ref().map_or("{}", |passed| &passed.params);
    let client = (&call.client, params);
    let Some(seen) = access::visible(&call.catalog, kind, client, list.text, services)? else {
        return Ok(text);
    };
    let mut out = Vec::with_capacity(text.len());
    let mut object = json::Object::begin(&mut out);
    for (key, value) in result.members() {
        let value = match key.is_str(kind.member()) {
            true => &*seen,
            false => value.text.as_bytes(),
        };
        object.raw_key(key).extend_from_slice(value);
    }
    object.end();
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// The step of a task, from the result of a chain.
pub fn task_step<S: Services>(call: &Call<'_>, text: String) -> Result<tasks::TaskStep, Failure> {
    let answered = HandledResult::read(call, &text)?;
    match answered.kind {
        ResultKind::Complete => {
            let mut result = Vec::with_capacity(text.len());
            answered.write(&mut result, call);
            let result = String::from_utf8(result);
            result
                .map(tasks::TaskStep::Complete)
                .map_err(|_| broken(call, "text that is not UTF-8"))
        }
        ResultKind::InputRequired => {
            let required = required(call, &answered.value)?;
            input::check::<S>(call, &required)?;
            Ok(tasks::TaskStep::Input(required))
        }
        ResultKind::Extension if extension::read(call, &text)?.1 == "task" => {
            Ok(tasks::TaskStep::Working(text))
        }
        ResultKind::Extension => Err(broken(call, "the result of an extension instead of a task")),
    }
}

pub fn needs_input(call: &Call<'_>) -> Failure {
    broken(
        call,
        "a request for input, which only tools, prompts and resources may make",
    )
}

/// Reads a result that asks for input.
fn required(call: &Call<'_>, value: &Value<'_>) -> Result<InputRequired, Failure> {
    let misshapen = || broken(call, "a malformed request for input");
    let mut requests = Vec::new();
    let asked = value.member("inputRequests");
    if asked.is_some_and(|asked| !asked.is_object()) {
        return Err(misshapen());
    }
    for (key, request) in asked.iter().flat_map(Value::members) {
        let method = request.member("method").and_then(|method| method.as_str());
        requests.push(InputRequest {
            key: key.as_str().ok_or_else(misshapen)?.into_owned(),
            method: method.ok_or_else(misshapen)?.into_owned(),
            params: request
                .member("params")
                .map_or("{}", |params| params.text)
                .to_owned(),
        });
    }
    let state = match value.member("requestState") {
        None => None,
        Some(state) => Some(state.as_str().ok_or_else(misshapen)?.into_owned()),
    };
    Ok(InputRequired { requests, state })
}

/// Writes a complete result for the client.
fn complete(call: &Call<'_>, answered: &HandledResult<'_>) -> CallResponse {
    response::respond(call, answered.value.text.len(), |out| {
        check_list(call, &answered.value)?;
        answered.write(out, call);
        Ok(())
    })
}

/// Checks that a list has no two entries of one name: clients identify entries by their names.
fn check_list(call: &Call<'_>, value: &Value<'_>) -> Result<(), Failure> {
    let Some(kind) = target::list_kind(call.target.method()) else {
        return Ok(());
    };
    let entries = value
        .member(kind.member())
        .filter(|list| list.kind == json::Kind::Array);
    let entries = entries.ok_or_else(|| broken(call, "something that is not a list"))?;
    let mut names = BTreeSet::new();
    for entry in entries.elements() {
        let mut named = entry
            .members()
            .filter(|(member, _)| member.is_str(kind.key()));
        let name = named.next().and_then(|(_, name)| name.as_str());
        let name = name.ok_or_else(|| broken(call, "an entry that has no name"))?;
        if !names.insert(name) || named.next().is_some() {
            return Err(broken(call, "a list that names an entry twice"));
        }
    }
    Ok(())
}
