use super::*;

#[test]
fn a_task_is_created_advanced_and_completed() {
    let mut services = TestServices::default();
    let text = r#"{"resultType":"task","state":"job-1","ttlMs":60000,"pollIntervalMs":2000,"statusMessage":"queued"}"#;
    let created = try_create(&mut services, text).unwrap();
    let id = created["taskId"].as_str().unwrap().to_owned();
    assert_eq!(
        created,
        json!({
            "resultType": "task",
            "taskId": id,
            "status": "working",
            "statusMessage": "queued",
            "createdAt": "2026-11-18T11:06:40.000Z",
            "lastUpdatedAt": "2026-11-18T11:06:40.000Z",
            "ttlMs": 60000,
            "pollIntervalMs": 2000,
        })
    );

    services.now += 1;
    let task = due(&mut services, &id);
    assert_eq!(
        (task.tool(), task.arguments(), task.state()),
        ("render", ORIGIN.arguments, "job-1")
    );
    assert_eq!(task.input_responses(), []);
    let half =
        r#"{"resultType":"task","state":"job-1:1","pollIntervalMs":5000,"statusMessage":"half"}"#;
    let detailed = task.advanced(&mut services, working(half)).unwrap();
    let got = parse(&detailed.into_result());
    let expected = json!({
        "resultType": "complete",
        "taskId": id,
        "status": "working",
        "statusMessage": "half",
        "createdAt": "2026-11-18T11:06:40.000Z",
        "lastUpdatedAt": "2026-11-18T11:06:40.001Z",
        "ttlMs": 60000,
        "pollIntervalMs": 5000,
    });
    assert_eq!(got, expected);

    services.now += 4999;
    assert_eq!(ready(&mut services, &id), expected);
    services.now += 1;
    assert_eq!(due(&mut services, &id).state(), "job-1:1");
    services.now += 5000;
    let result = TaskStep::Complete("{ \"content\": [],\n \"isError\": true }".to_owned());
    let done = advance(&mut services, &id, result);
    assert_eq!(done["status"], "completed");
    assert_eq!(done["result"], json!({"content": [], "isError": true}));
    assert_eq!(done["lastUpdatedAt"], "2026-11-18T11:06:50.001Z");
    assert_eq!(done.get("statusMessage"), None);
    services.now += 40_000;
    assert_eq!(ready(&mut services, &id), done);
}

#[test]
fn the_same_answer_again_changes_nothing() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let before = peek(&mut services, "alice", &id).unwrap();
    services.now += 10_000;
    let task = due(&mut services, &id);
    assert_eq!(task.advanced(&mut services, working(TASK)).unwrap(), before);
    assert!(matches!(
        get(&mut services, "alice", &id),
        Ok(Got::Ready(_))
    ));
}

#[test]
fn times_have_bounds() {
    for (members, ttl, poll) in [
        ("", 3_600_000, 1000),
        (r#","ttlMs":1,"pollIntervalMs":1"#, 1, 100),
        (
            r#","ttlMs":18446744073709551615,"pollIntervalMs":18446744073709551615"#,
            604_800_000,
            604_800_000,
        ),
    ] {
        let text = format!(r#"{{"resultType":"task","state":""{members}}}"#);
        let created = try_create(&mut TestServices::default(), &text).unwrap();
        assert_eq!(
            (&created["ttlMs"], &created["pollIntervalMs"]),
            (&json!(ttl), &json!(poll))
        );
    }
}

#[test]
fn a_task_is_there_until_its_ttl_has_passed() {
    let mut services = TestServices::default();
    services.now += 1;
    let text = r#"{"resultType":"task","state":"","ttlMs":1500}"#;
    let created = try_create(&mut services, text).unwrap();
    let id = created["taskId"].as_str().unwrap();
    services.now += 1499;
    let task = due(&mut services, id);
    services.now += 1;
    nobody_knows(&mut services, "alice", id);
    is_unknown(task.advanced(&mut services, complete()));
    // Until then, and with every key named for the second that follows.
    let keys = crate::testing::keys(services.store.as_ref().unwrap());
    assert_eq!(keys.len(), 2);
    assert!(
        keys.iter().all(|key| key.starts_with("mcp:6afd86c2:task")),
        "{keys:?}"
    );
}

#[test]
fn errors_fail_a_task() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    let failure = Failure {
        data: Some(br#"{"a":1}"#.to_vec()),
        ..Failure::internal("the disk is full")
    };
    let failed = advance(&mut services, &id, TaskStep::Failed(failure));
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["statusMessage"], "the disk is full");
    assert_eq!(
        failed["error"],
        json!({"code": -32603, "message": "the disk is full", "data": {"a": 1}})
    );
    assert_eq!(failed.get("result"), None);
    services.now += 60_000;
    assert_eq!(ready(&mut services, &id), failed);
}

#[test]
fn answers_that_are_no_task_are_errors() {
    let message = |what: &str| format!("tool `render` answered with {what}");
    for (text, expected) in [
        (r#"{"resultType":"task"}"#, "a task without `state`"),
        (
            r#"{"resultType":"task","state":1}"#,
            "a task whose `state` is not a string",
        ),
        (
            r#"{"resultType":"task","state":"","ttlMs":0}"#,
            "a task whose `ttlMs` is not a positive integer of milliseconds",
        ),
        (
            r#"{"resultType":"task","state":"","ttlMs":null}"#,
            "a task whose `ttlMs` is not a positive integer of milliseconds",
        ),
        (
            r#"{"resultType":"task","state":"","pollIntervalMs":1.5}"#,
            "a task whose `pollIntervalMs` is not a positive integer of milliseconds",
        ),
        (
            r#"{"resultType":"task","state":"","pollInterval":5}"#,
            "a task with an unknown member \"pollInterval\"; known are `state`, `ttlMs`, `pollIntervalMs` and `statusMessage`",
        ),
        (
            r#"{"resultType":"other","state":""}"#,
            "a result of an extension other than tasks",
        ),
    ] {
        let mut services = TestServices::default();
        let failure = try_create(&mut services, text).unwrap_err();
        assert_eq!(
            (failure.code, &*failure.message),
            (-32603, &*message(expected))
        );
        let id = begin(&mut services);
        let failed = advance(&mut services, &id, working(text));
        assert_eq!(failed["error"]["message"], message(expected));
    }
    for (step, expected) in [
        (
            working("["),
            "an extension's result that is not a JSON object",
        ),
        (
            ask(&[], None),
            "an empty request for input: it has neither requests nor state",
        ),
        (
            ask(&["a", "a"], None),
            "two requests for input under one key",
        ),
    ] {
        let mut services = TestServices::default();
        let id = begin(&mut services);
        let failed = advance(&mut services, &id, step);
        assert_eq!(failed["error"]["message"], message(expected));
    }
}

#[test]
fn a_task_needs_a_store() {
    let mut services = TestServices {
        store: None,
        ..TestServices::default()
    };
    let failure = try_create(&mut services, TASK).unwrap_err();
    assert_eq!(failure.code, -32603);
    assert!(
        failure.message.contains("key-value store"),
        "{}",
        failure.message
    );
}

#[test]
fn notifications_carry_the_task_and_the_subscription() {
    let mut services = TestServices::default();
    let id = begin(&mut services);
    advance(&mut services, &id, complete());
    let detailed = peek(&mut services, "alice", &id).unwrap();
    assert!(detailed.status().is_final());
    let mut params = parse(&detailed.clone().into_result());
    params.as_object_mut().unwrap().remove("resultType");
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": "s"});
    assert_eq!(
        parse(&detailed.notification("\"s\"")),
        json!({"jsonrpc": "2.0", "method": "notifications/tasks", "params": params})
    );
}

#[test]
fn clients_declare_the_extension() {
    assert!(declared(
        r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#
    ));
    for capabilities in [
        "{}",
        "",
        r#"{"tasks":{}}"#,
        r#"{"extensions":{"io.modelcontextprotocol/ui":{}}}"#,
        r#"{"extensions":{"io.modelcontextprotocol/tasks":null}}"#,
    ] {
        assert!(!declared(capabilities), "{capabilities}");
    }
    let error = parse(&undeclared().to_json(Some("1")))["error"].clone();
    assert_eq!((undeclared().status, &error["code"]), (400, &json!(-32021)));
    assert_eq!(
        error["data"],
        json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}})
    );
}
