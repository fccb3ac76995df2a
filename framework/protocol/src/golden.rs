//! Values that outlive the build that made them: clients send them back, or they lie in the
//! store. `golden/formats.txt` contains what the last build made. This build must read it, and
//! must make the same.
//!
//! To change a format, give it a new number if it has one (session ids, seals), and keep reading
//! the old format while old values live: 7 days for sessions and tasks. Then write the file anew
//! with `NEW_FORMATS=1 cargo test -p spin-mcp-protocol golden`.

use std::{collections::BTreeMap, env, fs};

use crate::{
    call::{Asking, Input, Polled, listing},
    catalog::{Catalog, ListKind},
    serve::{
        http::{self, check_head, handle},
        router::{
            self, Own,
            sequence::{Sequence, SequenceStep},
        },
    },
    state::{
        call_stream::{CallStream, EventId, Look, Resumed},
        listen::{self, Change, Listener, Offer},
        replies, seal,
        services::{MemoryStore, Store as _},
        session::{self, Kept, Session},
        tasks::{self, Got, Status, TaskOrigin, TaskStep},
    },
    testing::{self, TestServices, modern_headers, modern_request},
    wire::{
        failure::Failure,
        json::Value,
        message::{self, Message},
        notify::LogLevel,
        types::types::{InputRequest, InputRequired},
        version::Version,
    },
};

const GOLDEN: &str = include_str!("../golden/formats.txt");

const SESSION: &[u8] = b"the digest of a session";
const EXPIRES: u64 = 1_795_600_000_000;
const OFFER: Offer = Offer {
    tools: true,
    prompts: true,
    resources: true,
    updates: true,
    tasks: true,
};
const BINDING: seal::Binding<'_> = seal::Binding {
    principal: "somebody",
    method: "tools/call",
    target: "add",
    arguments: r#"{"a":1}"#,
};

/// Values by name.
type Values = BTreeMap<String, String>;

/// Services with a configured key and an empty store.
fn keyed() -> TestServices {
    let key = "0123456789abcdef".repeat(4);
    TestServices {
        variables: vec![("mcp_state_key".to_owned(), key)],
        ..TestServices::default()
    }
}

fn session(version: Version) -> Session {
    Session {
        version,
        began: 1_795_000_000_000,
        capabilities: r#"{"roots":{"listChanged":true}}"#.to_owned(),
        client_info: Some(r#"{"name":"c","version":"1"}"#.to_owned()),
    }
}

fn legacy() -> impl Iterator<Item = Version> {
    Version::ALL
        .into_iter()
        .filter(|version| !version.is_modern())
}

fn request() -> InputRequest {
    InputRequest {
        key: "name".to_owned(),
        method: "elicitation/create".to_owned(),
        params: r#"{"message":"who?"}"#.to_owned(),
    }
}

/// A call that waits for the reply to one request.
fn asking(services: &mut TestServices) -> Asking {
    let mut asking = Asking::new(SESSION, "7", Some("state"), 1, services.now);
    asking
        .add(services, &request(), Version::V2025_11_25)
        .unwrap();
    asking
}

/// Stores a call that waits, whose client may resume its stream.
fn kept_call(services: &mut TestServices) -> CallStream {
    let mut asking = asking(services);
    let mut stream = CallStream::new(services, SESSION);
    stream.opening();
    stream.keep(
        services,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#,
        &mut asking,
    );
    stream
}

/// Stores the client's reply to that request.
fn reply(services: &mut TestServices, outcome: &str) -> Asking {
    let asking = asking(services);
    let asked: serde_json::Value =
        serde_json::from_slice(asking.messages().next().unwrap()).unwrap();
    let reply = format!(r#"{{"jsonrpc":"2.0","id":{},{outcome}}}"#, asked["id"]);
    let Ok(Message::Response(reply)) = message::read(reply.as_bytes()) else {
        panic!("{reply} is not a response");
    };
    replies::accept(services, SESSION, &reply).unwrap();
    asking
}

/// Stores a task; returns its id.
fn task(services: &mut TestServices) -> String {
    let origin = TaskOrigin {
        principal: "somebody",
        tool: "bake",
        arguments: r#"{"a":1}"#,
    };
    let answer =
        r#"{"resultType":"task","state":"job-17","ttlMs":600000,"statusMessage":"queued"}"#;
    let created = tasks::create(services, &origin, &Value::parse(answer).unwrap()).unwrap();
    let created: serde_json::Value = serde_json::from_slice(&created).unwrap();
    created["taskId"].as_str().unwrap().to_owned()
}

/// Stores a task, and a step of its tool.
fn task_after(services: &mut TestServices, step: TaskStep) {
    let id = task(services);
    let Ok(Got::Advance(task)) = tasks::get(services, "somebody", &id) else {
        panic!("the tool is not called");
    };
    task.advanced(services, step).unwrap();
}

/// An action that writes to the store.
type Act = fn(&mut TestServices);

/// All actions that write to the store, by name.
fn stored() -> [(&'static str, Act); 15] {
    [
        ("key", |services| {
            services.variables.clear();
            seal::seal(services, &BINDING, 60_000, b"state").unwrap();
        }),
        ("session", |services| {
            session::end(services, SESSION, EXPIRES).unwrap();
            session::set_level(services, SESSION, EXPIRES, LogLevel::Warning).unwrap();
        }),
        ("reply", |services| {
            reply(services, r#""result":{"action":"accept"}"#);
        }),
        ("refusal", |services| {
            reply(services, r#""error":{"code":-1,"message":"no"}"#);
        }),
        ("call", |services| {
            kept_call(services);
        }),
        ("call-answered", |services| {
            let mut stream = kept_call(services);
            stream.answer(services, br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        }),
        ("cancelled", |services| {
            replies::cancel(services, SESSION, "7").unwrap();
        }),
        ("changed", |services| {
            let resource = Change::Resource("test://a".to_owned());
            let changes = [Change::Tools, Change::Prompts, Change::Resources, resource];
            listen::publish(services, &changes).unwrap();
        }),
        ("subscribed", |services| {
            for uri in ["test://a", "test://b"] {
                listen::subscribe(services, SESSION, EXPIRES, uri).unwrap();
            }
        }),
        ("stream", |services| {
            Listener::session(SESSION, EXPIRES, None, OFFER)
                .begin(services)
                .unwrap();
        }),
        ("task", |services| {
            let step = TaskStep::Working(r#"{"resultType":"task","state":"job-18"}"#.to_owned());
            task_after(services, step);
        }),
        ("task-input", |services| {
            let required = InputRequired {
                requests: vec![request()],
                state: Some("asked".to_owned()),
            };
            task_after(services, TaskStep::Input(required));
            let responses = Value::parse(r#"{"name":{"action":"accept"}}"#).unwrap();
            let id = task(&mut keyed());
            tasks::update(services, "somebody", &id, &responses).unwrap();
        }),
        ("task-completed", |services| {
            task_after(services, TaskStep::Complete(r#"{"content":[]}"#.to_owned()));
        }),
        ("task-failed", |services| {
            task_after(services, TaskStep::Failed(Failure::internal("burnt")));
        }),
        ("task-cancelled", |services| {
            let id = task(services);
            tasks::cancel(services, "somebody", &id).unwrap();
        }),
    ]
}

/// Everything that this build makes.
fn made() -> Values {
    let mut values = Values::new();
    let mut add = |name: &str, value: String| {
        assert!(!value.contains('\n'));
        assert_eq!(values.insert(name.to_owned(), value), None, "{name}");
    };
    for version in Version::ALL {
        add(
            &format!("number of {}", version.as_str()),
            version.number().to_string(),
        );
    }
    for version in legacy() {
        let id = session(version).to_id(*b"a golden nonce :");
        add(&format!("session id of {}", version.as_str()), id);
    }
    let bytes = testing::catalog_with_pages_of(1);
    let catalog = Catalog::new(&bytes).unwrap();
    for kind in ListKind::ALL {
        let page = catalog.page(kind, None).unwrap();
        add(
            &format!("cursor of {}", kind.member()),
            page.next.unwrap().to_owned(),
        );
    }
    add(
        "cursor of a dynamic feature",
        listing::write_cursor(258, Some("c")),
    );
    add("list of a sequence", sequence(&catalog));
    add("id of a request", request_id(&catalog));
    add(
        "sealed state",
        seal::seal(&mut keyed(), &BINDING, 60_000, b"state").unwrap(),
    );
    add(
        "ticket",
        seal::mint_ticket(&mut keyed(), SESSION, 60_000).unwrap().0,
    );
    add("id of a task", task(&mut keyed()));
    let opening = kept_call(&mut keyed()).opening();
    let opening = String::from_utf8(opening).unwrap();
    let id = opening.lines().find_map(|line| line.strip_prefix("id: "));
    add("id of an event", id.unwrap().replace(".2", ".0"));
    for (name, act) in stored() {
        let services = &mut keyed();
        act(services);
        let store = services.store.as_mut().unwrap();
        let keys: Vec<String> = store.keys().map(str::to_owned).collect();
        for key in keys {
            let value = store.get(&[&key]).unwrap().remove(0).unwrap();
            add(
                &format!("store {name} {key}"),
                value.escape_ascii().to_string(),
            );
        }
    }
    values
}

/// A list that continues in the next component.
fn sequence(catalog: &Catalog<'_>) -> String {
    let (mut sequence, _) = Sequence::begin(1, *catalog, "tools/list", "{}");
    sequence.own(Own::Done(Ok(r#"{"tools":[]}"#.to_owned())));
    sequence
        .next(Ok(r#"{"tools":[],"nextCursor":"c"}"#.to_owned()))
        .unwrap()
}

/// The id of a request, if it is the seventh of its instance.
fn request_id(catalog: &Catalog<'_>) -> String {
    let headers = modern_headers("tools/call", Some("zeta"));
    let request = testing::post(&headers);
    let head = check_head(&request, catalog).unwrap();
    let body = modern_request("tools/call", r#""name":"zeta","#, "");
    let http::HttpOutcome::Call(call) = handle(catalog, &head, body.as_bytes(), &mut keyed())
    else {
        panic!("a tool is called");
    };
    router::id::of(&call, 7).to_string()
}

fn golden() -> Values {
    let lines = GOLDEN.lines().map(|line| line.split_once(" =").unwrap());
    lines
        .map(|(name, value)| (name.to_owned(), value.trim_start().to_owned()))
        .collect()
}

fn value(name: &str) -> String {
    golden()
        .remove(name)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

/// Services whose store has what the last build wrote.
fn with_stored(name: &str) -> TestServices {
    let mut store = MemoryStore::default();
    for (key, value) in golden() {
        if let Some(key) = key.strip_prefix(&format!("store {name} ")) {
            store.set(key, &unescaped(&value)).unwrap();
        }
    }
    assert!(store.keys().next().is_some(), "{name}");
    TestServices {
        store: Some(store),
        ..keyed()
    }
}

/// Decodes what `escape_ascii` encoded.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match rest.as_bytes() {
            [b'\\', b'x', ..] => 4,
            [b'\\', ..] => 2,
            _ => 1,
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        bytes.push(match token {
            r"\t" => b'\t',
            r"\r" => b'\r',
            r"\n" => b'\n',
            _ if length == 4 => u8::from_str_radix(&token[2..], 16).unwrap(),
            _ if length == 2 => token.as_bytes()[1],
            _ => first as u8,
        });
    }
    bytes
}

#[test]
fn the_same_is_made() {
    let made = made();
    if env::var_os("NEW_FORMATS").is_some() {
        let lines = made.iter().map(|(name, value)| match value.is_empty() {
            true => format!("{name} =\n"),
            false => format!("{name} = {value}\n"),
        });
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/formats.txt");
        return fs::write(path, lines.collect::<String>()).unwrap();
    }
    let golden = golden();
    assert!(
        made.keys().eq(golden.keys()),
        "not the same values: {made:#?}"
    );
    for (name, value) in &golden {
        assert_eq!(&made[name], value, "{name}");
    }
}

#[test]
fn sessions_are_read() {
    for version in legacy() {
        let id = value(&format!("session id of {}", version.as_str()));
        let read = Session::from_id(id.as_bytes(), keyed().now);
        assert_eq!(read, Some(session(version)));
    }
    let kept = session::kept(&mut with_stored("session"), SESSION, EXPIRES, true);
    let (ended, level) = (true, Some(LogLevel::Warning));
    assert_eq!(kept, Ok(Kept { ended, level }));
}

#[test]
fn cursors_and_ids_are_read() {
    let bytes = testing::catalog_with_pages_of(1);
    let catalog = Catalog::new(&bytes).unwrap();
    for kind in ListKind::ALL {
        let cursor = value(&format!("cursor of {}", kind.member()));
        assert_eq!(
            catalog.page(kind, Some(&cursor)),
            catalog.pages(kind).nth(1)
        );
    }
    let cursor = value("cursor of a dynamic feature");
    let position = cursor.strip_prefix(listing::MARK).unwrap();
    assert_eq!(
        listing::read_cursor(position),
        Some((258, Some("c".to_owned())))
    );
    let list: serde_json::Value = serde_json::from_str(&value("list of a sequence")).unwrap();
    let params = format!(r#"{{"cursor":{}}}"#, list["nextCursor"]);
    let (_, step) = Sequence::begin(1, catalog, "tools/list", &params);
    assert!(matches!(step, SequenceStep::Next(params) if params == r#"{"cursor":"c"}"#));
    let id = value("id of a request").parse().unwrap();
    assert_eq!(router::id::version(id), Version::V2026_07_28);
}

#[test]
fn seals_are_opened() {
    let sealed = value("sealed state");
    let opened = seal::open(&mut keyed(), &BINDING, &sealed);
    assert_eq!(opened, Ok(b"state".to_vec()));
    let expires = keyed().now + 60_000;
    let ticket = seal::check_ticket(&mut keyed(), SESSION, &value("ticket"));
    assert_eq!(ticket, Ok(Some(expires)));
    // An existing key stays in use.
    let services = &mut with_stored("key");
    services.variables.clear();
    let before = testing::keys(services.store.as_ref().unwrap());
    let sealed = seal::seal(services, &BINDING, 60_000, b"more").unwrap();
    assert_eq!(testing::keys(services.store.as_ref().unwrap()), before);
    assert_eq!(
        seal::open(services, &BINDING, &sealed),
        Ok(b"more".to_vec())
    );
}

#[test]
fn replies_are_read() {
    let waiting = || asking(&mut keyed());
    let answered = Polled::Answered(Input {
        responses: vec![("name".to_owned(), r#"{"action":"accept"}"#.to_owned())],
        state: Some("state".to_owned()),
    });
    assert_eq!(waiting().poll(&mut with_stored("reply")), Ok(answered));
    let refused = waiting().poll(&mut with_stored("refusal")).unwrap_err();
    assert_eq!(
        refused.message,
        "the client refused `elicitation/create`: no"
    );
    let cancelled = waiting().poll(&mut with_stored("cancelled"));
    assert_eq!(cancelled, Ok(Polled::Cancelled));
}

#[test]
fn changes_are_read() {
    let filter = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["test://a"]}"#;
    let filter = Value::parse(filter).unwrap();
    let mut listener = Listener::modern("1", Some(filter), OFFER).unwrap();
    let services = &mut keyed();
    listener.begin(services).unwrap();
    services.store = with_stored("changed").store;
    assert_eq!(listener.poll(services, |_, _| true).unwrap().len(), 4);
    let services = &mut with_stored("subscribed");
    let uris = listen::subscriptions(services, SESSION, EXPIRES).unwrap();
    assert_eq!(uris, ["test://a", "test://b"]);
    // Another stream began last, so this one is silent.
    let mut listener = Listener::session(SESSION, EXPIRES, None, OFFER);
    let services = &mut keyed();
    services.randoms = 100;
    listener.begin(services).unwrap();
    services.store = with_stored("stream").store;
    listen::publish(services, &[Change::Tools]).unwrap();
    assert_eq!(listener.poll(services, |_, _| true), Ok(Vec::new()));
}

#[test]
fn streams_of_calls_are_resumed() {
    let event = value("id of an event").into_bytes();
    let event = EventId::parse(&event).unwrap();
    let resumed = |name| {
        let services = &mut with_stored(name);
        services.randoms = 100;
        let mut resumed = Resumed::begin(services, SESSION, event).unwrap().unwrap();
        resumed.look(services).unwrap()
    };
    let Look::Asked(events) = resumed("call") else {
        panic!("it does not ask")
    };
    let event = String::from_utf8(events.concat()).unwrap();
    assert!(event.contains("elicitation/create"), "{event}");
    let Look::Answered(event) = resumed("call-answered") else {
        panic!("it has no answer")
    };
    assert!(event.ends_with(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n"));
}

#[test]
fn tasks_are_read() {
    let id = value("id of a task");
    for (name, status) in [
        ("task", Status::Working),
        ("task-input", Status::Working),
        ("task-completed", Status::Completed),
        ("task-failed", Status::Failed),
        ("task-cancelled", Status::Cancelled),
    ] {
        let task = tasks::peek(&mut with_stored(name), "somebody", &id).unwrap();
        assert_eq!(task.status(), status, "{name}");
    }
    let Ok(Got::Ready(task)) = tasks::get(&mut with_stored("task"), "somebody", &id) else {
        panic!("the tool was called just now");
    };
    assert_eq!(task.status(), Status::Working);
    let Ok(Got::Advance(task)) = tasks::get(&mut with_stored("task-input"), "somebody", &id) else {
        panic!("the tool is not called");
    };
    assert_eq!(
        (task.tool(), task.arguments(), task.state()),
        ("bake", r#"{"a":1}"#, "asked")
    );
    let responses = [("name".to_owned(), r#"{"action":"accept"}"#.to_owned())];
    assert_eq!(task.input_responses(), responses);
}
