//! Questions to the client, without a function that waits between two requests.
//!
//! A function runs until it asks something that has no answer yet. The call then ends with the
//! questions and with state, which comes back sealed beside the answers, and the function runs again
//! from its beginning. The key of a question is made of what it says, so that answers find their
//! questions in whichever order these are asked. Equal questions are counted.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bindings::imports::spin_mcp::server::types::{InputRequest, InputRequired};

const LARGEST: usize = 32_768;

/// What comes back with the next call.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct State {
    /// The answer to each question so far, by its key.
    answers: BTreeMap<String, Value>,
    /// What was asked under each key, for messages.
    asked: BTreeMap<String, String>,
    /// What `Context::once` keeps.
    once: BTreeMap<String, Value>,
    /// How many progress and log messages were sent, so that they are not sent again.
    told: u64,
    /// What the tool keeps in the state of its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
}

/// One run of a function, with the answers of those before.
#[derive(Default)]
pub(crate) struct Replay {
    state: State,
    /// The questions of this run, with an answer or without.
    met: BTreeSet<String>,
    open: Vec<(String, &'static str, Value)>,
    tells: Cell<u64>,
}

impl Replay {
    pub(crate) fn new(state: Option<&str>, responses: Vec<(String, String)>) -> Self {
        let state = state.and_then(|text| serde_json::from_str(text).ok());
        let mut state: State = state.unwrap_or_default();
        for (key, answer) in responses {
            // A client can send answers to what nobody asked.
            if state.asked.contains_key(&key) && !state.answers.contains_key(&key) {
                state
                    .answers
                    .insert(key, serde_json::from_str(&answer).unwrap_or_default());
            }
        }
        Self {
            state,
            ..Self::default()
        }
    }

    /// Whether a message is one that was not sent before.
    pub(crate) fn fresh(&self) -> bool {
        self.tells.set(self.tells.get() + 1);
        self.tells.get() > self.state.told
    }

    /// The answer, if there is one; otherwise the question is for the client.
    pub(crate) fn ask(&mut self, method: &'static str, params: Value) -> Option<Value> {
        let digest = digest(method, &params);
        let mut key = digest.clone();
        let mut count = 1;
        while !self.met.insert(key.clone()) {
            count += 1;
            key = format!("{digest}-{count}");
        }
        let answer = self.state.answers.get(&key).cloned();
        if answer.is_none() {
            self.open.push((key, method, params));
        }
        answer
    }

    /// The state of the tool's task.
    pub(crate) fn task(&self) -> Option<&str> {
        self.state.task.as_deref()
    }

    /// The state of a task, with the answers so far.
    pub(crate) fn with_task(&mut self, state: String) -> String {
        self.state.task = Some(state);
        self.text()
    }

    fn text(&mut self) -> String {
        self.state.told = self.state.told.max(self.tells.get());
        json!(self.state).to_string()
    }

    pub(crate) fn kept(&self, key: &str) -> Option<&Value> {
        self.state.once.get(key)
    }

    pub(crate) fn keep(&mut self, key: &str, value: Value) {
        self.state.once.insert(key.to_owned(), value);
    }

    /// What to ask the client, if the function asked something new, or why that cannot be asked.
    pub(crate) fn required(&mut self, name: &str) -> Option<Result<InputRequired, String>> {
        if self.open.is_empty() {
            return None;
        }
        let before: Vec<_> = self
            .state
            .answers
            .keys()
            .filter(|key| !self.met.contains(*key))
            .collect();
        if !before.is_empty() {
            let said = before.iter().filter_map(|key| self.state.asked.get(*key));
            let before: Vec<_> = said.map(|label| format!("`{label}`")).collect();
            let now: Vec<_> = self
                .open
                .iter()
                .map(|(_, method, params)| label(method, params))
                .collect();
            return Some(Err(format!(
                "`{name}` asked something else than before: `{}` instead of {}. A function runs again \
                 from its beginning after each answer, so it must ask the same until then; keep what \
                 differs with `ctx.once`, such as the time or a random number",
                now.join("`, `"),
                before.join(", ")
            )));
        }
        for (key, method, params) in &self.open {
            self.state.asked.insert(key.clone(), label(method, params));
        }
        let state = self.text();
        if state.len() > LARGEST {
            return Some(Err(format!(
                "`{name}` cannot ask: its answers and what `ctx.once` keeps are {} bytes, and at most \
                 {LARGEST} can be kept between two questions",
                state.len()
            )));
        }
        let requests = self
            .open
            .drain(..)
            .map(|(key, method, params)| InputRequest {
                key,
                method: method.to_owned(),
                params: params.to_string(),
            });
        Some(Ok(InputRequired {
            requests: requests.collect(),
            state: Some(state),
        }))
    }
}

/// The first part of the method, and FNV-1a of what the question says. Ids that authors draw at random
/// do not belong to it, also where the URL has the id.
fn digest(method: &str, params: &Value) -> String {
    let mut said = params.clone();
    if let Value::Object(members) = &mut said {
        members.remove("_meta");
        let drawn = members.remove("elicitationId");
        if let (Some(Value::String(id)), Some(Value::String(url))) = (drawn, members.get_mut("url"))
            && *url != id
        {
            *url = url.replace(&id, "");
        }
    }
    said.sort_all_objects();
    let said = said.to_string();
    let hash = method
        .bytes()
        .chain(said.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{}-{hash:x}", method.split('/').next().unwrap_or(method))
}

fn label(method: &str, params: &Value) -> String {
    let said = params["message"].as_str().unwrap_or(method);
    match said.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said.to_owned(),
    }
}
