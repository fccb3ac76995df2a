//! Values from the store, which features may have written.

use super::{fuzz, messages};
use crate::{
    state::{
        listen::{self, Listener, MOST_RESOURCES, Offer},
        services::Store as _,
        tasks::{self, Got, TaskStep},
    },
    testing::TestServices,
    wire::{
        json::Value,
        types::types::{InputRequest, InputRequired},
    },
};

const URI: &str = "a:b";

/// An input is a task id, where `$task` stands for an existing one, the number of a key in the
/// store, and a value for it; an empty one changes nothing.
#[test]
fn stored_tasks() {
    fuzz("stored_tasks", |input| {
        let mut lines = input.splitn(3, |&byte| byte == b'\n');
        let mut line = || lines.next().unwrap_or_default();
        let (id, number, value) = (line(), line(), line());
        let (mut services, known) = with_task();
        let id = String::from_utf8_lossy(id).replace("$task", &known);
        let store = services.store.as_mut().unwrap();
        let names = crate::testing::keys(store);
        let number = number.first().map_or(0, |digit| usize::from(digit % 8));
        if let Some(name) = names.get(number).filter(|_| !value.is_empty()) {
            store.set(name, value).unwrap();
        }
        let responses = Value::parse(r#"{"k":{"a":1},"k.1":null}"#).unwrap();
        for _ in 0..2 {
            services.now += 5_000;
            if let Ok(task) = tasks::peek(&mut services, "", &id) {
                assert_eq!(id, known);
                messages::notification(&task.notification("1"));
            }
            match tasks::get(&mut services, "", &id) {
                Ok(Got::Ready(task)) => is_object(&task.into_result()),
                Ok(Got::Advance(task)) => {
                    let _ = (task.tool(), task.arguments(), task.input_responses());
                    let step = TaskStep::Working(r#"{"resultType":"task","state":"3"}"#.to_owned());
                    let task = task.advanced(&mut services, step).unwrap();
                    is_object(&task.into_result());
                }
                Err(failure) => {
                    messages::response(&failure.to_json(Some("1")), Some("1"));
                }
            }
            let _ = tasks::update(&mut services, "", &id, &responses);
        }
        let _ = tasks::cancel(&mut services, "", &id);
        assert!(tasks::get(&mut services, "somebody else", &id).is_err());
    });
}

/// A task that asked for input and got it, and its keys.
fn with_task() -> (TestServices, String) {
    let mut services = TestServices::default();
    let origin = tasks::TaskOrigin {
        principal: "",
        tool: "zeta",
        arguments: "{}",
    };
    let answer = Value::parse(r#"{"resultType":"task","state":"1"}"#).unwrap();
    let created = tasks::create(&mut services, &origin, &answer).unwrap();
    let created: serde_json::Value = serde_json::from_slice(&created).unwrap();
    let id = created["taskId"].as_str().unwrap().to_owned();
    let Ok(Got::Advance(task)) = tasks::get(&mut services, "", &id) else {
        panic!("the task does not advance");
    };
    let required = InputRequired {
        requests: vec![InputRequest {
            key: "k".to_owned(),
            method: "roots/list".to_owned(),
            params: "{}".to_owned(),
        }],
        state: None,
    };
    task.advanced(&mut services, TaskStep::Input(required))
        .unwrap();
    let responses = Value::parse(r#"{"k":{"roots":[]}}"#).unwrap();
    tasks::update(&mut services, "", &id, &responses).unwrap();
    (services, id)
}

fn is_object(json: &[u8]) {
    let text = str::from_utf8(json).unwrap();
    assert!(
        Value::parse(text).is_ok_and(|value| value.is_object()),
        "{text}"
    );
}

/// An input is the stored subscriptions of a session.
#[test]
fn stored_subscriptions() {
    fuzz("stored_subscriptions", |input| {
        let mut services = TestServices::default();
        let expires = services.now + 1000;
        listen::subscribe(&mut services, b"s", expires, URI).unwrap();
        let store = services.store.as_mut().unwrap();
        let names = crate::testing::keys(store);
        assert_eq!(names.len(), 1);
        store.set(&names[0], input).unwrap();
        let read = listen::subscriptions(&mut services, b"s", expires).unwrap();
        assert!(read.len() <= MOST_RESOURCES);
        let offer = Offer {
            updates: true,
            ..Offer::default()
        };
        let mut listener = Listener::session(b"s", expires, None, offer);
        assert_eq!(listener.begin(&mut services), Ok(None));
        let changes: Vec<_> = read.iter().cloned().map(listen::Change::Resource).collect();
        listen::publish(&mut services, &changes).unwrap();
        let notices = listener.poll(&mut services, |_, _| true).unwrap();
        assert!(notices.len() <= changes.len());
        notices
            .iter()
            .for_each(|notice| messages::notification(notice));
        if listen::subscribe(&mut services, b"s", expires, URI).is_ok() {
            assert_eq!(
                listen::confirmed(&mut services, b"s", expires, URI, true),
                Ok(true)
            );
        }
        listen::unsubscribe(&mut services, b"s", expires, URI).unwrap();
        assert_eq!(
            listen::confirmed(&mut services, b"s", expires, URI, false),
            Ok(true)
        );
    });
}
