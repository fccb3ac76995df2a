//! The stdio transport: one message per line
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio).

use std::borrow::Cow;

use super::{
    chain,
    dispatch::dispatch,
    dispatched::Dispatched,
    gate::{Gate, Then},
    handshake,
    http::{NO_NAME, RESOURCE},
    own::own,
    stateful,
};
use crate::{
    answer::response::ready,
    call::{
        Call, CallResponse, access,
        caller::{self, Caller},
    },
    catalog::{Catalog, StdioCaller},
    state::{
        listen::{self, Change, Listener},
        replies,
        sender::{Sender, Who},
        services::{ServerPart, Services},
        session,
    },
    wire::{
        challenge::printable,
        failure::Failure,
        message::{self, Message},
        notify::LogLevel,
        types::{Credentials, Verdict},
        version::Version,
    },
};

/// The key of the only session.
const SESSION: &[u8] = b"stdio";

/// What the client has settled so far.
#[derive(Debug, Default)]
pub struct StdioSession {
    /// The session of a legacy client.
    settled: Option<session::Session>,
    log_level: Option<LogLevel>,
    /// The open subscriptions, by the `id` of their requests.
    listeners: Vec<(String, Listener)>,
}

/// The most open subscriptions.
const MAX_LISTENERS: usize = 64;

/// The outcome of a line.
pub enum StdioOutcome<'a> {
    /// The line needs no answer.
    Nothing,
    /// Lines, with their line breaks.
    Reply(Vec<u8>),
    Call(Box<Call<'a>>),
    /// The client cancelled the request with this `id`, as the client wrote it.
    Cancel(&'a str),
    /// The transport must make its call first, and pass the response to [`StdioSession::pass`].
    Gate(Box<Gate<'a>>),
    /// The transport must pass this notification to the chain. With an `id`, the client also
    /// cancelled that request.
    Notify(Box<Call<'a>>, Option<&'a str>),
}

impl StdioSession {
    /// Handles one line, with or without its line break. A transport may stop keeping a line at
    /// `MAX_BODY` bytes plus one: that much is enough to refuse it.
    pub fn handle_line<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        line: &'a [u8],
        services: &mut S,
    ) -> StdioOutcome<'a> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return StdioOutcome::Nothing;
        }
        let (id, answer) = match message::read(line) {
            Err((id, failure)) => (id, Err(failure)),
            Ok(Message::Request(request)) => {
                let id = Cow::Borrowed(request.id);
                (Some(id), self.handle_request(catalog, request, services))
            }
            Ok(Message::Notification(notification)) => {
                return self.note(catalog, notification, services);
            }
            Ok(Message::Response(response)) => {
                if S::WHOLE {
                    // A reply has no answer, even if it was not asked for or cannot be stored.
                    let _ = replies::accept(services, SESSION, &response);
                }
                return StdioOutcome::Nothing;
            }
        };
        self.finish(id.as_deref(), answer, services)
    }

    /// Continues with a request after its call. `response` is what the chain answered.
    pub fn pass<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        gate: Gate<'a>,
        response: CallResponse,
        services: &mut S,
    ) -> StdioOutcome<'a> {
        if response.failure.is_some() {
            return StdioOutcome::Reply(response.line());
        }
        match gate.then {
            Then::Reply => StdioOutcome::Reply(response.line()),
            Then::Handshake(session) => {
                self.settle(session);
                StdioOutcome::Reply(response.line())
            }
            Then::Act => {
                let id = gate.request.id;
                let answer = own(catalog, gate.request, gate.client, services);
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
        id: Option<&str>,
        answer: Result<Dispatched<'a>, Failure>,
        services: &mut S,
    ) -> StdioOutcome<'a> {
        let answer = answer.and_then(|answer| match answer {
            Dispatched::Listen(listening) if S::WHOLE => {
                self.listen(id.unwrap_or_default(), listening.0, services)
            }
            answer => Ok(answer),
        });
        let mut line = match answer {
            Ok(Dispatched::Call(call)) => return StdioOutcome::Call(call),
            Ok(Dispatched::Gate(gate)) => return StdioOutcome::Gate(gate),
            Ok(Dispatched::Listen(_)) => return StdioOutcome::Nothing,
            Ok(Dispatched::Ready(line)) => line,
            Ok(Dispatched::Unheard(messages)) => {
                return StdioOutcome::Reply(lines(messages.into_iter()));
            }
            Ok(Dispatched::SetLevel(level, line)) => {
                self.log_level = Some(level);
                line
            }
            Err(failure) => failure.to_json(id),
        };
        line.push(b'\n');
        StdioOutcome::Reply(line)
    }

    fn handle_request<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        request: message::Request<'a>,
        services: &mut S,
    ) -> Result<Dispatched<'a>, Failure> {
        caller::check_params(&request.params)?;
        let named = caller::named_version(&request.params.meta)?;
        let version = match named.as_deref() {
            Some(name) => {
                Some(Version::parse(name).ok_or_else(|| Failure::unsupported_version(name))?)
            }
            None => None,
        };
        if let Some(version) = version.filter(|version| version.is_modern()) {
            let client = Caller::modern(version, &request.params.meta)?;
            return dispatch(catalog, request, client, services);
        }
        if request.method == "initialize" && named.is_none() {
            let session = caller::handshake(&request.params, services)?;
            let client = Caller::legacy(session.version, LogLevel::Info);
            access::check(catalog, "initialize", &request.params, &client, services)?;
            if services.part() == ServerPart::Transport {
                let level = LogLevel::Info;
                return Ok(chain::handshake(catalog, request, session, level, services));
            }
            let shared = services.store().is_some();
            let result = handshake::result(catalog, session.version, shared);
            self.settle(session);
            return Ok(Dispatched::Ready(ready(request.id, &[&result])));
        }
        let client = self.legacy(version);
        dispatch(catalog, request, client, services)
    }

    /// The caller of a message that does not name a revision.
    fn legacy<'a>(&self, version: Option<Version>) -> Caller<'a> {
        let level = self.log_level.unwrap_or(LogLevel::Info);
        match &self.settled {
            Some(session) => Caller::of_session(session.clone(), SESSION.to_vec(), level),
            None => Caller::legacy(version.unwrap_or(Version::ASSUMED), level),
        }
    }

    /// Opens a subscription. Its response follows when it ends.
    fn listen<'a, S: Services>(
        &mut self,
        id: &str,
        mut listener: Listener,
        services: &mut S,
    ) -> Result<Dispatched<'a>, Failure> {
        if self.listeners.len() == MAX_LISTENERS {
            return Err(Failure::invalid_params(format!(
                "more than {MAX_LISTENERS} subscriptions at a time; cancel one first"
            )));
        }
        // The server does not check tasks between two lines: clients must ask for them.
        listener.retain_tasks(|_| false);
        let acknowledged = listener.begin(services)?;
        self.listeners.push((id.to_owned(), listener));
        Ok(Dispatched::Ready(acknowledged.unwrap_or_default()))
    }

    fn note<'a, S: Services>(
        &mut self,
        catalog: &Catalog<'a>,
        notification: message::Notification<'a>,
        services: &mut S,
    ) -> StdioOutcome<'a> {
        let cancelled = notification.params.request_id.filter(message::is_id);
        let cancelled = cancelled
            .filter(|_| notification.method == "notifications/cancelled")
            .map(|id| id.text);
        if let Some(id) = cancelled {
            self.listeners.retain(|(open, _)| open != id);
        }
        if services.part() == ServerPart::Transport {
            let named = caller::named_version(&notification.params.meta);
            let named = named.ok().flatten();
            let version = named.as_deref().and_then(Version::parse);
            let client = match version.filter(|version| version.is_modern()) {
                Some(version) => Caller::modern_sender(version, &notification.params.meta),
                None => self.legacy(version),
            };
            if access::check_sender(catalog, &notification.method, &client, services).is_err() {
                return cancelled.map_or(StdioOutcome::Nothing, StdioOutcome::Cancel);
            }
            let call = chain::notification(catalog, notification, client);
            return StdioOutcome::Notify(call, cancelled);
        }
        cancelled.map_or(StdioOutcome::Nothing, StdioOutcome::Cancel)
    }

    /// Notifications of these changes, for the subscriptions that want them.
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
            Listener::legacy(uris.unwrap_or_default(), stateful::offer(catalog, services))
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

    /// The responses that end all open subscriptions, when stdin has ended.
    pub fn end<S: Services>(&mut self, catalog: &Catalog<'_>) -> Vec<u8> {
        if !S::WHOLE {
            return Vec::new();
        }
        let listeners = self.listeners.drain(..);
        lines(listeners.filter_map(|(_, listener)| listener.end(catalog.server_info())))
    }
}

/// The sender of all lines, where a process serves its user. None: the authenticator needs
/// something first. `token` authenticates the user, if the catalog wants that. The error is for the
/// user.
pub fn sender<S: Services>(
    catalog: &Catalog<'_>,
    token: Option<String>,
    services: &mut S,
) -> Result<Option<Sender>, String> {
    let access = catalog.access();
    let access = access.ok_or("the server cannot read its own settings")?;
    let on_stdio = |sender| {
        Ok(Some(Sender {
            is_stdio: true,
            ..sender
        }))
    };
    if access.stdio() == StdioCaller::Trusted {
        return on_stdio(Sender {
            who: Who::Trusted,
            ..Sender::default()
        });
    }
    let headers = token.map(|token| {
        let value = format!("Bearer {token}").into_bytes();
        ("authorization".to_owned(), value)
    });
    let resource = access.resource().map(str::to_owned);
    let resource = resource.or_else(|| services.variable(RESOURCE));
    let verdict = services.authenticate(&Credentials {
        headers: headers.into_iter().collect(),
        resource: resource.unwrap_or_default(),
    });
    let refused = |reason: &str| Err(format!("`MCP_TOKEN` is refused: {}", printable(reason)));
    match verdict {
        Verdict::Unready => Ok(None),
        Verdict::Missing if access.anonymous() => on_stdio(Sender::default()),
        Verdict::Missing => Err("`MCP_TOKEN` is missing; set it to a token for this server".into()),
        Verdict::Invalid(reason) | Verdict::Malformed(reason) => refused(&reason),
        Verdict::Known(known) => Sender::known(known).map_or_else(|| refused(NO_NAME), on_stdio),
    }
}

/// The failure if too many calls wait for the client's replies.
pub fn too_many_waiting(most: usize) -> Failure {
    Failure::internal(format!(
        "{most} calls already wait for replies of the client; answer some first"
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
