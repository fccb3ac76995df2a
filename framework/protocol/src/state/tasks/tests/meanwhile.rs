//! Changes of a task by others between its call and its end.

use super::*;

#[test]
fn a_cancelled_task_stays_cancelled() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let task = due(&mut services, &id);
    services.now += 5;
    cancel(&mut services, "alice", &id).unwrap();
    let cancelled = ready(&mut services, &id);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["lastUpdatedAt"], "2026-11-18T11:06:40.005Z");
    let late = task.advanced(&mut services, complete()).unwrap();
    assert_eq!(parse(&late.into_result()), cancelled);
    services.now += 60_000;
    cancel(&mut services, "alice", &id).unwrap();
    answer(&mut services, &id, "{}");
    assert_eq!(ready(&mut services, &id), cancelled);
    for member in ["result", "error", "inputRequests", "requestState"] {
        assert_eq!(cancelled.get(member), None);
    }
}

#[test]
fn a_task_that_waits_can_be_cancelled() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["a"], None));
    cancel(&mut services, "alice", &id).unwrap();
    let cancelled = ready(&mut services, &id);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled.get("inputRequests"), None);
    answer(&mut services, &id, r#"{"a":{}}"#);
    assert_eq!(ready(&mut services, &id), cancelled);
}

#[test]
fn ended_tasks_cannot_be_cancelled() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let done = advance(&mut services, &id, complete());
    cancel(&mut services, "alice", &id).unwrap();
    assert_eq!(ready(&mut services, &id), done);
}

#[test]
fn of_two_advances_the_first_to_end_counts() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let slow = due(&mut services, &id);
    services.now += 1000;
    let fast = due(&mut services, &id);
    let done = fast.advanced(&mut services, complete()).unwrap();
    for step in [
        working(r#"{"resultType":"task","state":"x"}"#),
        ask(&["a"], None),
    ] {
        assert_eq!(slow.clone().advanced(&mut services, step).unwrap(), done);
    }
    assert_eq!(ready(&mut services, &id)["status"], "completed");
}

#[test]
fn a_late_advance_keeps_what_was_asked_and_answered() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let slow = due(&mut services, &id);
    services.now += 1000;
    advance(&mut services, &id, ask(&["a", "b"], None));
    answer(&mut services, &id, r#"{"a":{}}"#);
    let late = slow.advanced(&mut services, complete()).unwrap();
    assert_eq!(late.status(), Status::InputRequired);
    assert_eq!(keys(&parse(&late.into_result())["inputRequests"]), ["b"]);
    answer(&mut services, &id, r#"{"b":{}}"#);
    assert_eq!(due(&mut services, &id).input_responses().len(), 2);
}

#[test]
fn updates_of_two_nodes_lose_nothing() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["a", "b"], None));
    let mut other = services.clone();
    answer(&mut services, &id, r#"{"a":{}}"#);
    // The other node writes what it does without having seen that.
    answer(&mut other, &id, r#"{"b":{}}"#);
    let mut other = other.store.unwrap();
    let keys = crate::testing::keys(&other);
    let key = keys
        .iter()
        .find(|key| key.contains(":task-response:"))
        .unwrap();
    let value = other.get(&[key]).unwrap().remove(0).unwrap();
    services.store().unwrap().set(key, &value).unwrap();
    assert_eq!(due(&mut services, &id).input_responses().len(), 2);
}

#[test]
fn a_call_that_never_ended_is_made_again() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    drop(due(&mut services, &id));
    assert_eq!(ready(&mut services, &id)["status"], "working");
    services.now += 1000;
    due(&mut services, &id);
    // A clock that is behind does not stop it for long.
    services.now -= 1000;
    due(&mut services, &id);
}
