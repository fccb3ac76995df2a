//! Parsers of texts and headers, one by one.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::value::RawValue;

use super::{
    features::{self, Answers},
    fuzz, messages,
};
use crate::{
    call::{CallStep, caller},
    catalog::{Catalog, ListKind, uri_template},
    serve::http::{
        self, check_head, handle,
        headers::{self, Headers},
    },
    state::{
        listen::{Change, Listener, MOST_RESOURCES, MOST_TASKS, Offer},
        seal::{self, Binding},
        session::Session,
    },
    testing::{self, TestServices, modern_headers, modern_request},
    wire::{
        failure::Failure,
        json::{self, Fault, Kind, Value},
        message::{self, Message},
        uri,
    },
};

/// The text before the first line break, and the text after it.
fn two_lines(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Checks an error: a client can read it, and it is not too long.
fn refusal(failure: &Failure, id: Option<&str>) {
    let body = failure.to_json(id);
    assert!(messages::response(&body, id).is_none());
    assert!(body.len() < 2048 + id.map_or(0, str::len));
    assert!((200..=503).contains(&failure.status));
}

#[test]
fn json() {
    fuzz("json", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return;
        };
        let known = serde_json::from_str::<&RawValue>(text);
        match Value::parse(text) {
            Ok(value) => {
                assert_eq!(value.text, known.unwrap().get());
                walk(value);
                let (mut once, mut twice) = (Vec::new(), Vec::new());
                json::compact(&mut once, text).unwrap();
                let once = str::from_utf8(&once).unwrap();
                json::compact(&mut twice, once).unwrap();
                assert_eq!(once.as_bytes(), twice);
                assert!(once.len() <= text.len() && !once.contains('\n'));
            }
            Err(Fault::Depth) => {}
            Err(Fault::Syntax(at)) => {
                assert!(at <= text.len());
                // The other parser accepts lone surrogates.
                assert!(known.is_err() || text.contains("\\u"), "{text}");
            }
        }
    });
}

fn walk(value: Value<'_>) {
    let text = value.text;
    match value.kind {
        Kind::String => {
            let read = value.as_str().unwrap();
            assert_eq!(read, serde_json::from_str::<String>(text).unwrap());
            assert!(value.is_str(&read));
            let mut written = Vec::new();
            json::string(&mut written, &read);
            let written = str::from_utf8(&written).unwrap();
            assert_eq!(Value::parse(written).unwrap().as_str(), Some(read));
        }
        Kind::Number => {
            assert!(json::same_number(text, text));
            assert!(json::is_integer(text) || text.contains(['.', 'e', 'E']));
        }
        Kind::Object => value.members().for_each(|(key, member)| {
            walk(key);
            walk(member);
        }),
        Kind::Array | Kind::Bool | Kind::Null => {}
    }
}

#[test]
fn messages() {
    fuzz("messages", |input| match message::read(input) {
        Ok(message) => {
            assert!(serde_json::from_slice::<&RawValue>(input).is_ok());
            let params = match &message {
                Message::Request(request) => {
                    let id = Value::parse(request.id).unwrap();
                    assert!(message::is_id(&id));
                    &request.params
                }
                Message::Notification(notification) => &notification.params,
                Message::Response(response) => {
                    let (Ok(value) | Err(value)) = response.outcome;
                    assert_eq!(Value::parse(value.text), Ok(value));
                    return;
                }
            };
            let checks = [
                caller::check_params(params).err(),
                caller::named_version(&params.meta).err(),
                caller::handshake(params, &mut TestServices::default()).err(),
            ];
            checks
                .iter()
                .flatten()
                .for_each(|failure| refusal(failure, None));
        }
        Err((id, failure)) => refusal(&failure, id.as_deref()),
    });
}

#[test]
fn headers() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let tool = catalog.tool("two.query").unwrap();
    fuzz("headers", |input| {
        let (list, rest) = header_lines(input);
        let request = testing::post(&list);
        if let Err(response) = check_head(&request, &catalog) {
            assert!(messages::response(&response.body, None).is_none());
        }
        let Ok(rest) = str::from_utf8(rest) else {
            return;
        };
        let name = STANDARD.encode(rest);
        let wrapped = [(
            "mcp-name".to_owned(),
            format!("=?base64?{name}?=").into_bytes(),
        )];
        let wrapped = Headers::read(&wrapped).unwrap();
        wrapped.check_name(rest).unwrap();
        let headers = match Headers::read(&list) {
            Ok(headers) => headers,
            Err(failure) => return refusal(&failure, None),
        };
        let checks = [
            headers.version().err(),
            headers.check_method("tools/call").err(),
            headers.check_name("two.query").err(),
            Value::parse(rest)
                .ok()
                .filter(Value::is_object)
                .and_then(|arguments| headers.check_parameters(&tool, &arguments).err()),
        ];
        checks
            .iter()
            .flatten()
            .for_each(|failure| refusal(failure, None));
    });
}

/// The headers up to an empty line, and what follows.
pub fn header_lines(input: &[u8]) -> (Vec<(String, Vec<u8>)>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let name = String::from_utf8_lossy(name).into_owned();
        headers.push((name, value.get(1..).unwrap_or_default().to_vec()));
    }
    (headers, rest)
}

/// An input is a cursor; `$cursor` stands for the cursor of a second page.
#[test]
fn cursors() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("cursors", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return;
        };
        for kind in ListKind::ALL {
            let second = catalog.page(kind, None).unwrap().next.unwrap();
            let cursor = text.replacen("$cursor", second, 1);
            let mut known = catalog.pages(kind).filter_map(|page| page.next);
            assert_eq!(
                catalog.page(kind, Some(&cursor)).is_some(),
                known.any(|next| next == cursor),
                "{cursor}"
            );
        }
    });
}

/// An input is a decoded session id without its checksum.
#[test]
fn session_ids() {
    fuzz("session_ids", |input| {
        let now = TestServices::default().now;
        assert_eq!(Session::from_id(input, now), None);
        let sum = input.iter().fold(0x9ae1_6a3b_2f90_404f_u64, |sum, &byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let id = URL_SAFE_NO_PAD.encode([input, &sum.to_le_bytes()].concat());
        let Some(session) = Session::from_id(id.as_bytes(), now) else {
            return;
        };
        let id = session.to_id([0; 16]);
        assert!(id.len() <= 4096);
        let again = Session::from_id(id.as_bytes(), now).unwrap();
        assert_eq!(
            (again.version, again.began, again.capabilities),
            (session.version, session.began, session.capabilities)
        );
    });
}

/// An input is the arguments of a call that gets state, those of the call that sends it back,
/// and the state; `$state` stands for the genuine one.
#[test]
fn sealed_state() {
    fuzz("sealed_state", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return;
        };
        let (first, rest) = two_lines(text);
        let (second, brought) = two_lines(rest);
        let services = &mut TestServices::default();
        let binding = |arguments| Binding {
            principal: "p",
            method: "tools/call",
            target: "t",
            arguments,
        };
        let sealed = seal::seal(services, &binding(first), 1, first.as_bytes()).unwrap();
        let brought = brought.replacen("$state", &sealed, 1);
        match seal::open(services, &binding(second), &brought) {
            Ok(state) => {
                assert_eq!((state.as_slice(), &brought), (first.as_bytes(), &sealed));
                let means = serde_json::from_str::<serde_json::Value>;
                assert_eq!(means(first).ok(), means(second).ok());
            }
            Err(failure) => {
                refusal(&failure, None);
                assert!(first != second || brought != sealed);
            }
        }
        assert_eq!(seal::check_ticket(services, b"", &brought), Ok(None));
    });
}

#[test]
fn uris() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("uris", |input| {
        let Ok(uri) = str::from_utf8(input) else {
            return;
        };
        let mut member = b"\"uri\":".to_vec();
        json::string(&mut member, uri);
        member.push(b',');
        let member = String::from_utf8(member).unwrap();
        let body = modern_request("resources/read", &member, "");
        let mut headers = modern_headers("resources/read", None);
        let name = format!("=?base64?{}?=", STANDARD.encode(uri));
        headers.push(("Mcp-Name".to_owned(), name.into_bytes()));
        let headers: &headers::List = &headers;
        let request = testing::post(headers);
        let head = check_head(&request, &catalog).unwrap();
        let services = &mut TestServices::default();
        let http::HttpOutcome::Call(mut call) = handle(&catalog, &head, body.as_bytes(), services)
        else {
            panic!("{uri:?} is not asked for");
        };
        let mut answers = Answers(vec!["none".to_owned(); catalog.slots().len()].into());
        let CallStep::Done(response) = answers.settle(&mut call, services) else {
            panic!("nobody asks the client");
        };
        assert!(messages::response(&response.body, Some("1")).is_none());
        let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        let named = answer["error"]["data"]["uri"].as_str().unwrap();
        assert_eq!(uri::normal(named), uri::normal(uri));
    });
}

/// An input is a template and a URI.
#[test]
fn uri_templates() {
    fuzz("uri_templates", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return;
        };
        let (template, uri) = two_lines(text);
        uri_template::matches(template, uri);
        if uri_template::check(template).is_err() {
            return;
        }
        for value in [None, Some("v"), Some("a%20b")] {
            let expanded = expanded(template, value);
            let fits = expanded.len() <= uri_template::MAX_URI;
            assert_eq!(uri_template::matches(template, &expanded), fits, "{text}");
        }
    });
}

/// Expands a valid template: the first variable of each expression has this value, all others
/// have none.
fn expanded(template: &str, value: Option<&str>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        out.push_str(literal);
        let (expression, after) = after.split_once('}').unwrap();
        rest = after;
        let Some(value) = value else {
            continue;
        };
        let operator = expression.chars().next().filter(|c| "+#./;?&".contains(*c));
        let variables = &expression[operator.map_or(0, char::len_utf8)..];
        let name = variables.split([',', ':', '*']).next().unwrap();
        match operator {
            None | Some('+') => {}
            Some(operator) => out.push(operator),
        }
        if matches!(operator, Some(';' | '?' | '&')) {
            out.push_str(name);
            out.push('=');
        }
        out.push_str(value);
    }
    out + rest
}

#[test]
fn filters() {
    let offer = Offer {
        tools: true,
        prompts: true,
        resources: true,
        updates: true,
        tasks: true,
    };
    fuzz("filters", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return;
        };
        let Ok(value) = Value::parse(text) else {
            return;
        };
        let mut listener = match Listener::modern("\"i\"", Some(value), offer) {
            Ok(listener) => listener,
            Err(failure) => return refusal(&failure, None),
        };
        assert!(listener.task_ids().len() <= MOST_TASKS);
        let services = &mut TestServices::default();
        let first = listener.begin(services).unwrap().unwrap();
        messages::notification(&first);
        let first: serde_json::Value = serde_json::from_slice(&first).unwrap();
        let uris = &first["params"]["notifications"]["resourceSubscriptions"];
        let uris = uris.as_array().map_or(&[][..], Vec::as_slice);
        assert!(uris.len() <= MOST_RESOURCES);
        for uri in uris {
            let change = Change::Resource(uri.as_str().unwrap().to_owned());
            messages::notification(&listener.notice(&change).unwrap());
        }
        assert_eq!(listener.poll(services, |_, _| true), Ok(Vec::new()));
        messages::response(&listener.end(b"{}").unwrap(), Some("\"i\""));
    });
}
