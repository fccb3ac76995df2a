//! A server with an authenticator and an authorizer, which a test controls.

use std::rc::Rc;

use super::TestServices;
use crate::{
    call::{CallStep, FeatureOutcome},
    catalog::{self, Access, Catalog, Flags},
    serve::http::{
        HttpOutcome, HttpRequest, HttpResponse, Judged, enter, handle, judge, metadata, unready,
    },
    state::{
        listen::{self, Change},
        sender::Sender,
        senders::Senders,
        services::{ServerPart, Services, Store, Targets},
    },
    wire::types::{Caller, Credentials, Decision, Known, Question, Verdict},
};

pub const RESOURCE: &str = "https://mcp.example.com/mcp";

/// Knows the tokens `SUBJECT`, perhaps with scopes, an expiry and a time until which it may be kept
/// (seconds): `SUBJECT:a,b:17:12`. The tokens `wrong`, `unreadable`, `early` and `nul` are what they are called.
#[derive(Clone, Debug)]
pub struct Guarded {
    pub inner: TestServices,
    pub part: ServerPart,
    pub sender: Option<Rc<Sender>>,
    /// Kept from one request to the next.
    pub senders: Option<Rc<Senders>>,
    pub targets: Option<Rc<Targets>>,
    pub servers: Vec<String>,
    pub decide: fn(&Question) -> Decision,
    pub visible: fn(&[String]) -> Vec<bool>,
    /// What the authenticator and the authorizer saw.
    pub credentials: Vec<Credentials>,
    pub questions: Vec<Question>,
    pub log: Vec<String>,
    /// What changes once a stream is open.
    pub changes: Vec<Change>,
}

impl Default for Guarded {
    fn default() -> Guarded {
        Guarded {
            inner: TestServices::default(),
            part: ServerPart::Server,
            sender: None,
            senders: None,
            targets: None,
            servers: vec!["https://as.example.com".to_owned()],
            decide: |_| Decision::Allow,
            visible: |entries| vec![true; entries.len()],
            credentials: Vec::new(),
            questions: Vec::new(),
            log: Vec::new(),
            changes: Vec::new(),
        }
    }
}

impl Services for Guarded {
    const WHOLE: bool = true;
    const AUTH: bool = true;

    fn sender(&self) -> Option<Rc<Sender>> {
        self.sender.clone()
    }

    fn senders(&self) -> Option<Rc<Senders>> {
        self.senders.clone()
    }

    fn targets(&self) -> Option<Rc<Targets>> {
        self.targets.clone()
    }

    fn authenticate(&mut self, credentials: &Credentials) -> Verdict {
        self.credentials.push(credentials.clone());
        let mut headers = credentials.headers.iter();
        let Some((_, value)) = headers.find(|(name, _)| name == "authorization") else {
            return Verdict::Missing;
        };
        let token = str::from_utf8(value).unwrap();
        let Some(token) = token.strip_prefix("Bearer ") else {
            return Verdict::Missing;
        };
        let mut parts = token.split(':');
        let subject = match parts.next().unwrap() {
            "wrong" => return Verdict::Invalid("the token \"expired\"".to_owned()),
            "unreadable" => return Verdict::Malformed("the token is not base64url".to_owned()),
            "early" => return Verdict::Unready,
            "nul" => "a\0b",
            subject => subject,
        };
        let scopes = parts.next().unwrap_or_default().split(',');
        let scopes = scopes.filter(|scope| !scope.is_empty());
        Verdict::Known(Known {
            caller: Caller {
                subject: subject.to_owned(),
                issuer: "https://as.example.com".to_owned(),
                scopes: scopes.map(str::to_owned).collect(),
                claims: r#"{"secret":"claim"}"#.to_owned(),
            },
            expires: parts.next().map(|seconds| seconds.parse().unwrap()),
            keep_until: parts.next().map(|seconds| seconds.parse().unwrap()),
        })
    }

    fn authorization_servers(&mut self) -> Vec<String> {
        self.servers.clone()
    }

    fn decide(&mut self, question: &Question) -> Decision {
        self.questions.push(question.clone());
        (self.decide)(question)
    }

    fn visible(&mut self, question: &Question, entries: &[String]) -> Vec<bool> {
        self.questions.push(question.clone());
        (self.visible)(entries)
    }

    fn log(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }

    fn part(&self) -> ServerPart {
        self.part
    }

    fn now(&mut self) -> u64 {
        self.inner.now()
    }

    fn random(&mut self) -> [u8; 16] {
        self.inner.random()
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.inner.variable(name)
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        self.inner.store()
    }

    fn pause(&mut self, milliseconds: u64) {
        self.inner.pause(milliseconds);
    }
}

/// The catalog of `testing::catalog` with this access. Its features report changes and have tasks.
pub fn catalog(access: Access) -> Vec<u8> {
    let mut input = super::input();
    let more = Flags::TASKS
        .with(Flags::RESOURCE_UPDATED)
        .with(Flags::LIST_CHANGED)
        .with(Flags::INPUT);
    input.features[0].flags = input.features[0].flags.with(more);
    input.server.store = Some("default".to_owned());
    input.server.request_headers = vec!["x-tenant".to_owned()];
    input.server.access = Some(access);
    catalog::build(&input).unwrap()
}

pub fn access() -> Access {
    Access {
        resource: Some(RESOURCE.to_owned()),
        headers: vec!["authorization".to_owned()],
        ..Access::default()
    }
}

/// What a transport does with a request. A call is answered with the method and name, the caller, and
/// the headers of its context.
pub fn send(
    services: &mut Guarded,
    catalog: &[u8],
    (method, path): (&str, &str),
    headers: &[(String, Vec<u8>)],
    body: &str,
) -> HttpResponse {
    send_for(services, catalog, (method, path), headers, body, None)
}

/// The same with the outcome of a feature.
pub fn send_for(
    services: &mut Guarded,
    catalog: &[u8],
    (method, path): (&str, &str),
    headers: &[(String, Vec<u8>)],
    body: &str,
    outcome: Option<FeatureOutcome>,
) -> HttpResponse {
    let catalog = Catalog::new(catalog).unwrap();
    let request = HttpRequest {
        method,
        path,
        ..super::post(headers)
    };
    let entered = match enter(&request, &catalog) {
        Ok(entered) => entered,
        Err(refusal) => return refusal,
    };
    if let Some(response) = metadata(&entered, &catalog, services) {
        return response;
    }
    services.sender = match judge(&entered, &catalog, services) {
        Judged::Passed(sender) => Some(sender),
        Judged::Refused(response) => return response,
        Judged::Unready => return unready(),
    };
    let head = match entered.head(&catalog) {
        Ok(head) => head,
        Err(refusal) => return refusal,
    };
    let call = match handle(&catalog, &head, body.as_bytes(), services) {
        HttpOutcome::Reply(response) => return response,
        HttpOutcome::Call(mut call) => match outcome {
            Some(outcome) => {
                let CallStep::Done(mut answer) = call.settle(outcome, services) else {
                    panic!("there is no answer");
                };
                crate::refuse_late(&call, &mut answer, services);
                return answer.http();
            }
            None => *call,
        },
        HttpOutcome::Gate(gate) => gate.call,
        HttpOutcome::Notify(call) => *call,
        HttpOutcome::Listen(mut listening) => {
            listen::publish(services, &services.changes.clone()).unwrap();
            let told = listening.poll(&catalog, services).unwrap().concat();
            return HttpResponse::json(200, [&br#"{"listens":true}"#[..], &told].concat());
        }
        HttpOutcome::Resume(_) => return HttpResponse::json(200, br#"{"resumes":true}"#.to_vec()),
    };
    let context = call
        .context()
        .sent_by::<Guarded>(services.sender.as_deref());
    let said = serde_json::json!({
        "method": call.target.method(),
        "name": call.target.name(),
        "subject": context.identity.map(|caller| caller.subject),
        "headers": context.headers,
        "session": context.session_id,
    });
    HttpResponse::json(200, said.to_string().into_bytes())
}

pub fn header<'r>(response: &'r HttpResponse, name: &str) -> Option<&'r str> {
    let mut all = response.headers.iter().filter(|(known, _)| *known == name);
    let found = all.next().map(|(_, value)| &**value);
    assert!(all.next().is_none(), "{name} occurs twice");
    found
}
