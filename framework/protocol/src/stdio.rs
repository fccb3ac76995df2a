//! The stdio transport: one message a line
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio).

use crate::{
    bridge,
    call::{Call, Response},
    catalog::Catalog,
    chain::{self, Gate, Then},
    client::{self, Client},
    dispatch::{self, Answer},
    failure::Failure,
    listen::{self, Change, Listener},
    message::{self, Message},
    notify::LogLevel,
    services::{ServerPart, Services},
    session,
    version::Version,
};

pub use crate::lines::Lines;

/// Stands for the one session that there is.
const SESSION: &[u8] = b"stdio";

/// What a client settled so far.
#[derive(Debug, Default)]
pub struct Session {
    /// By a legacy client.
    settled: Option<session::Session>,
    log_level: Option<LogLevel>,
    /// The subscriptions that are open, by the `id` of their requests.
    listeners: Vec<(String, Listener)>,
}

/// Subscriptions that are open at a time, at most.
const MAX_LISTENERS: usize = 64;

/// What became of a line.
pub enum Outcome<'a> {
    /// It needs no answer.
    Nothing,
    /// Lines, with their line breaks.
    Reply(Vec<u8>),
    Call(Box<Call<'a>>),
    /// The client gave up on the request with this `id`, as it wrote it.
    Cancel(&'a str),
    /// Its call is made first; what came of it goes to [`Session::pass`].
    Gate(Box<Gate<'a>>),
    /// The chain is told of it; the client may have given up on the request with this `id`.
    Notify(Box<Call<'a>>, Option<&'a str>),
}

impl Session {
    /// Answers one line, with or without its line break, or says what to do. A transport may
    /// stop keeping a line that is longer than `MAX_BODY`: what it has kept by then, one byte
    /// more at least, gets the refusal.
    pub fn handle_line<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        line: &'a [u8],
        services: &mut S,
    ) -> Outcome<'a> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return Outcome::Nothing;
        }
        let (id, answer) = match message::read(line) {
            Err((id, failure)) => (id, Err(failure)),
            Ok(Message::Request(request)) => {
                let id = request.id;
                (Some(id), self.handle_request(catalog, request, services))
            }
            Ok(Message::Notification(notification)) => {
                return self.note(catalog, notification, services);
            }
            Ok(Message::Response(response)) => {
                if S::WHOLE {
                    // What nobody asked for, or cannot be kept, is not answered either.
                    let _ = bridge::accept(services, SESSION, &response);
                }
                return Outcome::Nothing;
            }
        };
        self.finish(id, answer, services)
    }

    /// Goes on with a request that the chain let pass, or did not: `response` is what became of
    /// its call.
    pub fn pass<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        gate: Gate<'a>,
        response: Response,
        services: &mut S,
    ) -> Outcome<'a> {
        if response.failure.is_some() {
            return Outcome::Reply(response.line());
        }
        match gate.then {
            Then::Reply => Outcome::Reply(response.line()),
            Then::Handshake(session) => {
                self.settle(session);
                Outcome::Reply(response.line())
            }
            Then::Act => {
                let id = gate.request.id;
                let answer = dispatch::own(catalog, gate.request, gate.client, services);
                self.finish(Some(id), answer, services)
            }
        }
    }

    fn settle(&mut self, session: session::Session) {
        self.settled = Some(session);
        self.log_level = None;
    }

    fn finish<'a, S: Services>(
        &mut self,
        id: Option<&'a str>,
        answer: Result<Answer<'a>, Failure>,
        services: &mut S,
    ) -> Outcome<'a> {
        let answer = answer.and_then(|answer| match answer {
            Answer::Listen(listening) if S::WHOLE => {
                self.listen(id.unwrap_or_default(), listening.0, services)
            }
            answer => Ok(answer),
        });
        let mut line = match answer {
            Ok(Answer::Call(call)) => return Outcome::Call(call),
            Ok(Answer::Gate(gate)) => return Outcome::Gate(gate),
            Ok(Answer::Listen(_)) => return Outcome::Nothing,
            Ok(Answer::Ready(line)) => line,
            Ok(Answer::SetLevel(level, line)) => {
                self.log_level = Some(level);
                line
            }
            Err(failure) => failure.to_json(id),
        };
        line.push(b'\n');
        Outcome::Reply(line)
    }

    fn handle_request<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        request: message::Request<'a>,
        services: &mut S,
    ) -> Result<Answer<'a>, Failure> {
        client::check_params(&request.params)?;
        let named = client::named_version(&request.params.meta)?;
        let version = match named.as_deref() {
            Some(name) => {
                Some(Version::parse(name).ok_or_else(|| Failure::unsupported_version(name))?)
            }
            None => None,
        };
        if let Some(version) = version.filter(|version| version.is_modern()) {
            let client = Client::modern(version, &request.params.meta)?;
            return dispatch::dispatch(catalog, request, client, services);
        }
        if request.method == "initialize" && named.is_none() {
            let session = client::handshake(&request.params, services.now())?;
            if services.part() == ServerPart::Transport {
                let level = LogLevel::Info;
                return Ok(chain::handshake(catalog, request, session, level, services));
            }
            let answer = dispatch::initialized(catalog, request.id, &session, services);
            self.settle(session);
            return Ok(Answer::Ready(answer));
        }
        let client = self.legacy(version);
        dispatch::dispatch(catalog, request, client, services)
    }

    /// The client of a message that does not speak for itself.
    fn legacy<'a>(&self, version: Option<Version>) -> Client<'a> {
        let level = self.log_level.unwrap_or(LogLevel::Info);
        match &self.settled {
            Some(session) => Client::of_session(session.clone(), SESSION.to_vec(), level),
            None => Client::legacy(version.unwrap_or(Version::ASSUMED), level),
        }
    }

    /// Opens a subscription; its answer comes when it ends.
    fn listen<'a, S: Services>(
        &mut self,
        id: &str,
        mut listener: Listener,
        services: &mut S,
    ) -> Result<Answer<'a>, Failure> {
        if self.listeners.len() == MAX_LISTENERS {
            return Err(Failure::invalid_params(format!(
                "more than {MAX_LISTENERS} subscriptions at a time; cancel one first"
            )));
        }
        // Nobody looks at tasks between two lines: clients ask for them.
        listener.retain_tasks(|_| false);
        let acknowledged = listener.begin(services)?;
        self.listeners.push((id.to_owned(), listener));
        Ok(Answer::Ready(acknowledged.unwrap_or_default()))
    }

    fn note<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        notification: message::Notification<'a>,
        services: &mut S,
    ) -> Outcome<'a> {
        let cancelled = notification.params.request_id.filter(message::is_id);
        let cancelled = cancelled
            .filter(|_| notification.method == "notifications/cancelled")
            .map(|id| id.text);
        if let Some(id) = cancelled {
            self.listeners.retain(|(open, _)| open != id);
        }
        if services.part() == ServerPart::Transport {
            let named = client::named_version(&notification.params.meta);
            let named = named.ok().flatten();
            let version = named.as_deref().and_then(Version::parse);
            let client = match version.filter(|version| version.is_modern()) {
                Some(version) => Client::modern_sender(version, &notification.params.meta),
                None => self.legacy(version),
            };
            let call = chain::notification(catalog, notification, client);
            return Outcome::Notify(call, cancelled);
        }
        cancelled.map_or(Outcome::Nothing, Outcome::Cancel)
    }

    /// The lines that tell the client of what changed, as far as it wants to know.
    pub fn changed<S: Services>(
        &self,
        catalog: &Catalog<'_>,
        changes: &[Change],
        services: &mut S,
    ) -> Vec<u8> {
        if !S::WHOLE || changes.is_empty() {
            return Vec::new();
        }
        let legacy = self.settled.as_ref().map(|session| {
            let uris = listen::subscriptions(services, SESSION, session.expires());
            Listener::legacy(uris.unwrap_or_default(), dispatch::offer(catalog, services))
        });
        let listeners: Vec<_> = self
            .listeners
            .iter()
            .map(|(_, listener)| listener)
            .chain(&legacy)
            .collect();
        let notices = changes.iter().flat_map(|change| {
            listeners
                .iter()
                .filter_map(|listener| listener.notice(change))
        });
        lines(notices)
    }

    /// The lines that end what is still open, when stdin has ended.
    pub fn end<S: Services>(&mut self, catalog: &Catalog<'_>) -> Vec<u8> {
        if !S::WHOLE {
            return Vec::new();
        }
        let listeners = self.listeners.drain(..);
        lines(listeners.filter_map(|(_, listener)| listener.end(catalog.server_info())))
    }
}

/// A client that leaves too many calls waiting for its replies.
pub fn too_many_waiting(most: usize) -> Failure {
    Failure::internal(format!(
        "{most} calls wait for replies of the client already; answer some first"
    ))
}

fn lines(messages: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut lines = Vec::new();
    for message in messages {
        lines.extend_from_slice(&message);
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests;
