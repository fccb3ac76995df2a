use serde_json::{Value as Json, json};

use super::*;
use crate::{
    call::{CallResponse, CallStep, FeatureOutcome},
    catalog::{self, Flags},
    serve::http::{HttpOutcome, HttpRequest, check_head, handle},
    testing::{self, TestServices, legacy_request},
    wire::types::{
        tool_types::{ToolOutcome, ToolResult},
        types::{ContentBlock, InputRequest, InputRequired, TextContent},
    },
};

const CALL: &str = r#"{"name":"zeta"}"#;

fn server() -> Vec<u8> {
    let mut input = testing::input();
    input.server.store = Some("default".to_owned());
    input.features[0].flags = input.features[0].flags.with(Flags::INPUT);
    catalog::build(&input).unwrap()
}

/// Sends a message, or without one opens a stream after an event.
fn with<T>(
    services: &mut TestServices,
    session: &str,
    (event, body): (&str, &str),
    then: impl FnOnce(HttpOutcome<'_>, &mut TestServices) -> T,
) -> T {
    let bytes = server();
    let catalog = Catalog::new(&bytes).unwrap();
    let mut list = testing::headers(&testing::LEGACY_HEADERS);
    let given = [("mcp-session-id", session), ("last-event-id", event)];
    let given = given.into_iter().filter(|(_, value)| !value.is_empty());
    list.extend(given.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    let request = HttpRequest {
        method: if body.is_empty() { "GET" } else { "POST" },
        ..testing::post(&list)
    };
    let head = check_head(&request, &catalog).unwrap();
    let body = match body.is_empty() {
        true => resumed_body(&head, services),
        false => body.as_bytes().to_vec(),
    };
    then(handle(&catalog, &head, &body, services), services)
}

fn session(services: &mut TestServices, version: &str) -> String {
    let params =
        format!(r#"{{"protocolVersion":"{version}","capabilities":{{"elicitation":{{}}}}}}"#);
    let body = legacy_request("initialize", &params);
    with(services, "", ("", &body), |outcome, _| {
        let HttpOutcome::Reply(response) = outcome else {
            panic!("a session begins at once")
        };
        let id = response
            .headers
            .into_iter()
            .find(|(name, _)| *name == "mcp-session-id");
        id.unwrap().1.into_owned()
    })
}

fn question(key: &str) -> FeatureOutcome {
    FeatureOutcome::Tool(Ok(Some(ToolOutcome::InputRequired(InputRequired {
        requests: vec![InputRequest {
            key: key.to_owned(),
            method: "elicitation/create".to_owned(),
            params: r#"{"message":"who?","requestedSchema":{"type":"object","properties":{}}}"#
                .to_owned(),
        }],
        state: Some(format!("after {key}")),
    }))))
}

fn done(text: &str) -> FeatureOutcome {
    FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(ToolResult {
        content: vec![ContentBlock::Text(TextContent {
            text: text.to_owned(),
            annotations: None,
            meta: None,
        })],
        structured_content: None,
        is_error: false,
        meta: None,
    }))))
}

/// The id of an event, and its message if it has one.
fn read(event: &[u8]) -> (String, Option<Json>) {
    let text = str::from_utf8(event).unwrap();
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
    assert_eq!(line("retry: "), Some("1000"), "{text}");
    let data = line("data: ").filter(|data| !data.is_empty());
    let message = data.map(|data| serde_json::from_str(data).unwrap());
    (line("id: ").unwrap().to_owned(), message)
}

/// A call whose node dies while it waits: the ids of its events and its question.
fn asked(services: &mut TestServices, session: &str) -> (Vec<String>, Json) {
    let body = legacy_request("tools/call", CALL);
    with(services, session, ("", &body), |outcome, services| {
        let HttpOutcome::Call(mut call) = outcome else {
            panic!("it calls a tool")
        };
        let opening = call.opening();
        let CallStep::Ask(asking) = call.settle(question("a"), services) else {
            panic!("it asks")
        };
        let events: Vec<_> = asking.events().collect();
        let (id, message) = read(&events[0]);
        let mut ids = vec![id];
        if !opening.is_empty() {
            let (id, nothing) = read(&opening);
            assert_eq!(nothing, None);
            ids.insert(0, id);
        }
        (ids, message.unwrap())
    })
}

fn reply(services: &mut TestServices, session: &str, asked: &Json) {
    let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}});
    with(services, session, ("", &reply.to_string()), |outcome, _| {
        assert!(matches!(outcome, HttpOutcome::Reply(response) if response.status == 202));
    });
}

/// Goes on with a call on another node, which is given as soon as it may act.
fn resumed<T>(
    services: &mut TestServices,
    session: &str,
    event: &str,
    then: impl FnOnce(Resumption<'_>, &mut TestServices) -> T,
) -> T {
    with(services, session, (event, ""), |outcome, services| {
        let HttpOutcome::Resume(resumption) = outcome else {
            panic!("it does not go on")
        };
        services.now += 1_000;
        then(*resumption, services)
    })
}

fn status(services: &mut TestServices, session: &str, event: &str) -> u16 {
    with(services, session, (event, ""), |outcome, _| match outcome {
        HttpOutcome::Reply(response) => response.status,
        _ => 200,
    })
}

fn finish(
    resumption: &mut Resumption<'_>,
    text: &str,
    services: &mut TestServices,
) -> CallResponse {
    let call = resumption.call.as_mut().unwrap();
    let CallStep::Done(answer) = call.settle(done(text), services) else {
        panic!("it is done")
    };
    call.finish(answer, true, services)
}

#[test]
fn another_node_goes_on_with_a_call() {
    for (version, events) in [("2025-11-25", 2), ("2025-06-18", 1), ("2025-03-26", 1)] {
        let services = &mut TestServices::default();
        let session = session(services, version);
        let (ids, question_of_a) = asked(services, &session);
        assert_eq!(ids.len(), events, "{version}");
        resumed(
            services,
            &session,
            ids.last().unwrap(),
            |mut resumption, services| {
                assert!(matches!(resumption.look(services), ResumptionStep::Wait));
                reply(services, &session, &question_of_a);
                let ResumptionStep::Call(input) = resumption.look(services) else {
                    panic!("there is a reply")
                };
                assert_eq!(input.responses[0].0, "a");
                assert_eq!(input.state.as_deref(), Some("after a"));
                let call = resumption.call.as_mut().unwrap();
                call.resume(input);
                // It asks again, and this node dies, too.
                assert!(matches!(
                    call.settle(question("b"), services),
                    CallStep::Ask(_)
                ));
            },
        );
        resumed(
            services,
            &session,
            ids.last().unwrap(),
            |mut resumption, services| {
                let ResumptionStep::Send(events) = resumption.look(services) else {
                    panic!("there is another question")
                };
                let (_, question_of_b) = read(&events[0]);
                reply(services, &session, &question_of_b.unwrap());
                let ResumptionStep::Call(input) = resumption.look(services) else {
                    panic!("there is a reply")
                };
                assert_eq!(input.state.as_deref(), Some("after b"));
                let answer = finish(&mut resumption, "done", services);
                assert!(answer.event_id.is_some());
            },
        );
        // The client did not receive the answer.
        let id = resumed(services, &session, &ids[0], |mut resumption, services| {
            let ResumptionStep::Last(event) = resumption.look(services) else {
                panic!("there is an answer")
            };
            let (id, answer) = read(&event);
            let answer = answer.unwrap();
            assert_eq!(answer["id"], 1);
            assert_eq!(answer["result"]["content"][0]["text"], "done");
            id
        });
        assert_eq!(status(services, &session, &id), 204);
    }
}

#[test]
fn a_client_gets_what_it_has_not_received() {
    let services = &mut TestServices::default();
    let session = session(services, "2025-11-25");
    let (ids, asked) = asked(services, &session);
    let sent = |services: &mut TestServices, event: &str| {
        resumed(
            services,
            &session,
            event,
            |mut resumption, services| match resumption.look(services) {
                ResumptionStep::Send(events) => Some(read(&events[0])),
                _ => None,
            },
        )
    };
    assert_eq!(sent(services, &ids[0]), Some((ids[1].clone(), Some(asked))));
    assert_eq!(sent(services, &ids[1]), None);
}

#[test]
fn one_stream_goes_on() {
    let services = &mut TestServices::default();
    let session = session(services, "2025-11-25");
    let body = legacy_request("tools/call", CALL);
    with(services, &session, ("", &body), |outcome, services| {
        let HttpOutcome::Call(mut call) = outcome else {
            panic!("it calls a tool")
        };
        let CallStep::Ask(asking) = call.settle(question("a"), services) else {
            panic!("it asks")
        };
        let (id, question) = read(&asking.events().next().unwrap());
        assert_eq!(asking.poll(services), Ok(Polled::Waiting));
        resumed(services, &session, &id, |mut first, services| {
            assert_eq!(asking.poll(services), Ok(Polled::Cancelled));
            resumed(services, &session, &id, |mut second, services| {
                reply(services, &session, &question.unwrap());
                assert_eq!(asking.poll(services), Ok(Polled::Cancelled));
                assert!(matches!(first.look(services), ResumptionStep::End));
                assert!(matches!(second.look(services), ResumptionStep::Call(_)));
            });
        });
    });
}

#[test]
fn a_reply_that_comes_twice_is_taken_once() {
    let services = &mut TestServices::default();
    let session = session(services, "2025-11-25");
    let (ids, asked) = asked(services, &session);
    reply(services, &session, &asked);
    resumed(services, &session, &ids[1], |mut resumption, services| {
        assert!(matches!(resumption.look(services), ResumptionStep::Call(_)));
    });
    reply(services, &session, &asked);
    resumed(services, &session, &ids[1], |mut resumption, services| {
        assert!(matches!(resumption.look(services), ResumptionStep::Wait));
        // The node that took it is dead.
        services.now += 601_000;
        let ResumptionStep::Fail(failure) = resumption.look(services) else {
            panic!("the call is lost")
        };
        assert!(failure.message.contains("call again"), "{failure:?}");
    });
}

#[test]
fn a_stream_belongs_to_its_session() {
    let services = &mut TestServices::default();
    let one = session(services, "2025-11-25");
    let other = session(services, "2025-11-25");
    let (ids, asked) = asked(services, &one);
    reply(services, &one, &asked);
    resumed(services, &other, &ids[0], |mut resumption, services| {
        assert!(resumption.call.is_none());
        assert!(matches!(resumption.look(services), ResumptionStep::Wait));
    });
    services.now += SILENT;
    assert_eq!(status(services, &other, &ids[0]), 204);
    // It has not disturbed the one that may.
    resumed(services, &one, &ids[1], |mut resumption, services| {
        assert!(matches!(resumption.look(services), ResumptionStep::Call(_)));
    });
}

const SILENT: u64 = 600_000;

#[test]
fn other_ids_open_the_stream_of_changes() {
    let services = &mut TestServices::default();
    let session = session(services, "2025-11-25");
    for id in ["x", "7", ".", "AAAA.0", "AAAAAAAAAAAAAAAAAAAAAAAAAAA.x"] {
        with(services, &session, (id, ""), |outcome, _| {
            assert!(matches!(outcome, HttpOutcome::Listen(_)), "{id}");
        });
    }
    // Of a call that has expired.
    assert_eq!(
        status(services, &session, "AAAAAAAAAAAAAAAAAAAAAAAAAAA.0"),
        204
    );
}

#[test]
fn an_answer_that_is_too_large_is_not_kept() {
    let services = &mut TestServices::default();
    let session = session(services, "2025-11-25");
    let (ids, asked) = asked(services, &session);
    reply(services, &session, &asked);
    resumed(services, &session, &ids[1], |mut resumption, services| {
        assert!(matches!(resumption.look(services), ResumptionStep::Call(_)));
        let answer = finish(&mut resumption, &"x".repeat(1_000_000), services);
        assert!(answer.failure.is_none());
    });
    resumed(services, &session, &ids[1], |mut resumption, services| {
        let ResumptionStep::Last(event) = resumption.look(services) else {
            panic!("there is an answer")
        };
        let error = read(&event).1.unwrap()["error"]["message"].clone();
        assert!(error.as_str().unwrap().contains("too large"), "{error}");
    });
}
