use serde_json::{Value as Json, json};

use super::*;
use crate::{
    testing::TestServices,
    wire::types::types::{InputRequest, InputRequired},
};

mod hostile;
mod input;
mod lifecycle;
mod meanwhile;

const ORIGIN: TaskOrigin<'static> = TaskOrigin {
    principal: "alice",
    tool: "render",
    arguments: r#"{ "frames": 3 }"#,
};
const TASK: &str = r#"{"resultType":"task","state":"job-1"}"#;
const RESULT: &str = r#"{"content":[]}"#;

fn parse(bytes: &[u8]) -> Json {
    assert!(!bytes.contains(&b'\n'));
    serde_json::from_slice(bytes).unwrap()
}

fn try_create(services: &mut TestServices, answer: &str) -> Result<Json, Failure> {
    create(services, &ORIGIN, &Value::parse(answer).unwrap()).map(|result| parse(&result))
}

/// The id of a new task.
fn begin(services: &mut TestServices) -> String {
    let created = try_create(services, TASK).unwrap();
    created["taskId"].as_str().unwrap().to_owned()
}

/// The task whose tool must be called next.
fn due(services: &mut TestServices, id: &str) -> Task {
    match get(services, "alice", id).unwrap() {
        Got::Advance(task) => *task,
        Got::Ready(detailed) => panic!("not due: {detailed:?}"),
    }
}

/// The answers that need no call of the tool.
fn ready(services: &mut TestServices, id: &str) -> Json {
    match get(services, "alice", id).unwrap() {
        Got::Ready(detailed) => parse(&detailed.into_result()),
        Got::Advance(task) => panic!("due: {task:?}"),
    }
}

fn advance(services: &mut TestServices, id: &str, step: TaskStep) -> Json {
    let task = due(services, id);
    parse(&task.advanced(services, step).unwrap().into_result())
}

fn working(text: &str) -> TaskStep {
    TaskStep::Working(text.to_owned())
}

fn complete() -> TaskStep {
    TaskStep::Complete(RESULT.to_owned())
}

fn ask(keys: &[&str], state: Option<&str>) -> TaskStep {
    let requests = keys.iter().map(|key| InputRequest {
        key: key.to_string(),
        method: "elicitation/create".to_owned(),
        params: r#"{ "message": "?" }"#.to_owned(),
    });
    TaskStep::Input(InputRequired {
        requests: requests.collect(),
        state: state.map(str::to_owned),
    })
}

fn answer(services: &mut TestServices, id: &str, responses: &str) {
    update(services, "alice", id, &Value::parse(responses).unwrap()).unwrap();
}

fn keys(object: &Json) -> Vec<&str> {
    let keys = object.as_object().unwrap().keys();
    let mut keys: Vec<_> = keys.map(|key| &**key).collect();
    keys.sort_unstable();
    keys
}

fn is_unknown<T: std::fmt::Debug>(outcome: Result<T, Failure>) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.status, failure.code), (200, -32602));
    assert_eq!(
        failure.message,
        "unknown task: it never existed, or it has expired"
    );
}

/// Every method refuses this id as unknown.
fn nobody_knows(services: &mut TestServices, principal: &str, id: &str) {
    is_unknown(get(services, principal, id));
    is_unknown(peek(services, principal, id));
    is_unknown(update(
        services,
        principal,
        id,
        &Value::parse("{}").unwrap(),
    ));
    is_unknown(cancel(services, principal, id));
}
