//! Requests that the transport answers itself, once the chain let them pass.

use crate::{
    answer::{handled::needs_input, response::broken},
    call::{Call, CallResponse, CallStep, FeatureOutcome, caller::Caller},
    state::{services::Services, session::Session},
    wire::{json::Value, message::Request},
};

/// A request that the transport answers itself, once no link refused it.
#[derive(Debug)]
pub struct Gate<'a> {
    /// To be made first.
    pub call: Call<'a>,
    pub(crate) request: Request<'a>,
    pub(crate) client: Caller<'a>,
    pub(crate) then: Then,
}

/// What follows once no link refused it.
#[derive(Debug)]
pub(crate) enum Then {
    /// The answer of the chain is the client's.
    Reply,
    /// So it is, and a session begins.
    Handshake(Session),
    /// The transport does it, and answers.
    Act,
}

impl Gate<'_> {
    /// What became of its call.
    pub fn settle<S: Services>(
        &mut self,
        outcome: FeatureOutcome,
        services: &mut S,
    ) -> CallResponse {
        if let (Then::Handshake(session), FeatureOutcome::Handled(Ok(text))) =
            (&self.then, &outcome)
        {
            let answered = Value::parse(text).ok();
            let version = answered.and_then(|result| result.member("protocolVersion"));
            // The session is of the one that the transport chose.
            if !version.is_some_and(|version| version.is_str(session.version.as_str())) {
                let expected = session.version.as_str();
                let what = format!("a `protocolVersion` that is not `{expected}`");
                return self.call.fail(&broken(&self.call, &what));
            }
        }
        match self.call.settle(outcome, services) {
            CallStep::Done(response) => response,
            CallStep::Invoke | CallStep::Ask(_) => self.call.fail(&needs_input(&self.call)),
        }
    }
}

/// Whether the transport does what this method asks for, or prepares its answer, once no link
/// refused it.
pub fn is_gated(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "server/discover"
            | "logging/setLevel"
            | "subscriptions/listen"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/get"
            | "tasks/update"
            | "tasks/cancel"
    )
}
