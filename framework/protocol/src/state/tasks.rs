//! Tasks: tool calls that outlive their request
//! (https://modelcontextprotocol.io/seps/2663-tasks-extension).
//!
//! # What a task is here
//!
//! A host may end an instance with its response, so there is no background in which work could
//! go on: **a task advances when its client asks for it**. That fits work that goes on
//! elsewhere: the tool starts a job of another service and, asked again, looks whether it is
//! done.
//!
//! A tool begins a task by answering a call with `extension`:
//!
//! ```json
//! {"resultType": "task", "state": "job-17", "ttlMs": 600000, "pollIntervalMs": 2000,
//!  "statusMessage": "queued"}
//! ```
//!
//! - `state`, a string, is all that the tool needs to go on. Clients never see it.
//! - `ttlMs`: how long the task and its result are kept, from now on; an hour unless said, and
//!   7 days at most. It is settled once.
//! - `pollIntervalMs`: how often clients should ask; a second unless said, 100 at least. A
//!   later answer may change it.
//! - `statusMessage` is for people.
//!
//! From then on each `tasks/get` calls the tool with the arguments of the first call, and so
//! does a stream on which the client listens for the task; its
//! `request-state` is the state that it answered last, and its `input-responses` are all
//! responses of this task so far. It answers with
//!
//! - `extension` as above: still at work. The same answer again leaves the task as it is.
//! - `input-required`: the client is asked, and the tool is called again when everything is
//!   answered. Without `state` the last one stays.
//! - `complete`: the result, also if it says `is-error`. The tool is not called again.
//! - an error: the task failed. The tool is not called again.
//!
//! The tool is called once in `pollIntervalMs` at most: a client that asks sooner gets what is
//! stored. The first `tasks/get`, and the first one after the client gave all responses, do not
//! wait. Two calls for one state can still happen, when a call takes longer than the interval
//! or when the store of another node lags; the one that ends first counts. So a call must do no
//! harm when it is repeated: start jobs in the first call, and only look at them later. Nobody
//! tells the tool of a cancellation; a job that nobody asks about should end by itself.
//!
//! A tool may ask under a key again, for example because an answer did not do. Protocol and
//! clients want each key once in a task's life, so clients then see another one (`name.3` for
//! `name`); the tool finds the latest response under its own key.
//!
//! # What is stored
//!
//! The store writes one key at a time, and the last write wins. So each key has one kind of
//! writer: the task itself is written by who creates and advances it, a cancellation by
//! `tasks/cancel`, and each response by `tasks/update`. None undoes what another did: a
//! cancelled task stays cancelled, and no response is lost. A call of the tool costs one small
//! write, which notes when it was, and one more if the task changed.

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
use stored::{Stored, unavailable};

use crate::{
    state::{
        keys,
        services::{Services, Store},
    },
    wire::{
        failure::{Failure, MISSING_CLIENT_CAPABILITY},
        json::{self, Object, Value},
    },
};

/// The name of the extension, in capabilities of clients and servers alike.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The largest value that is stored, in bytes: stores take 1 MB.
const LARGEST: usize = 900_000;

/// Whether a client's capabilities (JSON) declare the extension. What clients of revisions
/// before 2026-07-28 declare counts for nothing.
pub fn declared(capabilities: &str) -> bool {
    let extension = Value::parse(capabilities)
        .ok()
        .and_then(|capabilities| capabilities.member("extensions")?.member(EXTENSION));
    extension.is_some_and(|extension| extension.is_object())
}

/// These capabilities without the extension: where no task can be kept, tools are to do their
/// work at once.
pub fn without_extension(capabilities: &str) -> String {
    let mut out = Vec::with_capacity(capabilities.len());
    let mut object = Object::begin(&mut out);
    let members = Value::parse(capabilities).ok();
    for (key, value) in members.iter().flat_map(Value::members) {
        let member = object.raw_key(key);
        if !key.is_str("extensions") {
            // Well-formed, as part of what was read.
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

/// What a client gets that did not declare the extension: for each method of tasks, for
/// `taskIds` of `subscriptions/listen`, and for a call that its tool answers with a task.
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

/// The call that a task comes from.
#[derive(Clone, Copy, Debug)]
pub struct TaskOrigin<'a> {
    /// Who called; empty if the server knows nobody. Only they can see the task.
    pub principal: &'a str,
    /// The name under which clients know the tool.
    pub tool: &'a str,
    /// JSON.
    pub arguments: &'a str,
}

/// Stores a task for a call that its tool answered with `extension`, and gives the
/// `CreateTaskResult`: a JSON object without `_meta`.
///
/// Internal errors: the answer is not one of a task, there is no store, or it is too small.
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
    store_of(services)?
        .set(&id.task(), &bytes)
        .map_err(unavailable)?;
    keys::sweep_sometimes(services);
    Ok(Stored::new(id, record).detailed().result("task"))
}

/// The answer to a `tasks/get`, or what is needed to find it.
#[derive(Debug)]
pub enum Got {
    Ready(Detailed),
    /// Call the tool, then `advanced`. Who drops it instead has used up one turn: the tool is
    /// called again after an interval.
    Advance(Box<Task>),
}

/// What a client hears at a `tasks/get`. Error -32602: there is no such task, or not for this
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

/// What is known of a task without calling its tool: for streams that tell of changes. Errors
/// as `get`.
pub fn peek<S: Services>(services: &mut S, principal: &str, id: &str) -> Result<Detailed, Failure> {
    let now = services.now();
    Ok(Stored::load(store_of(services)?, now, principal, id)?.detailed())
}

/// A task whose tool is to be called, in the way of the call that it comes from.
#[derive(Clone, Debug)]
pub struct Task {
    stored: Stored,
    open: Open,
}

impl Task {
    /// The name under which clients know the tool.
    pub fn tool(&self) -> &str {
        &self.open.tool
    }

    /// JSON.
    pub fn arguments(&self) -> &str {
        &self.open.arguments
    }

    /// What the tool answered last.
    pub fn state(&self) -> &str {
        &self.open.state
    }

    /// All responses so far, JSON under the keys of the tool.
    pub fn input_responses(&self) -> Vec<(String, String)> {
        self.open.responses_with(&self.stored.responses)
    }

    /// Stores what the tool answered, and gives what the client hears.
    ///
    /// If the task was cancelled or went on meanwhile, the step is dropped and the client hears
    /// that. A step that is malformed or too large for the store fails the task.
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

/// A `tasks/update`: keeps the responses (an object) to what the client is asked, each once.
/// All others are ignored. The answer is an empty result.
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
    for (key, response) in given {
        store.set(&key, &response).map_err(unavailable)?;
    }
    Ok(())
}

/// A `tasks/cancel`: ends a task that has not ended. The answer is an empty result. Errors as
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
