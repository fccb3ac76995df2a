use super::record::{Asked, Open, Phase, Record};
use crate::wire::{
    failure::Failure,
    json::{self, Kind, Object, Value},
    types::types::{InputRequest, InputRequired},
};

/// Milliseconds.
const DEFAULT_TTL: u64 = 60 * 60 * 1000;
const LONGEST_TTL: u64 = 7 * 24 * 60 * 60 * 1000;
const DEFAULT_POLL: u64 = 1000;
const SHORTEST_POLL: u64 = 100;

/// The answer of a tool to a call of its task.
#[derive(Clone, Debug)]
pub enum TaskStep {
    /// `extension`: the tool is still working. Its JSON is not checked yet.
    Working(String),
    /// `input-required`. The caller must have checked that this client can be asked; keys and
    /// parameters are checked here.
    Input(InputRequired),
    /// `complete`: a `CallToolResult`, as JSON.
    Complete(String),
    /// An error.
    Failed(Failure),
}

/// The answer of a tool that begins or continues a task.
pub(super) struct TaskOffer {
    pub state: String,
    pub message: Option<String>,
    /// Milliseconds.
    pub ttl: u64,
    /// Milliseconds.
    pub poll: Option<u64>,
}

impl TaskOffer {
    /// Reads the answer. The failure names what is wrong with it.
    pub fn read(tool: &str, answer: &Value<'_>) -> Result<TaskOffer, Failure> {
        let wrong = |what: &str| Failure::internal(format!("tool `{tool}` answered with {what}"));
        let text = |value: &Value<'_>, key: &str| {
            let text = value.as_str().map(|text| text.into_owned());
            text.ok_or_else(|| wrong(&format!("a task whose `{key}` is not a string")))
        };
        let milliseconds = |value: &Value<'_>, key: &str| {
            let number = value.text.parse().ok().filter(|&number: &u64| number > 0);
            let number = number.filter(|_| value.kind == Kind::Number);
            number.ok_or_else(|| {
                wrong(&format!(
                    "a task whose `{key}` is not a positive integer of milliseconds"
                ))
            })
        };
        let kind = answer.member("resultType");
        if !kind.is_some_and(|kind| kind.is_str("task")) {
            return Err(wrong("a result of an extension other than tasks"));
        }
        let (mut state, mut message, mut ttl, mut poll) = (None, None, None, None);
        for (key, value) in answer.members() {
            match key.as_str().as_deref() {
                Some("resultType") => {}
                Some("state") => state = Some(text(&value, "state")?),
                Some("statusMessage") => message = Some(text(&value, "statusMessage")?),
                Some("ttlMs") => ttl = Some(milliseconds(&value, "ttlMs")?),
                Some("pollIntervalMs") => poll = Some(milliseconds(&value, "pollIntervalMs")?),
                _ => {
                    return Err(wrong(&format!(
                        "a task with an unknown member {}; known are `state`, `ttlMs`, \
                         `pollIntervalMs` and `statusMessage`",
                        key.text
                    )));
                }
            }
        }
        Ok(TaskOffer {
            state: state.ok_or_else(|| wrong("a task without `state`"))?,
            message,
            ttl: ttl.unwrap_or(DEFAULT_TTL).min(LONGEST_TTL),
            poll: poll.map(|poll| poll.clamp(SHORTEST_POLL, LONGEST_TTL)),
        })
    }

    pub fn poll_or_default(&self) -> u64 {
        self.poll.unwrap_or(DEFAULT_POLL)
    }
}

impl Record {
    /// The task after this step at `now`; none if nothing changed. `open` is the phase of the
    /// task, and `responses` are the responses to all its requests.
    pub fn after(
        &self,
        open: &Open,
        responses: Vec<(String, String)>,
        step: TaskStep,
        now: u64,
    ) -> Option<Record> {
        let goes_on = |state, message, asked: Vec<Asked>| {
            let mut used = open.used.clone();
            used.extend(asked.iter().map(|request| request.name.clone()));
            Phase::Open(Open {
                tool: open.tool.clone(),
                arguments: open.arguments.clone(),
                state,
                message,
                asked,
                used,
                responses,
            })
        };
        let mut poll = self.poll;
        let taken = match step {
            TaskStep::Working(answer) => working(&open.tool, &answer).map(|offer| {
                poll = offer.poll.unwrap_or(poll);
                goes_on(offer.state, offer.message, Vec::new())
            }),
            TaskStep::Input(required) => {
                self.asked(open, required.requests, &required.state)
                    .map(|asked| {
                        goes_on(
                            required.state.unwrap_or_else(|| open.state.clone()),
                            None,
                            asked,
                        )
                    })
            }
            TaskStep::Complete(result) => completed(&open.tool, &result),
            TaskStep::Failed(failure) => Err(failure),
        };
        let phase = taken.unwrap_or_else(|failure| failed(&failure));
        if phase == self.phase && poll == self.poll {
            return None;
        }
        Some(Record {
            updated: now,
            poll,
            turn: self.turn.saturating_add(1),
            phase,
            principal: self.principal.clone(),
            tool: self.tool.clone(),
            ..*self
        })
    }

    /// The requests, under names that no client of this task has seen.
    fn asked(
        &self,
        open: &Open,
        requests: Vec<InputRequest>,
        state: &Option<String>,
    ) -> Result<Vec<Asked>, Failure> {
        let tool = &open.tool;
        let wrong = |what| Failure::internal(format!("tool `{tool}` answered with {what}"));
        if requests.is_empty() && state.is_none() {
            return Err(wrong(
                "an empty request for input: it has neither requests nor state",
            ));
        }
        let mut asked: Vec<Asked> = Vec::with_capacity(requests.len());
        for request in &requests {
            if asked.iter().any(|other| other.key == request.key) {
                return Err(wrong("two requests for input under one key"));
            }
            let mut params = Vec::new();
            let is_object =
                json::compact(&mut params, &request.params).is_ok_and(|params| params.is_object());
            if !is_object {
                return Err(wrong(
                    "a request for input whose parameters are not a JSON object",
                ));
            }
            let is_free = |name: &String| {
                !open.used.contains(name)
                    && !asked.iter().any(|other| other.name == *name)
                    // A key that the tool chose stays with its request, even if it comes later.
                    && (*name == request.key || requests.iter().all(|other| other.key != *name))
            };
            let numbered = (self.turn..).map(|turn| format!("{}.{turn}", request.key));
            let mut names = std::iter::once(request.key.clone()).chain(numbered);
            asked.push(Asked {
                name: names.find(is_free).unwrap_or_default(),
                key: request.key.clone(),
                method: request.method.clone(),
                // This cannot fail: `params` was text.
                params: String::from_utf8(params).unwrap_or_default(),
            });
        }
        Ok(asked)
    }
}

fn working(tool: &str, answer: &str) -> Result<TaskOffer, Failure> {
    let answer = Value::parse(answer).ok().filter(Value::is_object);
    let answer = answer.ok_or_else(|| {
        Failure::internal(format!(
            "tool `{tool}` answered with an extension's result that is not a JSON object"
        ))
    })?;
    TaskOffer::read(tool, &answer)
}

fn completed(tool: &str, result: &str) -> Result<Phase, Failure> {
    let mut out = Vec::with_capacity(result.len());
    let is_object = json::compact(&mut out, result).is_ok_and(|result| result.is_object());
    let result = String::from_utf8(out).ok().filter(|_| is_object);
    result.map(Phase::Completed).ok_or_else(|| {
        Failure::internal(format!(
            "tool `{tool}` answered a task with a result that nests too deep; let it return a flatter one"
        ))
    })
}

/// The phase of a task that failed.
pub(super) fn failed(failure: &Failure) -> Phase {
    let write = |data: Option<&Vec<u8>>| {
        let mut out = Vec::new();
        let mut error = Object::begin(&mut out);
        error.json("code", failure.code.to_string().as_bytes());
        error.string("message", &failure.message);
        if let Some(data) = data {
            error.json("data", data);
        }
        error.end();
        String::from_utf8(out)
            .ok()
            .filter(|error| Value::parse(error).is_ok())
    };
    // Data may nest so deep that the error around it could not be read back.
    let error = write(failure.data.as_ref()).or_else(|| write(None));
    Phase::Failed {
        message: failure.message.clone().into_owned(),
        error: error.unwrap_or_default(),
    }
}
