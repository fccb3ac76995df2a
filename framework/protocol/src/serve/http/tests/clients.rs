//! Requests as clients in use send them.

use super::*;
use crate::catalog::{self, Flags};

#[test]
fn null_is_as_if_absent() {
    let nothing = r#""arguments":null,"_meta":{"progressToken":null}"#;
    let call = format!(r#"{{"name":"zeta",{nothing}}}"#);
    assert_eq!(post(&legacy(), &legacy_request("tools/call", &call)).0, 200);
    let list = legacy_request("tools/list", r#"{"cursor":null,"_meta":null}"#);
    assert!(post(&legacy(), &list).1["result"]["tools"].is_array());
    assert_eq!(
        post(&legacy(), &legacy_request("tools/list", "null")).0,
        200
    );
    let initialize = r#"{"protocolVersion":"2025-11-25","capabilities":null,"clientInfo":null}"#;
    assert_eq!(
        post(&legacy(), &legacy_request("initialize", initialize)).0,
        200
    );
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#;
    assert_eq!(post(&legacy(), note).0, 202);
    let call = modern_request("tools/call", r#""name":"zeta","arguments":null,"#, "");
    assert_eq!(
        post(&modern_headers("tools/call", Some("zeta")), &call).0,
        200
    );
    let get = r#"{"name":"lib.review","arguments":{"book":"b","tone":null}}"#;
    assert_eq!(post(&legacy(), &legacy_request("prompts/get", get)).0, 200);
}

#[test]
fn an_answer_comes_in_what_the_client_accepts() {
    let catalog = testing::catalog();
    let catalog = Catalog::new(&catalog).unwrap();
    let call = r#"{"name":"zeta","_meta":{"progressToken":1}}"#;
    for (accept, streams, needs_events) in [
        ("application/json, text/event-stream", true, false),
        ("application/json", false, false),
        ("text/event-stream", true, true),
    ] {
        let list = with(without(legacy(), "accept"), &[("accept", accept)]);
        let request = testing::post(&list);
        let head = check_head(&request, &catalog).unwrap();
        assert_eq!(head.needs_events(), needs_events);
        let body = legacy_request("tools/call", call);
        let services = &mut TestServices::default();
        let HttpOutcome::Call(call) = handle(&catalog, &head, body.as_bytes(), services) else {
            panic!("a tool is called");
        };
        assert_eq!(call.may_stream(), streams, "{accept}");
    }
    let mut input = testing::input();
    input.server.store = Some("default".to_owned());
    input.features[0].flags = input.features[0].flags.with(Flags::LIST_CHANGED);
    let listening = catalog::build(&input).unwrap();
    let catalog = Catalog::new(&listening).unwrap();
    let list = without(modern_headers("subscriptions/listen", None), "accept");
    let list = with(list, &[("accept", "application/json")]);
    let request = testing::post(&list);
    let head = check_head(&request, &catalog).unwrap();
    let body = modern_request("subscriptions/listen", r#""notifications":{},"#, "");
    let services = &mut TestServices::default();
    let HttpOutcome::Reply(refusal) = handle(&catalog, &head, body.as_bytes(), services) else {
        panic!("it cannot have a stream");
    };
    let refusal = (refusal.status, String::from_utf8(refusal.body).unwrap());
    assert!(
        refusal.0 == 406 && refusal.1.contains(r#""id":1"#),
        "{refusal:?}"
    );
    let events = HttpResponse::json(200, b"{}".to_vec()).into_events();
    assert_eq!(events.body, b"event: message\ndata: {}\n\n");
    let header = |name: &str| {
        let mut all = events.headers.iter().filter(|(other, _)| *other == name);
        let value = all.next().unwrap().1.clone();
        assert!(all.next().is_none());
        value
    };
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("content-length"), events.body.len().to_string());
    assert_eq!(header("cache-control"), "no-cache, no-transform");
    // Errors of HTTP stay what they are.
    let error = HttpResponse::json(404, b"{}".to_vec());
    assert_eq!(error.clone().into_events(), error);
}

#[test]
fn only_the_endpoint_is_served() {
    let catalog = testing::catalog();
    let list = legacy();
    let ping = legacy_request("ping", "{}");
    for path in ["/mcp", "/mcp/", "//mcp", "/mcp?x=/y", "/", "", "/api/mcp"] {
        let (status, ..) = send_to(path, &catalog, "POST", &list, &ping);
        assert_eq!(status, 200, "{path}");
    }
    for (method, path) in [
        ("POST", "/register"),
        ("GET", "/.well-known/oauth-protected-resource/x"),
        ("GET", "/.well-known/oauth-authorization-server?mcp"),
        ("POST", "/mcpx"),
    ] {
        let (status, json, _) = send_to(path, &catalog, method, &list, &ping);
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let message = format!("`{path}` is not found; the MCP endpoint is `/mcp`");
        assert_eq!(
            (status, json["error"]["message"].as_str()),
            (404, Some(&*message))
        );
    }
    // Spin says what follows the route.
    let routed = |rest: &str| with(list.clone(), &[("spin-path-info", rest)]);
    for (path, rest, expected) in [
        ("/any", "", 200),
        ("/any/", "/", 200),
        ("/any/mcp", "/mcp", 200),
        ("/any/register", "/register", 404),
    ] {
        let (status, ..) = send_to(path, &catalog, "POST", &routed(rest), &ping);
        assert_eq!(status, expected, "{path}");
    }
}

#[test]
fn where_nothing_changes_a_subscription_ends_at_once() {
    let catalog = testing::catalog();
    let listen = |notifications: &str| {
        let members = format!(r#""notifications":{notifications},"#);
        modern_request("subscriptions/listen", &members, "")
    };
    let list = modern_headers("subscriptions/listen", None);
    let request = testing::post(&list);
    let bytes = Catalog::new(&catalog).unwrap();
    let head = check_head(&request, &bytes).unwrap();
    let body = listen(r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#);
    let services = &mut TestServices::default();
    let HttpOutcome::Reply(response) = handle(&bytes, &head, body.as_bytes(), services) else {
        panic!("nothing here listens");
    };
    let text = String::from_utf8(response.body).unwrap();
    let messages: Vec<Value> = text
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.split_once("data: ").unwrap().1).unwrap())
        .collect();
    let id = json!({"io.modelcontextprotocol/subscriptionId": 1});
    assert_eq!(
        messages[0],
        json!({
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": {"_meta": id, "notifications": {}},
        })
    );
    assert_eq!(messages[1]["id"], 1);
    assert_eq!(messages[1]["result"]["resultType"], "complete");
    assert_eq!(messages.len(), 2);
    let (status, code, ..) = error(&list, &listen("[]"));
    assert_eq!((status, code), (400, -32602));
    let answer_only = with(without(list, "accept"), &[("accept", "application/json")]);
    assert_eq!(error(&answer_only, &listen("{}")).0, 406);
}

#[test]
fn parameters_of_dynamic_tools_are_compared_with_their_headers() {
    use crate::{
        call::{Ask, CallStep, FeatureOutcome, Listed},
        wire::types::tool_types::ToolList,
    };
    let mut input = testing::input();
    for feature in &mut input.features {
        feature.flags = feature.flags.with(Flags::DYNAMIC).with(Flags::TOOLS);
        feature.tools.clear();
        feature.prefix = None;
    }
    input.features[1].prefix = Some("two.".to_owned());
    let bytes = catalog::build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let schema = r#"{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}"#;
    // The features are asked in turn; the second one has the tool, on its second page.
    let called = |header: Option<&str>| {
        let header = header.map(|value| ("Mcp-Param-A", value));
        let list = with(
            modern_headers("tools/call", Some("two.t")),
            header.as_slice(),
        );
        let request = testing::post(&list);
        let head = check_head(&request, &catalog).unwrap();
        let members = r#""name":"two.t","arguments":{"a":"x"},"#;
        let body = modern_request("tools/call", members, "");
        let services = &mut TestServices::default();
        let HttpOutcome::Call(mut call) = handle(&catalog, &head, body.as_bytes(), services) else {
            panic!("a tool is called");
        };
        let mut asked = Vec::new();
        loop {
            let outcome = match call.ask() {
                Ask::List { cursor, .. } => {
                    asked.push(format!("list {} {}", call.slot(), cursor.unwrap_or("-")));
                    let (name, next) = match (call.slot(), cursor) {
                        (1, None) => ("other", Some("next".to_owned())),
                        (1, _) => ("t", None),
                        _ => ("two.other", None),
                    };
                    FeatureOutcome::List(Ok(Listed::Tools(ToolList {
                        tools: vec![testing::tool(name, schema)],
                        next_cursor: next,
                        cache: None,
                    })))
                }
                Ask::Tool { name, .. } => {
                    asked.push(format!("call {} {name}", call.slot()));
                    if call.slot() == 1 {
                        return (200, asked);
                    }
                    FeatureOutcome::Tool(Ok(None))
                }
                other => panic!("{other:?}"),
            };
            if let CallStep::Done(response) = call.settle(outcome, services) {
                let code = response.failure.map(|failure| failure.code);
                assert_eq!(code, Some(-32020));
                return (response.status, asked);
            }
        }
    };
    let listed = ["list 0 -", "call 0 two.t", "list 1 -", "list 1 next"];
    let passed = [&listed[..], &["call 1 t"]].concat();
    let all = |asked: &[&str]| asked.iter().map(|asked| asked.to_string()).collect();
    assert_eq!(called(Some("x")), (200, all(&passed)));
    assert_eq!(called(Some("y")), (400, all(&listed)));
    assert_eq!(called(None), (400, all(&listed)));
}

#[test]
fn equal_uris_name_one_resource() {
    let mut input = testing::input();
    input.features[2].resources = vec![testing::resource("notes://café/x", "x")];
    input.features[2].resource_templates = vec![testing::template("notes://book/{id}", "b")];
    let catalog = crate::catalog::build(&input).unwrap();
    let called = |method: &str, params: &str| {
        let body = legacy_request(method, params);
        send(&catalog, "POST", &legacy(), &body).1["call"].clone()
    };
    for uri in [
        "notes://café/x",
        "notes://caf%C3%A9/x",
        "NOTES://caf%c3%a9/x",
        "notes://café/./y/../%78",
    ] {
        let params = json!({ "uri": uri }).to_string();
        assert_eq!(called("resources/read", &params), "notes://café/x", "{uri}");
    }
    assert_eq!(
        called("resources/read", r#"{"uri":"NOTES://BOOK/7"}"#),
        "notes://book/7"
    );
    for uri in ["notes://book/{id}", "notes://book/%7Bid%7D"] {
        let params = json!({
            "ref": {"type": "ref/resource", "uri": uri},
            "argument": {"name": "id", "value": ""},
        });
        let (status, json) = {
            let body = legacy_request("completion/complete", &params.to_string());
            let (status, json, _) = send(&catalog, "POST", &legacy(), &body);
            (status, json)
        };
        assert_eq!((status, &json["error"]), (200, &Value::Null), "{uri}");
    }
}

#[test]
fn earlier_clients_get_no_audio() {
    use crate::wire::{content, types::types, version::Version};
    let audio = types::ContentBlock::Audio(types::MediaContent {
        data: b"x".to_vec(),
        mime_type: String::new(),
        annotations: None,
        meta: None,
    });
    let written = |version| {
        let mut out = Vec::new();
        content::block(&mut out, &audio, version);
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    assert_eq!(written(Version::V2024_11_05)["type"], "text");
    assert_eq!(
        written(Version::V2025_03_26),
        json!({"type": "audio", "data": "eA==", "mimeType": "application/octet-stream"})
    );
}
