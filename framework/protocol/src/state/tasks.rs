//! Tasks: tool calls that outlive their request
//! (https://modelcontextprotocol.io/seps/2663-tasks-extension).
//!
//! # What a task is here
//!
//! A host may end an instance with its response, so nothing can run in the background: **a task
//! advances when its client asks for it**. That suits work that runs elsewhere: the tool starts
//! a job in another service, and later calls check whether the job is done.
//!
//! A tool begins a task by answering a call with `extension`:
//!
//! ```json
//! {"resultType": "task", "state": "job-17", "ttlMs": 600000, "pollIntervalMs": 2000,
//!  "statusMessage": "queued"}
//! ```
//!
//! - `state`, a string, is all that the tool needs to continue. Clients never see it.
//! - `ttlMs` is how long the task and its result are kept. It is set once; the default is an
//!   hour, and the maximum 7 days.
//! - `pollIntervalMs` is how often clients should ask. The default is a second, and the minimum
//!   100. A later answer may change it.
//! - `statusMessage` is for people.
//!
//! Each `tasks/get` then calls the tool again with the arguments of the first call, and so does
//! a stream that is subscribed to the task. The tool's `request-state` is the state that it
//! answered last, and its `input-responses` are all responses of this task so far. It answers
//! with
//!
//! - `extension` as above: still working. If the answer is the same, the task does not change.
//! - `input-required`: the client is asked, and the tool is called again when everything is
//!   answered. Without `state`, the last one stays.
//! - `complete`: the result, even if it says `is-error`. The tool is not called again.
//! - an error: the task failed. The tool is not called again.
//!
//! The tool is called at most once in `pollIntervalMs`: a client that asks sooner gets what is
//! stored. The first `tasks/get`, and the first one after the client gave all responses, do not
//! wait. Two calls for one state can still happen, if a call takes longer than the interval or
//! if the store of another node lags; the one that ends first counts. So repeating a call must
//! be harmless: start jobs in the first call, and only check them later. The tool is not called
//! when a task is cancelled; a job that is never checked should end by itself.
//!
//! A tool may ask under a key again, for example because it could not use an answer. The
//! protocol allows each key once in a task's life, so clients then see another one (`name.3` for
//! `name`); the tool finds the latest response under its own key.
//!
//! # What is stored
//!
//! The store writes one key at a time, and the last write wins. So each key has one kind of
//! writer: creating and advancing a task write the task itself, `tasks/cancel` writes a
//! cancellation, and `tasks/update` writes each response. None overwrites another: a cancelled
//! task stays cancelled, and no response is lost. A call of the tool costs one small write,
//! which records its time, and one more if the task changed.

mod detailed;
mod id;
mod record;
mod step;
mod stored;
#[cfg(test)]
mod tests;

pub use detailed::{Detailed, Status};
use id::Id;
use record::{Open, Phase, Record, StoredResponse};
pub use step::TaskStep;
use step::{TaskOffer, failed};
pub use stored::unknown;
use stored::{Stored, unavailable};

use crate::{
    state::{
        services::{Services, Store},
        sweep,
    },
    wire::{
        failure::{Failure, MISSING_CLIENT_CAPABILITY},
        json::{self, Object, Value},
    },
};

/// The name of the extension, in capabilities of clients and servers.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The largest value that is stored, in bytes: stores take at most 1 MB.
const LARGEST: usize = 900_000;

/// Whether a client's capabilities (JSON) declare the extension. It does not exist before
/// 2026-07-28.
pub fn declared(capabilities: &str) -> bool {
    let extension = Value::parse(capabilities)
        .ok()
        .and_then(|capabilities| capabilities.member("extensions")?.member(EXTENSION));
    extension.is_some_and(|extension| extension.is_object())
}

/// These capabilities without the extension. Where tasks cannot be stored, tools must finish in
/// one call.
pub fn without_extension(capabilities: &str) -> String {
    let mut out = Vec::with_capacity(capabilities.len());
    let mut object = Object::begin(&mut out);
    let members = Value::parse(capabilities).ok();
    for (key, value) in members.iter().flat_map(Value::members) {
        let member = object.raw_key(key);
        if !key.is_str("extensions") {
            // This cannot fail: the value is part of well-formed JSON.
            let _ = json::compact(member, value.text);
            continue;
        }
        let mut extensions = Object::begin(member);
        for (name, settings) in value.members().filter(|(name, _)| !name.is_str(EXTENSION)) {
            let _ = json::compact(extensions.raw_key(name), settings.text);
        }
        extensions.end();
    }
    object.end();
    String::from_utf8(out).unwrap_or_default()
}

/// The failure if the client did not declare the extension: for all methods of tasks, for
/// `taskIds` of `subscriptions/listen`, and for a tool call that becomes a task.
pub fn undeclared() -> Failure {
    let mut data = Vec::new();
    let mut object = Object::begin(&mut data);
    let mut required = Object::begin(object.key("requiredCapabilities"));
    let mut extensions = Object::begin(required.key("extensions"));
    extensions.json(EXTENSION, b"{}");
    extensions.end();
    required.end();
    object.end();
    let message =
        format!("this needs the extension `{EXTENSION}`, which the client did not declare");
    Failure {
        data: Some(data),
        ..Failure::new(400, MISSING_CLIENT_CAPABILITY, message)
    }
}

/// The call from which a task comes.
#[derive(Clone, Copy, Debug)]
pub struct TaskOrigin<'a> {
    /// The caller; empty if it is not authenticated. Only the same caller can see the task.
    pub principal: &'a str,
    /// The name of the tool that clients know.
    pub tool: &'a str,
    /// JSON.
    pub arguments: &'a str,
}

/// Stores a task for a call that its tool answered with `extension`, and returns the
/// `CreateTaskResult`: a JSON object without `_meta`.
///
/// Internal errors: the answer does not describe a task, there is no store, or the task is too
/// large for it.
pub fn create<S: Services>(
    services: &mut S,
    origin: &TaskOrigin<'_>,
    answer: &Value<'_>,
) -> Result<Vec<u8>, Failure> {
    let offer = TaskOffer::read(origin.tool, answer)?;
    let now = services.now();
    let id = Id::new(now.saturating_add(offer.ttl), services.random());
    let record = Record {
        principal: origin.principal.to_owned(),
        created: now,
        updated: now,
        ttl: offer.ttl,
        poll: offer.poll_or_default(),
        turn: 0,
        tool: origin.tool.to_owned(),
        phase: Phase::Open(Open {
            tool: origin.tool.to_owned(),
            arguments: origin.arguments.to_owned(),
            state: offer.state,
            message: offer.message,
            ..Open::default()
        }),
    };
    let bytes = record.write();
    if bytes.len() > LARGEST {
        return Err(too_large(origin.tool));
    }
    let store = store_of(services)?;
    store.set(&id.task(), &bytes).map_err(unavailable)?;
    sweep::note(store, &[&id.task(), &id.cancellation(), &id.advance()]);
    sweep::sometimes(services);
    Ok(Stored::new(id, record).detailed().result("task"))
}

/// The answer to a `tasks/get`, or the call that it needs.
#[derive(Debug)]
pub enum Got {
    Ready(Detailed),
    /// Call the tool, then `advanced`. If the caller drops it instead, the tool is called again
    /// after an interval.
    Advance(Box<Task>),
}

/// The answer to a `tasks/get`. Error -32602: the task does not exist, or belongs to another
/// principal.
pub fn get<S: Services>(services: &mut S, principal: &str, id: &str) -> Result<Got, Failure> {
    let now = services.now();
    let store = store_of(services)?;
    let stored = Stored::load(store, now, principal, id)?;
    match stored.advanceable(now) {
        None => Ok(Got::Ready(stored.detailed())),
        Some(open) => {
            let task = Task {
                open: open.clone(),
                stored,
            };
            task.stored.mark(store, &task.stored.id.advance(), now)?;
            Ok(Got::Advance(Box::new(task)))
        }
    }
}

/// The state of a task, without calling its tool, for streams. Errors as `get`.
pub fn peek<S: Services>(services: &mut S, principal: &str, id: &str) -> Result<Detailed, Failure> {
    let now = services.now();
    Ok(Stored::load(store_of(services)?, now, principal, id)?.detailed())
}

/// The name of a task's tool. Errors as `get`.
pub fn tool<S: Services>(services: &mut S, principal: &str, id: &str) -> Result<String, Failure> {
    let now = services.now();
    Ok(Stored::load(store_of(services)?, now, principal, id)?
        .record
        .tool)
}

/// A task whose tool must be called.
#[derive(Clone, Debug)]
pub struct Task {
    stored: Stored,
    open: Open,
}

impl Task {
    /// The name of the tool that clients know.
    pub fn tool(&self) -> &str {
        &self.open.tool
    }

    /// JSON.
    pub fn arguments(&self) -> &str {
        &self.open.arguments
    }

    /// The last state that the tool answered.
    pub fn state(&self) -> &str {
        &self.open.state
    }

    /// All responses so far: JSON, under the tool's keys.
    pub fn input_responses(&self) -> Vec<(String, String)> {
        self.open.responses_with(&self.stored.responses)
    }

    /// Stores the step of the tool, and returns the new state of the task.
    ///
    /// If the task was cancelled or advanced meanwhile, the step is dropped. If the step is
    /// malformed or too large for the store, the task fails.
    pub fn advanced<S: Services>(
        self,
        services: &mut S,
        step: TaskStep,
    ) -> Result<Detailed, Failure> {
        let now = services.now();
        let store = store_of(services)?;
        let before = &self.stored.record;
        let current = Stored::load(store, now, &before.principal, &self.stored.id.text)?;
        if current.cancelled.is_some() || current.record.turn != before.turn {
            return Ok(current.detailed());
        }
        let responses = self.input_responses();
        let Some(mut record) = before.after(&self.open, responses, step, now) else {
            return Ok(current.detailed());
        };
        let mut bytes = record.write();
        if bytes.len() > LARGEST {
            record.phase = failed(&too_large(&self.open.tool));
            bytes = record.write();
        }
        store.set(&current.id.task(), &bytes).map_err(unavailable)?;
        Ok(Stored::new(current.id, record).detailed())
    }
}

/// Handles `tasks/update`: stores the responses (an object) to open requests, each once, and
/// ignores all others. The result is empty.
///
/// Errors as `get`, and -32602 for a response that is too large for the store.
pub fn update<S: Services>(
    services: &mut S,
    principal: &str,
    id: &str,
    responses: &Value<'_>,
) -> Result<(), Failure> {
    let now = services.now();
    let store = store_of(services)?;
    let stored = Stored::load(store, now, principal, id)?;
    let mut given = Vec::new();
    for request in stored.outstanding() {
        let Some(response) = responses.member(&request.name) else {
            continue;
        };
        if response.text.len() > LARGEST {
            let name = &request.name;
            return Err(Failure::invalid_params(format!(
                "the response `{name}` is larger than the {LARGEST} bytes that are kept"
            )));
        }
        let response = StoredResponse {
            at: now,
            text: response.text.to_owned(),
        };
        given.push((stored.id.response(&request.name), response.write()));
    }
    for (key, response) in &given {
        store.set(key, response).map_err(unavailable)?;
    }
    let keys: Vec<&str> = given.iter().map(|(key, _)| &**key).collect();
    sweep::note(store, &keys);
    Ok(())
}

/// Handles `tasks/cancel`: ends a task unless it has ended. The result is empty. Errors as
/// `get`.
pub fn cancel<S: Services>(services: &mut S, principal: &str, id: &str) -> Result<(), Failure> {
    let now = services.now();
    let store = store_of(services)?;
    let stored = Stored::load(store, now, principal, id)?;
    if stored.open().is_some() {
        stored.mark(store, &stored.id.cancellation(), now)?;
    }
    Ok(())
}

fn store_of<S: Services>(services: &mut S) -> Result<&mut dyn Store, Failure> {
    services.store().ok_or_else(|| {
        Failure::internal(
            "tasks need a key-value store, and this server has none; compose it with `--runtime spin`",
        )
    })
}

fn too_large(tool: &str) -> Failure {
    Failure::internal(format!(
        "a task of tool `{tool}` takes more than the {LARGEST} bytes that the store holds; \
         let the tool keep what is large elsewhere, and return a link to it"
    ))
}
