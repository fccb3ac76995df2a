mod answers;
mod broken;
mod gates;
mod needs;
mod notifications;
mod same;
mod sequences;
mod tasks;

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use crate::{
    call::{Ask, Call, CallStep, Context, FeatureOutcome},
    catalog::Catalog,
    fuzz::{
        features::{self, Answers},
        server::Inner,
    },
    serve::{
        http::{self, HttpResponse},
        stdio,
    },
    state::replies::Polled,
    state::services::ServerPart,
    testing::{
        self, LEGACY_HEADERS,
        chain::{Transport, handed},
        modern_headers,
    },
    wire::types::types::Error,
};

type Handled = Result<String, Error>;
/// The answer of middleware to a method with these parameters. None: it passes the request on.
type Middleware<'l> = Box<dyn FnMut(&str, &str) -> Option<Handled> + 'l>;

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const VERSIONS: [&str; 4] = [MODERN, LEGACY, "2025-06-18", "2025-03-26"];
const TRANSPORTS: [Via; 2] = [Via::Http, Via::Stdio];
static CATALOG: LazyLock<Vec<u8>> = LazyLock::new(features::catalog);
/// What clients declare here.
const LEGACY_CAPABILITIES: &str =
    r#"{"elicitation":{},"roots":{},"extensions":{"com.example/reports":{}}}"#;
const CAPABILITIES: &str = r#"{"elicitation":{},"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{},"com.example/reports":{}}}"#;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Via {
    Http,
    Stdio,
}

/// A server with one middleware between transport and router.
type Chain<'l> = Server<'l, Transport>;

/// A server; in a chain, with one middleware.
struct Server<'l, S> {
    via: Via,
    version: &'static str,
    capabilities: &'static str,
    catalog: Vec<u8>,
    services: S,
    answers: Answers,
    middleware: Middleware<'l>,
    /// The requests that the middleware saw, and what it could know of them.
    seen: Vec<(String, String, Context)>,
    /// The requests for input, all of which clients accept.
    asked: Vec<Json>,
    stdio: stdio::StdioSession,
    session: Option<String>,
}

/// What a client gets.
#[derive(Debug)]
enum Got {
    Nothing,
    Reply(HttpResponse),
    /// A subscription that stays open.
    Stream,
}

fn refusal() -> Handled {
    Err(Error {
        code: -31999,
        message: "not you".to_owned(),
        data: Some("{ \"why\": [ ] }".to_owned()),
    })
}

/// The request that a client of this revision sends.
fn body(version: &str, capabilities: &str, method: &str, params: &str) -> String {
    if version != MODERN {
        return testing::legacy_request(method, params);
    }
    let members = &params[1..params.len() - 1];
    let comma = if members.trim().is_empty() { "" } else { "," };
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{members}{comma}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#
    )
}

impl<'l, S: Inner> Server<'l, S> {
    /// With middleware that passes everything on, and a session where the revision has sessions.
    fn new(via: Via, version: &'static str) -> Self {
        let mut chain = Self::without_session(via, version);
        if version != MODERN {
            chain.initialize();
            chain.seen.clear();
        }
        chain
    }

    fn without_session(via: Via, version: &'static str) -> Self {
        Server {
            via,
            version,
            capabilities: CAPABILITIES,
            catalog: CATALOG.clone(),
            services: S::default(),
            answers: Answers::default(),
            middleware: Box::new(|_, _| None),
            seen: Vec::new(),
            asked: Vec::new(),
            stdio: stdio::StdioSession::default(),
            session: None,
        }
    }

    fn with_middleware(
        mut self,
        middleware: impl FnMut(&str, &str) -> Option<Handled> + 'l,
    ) -> Self {
        self.middleware = Box::new(middleware);
        self
    }

    /// With middleware that gives this answer to everything.
    fn answering(self, answer: &str) -> Self {
        let answer = answer.to_owned();
        self.with_middleware(move |_, _| Some(Ok(answer.clone())))
    }

    fn initialize(&mut self) -> Json {
        let (version, capabilities) = (self.version, self.capabilities);
        self.answer(
            "initialize",
            &format!(r#"{{"protocolVersion":"{version}","capabilities":{capabilities}}}"#),
        )
    }

    /// The whole response to a request.
    fn answer(&mut self, method: &str, params: &str) -> Json {
        let text = self.text(method, params);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    fn text(&mut self, method: &str, params: &str) -> String {
        match self.send(method, params) {
            Got::Reply(response) => String::from_utf8(response.body).unwrap(),
            other => panic!("{method} gave {other:?}"),
        }
    }

    /// The text of the result of a request.
    fn result(&mut self, method: &str, params: &str) -> String {
        let text = self.text(method, params);
        let result = text.strip_prefix(r#"{"jsonrpc":"2.0","id":1,"result":"#);
        let result = result.and_then(|rest| rest.strip_suffix('}'));
        result.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    /// The code and message of the error that a request gets.
    fn error(&mut self, method: &str, params: &str) -> (i64, String) {
        let json = self.answer(method, params);
        let error = &json["error"];
        let message = error["message"].as_str();
        let message = message.unwrap_or_else(|| panic!("{method} gave {json}"));
        (error["code"].as_i64().unwrap(), message.to_owned())
    }

    fn send(&mut self, method: &str, params: &str) -> Got {
        let json: Json = serde_json::from_str(params).unwrap();
        let name = ["name", "uri", "taskId"].map(|key| json[key].as_str());
        let name = name.into_iter().flatten().next();
        let headers = match self.version {
            MODERN => modern_headers(method, name),
            _ => self.legacy_headers(method != "initialize"),
        };
        let body = body(self.version, self.capabilities, method, params);
        self.deliver(&headers, &body)
    }

    fn legacy_headers(&self, in_session: bool) -> Vec<(String, Vec<u8>)> {
        let session = self.session.as_deref().filter(|_| in_session);
        let session = session.map(|id| ("Mcp-Session-Id", id));
        let all: Vec<_> = LEGACY_HEADERS.into_iter().chain(session).collect();
        testing::headers(&all)
    }

    /// Delivers a message of the client.
    fn deliver(&mut self, headers: &[(String, Vec<u8>)], body: &str) -> Got {
        let bytes = self.catalog.clone();
        let catalog = &Catalog::new(&bytes).unwrap();
        match self.via {
            Via::Http => self.post(catalog, headers, body),
            Via::Stdio => {
                let outcome = self
                    .stdio
                    .handle_line(catalog, body.as_bytes(), &mut self.services);
                self.line(catalog, outcome)
            }
        }
    }

    fn post(&mut self, catalog: &Catalog<'_>, headers: &[(String, Vec<u8>)], body: &str) -> Got {
        let request = testing::post(headers);
        let head = match http::check_head(&request, catalog) {
            Ok(head) => head,
            Err(refusal) => return Got::Reply(refusal),
        };
        let outcome = match http::handle(catalog, &head, body.as_bytes(), &mut self.services) {
            http::HttpOutcome::Gate(mut gate) => {
                let outcome = self.hand(&gate.call);
                let response = gate.settle(outcome, &mut self.services);
                http::pass(catalog, &head, *gate, response, &mut self.services)
            }
            http::HttpOutcome::Notify(call) => {
                self.note(&call);
                http::HttpOutcome::Reply(http::accepted())
            }
            outcome => outcome,
        };
        match outcome {
            http::HttpOutcome::Reply(response) if response.status == 202 => Got::Nothing,
            http::HttpOutcome::Reply(response) => {
                let header = response.headers.iter();
                let session = header.clone().find(|(name, _)| *name == "mcp-session-id");
                if let Some((_, id)) = session {
                    self.session = Some(id.to_string());
                }
                Got::Reply(response)
            }
            http::HttpOutcome::Call(call) => Got::Reply(self.call(*call, headers)),
            http::HttpOutcome::Listen(_) => Got::Stream,
            _ => panic!("asked twice"),
        }
    }

    fn line(&mut self, catalog: &Catalog<'_>, outcome: stdio::StdioOutcome<'_>) -> Got {
        let reply = |line: Vec<u8>| {
            let body = line.trim_ascii_end().to_vec();
            assert!(!body.contains(&b'\n'));
            Got::Reply(HttpResponse::json(200, body))
        };
        match outcome {
            stdio::StdioOutcome::Nothing | stdio::StdioOutcome::Cancel(_) => Got::Nothing,
            stdio::StdioOutcome::Reply(line)
                if line.starts_with(b"{\"jsonrpc\":\"2.0\",\"method\"") =>
            {
                Got::Stream
            }
            stdio::StdioOutcome::Reply(line) => reply(line),
            stdio::StdioOutcome::Call(call) => reply(self.call(*call, &[]).body),
            stdio::StdioOutcome::Gate(mut gate) => {
                let outcome = self.hand(&gate.call);
                let response = gate.settle(outcome, &mut self.services);
                let outcome = self
                    .stdio
                    .pass(catalog, *gate, response, &mut self.services);
                self.line(catalog, outcome)
            }
            stdio::StdioOutcome::Notify(call, _) => {
                self.note(&call);
                Got::Nothing
            }
        }
    }

    /// The outcome of a call, once the client has replied to all requests for input.
    fn call(&mut self, mut call: Call<'_>, headers: &[(String, Vec<u8>)]) -> HttpResponse {
        loop {
            let outcome = self.hand(&call);
            match call.settle(outcome, &mut self.services) {
                CallStep::Done(response) => return response.http(),
                CallStep::Ask(asking) => {
                    for message in asking.messages() {
                        let asked: Json = serde_json::from_slice(message).unwrap();
                        let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}});
                        self.asked.push(asked);
                        self.deliver(headers, &reply.to_string());
                    }
                    let polled = asking.poll(&mut self.services);
                    let Ok(Polled::Answered(input)) = polled else {
                        panic!("{polled:?}");
                    };
                    assert!(matches!(call.resume(input), CallStep::Invoke));
                }
                // Only where there is no chain.
                CallStep::Invoke => assert_eq!(self.services.part(), ServerPart::Server),
            }
        }
    }

    fn note(&mut self, call: &Call<'_>) {
        let (method, params) = handed(call);
        self.seen
            .push((method.to_owned(), params.to_owned(), call.context()));
    }

    fn hand(&mut self, call: &Call<'_>) -> FeatureOutcome {
        let ask = call.ask();
        if !matches!(ask, Ask::Handle { .. }) {
            return self.answers.outcome(&ask);
        }
        self.note(call);
        let (method, params) = handed(call);
        match (self.middleware)(method, params) {
            Some(handled) => FeatureOutcome::Handled(handled),
            None => self.answers.handled(call),
        }
    }

    /// The methods and parameters that the middleware saw.
    fn handed(&self) -> Vec<(&str, &str)> {
        let seen = self.seen.iter();
        seen.map(|(method, params, _)| (method.as_str(), params.as_str()))
            .collect()
    }

    fn stored(&mut self) -> Vec<String> {
        crate::testing::keys(self.services.store.as_ref().unwrap())
    }
}
