//! The stdio transport: one message a line
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio).

use crate::{
    call::Call,
    catalog::Catalog,
    client::{self, Client},
    dispatch::{self, Answer},
    failure::Failure,
    message::{self, Message},
    notify::LogLevel,
    session,
    version::Version,
};

/// What a legacy client settled, and nothing before it did.
#[derive(Clone, Debug, Default)]
pub struct Session {
    settled: Option<session::Session>,
    log_level: Option<LogLevel>,
}

/// What became of a line.
pub enum Outcome<'a> {
    /// It needs no answer.
    Nothing,
    /// A line, with its line break.
    Reply(Vec<u8>),
    Call(Call<'a>),
    /// The client gave up on the request with this `id`, as it wrote it.
    Cancel(&'a str),
}

impl Session {
    /// Answers one line, with or without its line break, or says what to do. A transport may
    /// stop keeping a line that is longer than `MAX_BODY`: what it has kept by then, one byte
    /// more at least, gets the refusal. `now` is in milliseconds since 1970.
    pub fn handle_line<'a>(
        &mut self,
        catalog: &Catalog<'a>,
        line: &'a [u8],
        now: u64,
    ) -> Outcome<'a> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return Outcome::Nothing;
        }
        let (id, answer) = match message::read(line) {
            Err((id, failure)) => (id, Err(failure)),
            Ok(Message::Request(request)) => {
                (Some(request.id), self.handle_request(catalog, request, now))
            }
            Ok(Message::Notification(notification)) => {
                let cancelled = notification.params.request_id.filter(message::is_id);
                return match cancelled {
                    Some(id) if notification.method == "notifications/cancelled" => {
                        Outcome::Cancel(id.text)
                    }
                    _ => Outcome::Nothing,
                };
            }
            Ok(Message::Response) => return Outcome::Nothing,
        };
        let mut line = match answer {
            Ok(Answer::Call(call)) => return Outcome::Call(call),
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

    fn handle_request<'a>(
        &mut self,
        catalog: &Catalog<'a>,
        request: message::Request<'a>,
        now: u64,
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
            return dispatch::dispatch(catalog, request, client);
        }
        if request.method == "initialize" && named.is_none() {
            let session = client::handshake(&request.params, now)?;
            let answer = dispatch::initialized(catalog, request.id, &session);
            *self = Session {
                settled: Some(session),
                log_level: None,
            };
            return Ok(Answer::Ready(answer));
        }
        let settled = self.settled.clone();
        let version = version
            .or(settled.as_ref().map(|session| session.version))
            .unwrap_or(Version::ASSUMED);
        let client = Client::legacy(
            version,
            settled,
            None,
            self.log_level.unwrap_or(LogLevel::Info),
        );
        dispatch::dispatch(catalog, request, client)
    }
}

#[cfg(test)]
mod tests;
