use proptest::prelude::*;

use super::*;
use crate::state::services::{MemoryStore, Unavailable};

#[test]
fn others_know_nothing_of_a_task() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    for principal in ["", "bob", "alice "] {
        nobody_knows(&mut services, principal, &id);
    }
    assert_eq!(
        peek(&mut services, "alice", &id).unwrap().status(),
        Status::Working
    );
}

#[test]
fn ids_of_no_task_are_unknown() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let mut later = id.clone().into_bytes();
    later[0] += 1;
    let later = String::from_utf8(later).unwrap();
    let long = id.repeat(1000);
    for id in [
        "",
        "tasks-conformance-nonexistent-12345",
        &later,
        &long,
        &id[1..],
        "\u{1F600}",
    ] {
        nobody_knows(&mut services, "alice", id);
    }
}

/// All keys of one task, and a copy of the services for each value.
fn with_each_value(
    change: impl Fn(&mut MemoryStore, &str, Vec<u8>),
) -> Vec<(TestServices, String)> {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["a", "b"], None));
    answer(&mut services, &id, r#"{"a":{}}"#);
    let keys = crate::testing::keys(services.store.as_ref().unwrap());
    assert_eq!(keys.len(), 3);
    let changed = keys.iter().map(|key| {
        let mut services = services.clone();
        let value = services.store().unwrap().get(&[key]).unwrap().remove(0);
        change(services.store.as_mut().unwrap(), key, value.unwrap());
        (services, id.clone())
    });
    changed.collect()
}

#[test]
fn damaged_values_are_no_task() {
    for damage in [&b""[..], b"{}", b"null", b"\xff\xff", b"1234567"] {
        for (mut services, id) in with_each_value(|store, key, _| store.set(key, damage).unwrap()) {
            nobody_knows(&mut services, "alice", &id);
        }
    }
    for (mut services, id) in
        with_each_value(|store, key, value| store.set(key, &value[..value.len() - 1]).unwrap())
    {
        nobody_knows(&mut services, "alice", &id);
    }
}

#[test]
fn what_the_store_cannot_hold_is_an_error() {
    let mut services = TestServices::default();
    let huge = "x".repeat(LARGEST);
    let begun = format!(r#"{{"resultType":"task","state":"{huge}"}}"#);
    let failure = try_create(&mut services, &begun).unwrap_err();
    assert_eq!(failure.code, -32603);
    assert!(
        failure
            .message
            .starts_with("a task of tool `render` takes more than the 900000 bytes")
    );

    let result = TaskStep::Complete(format!(r#"{{"content":[],"x":"{huge}"}}"#));
    let error = TaskStep::Failed(Failure::internal(huge.clone()));
    for step in [result, error, working(&begun)] {
        let id = begin(&mut services);
        let failed = advance(&mut services, &id, step);
        assert_eq!(failed["status"], "failed");
        assert_eq!(failed["error"]["message"], &*failure.message);
    }

    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["a"], None));
    let responses = format!(r#"{{"a":"{huge}"}}"#);
    let refused = update(
        &mut services,
        "alice",
        &id,
        &Value::parse(&responses).unwrap(),
    );
    assert_eq!(refused.unwrap_err().code, -32602);
    assert_eq!(ready(&mut services, &id)["status"], "input_required");
}

#[test]
fn deep_json_is_carried_or_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let step = TaskStep::Complete(format!(r#"{{"x":{}}}"#, deep(63)));
    assert_eq!(advance(&mut services, &id, step)["status"], "completed");
    assert_eq!(
        peek(&mut services, "alice", &id).unwrap().status(),
        Status::Completed
    );

    let id = begin(&mut services);
    let step = TaskStep::Complete(format!(r#"{{"x":{}}}"#, deep(64)));
    assert_eq!(advance(&mut services, &id, step)["status"], "failed");

    let id = begin(&mut services);
    let step = TaskStep::Failed(Failure {
        data: Some(deep(64).into_bytes()),
        ..Failure::internal("m")
    });
    let failed = advance(&mut services, &id, step);
    assert_eq!(failed["error"], json!({"code": -32603, "message": "m"}));
    assert_eq!(ready(&mut services, &id), failed);
}

/// A store that fails every operation.
struct Gone;

impl Store for Gone {
    fn get(&mut self, _: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        Err(Unavailable("secret".to_owned()))
    }

    fn set(&mut self, _: &str, _: &[u8]) -> Result<(), Unavailable> {
        Err(Unavailable("secret".to_owned()))
    }

    fn delete(&mut self, _: &[&str]) -> Result<(), Unavailable> {
        Err(Unavailable("secret".to_owned()))
    }
}

struct WithoutStore(TestServices, Gone);

impl Services for WithoutStore {
    const WHOLE: bool = true;

    fn now(&mut self) -> u64 {
        self.0.now()
    }

    fn random(&mut self) -> [u8; 16] {
        self.0.random()
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.0.variable(name)
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        Some(&mut self.1)
    }

    fn pause(&mut self, _milliseconds: u64) {}
}

#[test]
fn clients_learn_nothing_of_a_store_that_fails() {
    let id = begin(&mut TestServices::default());
    let mut services = WithoutStore(TestServices::default(), Gone);
    let answer = Value::parse(TASK).unwrap();
    for failure in [
        create(&mut services, &ORIGIN, &answer).unwrap_err(),
        peek(&mut services, "alice", &id).unwrap_err(),
        cancel(&mut services, "alice", &id).unwrap_err(),
    ] {
        assert_eq!(failure.code, -32603);
        assert!(!failure.message.contains("secret"));
    }
}

#[test]
fn expired_ids_are_not_looked_up() {
    let id = begin(&mut TestServices::default());
    let mut services = WithoutStore(TestServices::default(), Gone);
    services.0.now += 3_600_000;
    is_unknown(peek(&mut services, "alice", &id));
    is_unknown(peek(&mut services, "alice", "no id"));
}

proptest! {
    #[test]
    fn any_id_is_answered(id in any::<String>(), chance: [u8; 16], expires: u32) {
        let mut services = TestServices::default();
        begin(&mut services);
        nobody_knows(&mut services, "alice", &id);
        nobody_knows(&mut services, "alice", &Id::new(u64::from(expires) * 1000, chance).text);
    }

    #[test]
    fn any_answer_of_a_tool_is_taken(text in r#"[{}\[\]",:0-9a-z\\ ]{0,40}"#, key in any::<String>()) {
        let mut services = TestServices::default();
        for step in [working(&text), TaskStep::Complete(text.clone()), ask(&[&key], None)] {
            let id = begin(&mut services);
            advance(&mut services, &id, step);
        }
    }
}
