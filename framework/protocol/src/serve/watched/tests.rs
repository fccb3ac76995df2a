use serde_json::{Value as Json, json};

use super::*;
use crate::{
    call::{CallStep, FeatureOutcome},
    catalog::{self, Flags},
    serve::http::{self, check_head, handle},
    testing::{self, TestServices},
    wire::types::{
        tool_types::{ToolOutcome, ToolResult},
        types::{ContentBlock, TextContent},
    },
};

const DECLARED: &str = r#","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;

fn server() -> Vec<u8> {
    let mut input = testing::input();
    input.server.store = Some("default".to_owned());
    let flags = &mut input.features[0].flags;
    *flags = flags.with(Flags::TASKS).with(Flags::INPUT);
    catalog::build(&input).unwrap()
}

fn body(method: &str, params: &str, declared: bool) -> String {
    let body = testing::modern_request(method, params, "");
    let undeclared = r#","io.modelcontextprotocol/clientCapabilities":{}"#;
    assert!(body.contains(undeclared), "{body}");
    body.replace(undeclared, if declared { DECLARED } else { undeclared })
}

fn outcome<T>(
    catalog: &[u8],
    (method, name): (&str, Option<&str>),
    body: &str,
    services: &mut TestServices,
    then: impl FnOnce(http::HttpOutcome<'_>, &mut TestServices) -> T,
) -> T {
    let catalog = Catalog::new(catalog).unwrap();
    let headers = testing::modern_headers(method, name);
    let request = testing::post(&headers);
    let head = check_head(&request, &catalog).unwrap();
    then(handle(&catalog, &head, body.as_bytes(), services), services)
}

fn working(state: &str) -> FeatureOutcome {
    FeatureOutcome::Tool(Ok(Some(ToolOutcome::Extension(
        json!({"resultType": "task", "state": state, "pollIntervalMs": 100}).to_string(),
    ))))
}

fn done() -> FeatureOutcome {
    let text = ContentBlock::Text(TextContent {
        text: "done".to_owned(),
        annotations: None,
        meta: None,
    });
    FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(ToolResult {
        content: vec![text],
        structured_content: None,
        is_error: false,
        meta: None,
    }))))
}

/// The id of a task that a call of `zeta` made.
fn create(catalog: &[u8], services: &mut TestServices) -> String {
    let body = body("tools/call", r#""name":"zeta","#, true);
    let call = ("tools/call", Some("zeta"));
    outcome(catalog, call, &body, services, |outcome, services| {
        let http::HttpOutcome::Call(mut call) = outcome else {
            panic!("a tool is called")
        };
        let CallStep::Done(response) = call.settle(working("one"), services) else {
            panic!("a task is an answer")
        };
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(json["result"]["resultType"], "task");
        json["result"]["taskId"].as_str().unwrap().to_owned()
    })
}

fn listen(id: &str, declared: bool) -> String {
    let params = format!(r#""notifications":{{"taskIds":["{id}","unknown"]}},"#);
    body("subscriptions/listen", &params, declared)
}

#[test]
fn tasks_advance_while_somebody_listens() {
    let (catalog, services) = (server(), &mut TestServices::default());
    let id = create(&catalog, services);
    let listen = listen(&id, true);
    let method = ("subscriptions/listen", None);
    outcome(&catalog, method, &listen, services, |outcome, services| {
        let http::HttpOutcome::Listen(listening) = outcome else {
            panic!("a subscription listens")
        };
        let first: Json = serde_json::from_slice(&listening.first.unwrap()).unwrap();
        assert_eq!(first["params"]["notifications"], json!({"taskIds": [id]}));
        let mut watched = listening.watched.unwrap();
        let statuses = |news: Vec<Vec<u8>>| -> Vec<(Json, Json)> {
            let read = |news: &Vec<u8>| {
                let json: Json = serde_json::from_slice(news).unwrap();
                assert_eq!(json["method"], "notifications/tasks");
                let params = &json["params"];
                let meta = &params["_meta"];
                assert_eq!(meta["io.modelcontextprotocol/subscriptionId"], 1);
                assert_eq!(params["taskId"], *id);
                (
                    params["status"].clone(),
                    params["result"]["content"].clone(),
                )
            };
            news.iter().map(read).collect()
        };
        assert_eq!(
            statuses(watched.news(services)),
            [(json!("working"), Json::Null)]
        );
        assert_eq!(statuses(watched.news(services)), []);
        let mut call = watched.due(0, services).expect("the first look is at once");
        assert_eq!(testing::name(&call), "zeta");
        assert_eq!(call.context().request_state.as_deref(), Some("one"));
        assert!(matches!(
            call.settle(working("two"), services),
            CallStep::Done(_)
        ));
        assert!(watched.due(0, services).is_none(), "the interval holds");
        services.now += 100;
        let mut call = watched.due(0, services).expect("the interval is over");
        assert_eq!(call.context().request_state.as_deref(), Some("two"));
        assert!(matches!(call.settle(done(), services), CallStep::Done(_)));
        let content = json!([{"type": "text", "text": "done"}]);
        let news = statuses(watched.news(services));
        assert_eq!(news, [(json!("completed"), content)]);
        assert!(watched.is_empty());
        assert!(watched.due(0, services).is_none());
    });
}

#[test]
fn who_did_not_declare_the_extension_hears_of_no_task() {
    let (catalog, services) = (server(), &mut TestServices::default());
    let id = create(&catalog, services);
    let listen = listen(&id, false);
    let method = ("subscriptions/listen", None);
    outcome(&catalog, method, &listen, services, |outcome, _| {
        let http::HttpOutcome::Reply(response) = outcome else {
            panic!("the subscription is refused")
        };
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            (response.status, &json["error"]["code"]),
            (400, &json!(-32021))
        );
        assert_eq!(
            json["error"]["data"]["requiredCapabilities"]["extensions"],
            json!({"io.modelcontextprotocol/tasks": {}})
        );
    });
}

#[test]
fn tasks_are_got_updated_and_cancelled_by_their_id() {
    let (catalog, services) = (server(), &mut TestServices::default());
    let id = create(&catalog, services);
    let mut ask = |method: &str, params: &str, header: &str, declared| {
        let body = body(method, &format!(r#""taskId":"{id}"{params},"#), declared);
        outcome(
            &catalog,
            (method, Some(header)),
            &body,
            services,
            |outcome, services| {
                let response = match outcome {
                    http::HttpOutcome::Reply(response) => response,
                    http::HttpOutcome::Call(mut call) => {
                        match call.settle(working("two"), services) {
                            CallStep::Done(response) => response.http(),
                            step => panic!("{step:?}"),
                        }
                    }
                    _ => panic!("nothing listens"),
                };
                let json: Json = serde_json::from_slice(&response.body).unwrap();
                (response.status, json)
            },
        )
    };
    let (_, got) = ask("tasks/get", "", &id, true);
    assert_eq!(got["result"]["status"], "working");
    assert_eq!(got["result"]["resultType"], "complete");
    assert!(got["result"]["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
    let (status, other) = ask("tasks/get", "", "another", true);
    assert_eq!((status, &other["error"]["code"]), (400, &json!(-32020)));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let (status, json) = ask(method, r#","inputResponses":{}"#, &id, false);
        assert_eq!(
            (status, &json["error"]["code"]),
            (400, &json!(-32021)),
            "{method}"
        );
    }
    let (status, json) = ask("tasks/update", r#","inputResponses":[]"#, &id, true);
    assert_eq!((status, &json["error"]["code"]), (400, &json!(-32602)));
    let (_, json) = ask("tasks/update", r#","inputResponses":{}"#, &id, true);
    assert_eq!(json["result"]["resultType"], "complete");
    let (_, json) = ask("tasks/cancel", "", &id, true);
    assert_eq!(json["result"]["resultType"], "complete");
    assert_eq!(
        ask("tasks/get", "", &id, true).1["result"]["status"],
        "cancelled"
    );
    for method in ["tasks/list", "tasks/result"] {
        assert_eq!(
            ask(method, "", &id, true).1["error"]["code"],
            -32601,
            "{method}"
        );
    }
}

#[test]
fn without_a_store_there_are_no_tasks() {
    let (catalog, services) = (server(), &mut TestServices::default());
    services.store = None;
    let call = body("tools/call", r#""name":"zeta","#, true);
    let method = ("tools/call", Some("zeta"));
    outcome(&catalog, method, &call, services, |outcome, _| {
        let http::HttpOutcome::Call(call) = outcome else {
            panic!("a tool is called")
        };
        let capabilities = call.context().client_capabilities;
        assert_eq!(capabilities, r#"{"extensions":{}}"#);
    });
    let get = body("tasks/get", r#""taskId":"t","#, true);
    let method = ("tasks/get", Some("t"));
    outcome(&catalog, method, &get, services, |outcome, _| {
        let http::HttpOutcome::Reply(response) = outcome else {
            panic!("there is no such method")
        };
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            (response.status, &json["error"]["code"]),
            (404, &json!(-32601))
        );
    });
}
