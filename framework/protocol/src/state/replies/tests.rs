use super::*;
use crate::{
    answer::input::MAX_ROUNDS,
    call::{Answered, Call, CallStep, FeatureOutcome},
    catalog::{self, Catalog, Flags},
    serve::http::{self, HttpResponse, check_head, handle},
    testing::{self, LEGACY_HEADERS, TestServices, headers, legacy_request},
    wire::types::{
        tool_types::ToolOutcome,
        types::{InputRequest, InputRequired},
    },
};

const CAPABILITIES: &str = r#"{"elicitation":{},"roots":{},"sampling":{}}"#;

/// A server whose first feature may ask, and the id of a session with it.
fn server(services: &mut TestServices) -> (Vec<u8>, String) {
    let mut input = testing::input();
    input.server.store = Some("default".to_owned());
    input.features[0].flags = input.features[0].flags.with(Flags::INPUT);
    let catalog = catalog::build(&input).unwrap();
    let params = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{CAPABILITIES}}}"#);
    let response = send(
        &catalog,
        None,
        &legacy_request("initialize", &params),
        services,
    );
    let (_, id) = response
        .headers
        .iter()
        .find(|(name, _)| *name == "mcp-session-id")
        .unwrap();
    let id = id.clone().into_owned();
    (catalog, id)
}

fn head(session: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut list = headers(&LEGACY_HEADERS);
    list.extend(session.map(|id| ("mcp-session-id".to_owned(), id.as_bytes().to_vec())));
    list
}

fn send(
    catalog: &[u8],
    session: Option<&str>,
    body: &str,
    services: &mut TestServices,
) -> HttpResponse {
    with_outcome(
        catalog,
        session,
        body,
        services,
        |outcome, _| match outcome {
            http::HttpOutcome::Reply(response) => response,
            _ => panic!("{body} is answered at once"),
        },
    )
}

fn with_outcome<T>(
    catalog: &[u8],
    session: Option<&str>,
    body: &str,
    services: &mut TestServices,
    then: impl FnOnce(http::HttpOutcome<'_>, &mut TestServices) -> T,
) -> T {
    let catalog = Catalog::new(catalog).unwrap();
    let headers = head(session);
    let request = testing::post(&headers);
    let head = check_head(&request, &catalog).unwrap();
    let outcome = handle(&catalog, &head, body.as_bytes(), services);
    then(outcome, services)
}

fn required(requests: &[(&str, &str)], state: Option<&str>) -> Answered<ToolOutcome> {
    let requests = requests.iter().map(|(key, method)| InputRequest {
        key: key.to_string(),
        method: method.to_string(),
        params: r#"{ "message": "?" }"#.to_owned(),
    });
    Ok(Some(ToolOutcome::InputRequired(InputRequired {
        requests: requests.collect(),
        state: state.map(str::to_owned),
    })))
}

/// Calls a tool in a session, lets it require that, and goes on with what comes of it.
fn asked<T>(
    catalog: &[u8],
    session: Option<&str>,
    outcome: Answered<ToolOutcome>,
    services: &mut TestServices,
    then: impl FnOnce(&mut Call<'_>, CallStep, &mut TestServices) -> T,
) -> T {
    let body = legacy_request("tools/call", r#"{"name":"zeta"}"#);
    with_outcome(catalog, session, &body, services, |called, services| {
        let http::HttpOutcome::Call(mut call) = called else {
            panic!("a tool is called");
        };
        let step = call.settle(FeatureOutcome::Tool(outcome), services);
        then(&mut call, step, services)
    })
}

/// The ids and methods of the requests that a client gets.
fn requests(asking: &Asking) -> Vec<(String, String)> {
    let messages = asking.messages();
    messages
        .map(|message| {
            let json: serde_json::Value = serde_json::from_slice(message).unwrap();
            assert_eq!(json["jsonrpc"], "2.0");
            assert_eq!(json["params"], serde_json::json!({"message": "?"}));
            let text = |key: &str| json[key].as_str().unwrap().to_owned();
            (text("id"), text("method"))
        })
        .collect()
}

fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{result}}}"#)
}

#[test]
fn replies_that_reach_other_instances_meet_their_call() {
    let services = &mut TestServices::default();
    let (catalog, session) = server(services);
    let both = required(
        &[("who", "elicitation/create"), ("roots", "roots/list")],
        Some("half"),
    );
    asked(
        &catalog,
        Some(&session),
        both,
        services,
        |call, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            let sent = requests(&asking);
            let methods: Vec<_> = sent.iter().map(|(_, method)| method.as_str()).collect();
            assert_eq!(methods, ["elicitation/create", "roots/list"]);
            assert_eq!(asking.poll(services), Ok(Polled::Waiting));
            let second = result(&sent[1].0, r#"{ "roots": [] }"#);
            let response = send(&catalog, Some(&session), &second, services);
            assert_eq!((response.status, response.body.len()), (202, 0));
            assert_eq!(asking.poll(services), Ok(Polled::Waiting));
            let first = result(&sent[0].0, r#"{"action":"accept"}"#);
            send(&catalog, Some(&session), &first, services);
            let input = answered(&asking, services);
            let expected = [
                ("who".to_owned(), r#"{"action":"accept"}"#.to_owned()),
                ("roots".to_owned(), r#"{ "roots": [] }"#.to_owned()),
            ];
            assert_eq!(input.responses, expected);
            assert_eq!(input.state.as_deref(), Some("half"));
            assert!(matches!(call.resume(input), CallStep::Invoke));
            let context = call.context();
            assert_eq!(context.request_state.as_deref(), Some("half"));
            assert_eq!(context.input_responses, expected);
        },
    );
}

#[test]
fn replies_are_taken_from_the_session_that_was_asked_only() {
    let services = &mut TestServices::default();
    let (catalog, session) = server(services);
    let (_, other) = server(services);
    let one = required(&[("who", "elicitation/create")], None);
    asked(
        &catalog,
        Some(&session),
        one,
        services,
        |_, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            let id = requests(&asking).remove(0).0;
            let reply = result(&id, r#"{"action":"accept"}"#);
            let kept = services.store.clone();
            send(&catalog, Some(&other), &reply, services);
            send(&catalog, Some(&session), &result("7", "{}"), services);
            send(
                &catalog,
                Some(&session),
                r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
                services,
            );
            let same = format!("{:?}", kept) == format!("{:?}", services.store);
            assert!(same, "nothing that was not asked for is stored");
            assert_eq!(asking.poll(services), Ok(Polled::Waiting));
            send(&catalog, Some(&session), &reply, services);
            assert!(matches!(asking.poll(services), Ok(Polled::Answered(_))));
        },
    );
}

#[test]
fn a_client_that_refuses_or_is_silent_ends_the_call() {
    let services = &mut TestServices::default();
    let (catalog, session) = server(services);
    let one = || required(&[("who", "sampling/createMessage")], None);
    asked(
        &catalog,
        Some(&session),
        one(),
        services,
        |_, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            let id = requests(&asking).remove(0).0;
            let refusal = format!(
                r#"{{"jsonrpc":"2.0","id":"{id}","error":{{"code":-1,"message":"User rejected sampling request"}}}}"#
            );
            send(&catalog, Some(&session), &refusal, services);
            let failure = asking.poll(services).unwrap_err();
            assert_eq!(
                failure.message,
                "the client refused `sampling/createMessage`: User rejected sampling request"
            );
        },
    );
    asked(
        &catalog,
        Some(&session),
        one(),
        services,
        |_, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            services.now += PATIENCE_MS;
            assert_eq!(asking.poll(services), Ok(Polled::Waiting));
            services.now += 1;
            let failure = asking.poll(services).unwrap_err();
            assert_eq!(
                failure.message,
                "the client did not answer `sampling/createMessage` within 60 minutes"
            );
        },
    );
}

#[test]
fn who_cannot_be_asked_is_told_why() {
    let services = &mut TestServices::default();
    let (catalog, session) = server(services);
    let one = || required(&[("who", "elicitation/create")], None);
    let message = |step: CallStep| match step {
        CallStep::Done(response) => {
            let json: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            json["error"]["message"].as_str().unwrap().to_owned()
        }
        step => panic!("{step:?}"),
    };
    let without_session = asked(&catalog, None, state_only(), services, |_, step, _| {
        message(step)
    });
    assert_eq!(
        without_session,
        "tool `zeta` needs input from the user, but this client has no session; begin one with `initialize`, and accept `text/event-stream`"
    );
    let in_circles = asked(
        &catalog,
        Some(&session),
        one(),
        services,
        |call, _, services| {
            call.rounds = MAX_ROUNDS;
            message(call.settle(FeatureOutcome::Tool(one()), services))
        },
    );
    assert_eq!(
        in_circles,
        "tool `zeta` asked for input 32 times and is still not done"
    );
    services.store = None;
    let without_store = asked(&catalog, Some(&session), one(), services, |_, step, _| {
        message(step)
    });
    assert!(
        without_store.contains("it was composed without a key-value store"),
        "{without_store}"
    );
}

fn state_only() -> Answered<ToolOutcome> {
    required(&[], Some("s"))
}

#[test]
fn a_feature_that_wants_only_its_state_back_is_asked_again_at_once() {
    let services = &mut TestServices::default();
    let (catalog, session) = server(services);
    asked(
        &catalog,
        Some(&session),
        state_only(),
        services,
        |_, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            assert_eq!(asking.messages().count(), 0);
            let input = answered(&asking, services);
            assert_eq!(
                (input.responses.len(), input.state.as_deref()),
                (0, Some("s"))
            );
        },
    );
}

fn answered(asking: &Asking, services: &mut TestServices) -> Input {
    match asking.poll(services) {
        Ok(Polled::Answered(input)) => input,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_that_gives_up_is_waited_for_no_longer() {
    let services = &mut TestServices::default();
    // A second before the hour: the cancellation comes in the next one.
    services.now = services.now / HOUR_MS * HOUR_MS + HOUR_MS - 1_000;
    let (catalog, session) = server(services);
    let (_, other) = server(services);
    let one = required(&[("who", "elicitation/create")], None);
    asked(
        &catalog,
        Some(&session),
        one,
        services,
        |_, step, services| {
            let CallStep::Ask(asking) = step else {
                panic!("{step:?}")
            };
            let cancel = |id: &str| {
                format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
                )
            };
            services.now += 2_000;
            send(&catalog, Some(&other), &cancel("1"), services);
            send(&catalog, Some(&session), &cancel("2"), services);
            assert_eq!(asking.poll(services), Ok(Polled::Waiting));
            send(&catalog, Some(&session), &cancel("1"), services);
            assert_eq!(asking.poll(services), Ok(Polled::Cancelled));
        },
    );
}
