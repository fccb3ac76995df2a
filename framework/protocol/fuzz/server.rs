//! The whole server over HTTP: a sequence of requests, with any answers of features and anything
//! in the store.
//!
//! An input is requests, separated by `====`. Each consists of directives (see `World::obey`), a
//! line with the method, headers, an empty line, and the body.

use std::ops::DerefMut;

use super::{
    features::{self, Answers},
    fuzz, messages,
    parsers::header_lines,
};
use crate::{
    call::{Call, CallStep},
    catalog::Catalog,
    serve::{
        http::{self, HttpResponse, check_head, handle},
        watched::Watched,
    },
    state::replies::{Asking, Polled},
    state::{
        listen::{self, Change, Listener},
        services::{Services, Store as _},
    },
    testing::{
        self, TestServices,
        chain::{self, Transport, Whole},
    },
    wire::message::{self, Message},
};

/// The most requests in one input.
const MOST_REQUESTS: usize = 24;
/// The longest request, and the longest text that is put into it, in bytes.
const LONGEST: usize = 32 << 10;
const LONGEST_WORD: usize = 2 << 10;

/// Everything besides the server.
#[derive(Default)]
pub struct World<S> {
    pub services: S,
    pub answers: Answers,
    /// Values that the server gave the client to send back, by their names in inputs.
    words: Vec<(&'static str, String)>,
    /// Everything that the server sent.
    pub sent: Vec<Vec<u8>>,
    /// How often `turn` was called.
    turns: u128,
}

/// The services of one part of a server.
pub trait Inner: Services + Default + DerefMut<Target = TestServices> {}

impl<S: Services + Default + DerefMut<Target = TestServices>> Inner for S {}

impl<S: Inner> World<S> {
    /// - `%answer <kind> <text>`: the next answer of a feature, see `Answers`.
    /// - `%wait <milliseconds>`
    /// - `%changed <tools, prompts, resources or a URI>`: another instance publishes it.
    /// - `%store <kind> <text>`: all keys of this kind get this value.
    /// - `%lost`: the store loses everything.
    pub fn obey(&mut self, directive: &str) -> Option<Change> {
        let (name, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match name {
            "%answer" => self.answers.0.push_back(rest.to_owned()),
            "%wait" => {
                let milliseconds = rest.parse().unwrap_or(1);
                self.services.now = self.services.now.saturating_add(milliseconds);
            }
            "%changed" => {
                return Some(match rest {
                    "tools" => Change::Tools,
                    "prompts" => Change::Prompts,
                    "resources" => Change::Resources,
                    uri => Change::Resource(uri.to_owned()),
                });
            }
            "%store" => {
                let (kind, value) = rest.split_once(' ').unwrap_or((rest, ""));
                let value = self.filled(value.as_bytes());
                if let Some(store) = &mut self.services.store {
                    let names = crate::testing::keys(store);
                    let of_kind = names.iter().filter(|name| name.contains(kind));
                    of_kind.for_each(|name| store.set(name, &value).unwrap());
                }
            }
            "%lost" => {
                if let Some(store) = &mut self.services.store {
                    *store = Default::default();
                }
            }
            _ => {}
        }
        None
    }

    /// Lets what follows draw the same random numbers, however many were drawn before: in a chain,
    /// lists are calls, too, and each call draws the id of its stream.
    pub fn turn(&mut self) {
        self.turns += 1;
        self.services.randoms = self.turns * 1009;
    }

    /// Replaces names by their values.
    pub fn filled(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let known = self.words.iter().rev();
            let word = known
                .filter(|(name, _)| rest.starts_with(name.as_bytes()))
                .map(|(name, word)| (name.len(), word.as_bytes()))
                .next();
            let (length, word) = word.unwrap_or((1, b"$"));
            out.extend_from_slice(word);
            rest = &rest[length..];
        }
        out.extend_from_slice(rest);
        out.truncate(LONGEST);
        out
    }

    pub fn learn(&mut self, name: &'static str, word: &str) {
        if word.len() <= LONGEST_WORD {
            self.words.retain(|(known, _)| *known != name);
            self.words.push((name, word.to_owned()));
        }
    }

    /// Remembers the values that a client would send back.
    pub fn read(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        for (name, key) in [
            ("$state", "\"requestState\":\""),
            ("$task", "\"taskId\":\""),
            ("$cursor", "\"nextCursor\":\""),
        ] {
            let word = text
                .split(key)
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            if let Some(word) = word {
                self.learn(name, word);
            }
        }
    }

    /// Checks the requests for the client, and remembers how to reply.
    pub fn asked(&mut self, asking: &Asking) {
        for (message, name) in asking.messages().zip(["$reply", "$second", "$third"]) {
            let id = messages::request(message);
            self.sent.push(message.to_vec());
            self.learn(name, &id);
        }
    }
}

/// The calls that wait for the client.
type Waiting<'a> = Vec<(Call<'a>, Asking)>;

#[test]
fn server() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("server", |input| drop(play::<Whole>(&catalog, input)));
}

#[test]
fn server_with_a_chain() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("server", |input| {
        same(
            &play::<Whole>(&catalog, input),
            &play::<Transport>(&catalog, input),
        );
    });
}

/// Everything that a server sends for these requests.
fn play<S: Inner>(catalog: &Catalog<'_>, input: &[u8]) -> Vec<Vec<u8>> {
    let requests = split(input, b"====\n");
    let requests = requests.into_iter().take(MOST_REQUESTS);
    let mut world = World::<S>::default();
    serve(catalog, &mut world, requests, Vec::new(), &mut Vec::new());
    world.sent
}

fn split<'i>(input: &'i [u8], separator: &[u8]) -> Vec<&'i [u8]> {
    let mut parts = Vec::new();
    let mut rest = input;
    while let Some(at) = rest
        .windows(separator.len())
        .position(|part| part == separator)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// Serves one request, then the others recursively: waiting calls borrow from their requests.
fn serve<'i, S: Inner>(
    catalog: &Catalog<'_>,
    world: &mut World<S>,
    mut requests: impl Iterator<Item = &'i [u8]>,
    waiting: Waiting<'_>,
    listeners: &mut Vec<Listener>,
) {
    let Some(mut script) = requests.next() else {
        let ends = listeners
            .iter()
            .filter_map(|listener| listener.end(catalog.server_info()));
        ends.for_each(|end| drop(messages::response(&end, None)));
        return;
    };
    while script.starts_with(b"%") {
        let end = script.iter().position(|&byte| byte == b'\n');
        let (line, rest) = script.split_at(end.unwrap_or(script.len()));
        script = rest.get(1..).unwrap_or_default();
        if let Some(change) = world.obey(&String::from_utf8_lossy(line)) {
            listen::publish(&mut world.services, &[change]).unwrap();
        }
    }
    world.turn();
    let script = world.filled(script);
    let end = script
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(script.len());
    let method = String::from_utf8_lossy(&script[..end]);
    let (headers, body) = header_lines(script.get(end + 1..).unwrap_or_default());
    let request = http::HttpRequest {
        method: &method,
        ..testing::post(&headers)
    };
    let mut waiting = waiting;
    match check_head(&request, catalog) {
        Err(response) => check(&response, None),
        Ok(head) => {
            let id = match message::read(body) {
                Ok(Message::Request(request)) if head.has_body() => Some(request.id),
                _ => None,
            };
            match begin(catalog, world, &head, body) {
                http::HttpOutcome::Reply(response) if response.is_stream => {
                    world.sent.push(response.body);
                }
                http::HttpOutcome::Reply(response) => {
                    check(&response, id);
                    world.sent.push(response.body.clone());
                    let session = response
                        .headers
                        .iter()
                        .find(|(n, _)| *n == "mcp-session-id");
                    if let Some((_, session)) = session {
                        world.learn("$session", session);
                    }
                    world.read(&response.body);
                }
                http::HttpOutcome::Call(mut call) => {
                    assert_eq!(Some(call.id()), id);
                    let step = world.answers.settle(&mut call, &mut world.services);
                    proceed(world, *call, step, &mut waiting);
                }
                http::HttpOutcome::Listen(listening) => {
                    let first = listening.first.iter();
                    first.for_each(|first| messages::notification(first));
                    world.sent.extend(listening.first);
                    if let Some(watched) = listening.watched {
                        watch(world, watched);
                    }
                    listeners.push(listening.listener);
                }
                http::HttpOutcome::Resume(mut resumption) => {
                    drop(resumption.look(&mut world.services));
                }
                http::HttpOutcome::Gate(_) | http::HttpOutcome::Notify(_) => {
                    unreachable!("there is no chain")
                }
            }
        }
    }
    world.turn();
    for (mut call, asking) in std::mem::take(&mut waiting) {
        match asking.poll(&mut world.services) {
            Ok(Polled::Cancelled) => {}
            Ok(Polled::Waiting) => waiting.push((call, asking)),
            Ok(Polled::Answered(input)) => {
                let step = match call.resume(input) {
                    CallStep::Invoke => world.answers.settle(&mut call, &mut world.services),
                    step => step,
                };
                proceed(world, call, step, &mut waiting);
            }
            Err(failure) => {
                let body = call.fail(&failure).body;
                messages::response(&body, Some(call.id()));
                world.sent.push(body);
            }
        }
    }
    for listener in listeners.iter_mut() {
        let notices = listener.poll(&mut world.services, |_, _| true).unwrap();
        notices
            .iter()
            .for_each(|notice| messages::notification(notice));
        world.sent.extend(notices);
    }
    serve(catalog, world, requests, waiting, listeners);
}

/// Handles a request. In a chain, the chain is asked first.
fn begin<'a, S: Inner>(
    catalog: &Catalog<'a>,
    world: &mut World<S>,
    head: &http::Head<'a>,
    body: &'a [u8],
) -> http::HttpOutcome<'a> {
    match handle(catalog, head, body, &mut world.services) {
        http::HttpOutcome::Gate(mut gate) => {
            let handled = world.answers.handled(&gate.call);
            let response = gate.settle(handled, &mut world.services);
            http::pass(catalog, head, *gate, response, &mut world.services)
        }
        http::HttpOutcome::Notify(call) => {
            let _ = (call.context(), chain::handed(&call));
            http::HttpOutcome::Reply(http::accepted())
        }
        outcome => outcome,
    }
}

const ERROR: &str = r#"\"error\":{\"code\":"#;

/// Fails unless the chain sent the same as a server without one.
pub fn same(server: &[Vec<u8>], chain: &[Vec<u8>]) {
    for (server, chain) in server.iter().zip(chain) {
        let (server, chain) = (server.escape_ascii(), chain.escape_ascii());
        let (server, chain) = (server.to_string(), chain.to_string());
        // Features may return an entry twice, and nest deeper, where middleware must not.
        let stricter = ["names an entry twice", "nests too deep"];
        let refused = stricter.iter().any(|refused| chain.contains(refused));
        // If two things are wrong, transport and router may find different ones.
        let failed = [&server, &chain].iter().all(|sent| sent.contains(ERROR));
        if server != chain && (refused || failed) {
            return;
        }
        assert_eq!(server, chain);
    }
    assert_eq!(server.len(), chain.len());
}

/// Looks at tasks once, as a stream does.
fn watch<S: Inner>(world: &mut World<S>, mut watched: Watched<'_>) {
    for index in 0..watched.len() {
        if let Some(mut call) = watched.due(index, &mut world.services) {
            world.answers.settle(&mut call, &mut world.services);
        }
    }
    let news = watched.news(&mut world.services);
    news.iter()
        .for_each(|notice| messages::notification(notice));
    world.sent.extend(news);
}

fn proceed<'a, S: Inner>(
    world: &mut World<S>,
    call: Call<'a>,
    step: CallStep,
    waiting: &mut Waiting<'a>,
) {
    match step {
        CallStep::Done(response) => {
            messages::response(&response.body, Some(call.id()));
            world.read(&response.body);
            world.sent.push(response.body.clone());
            check(&response.http(), Some(call.id()));
        }
        CallStep::Ask(asking) => {
            world.asked(&asking);
            waiting.push((call, asking));
        }
        CallStep::Invoke => panic!("a feature is still to be asked"),
    }
}

fn check(response: &HttpResponse, id: Option<&str>) {
    let length = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-length");
    assert_eq!(length.unwrap().1, response.body.len().to_string());
    match response.status {
        202 | 204 => assert_eq!((response.body.len(), id), (0, None)),
        200 | 400 | 403..=406 | 413 | 415 | 503 => {
            messages::response(&response.body, id);
        }
        status => panic!("status {status}"),
    }
}
