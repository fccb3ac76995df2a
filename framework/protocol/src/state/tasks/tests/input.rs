use super::*;

#[test]
fn the_client_is_asked_and_the_tool_told() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let asked = advance(&mut services, &id, ask(&["a", "b"], Some("asked")));
    assert_eq!(asked["status"], "input_required");
    let request = json!({"method": "elicitation/create", "params": {"message": "?"}});
    assert_eq!(asked["inputRequests"], json!({"a": request, "b": request}));
    // The tool is not called while it waits.
    services.now += 60_000;
    assert_eq!(ready(&mut services, &id), asked);

    services.now += 1;
    answer(&mut services, &id, r#"{"b":{"action":"accept"},"c":{}}"#);
    let partly = ready(&mut services, &id);
    assert_eq!(partly["status"], "input_required");
    assert_eq!(keys(&partly["inputRequests"]), ["a"]);
    assert_eq!(partly["lastUpdatedAt"], "2026-11-18T11:07:40.001Z");

    // The first response counts.
    answer(
        &mut services,
        &id,
        r#"{"b":{"action":"cancel"},"a":{ "action" : "decline"}}"#,
    );
    let working = peek(&mut services, "alice", &id).unwrap();
    assert_eq!(working.status(), Status::Working);
    assert_eq!(parse(&working.into_result()).get("inputRequests"), None);
    let task = due(&mut services, &id);
    assert_eq!(task.state(), "asked");
    let pair = |key: &str, response: &str| (key.to_owned(), response.to_owned());
    assert_eq!(
        task.input_responses(),
        [
            pair("a", r#"{ "action" : "decline"}"#),
            pair("b", r#"{"action":"accept"}"#)
        ]
    );
    task.advanced(&mut services, super::working(TASK)).unwrap();
    services.now += 1000;
    assert_eq!(due(&mut services, &id).input_responses().len(), 2);
}

#[test]
fn the_first_call_after_the_answers_does_not_wait() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["a"], None));
    answer(&mut services, &id, r#"{"a":{}}"#);
    assert_eq!(due(&mut services, &id).state(), "job-1");
    // The second does.
    assert_eq!(ready(&mut services, &id)["status"], "working");
    services.now += 1000;
    due(&mut services, &id);
}

#[test]
fn clients_see_no_key_twice() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, ask(&["name"], None));
    answer(&mut services, &id, r#"{"name":{"n":1}}"#);
    let again = advance(&mut services, &id, ask(&["name", "name.1"], None));
    assert_eq!(keys(&again["inputRequests"]), ["name.1", "name.2"]);
    answer(
        &mut services,
        &id,
        r#"{"name":{"n":9},"name.2":{"n":2},"name.1":{"n":3}}"#,
    );
    let task = due(&mut services, &id);
    let pair = |key: &str, response: &str| (key.to_owned(), response.to_owned());
    assert_eq!(
        task.input_responses(),
        [pair("name", r#"{"n":2}"#), pair("name.1", r#"{"n":3}"#)]
    );
    let third = task.advanced(&mut services, ask(&["name"], None)).unwrap();
    let third = parse(&third.into_result());
    let names = keys(&third["inputRequests"]);
    assert!(
        names
            .iter()
            .all(|name| !["name", "name.1", "name.2"].contains(name)),
        "{names:?}"
    );
}

#[test]
fn a_state_alone_is_a_step() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let step = advance(&mut services, &id, ask(&[], Some("next")));
    assert_eq!(step["status"], "working");
    services.now += 1000;
    assert_eq!(due(&mut services, &id).state(), "next");
}

#[test]
fn responses_that_nobody_asked_for_are_ignored() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let all = r#"{"a":{},"b":[]}"#;
    answer(&mut services, &id, all);
    assert_eq!(due(&mut services, &id).input_responses(), []);
    services.now += 1000;
    advance(&mut services, &id, complete());
    let done = ready(&mut services, &id);
    answer(&mut services, &id, all);
    assert_eq!(ready(&mut services, &id), done);
    let keys = crate::testing::keys(&services.store.unwrap());
    assert!(keys.iter().all(|key| !key.contains("response")), "{keys:?}");
}
