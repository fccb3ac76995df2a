use std::rc::Rc;

use serde_json::{Value as Json, json};

use crate::{
    call::FeatureOutcome,
    catalog::{Access, Catalog, Need, NeedKind, Unmet},
    serve::{
        http::HttpResponse,
        router::{self, Own},
        stdio,
    },
    state::{
        listen::Change,
        sender::{Sender, Who},
        services::{ServerPart, Services as _},
        tasks,
    },
    testing::{
        guarded::{self, Guarded, access, header, send, send_for},
        headers, legacy_request, modern_headers, modern_request,
    },
    wire::{
        json::Value,
        types::{Decision, Question, types::Error},
    },
};

const POST: (&str, &str) = ("POST", "/mcp");

fn need(kind: NeedKind, pattern: &str, scope: &str) -> Need {
    Need {
        kind,
        pattern: pattern.to_owned(),
        scopes: vec![scope.to_owned()],
    }
}

/// Everybody needs `base`, and more for some items.
fn scoped() -> Access {
    Access {
        scopes: vec!["base".to_owned()],
        needs: vec![
            need(NeedKind::Tool, "zeta", "z"),
            need(NeedKind::Tool, "two.*", "two"),
            need(NeedKind::Prompt, "lib.review", "p"),
            need(NeedKind::Resource, "test://library/licence", "law"),
            need(NeedKind::Resource, "test://library/books/{id}", "books"),
        ],
        ..access()
    }
}

fn hiding() -> Access {
    Access {
        unmet: Unmet::Hide,
        ..scoped()
    }
}

fn with_policy() -> Access {
    Access {
        policy: true,
        ..access()
    }
}

fn body(response: &HttpResponse) -> Json {
    serde_json::from_slice(&response.body).unwrap()
}

/// What a client with this token gets; none: an anonymous one.
struct Client<'c> {
    services: Guarded,
    catalog: &'c [u8],
    token: Option<&'c str>,
}

impl Client<'_> {
    fn headers(&self, mut all: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
        let token = self.token.map(|token| format!("Bearer {token}"));
        all.extend(token.map(|token| ("authorization".to_owned(), token.into_bytes())));
        all
    }

    fn modern(&mut self, method: &str, name: Option<&str>, params: &str) -> HttpResponse {
        let all = self.headers(modern_headers(method, name));
        let tasks = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        let body = modern_request(method, params, "").replace(
            r#"clientCapabilities":{}"#,
            &format!(r#"clientCapabilities":{tasks}"#),
        );
        send(&mut self.services, self.catalog, POST, &all, &body)
    }

    fn legacy(&mut self, method: &str, params: &str) -> HttpResponse {
        let all = self.headers(headers(&crate::testing::LEGACY_HEADERS));
        let body = legacy_request(method, params);
        send(&mut self.services, self.catalog, POST, &all, &body)
    }
}

fn client<'c>(catalog: &'c [u8], token: Option<&'c str>) -> Client<'c> {
    Client {
        services: Guarded::default(),
        catalog,
        token,
    }
}

/// The scopes in a challenge.
fn scopes(response: &HttpResponse) -> &str {
    let challenge = header(response, "www-authenticate").unwrap_or_default();
    let rest = challenge.split_once("scope=\"").map(|(_, rest)| rest);
    rest.map_or("", |rest| rest.trim_end_matches('"'))
}

/// Requests, and the scopes that they need besides `base`.
const REQUESTS: [(&str, Option<&str>, &str, &str); 16] = [
    ("tools/call", Some("zeta"), r#""name":"zeta","#, "z"),
    ("tools/call", Some("alpha"), r#""name":"alpha","#, ""),
    (
        "tools/call",
        Some("two.plain"),
        r#""name":"two.plain","#,
        "two",
    ),
    ("tools/call", Some("zeta"), r#""name":"z\u0065ta","#, "z"),
    (
        "prompts/get",
        Some("lib.review"),
        r#""name":"lib.review","arguments":{"book":"b"},"#,
        "p",
    ),
    (
        "prompts/get",
        Some("lib.greet"),
        r#""name":"lib.greet","#,
        "",
    ),
    (
        "resources/read",
        Some("test://library/licence"),
        r#""uri":"test://library/licence","#,
        "law",
    ),
    (
        "resources/read",
        Some("TEST://library/%6cicence"),
        r#""uri":"TEST://library/%6cicence","#,
        "law",
    ),
    (
        "resources/read",
        Some("test://library/readme"),
        r#""uri":"test://library/readme","#,
        "",
    ),
    (
        "resources/read",
        Some("test://library/books/7"),
        r#""uri":"test://library/books/7","#,
        "books",
    ),
    (
        "resources/read",
        Some("test://library/x/../books/7"),
        r#""uri":"test://library/x/../books/7","#,
        "books",
    ),
    (
        "completion/complete",
        None,
        r#""ref":{"type":"ref/prompt","name":"lib.review"},"argument":{"name":"book","value":""},"#,
        "p",
    ),
    (
        "completion/complete",
        None,
        r#""ref":{"type":"ref/resource","uri":"test://library/books/{id}"},"argument":{"name":"id","value":""},"#,
        "books",
    ),
    (
        "subscriptions/listen",
        None,
        r#""notifications":{"resourceSubscriptions":["test://library/readme","test://library/licence"]},"#,
        "law",
    ),
    ("tools/list", None, "", ""),
    ("server/discover", None, "", ""),
];

#[test]
fn an_item_needs_its_scopes_and_those_of_the_server() {
    let catalog = &guarded::catalog(scoped());
    for (method, name, params, scope) in REQUESTS {
        let union = ["base", scope].join(" ");
        let union = union.trim_end();
        for (token, status, asked) in [
            (format!("u:{}", union.replace(' ', ",")), 200, ""),
            (
                "u:base".to_owned(),
                if scope.is_empty() { 200 } else { 403 },
                union,
            ),
            (format!("u:{scope}"), 403, union),
            // No prefix, no other case.
            (format!("u:bas,BASE,{scope}"), 403, union),
            ("u".to_owned(), 403, union),
        ] {
            let mut client = client(catalog, Some(&token));
            let response = client.modern(method, name, params);
            assert_eq!(response.status, status, "{method} {params} {token}");
            if status == 200 {
                assert_eq!(client.services.log.len(), 0);
                continue;
            }
            assert_eq!(scopes(&response), asked, "{method} {params} {token}");
            let challenge = header(&response, "www-authenticate").unwrap();
            assert!(challenge.starts_with(r#"Bearer error="insufficient_scope""#));
            assert!(challenge.contains("resource_metadata="));
            let answer = body(&response);
            let scopes: Vec<_> = asked.split(' ').collect();
            assert_eq!(answer["error"]["code"], -32011);
            assert_eq!(answer["error"]["data"], json!({"scopes": scopes}));
            assert_eq!(answer["id"], 1);
            let [line] = &client.services.log[..] else {
                panic!("one line is written");
            };
            let line: Json = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&line["event"], &line["status"], &line["method"]),
                (&json!("refused"), &json!(403), &json!(method))
            );
            assert_eq!(line["principal"]["subject"], "u");
            assert!(!client.services.log[0].contains("secret"));
        }
    }
}

#[test]
fn legacy_clients_learn_what_they_have_too() {
    let catalog = &guarded::catalog(scoped());
    let mut legacy = client(catalog, Some("u:base,other"));
    let response = legacy.legacy("tools/call", r#"{"name":"zeta"}"#);
    assert_eq!((response.status, scopes(&response)), (403, "base z other"));
    let uri = r#"{"uri":"test://library/licence"}"#;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let response = legacy.legacy(method, uri);
        assert_eq!(
            (response.status, scopes(&response)),
            (403, "base law other")
        );
    }
    assert_eq!(
        legacy.legacy("tools/call", r#"{"name":"alpha"}"#).status,
        200
    );
}

#[test]
fn anonymous_callers_are_asked_for_credentials() {
    let open = Access {
        scopes: Vec::new(),
        anonymous: true,
        ..scoped()
    };
    let catalog = &guarded::catalog(open);
    let mut anonymous = client(catalog, None);
    let response = anonymous.modern("tools/call", Some("zeta"), r#""name":"zeta","#);
    assert_eq!((response.status, scopes(&response)), (401, "z"));
    assert!(
        !header(&response, "www-authenticate")
            .unwrap()
            .contains("error")
    );
    assert_eq!(body(&response)["error"]["code"], -32010);
    let response = anonymous.modern("tools/call", Some("alpha"), r#""name":"alpha","#);
    assert_eq!(response.status, 200);
}

#[test]
fn hidden_items_are_unknown() {
    let catalog = &guarded::catalog(hiding());
    let mut hidden = client(catalog, Some("u:base"));
    let known = &mut client(catalog, Some("u:base,z,two,p,law,books"));
    for (method, item, unknown) in [
        ("tools/call", r#""name":"zeta","#, r#""name":"zetb","#),
        (
            "prompts/get",
            r#""name":"lib.review","#,
            r#""name":"lib.reviex","#,
        ),
        (
            "resources/read",
            r#""uri":"test://library/licence","#,
            r#""uri":"other://licence","#,
        ),
    ] {
        let name = |params: &str| params.split('"').nth(3).unwrap().to_owned();
        let response = hidden.modern(method, Some(&name(item)), item);
        let answer = body(&response);
        assert_eq!(
            (response.status, &answer["error"]["code"]),
            (200, &json!(-32602))
        );
        assert_eq!(header(&response, "www-authenticate"), None);
        let other = known.modern(method, Some(&name(unknown)), unknown);
        if method != "resources/read" {
            let text = answer.to_string().replace(&name(item), "X");
            assert_eq!(text, body(&other).to_string().replace(&name(unknown), "X"));
        }
        assert!(hidden.services.log.last().unwrap().contains("unknown"));
    }
    // What the server itself needs is no secret.
    let mut outside = client(catalog, Some("u:other"));
    let response = outside.modern("tools/call", Some("zeta"), r#""name":"zeta","#);
    assert_eq!((response.status, scopes(&response)), (403, "base"));
}

/// The message of the error of a router whose features know nothing.
fn of_router(client: &mut Client<'_>, method: &str, params: &str) -> String {
    let catalog = Catalog::new(client.catalog).unwrap();
    let services = &mut client.services;
    services.part = ServerPart::Router;
    let (version, capabilities) = ("2025-11-25", "{}".to_owned());
    let mut call = match router::handle(&catalog, method, params, version, capabilities, services) {
        router::Handling::Done(Own::Unknown(error) | Own::Done(Err(error))) => {
            return error.message;
        }
        router::Handling::Done(Own::Done(Ok(result))) => panic!("{result}"),
        router::Handling::Call(call) => call,
    };
    loop {
        let outcome = FeatureOutcome::Resource(Ok(None));
        match router::settle(&mut call, outcome, services) {
            router::RouterStep::Done(Own::Unknown(error)) => return error.message,
            router::RouterStep::Done(_) => panic!("it is known"),
            router::RouterStep::Invoke => {}
        }
    }
}

/// Whatever is wrong with a request, it fails as one for an item that does not exist.
#[test]
fn malformed_parameters_do_not_tell_hidden_from_absent() {
    const REF: &str = r#""argument":{"name":"book","value":""}"#;
    let policy = Access {
        unmet: Unmet::Challenge,
        needs: Vec::new(),
        policy: true,
        ..hiding()
    };
    for (access, part) in [
        (hiding(), ServerPart::Server),
        (hiding(), ServerPart::Transport),
        (policy, ServerPart::Server),
    ] {
        let catalog = &guarded::catalog(access);
        let answers = |method: &str, item: &str, rest: &str| {
            let mut hidden = client(catalog, Some("u:base"));
            hidden.services.part = part;
            hidden.services.decide = |question| match question.target.contains("none") {
                true => Decision::Allow,
                false => Decision::Unknown,
            };
            let params = rest.replace("ITEM", item);
            let modern = hidden.modern(method, Some(item), &format!("{params},"));
            [modern, hidden.legacy(method, &format!("{{{params}}}"))].map(|answer| {
                let answered = body(&answer);
                let mut text = answered["error"]["message"].to_string();
                if answered.get("subject").is_some() {
                    // It is for a feature, or for the router.
                    let params = format!("{{{params}}}");
                    text = json!(of_router(&mut hidden, method, &params)).to_string();
                }
                (answer.status, text.replace(item, "X"))
            })
        };
        for (method, hidden, absent, rest) in [
            (
                "tools/call",
                "zeta",
                "zetb",
                vec![
                    r#""name":"ITEM","arguments":7"#,
                    r#""name":"ITEM","arguments":[]"#,
                    r#""name":"ITEM","inputResponses":7"#,
                    r#""name":"ITEM","requestState":7"#,
                    r#""name":"ITEM","requestState":"x""#,
                    r#""name":"ITEM","name":"ITEM""#,
                    r#""name":["ITEM"]"#,
                ],
            ),
            (
                "prompts/get",
                "lib.review",
                "lib.reviex",
                vec![
                    r#""name":"ITEM","arguments":7"#,
                    r#""name":"ITEM","arguments":{"book":7}"#,
                    r#""name":"ITEM","arguments":{"book":"a","book":"b"}"#,
                    r#""name":"ITEM","arguments":{}"#,
                    r#""name":"ITEM","inputResponses":{"a":1,"a":1}"#,
                ],
            ),
            (
                "resources/read",
                "TEST://library/licence",
                "TEST://library/absent",
                vec![r#""uri":"ITEM","inputResponses":7"#, r#""uri":"ITEM""#],
            ),
            (
                "resources/subscribe",
                "test://library/licence",
                "test://library/absent",
                vec![
                    r#""uri":"ITEM","uri":7"#,
                    r#""uri":"ITEM","_meta":7"#,
                    r#""uri":"ITEM""#,
                ],
            ),
            (
                "completion/complete",
                "lib.review",
                "lib.reviex",
                vec![
                    r#""ref":{"type":"ref/prompt","name":"ITEM"}"#,
                    r#""ref":{"type":"ref/prompt","name":"ITEM"},"argument":{"name":7,"value":""}"#,
                    r#""ref":{"type":"ref/prompt","name":"ITEM"},"argument":{"name":"book"}"#,
                    r#""ref":{"type":"ref/prompt","name":"ITEM"},"argument":{"name":"book","value":""},"context":7"#,
                    r#""ref":{"type":"ref/other","name":"ITEM"},REF"#,
                    r#""ref":{"type":7,"name":"ITEM"},REF"#,
                    r#""ref":{"name":"ITEM"},REF"#,
                    r#""ref":{"type":"ref/prompt","type":"ref/resource","name":"ITEM","uri":"a://b"},REF"#,
                    r#""ref":{"type":"ref/resource","name":"ITEM","uri":"a://b"},REF"#,
                    r#""ref":{"type":"ref/prompt","name":"ITEM"},REF"#,
                ],
            ),
        ] {
            for rest in rest.iter().map(|rest| rest.replace("REF", REF)) {
                let expected = answers(method, absent, &rest);
                assert_eq!(
                    answers(method, hidden, &rest),
                    expected,
                    "{part:?} {method} {rest}"
                );
            }
        }
    }
}

#[test]
fn a_subscription_does_not_tell_hidden_from_absent() {
    let catalog = &guarded::catalog(hiding());
    let mut hidden = client(catalog, Some("u:base"));
    let mut answers = |uri: &str| {
        let listen = format!(r#""notifications":{{"resourceSubscriptions":["{uri}"]}},"#);
        let answers = [
            hidden.legacy("resources/subscribe", &format!(r#"{{"uri":"{uri}"}}"#)),
            hidden.modern("subscriptions/listen", None, &listen),
        ];
        answers.map(|answer| (answer.status, body(&answer).to_string().replace(uri, "X")))
    };
    let unknown = answers("test://library/licence");
    assert!(
        unknown
            .iter()
            .all(|(_, text)| text.contains("unknown resource")),
        "{unknown:?}"
    );
    assert_eq!(answers("other://licence"), unknown);
}

/// A session may have subscribed with a token that could read more.
#[test]
fn a_stream_tells_what_its_own_token_may_watch() {
    let forbids: fn(&_) -> Decision = |question: &Question| {
        let is_law = question.target.contains("licence");
        let may = question
            .caller
            .as_ref()
            .unwrap()
            .scopes
            .contains(&"law".to_owned());
        match is_law && !may {
            true => Decision::Forbidden("no".to_owned()),
            false => Decision::Allow,
        }
    };
    let uris = ["test://library/readme", "test://library/licence"];
    for access in [scoped(), hiding(), with_policy()] {
        let catalog = &guarded::catalog(access);
        for (token, told) in [("u:base", &uris[..1]), ("u:base,law", &uris[..])] {
            let mut strong = client(catalog, Some("u:base,law"));
            strong.services.decide = forbids;
            let begun = strong.legacy(
                "initialize",
                r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
            );
            let session = header(&begun, "mcp-session-id").unwrap().to_owned();
            let with_session = |client: &Client<'_>| {
                let mut all = client.headers(headers(&crate::testing::LEGACY_HEADERS));
                all.push(("mcp-session-id".to_owned(), session.clone().into_bytes()));
                all
            };
            for uri in uris {
                let body = legacy_request("resources/subscribe", &format!(r#"{{"uri":"{uri}"}}"#));
                let all = with_session(&strong);
                let response = send(&mut strong.services, catalog, POST, &all, &body);
                assert_eq!(response.status, 200, "{uri}");
            }
            let mut stream = Client {
                token: Some(token),
                ..strong
            };
            stream.services.changes = uris.map(|uri| Change::Resource(uri.to_owned())).to_vec();
            let all = with_session(&stream);
            let response = send(&mut stream.services, catalog, ("GET", "/mcp"), &all, "");
            let text = String::from_utf8(response.body).unwrap();
            for uri in uris {
                assert_eq!(text.contains(uri), told.contains(&uri), "{token} {text}");
            }
            // A subscription of 2026 has the token that it was made with.
            let wants = format!(
                r#""notifications":{{"resourceSubscriptions":["{}","{}"]}},"#,
                uris[0], uris[1]
            );
            let response = stream.modern("subscriptions/listen", None, &wants);
            let text = String::from_utf8(response.body).unwrap();
            let told_all = uris
                .iter()
                .all(|uri| text.contains("listens") && text.contains(uri));
            assert_eq!(told_all, told == uris, "{token} {text}");
        }
    }
}

fn listed(response: &HttpResponse, list: &str, key: &str) -> Vec<String> {
    let answer = body(response);
    let entries = answer["result"][list]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"));
    let names = entries
        .iter()
        .map(|entry| entry[key].as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn hidden_items_are_not_listed() {
    let catalog = &guarded::catalog(hiding());
    let mut hidden = client(catalog, Some("u:base,two"));
    let tools = hidden.modern("tools/list", None, "");
    assert_eq!(
        listed(&tools, "tools", "name"),
        ["alpha", "two.query", "two.plain"]
    );
    assert_eq!(body(&tools)["result"]["cacheScope"], "private");
    let tools = hidden.legacy("tools/list", "{}");
    assert_eq!(
        listed(&tools, "tools", "name"),
        ["alpha", "two.query", "two.plain"]
    );
    let prompts = hidden.modern("prompts/list", None, "");
    assert_eq!(listed(&prompts, "prompts", "name"), ["lib.greet"]);
    let resources = hidden.modern("resources/list", None, "");
    assert_eq!(
        listed(&resources, "resources", "uri"),
        ["test://library/readme"]
    );
    let templates = hidden.modern("resources/templates/list", None, "");
    assert_eq!(
        listed(&templates, "resourceTemplates", "uriTemplate"),
        ["test://library/search{?author,title}"]
    );
    let challenged = &guarded::catalog(scoped());
    let tools = client(challenged, Some("u:base")).modern("tools/list", None, "");
    assert_eq!(listed(&tools, "tools", "name").len(), 4);
}

#[test]
fn lists_of_a_chain_are_filtered() {
    let catalog = &guarded::catalog(hiding());
    let services = &mut Guarded {
        part: ServerPart::Transport,
        ..Guarded::default()
    };
    let mut all = modern_headers("tools/list", None);
    all.extend(headers(&[("authorization", "Bearer u:base")]));
    let result = r#"{"resultType":"complete","ttlMs":1,"cacheScope":"private","nextCursor":"n","tools":[{"name":"zeta","inputSchema":{}},{"name":"renamed","inputSchema":{}}]}"#;
    let outcome = FeatureOutcome::Handled(Ok(result.to_owned()));
    let body = modern_request("tools/list", "", "");
    let response = send_for(services, catalog, POST, &all, &body, Some(outcome));
    assert_eq!(listed(&response, "tools", "name"), ["renamed"]);
    assert_eq!(super::tests::body(&response)["result"]["nextCursor"], "n");
}

#[test]
fn tasks_belong_to_their_tool_and_their_principal() {
    let answer = r#"{"resultType":"task","state":"s"}"#;
    let answer = Value::parse(answer).unwrap();
    let principal = "https://as.example.com\0u";
    let task = |services: &mut Guarded| {
        let origin = tasks::TaskOrigin {
            principal,
            tool: "zeta",
            arguments: "{}",
        };
        let created = tasks::create(services, &origin, &answer).unwrap();
        let created: Json = serde_json::from_slice(&created).unwrap();
        created["taskId"].as_str().unwrap().to_owned()
    };
    let end = |services: &mut Guarded, id: &str| {
        let Ok(tasks::Got::Advance(task)) = tasks::get(services, principal, id) else {
            panic!("the tool is not called");
        };
        let step = tasks::TaskStep::Complete(r#"{"content":[]}"#.to_owned());
        task.advanced(services, step).unwrap();
    };
    for ended in [false, true] {
        for (access, token, status, code) in [
            (scoped(), "u:base,z", 200, None),
            (scoped(), "u:base", 403, Some(-32011)),
            (hiding(), "u:base", 200, Some(-32602)),
            (scoped(), "other:base,z", 200, Some(-32602)),
        ] {
            let catalog = guarded::catalog(access);
            for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
                let mut client = client(&catalog, Some(token));
                let id = task(&mut client.services);
                if ended {
                    end(&mut client.services, &id);
                }
                let params = format!(r#""taskId":"{id}","inputResponses":{{}},"#);
                let response = client.modern(method, Some(&id), &params);
                let answer = body(&response);
                assert_eq!(response.status, status, "{method} {token} {answer}");
                assert_eq!(answer["error"]["code"].as_i64(), code, "{method} {token}");
            }
            let mut client = client(&catalog, Some(token));
            let id = task(&mut client.services);
            let params = format!(r#""notifications":{{"taskIds":["{id}"]}},"#);
            let response = client.modern("subscriptions/listen", None, &params);
            // A task of another principal is left out of the subscription.
            let expected = if token.starts_with("other") {
                None
            } else {
                code
            };
            assert_eq!(
                body(&response)["error"]["code"].as_i64(),
                expected,
                "{token}"
            );
        }
    }
}

#[test]
fn a_policy_decides_before_anything_is_called() {
    let catalog = &guarded::catalog(with_policy());
    for (decide, status, code, scope) in [
        ((|_| Decision::Allow) as fn(&_) -> _, 200, None, ""),
        (
            |_| Decision::Needs(vec!["more".into()]),
            403,
            Some(-32011),
            "more",
        ),
        (
            |_| Decision::Needs(vec!["mine".into()]),
            403,
            Some(-32011),
            "",
        ),
        (|_| Decision::Needs(Vec::new()), 403, Some(-32011), ""),
        (
            |_| Decision::Needs(vec!["a b\"".into()]),
            403,
            Some(-32011),
            "",
        ),
        (
            |_| Decision::Forbidden("not\ntoday".into()),
            403,
            Some(-32011),
            "",
        ),
        (|_| Decision::Unknown, 200, Some(-32602), ""),
    ] {
        let mut client = client(catalog, Some("u:mine"));
        client.services.decide = decide;
        let response = client.modern("tools/call", Some("zeta"), r#""name":"zeta","#);
        let answer = body(&response);
        assert_eq!(response.status, status);
        assert_eq!(answer["error"]["code"].as_i64(), code, "{answer}");
        assert_eq!(scopes(&response), scope);
        // Without a scope that helps, there is no challenge.
        let challenge = header(&response, "www-authenticate");
        assert_eq!(challenge.is_some(), !scope.is_empty(), "{challenge:?}");
    }
    let mut forbidding = client(catalog, Some("u"));
    forbidding.services.decide = |_| Decision::Forbidden("not\ntoday".into());
    let response = forbidding.modern("tools/call", Some("zeta"), r#""name":"zeta","#);
    assert_eq!(body(&response)["error"]["message"], "nottoday");
}

#[test]
fn a_policy_learns_what_the_client_sent() {
    let mut access = scoped();
    (access.policy, access.scopes) = (true, Vec::new());
    let catalog = &guarded::catalog(access);
    let mut client = client(catalog, Some("u:z"));
    client.modern(
        "tools/call",
        Some("zeta"),
        r#""name":"zeta","arguments":{"a":1},"#,
    );
    client.modern(
        "resources/read",
        Some("test://library/readme"),
        r#""uri":"test://library/readme","#,
    );
    client.legacy("tools/list", r#"{"cursor":null}"#);
    let [tool, resource, list, seen] = &client.services.questions[..] else {
        panic!("{:?}", client.services.questions);
    };
    assert_eq!(tool.caller.as_ref().unwrap().subject, "u");
    assert_eq!((&*tool.method, &*tool.transport), ("tools/call", "http"));
    assert_eq!(
        (&*tool.protocol_version, &*tool.resource),
        ("2026-07-28", guarded::RESOURCE)
    );
    let params: Json = serde_json::from_str(&tool.params).unwrap();
    assert_eq!(params["arguments"], json!({"a": 1}));
    let target = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    assert_eq!(
        target(&tool.target),
        json!({"kind": "tool", "name": "zeta", "annotations": {}, "scopes": ["z"]})
    );
    assert_eq!(
        target(&resource.target),
        json!({"kind": "resource", "uri": "test://library/readme", "annotations": {}, "scopes": []})
    );
    assert_eq!(target(&list.target), json!({"kind": "none"}));
    assert_eq!((&list.target, &list.params), (&seen.target, &seen.params));
}

#[test]
fn what_is_kept_of_items_is_what_a_policy_learns() {
    let mut access = scoped();
    (access.policy, access.scopes) = (true, Vec::new());
    let catalog = &guarded::catalog(access);
    let asked = |client: &mut Client<'_>| {
        for _ in 0..2 {
            for name in ["zeta", "test://library/readme", "nothing"] {
                client.modern("tools/call", Some(name), &format!(r#""name":"{name}","#));
                client.modern("prompts/get", Some(name), &format!(r#""name":"{name}","#));
                client.modern("resources/read", Some(name), &format!(r#""uri":"{name}","#));
            }
        }
        let questions = client.services.questions.iter();
        let targets: Vec<_> = questions.map(|question| question.target.clone()).collect();
        targets
    };
    let mut keeping = client(catalog, Some("u:z"));
    keeping.services.targets = Some(Rc::default());
    let targets = asked(&mut keeping);
    assert_eq!(targets, asked(&mut client(catalog, Some("u:z"))));
    let kept = keeping.services.targets.unwrap();
    let names: Vec<_> = kept.borrow().keys().map(|(_, name)| name.clone()).collect();
    assert_eq!(names, ["zeta", "test://library/readme"]);
}

#[test]
fn a_policy_learns_every_name_of_a_resource() {
    let catalog = &guarded::catalog(with_policy());
    let mut client = client(catalog, Some("u"));
    client.services.decide = |question| match question.target.contains("library/licence") {
        true => Decision::Forbidden("no".to_owned()),
        false => Decision::Allow,
    };
    for (uri, status) in [
        ("test://library/readme", 200),
        ("test://library/licence", 403),
        ("test://library/%6cicence", 403),
        ("TEST://LIBRARY/licence", 403),
        ("test://library/a/../licence", 403),
        ("test://library%2Flicence", 403),
    ] {
        let params = format!(r#""uri":"{uri}","#);
        let response = client.modern("resources/read", Some(uri), &params);
        assert_eq!(response.status, status, "{uri}");
        let response = client.legacy("resources/subscribe", &format!(r#"{{"uri":"{uri}"}}"#));
        assert_eq!(response.status == 403, status == 403, "{uri}");
    }
}

#[test]
fn parameters_that_name_a_member_twice_are_refused() {
    let catalog = &guarded::catalog(with_policy());
    for arguments in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":[{"y":{"a":1,"a":1}}]}"#,
    ] {
        let mut client = client(catalog, Some("u"));
        let params = format!(r#""name":"zeta","arguments":{arguments},"#);
        let response = client.modern("tools/call", Some("zeta"), &params);
        assert_eq!(body(&response)["error"]["code"], -32602, "{arguments}");
        assert!(client.services.questions.is_empty());
    }
}

#[test]
fn a_policy_hides_entries() {
    let catalog = &guarded::catalog(with_policy());
    let mut picky = client(catalog, Some("u"));
    picky.services.visible = |entries| {
        let shown = entries.iter().map(|entry| !entry.contains("alpha"));
        shown.collect()
    };
    let tools = picky.modern("tools/list", None, "");
    assert_eq!(
        listed(&tools, "tools", "name"),
        ["zeta", "two.query", "two.plain"]
    );
    // An answer that is not for each entry shows none.
    for visible in [(|_| vec![true; 3]) as fn(&[String]) -> _, |_| vec![true; 5]] {
        picky.services.visible = visible;
        let tools = picky.modern("tools/list", None, "");
        assert!(listed(&tools, "tools", "name").is_empty());
    }
}

#[test]
fn a_feature_can_refuse_late() {
    let catalog = &guarded::catalog(Access {
        anonymous: true,
        ..access()
    });
    let refuse = |token: Option<&str>, code, data: Option<&str>| {
        let services = &mut Guarded::default();
        let mut all = modern_headers("tools/call", Some("zeta"));
        let token = token.map(|token| format!("Bearer {token}").into_bytes());
        all.extend(token.map(|token| ("authorization".to_owned(), token)));
        let outcome = FeatureOutcome::Tool(Err(Error {
            code,
            message: "too much".to_owned(),
            data: data.map(str::to_owned),
        }));
        let body = modern_request("tools/call", r#""name":"zeta","#, "");
        let response = send_for(services, catalog, POST, &all, &body, Some(outcome));
        let answer = super::tests::body(&response);
        assert_eq!(answer["error"]["code"], code);
        (
            response.status,
            scopes(&response).to_owned(),
            services.log.len(),
        )
    };
    let more = Some(r#"{"scopes":["more","b\"ad","also"]}"#);
    assert_eq!(
        refuse(Some("u"), -32011, more),
        (403, "more also".to_owned(), 1)
    );
    assert_eq!(refuse(None, -32011, more), (401, "more also".to_owned(), 1));
    assert_eq!(refuse(Some("u"), -32011, None), (403, String::new(), 1));
    assert_eq!(
        refuse(Some("u"), -32011, Some(r#"{"scopes":3}"#)),
        (403, String::new(), 1)
    );
    assert_eq!(refuse(Some("u"), -32012, more), (200, String::new(), 0));
}

#[test]
fn state_of_another_principal_is_refused() {
    let catalog = &guarded::catalog(access());
    let mut alice = client(catalog, Some("alice"));
    alice
        .services
        .inner
        .variables
        .push(("mcp_state_key".to_owned(), "ab".repeat(32)));
    let all = alice.headers(modern_headers("tools/call", Some("zeta")));
    let asks = crate::wire::types::tool_types::ToolOutcome::InputRequired(
        crate::wire::types::types::InputRequired {
            requests: Vec::new(),
            state: Some("s".to_owned()),
        },
    );
    let body_of =
        |state: &str| modern_request("tools/call", &format!(r#""name":"zeta",{state}"#), "");
    let outcome = FeatureOutcome::Tool(Ok(Some(asks)));
    let response = send_for(
        &mut alice.services,
        catalog,
        POST,
        &all,
        &body_of(""),
        Some(outcome),
    );
    let state = body(&response)["result"]["requestState"]
        .as_str()
        .unwrap()
        .to_owned();
    let state = format!(r#""requestState":"{state}","#);
    for (token, status) in [("alice:new", json!(null)), ("bob", json!(-32602))] {
        let mut client = Client {
            services: alice.services.clone(),
            catalog,
            token: Some(token),
        };
        let params = format!(r#""name":"zeta",{state}"#);
        let response = client.modern("tools/call", Some("zeta"), &params);
        assert_eq!(body(&response)["error"]["code"], status, "{token}");
    }
}

#[test]
fn on_stdio_a_trusted_user_needs_no_scopes_but_a_policy_counts() {
    let line = modern_request("tools/call", r#""name":"zeta","#, "");
    let serve = |access: Access, sender: Sender, decide: fn(&_) -> _| {
        let catalog = guarded::catalog(access);
        let catalog = Catalog::new(&catalog).unwrap();
        let services = &mut Guarded {
            sender: Some(std::rc::Rc::new(sender)),
            decide,
            ..Guarded::default()
        };
        let mut session = stdio::StdioSession::default();
        match session.handle_line(&catalog, line.as_bytes(), services) {
            stdio::StdioOutcome::Call(_) => {
                let asked = services.questions.first();
                (0, asked.map(|question| question.transport.clone()))
            }
            stdio::StdioOutcome::Reply(line) => {
                let answer: Json = serde_json::from_slice(&line).unwrap();
                (answer["error"]["code"].as_i64().unwrap(), None)
            }
            _ => panic!("it is a request"),
        }
    };
    let trusted = || Sender {
        who: Who::Trusted,
        is_stdio: true,
        ..Sender::default()
    };
    let anonymous = Sender {
        is_stdio: true,
        ..Sender::default()
    };
    let allow: fn(&_) -> _ = |_| Decision::Allow;
    let policy = Access {
        policy: true,
        ..scoped()
    };
    assert_eq!(serve(scoped(), trusted(), allow), (0, None));
    assert_eq!(serve(hiding(), trusted(), allow), (0, None));
    assert_eq!(
        serve(policy.clone(), trusted(), allow),
        (0, Some("stdio".to_owned()))
    );
    let forbid: fn(&_) -> _ = |_| Decision::Forbidden("no".to_owned());
    assert_eq!(serve(policy.clone(), trusted(), forbid).0, -32011);
    let needs: fn(&_) -> _ = |_| Decision::Needs(vec!["x".to_owned()]);
    assert_eq!(serve(policy, trusted(), needs).0, -32011);
    assert_eq!(serve(scoped(), anonymous, allow).0, -32010);
}

#[test]
fn without_a_sender_nobody_may_do_anything() {
    let catalog = guarded::catalog(access());
    let catalog = Catalog::new(&catalog).unwrap();
    let services = &mut Guarded::default();
    assert!(services.sender().is_none());
    let line = modern_request("tools/call", r#""name":"zeta","#, "");
    let mut session = stdio::StdioSession::default();
    let stdio::StdioOutcome::Reply(line) = session.handle_line(&catalog, line.as_bytes(), services)
    else {
        panic!("it is refused");
    };
    assert!(String::from_utf8(line).unwrap().contains("-32603"));
}
