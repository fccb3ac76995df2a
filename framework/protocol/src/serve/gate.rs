//! Requests that the transport answers itself. In a chain, middleware can refuse them first.

use crate::{
    answer::{handled::needs_input, response::broken},
    call::{Call, CallResponse, CallStep, FeatureOutcome, caller::Caller},
    state::{services::Services, session::Session},
    wire::{json::Value, message::Request},
};

/// A request that the transport answers itself, unless middleware refuses it.
#[derive(Debug)]
pub struct Gate<'a> {
    /// The transport must make this call first.
    pub call: Call<'a>,
    pub(crate) request: Request<'a>,
    pub(crate) client: Caller<'a>,
    pub(crate) then: Then,
}

/// What the transport does if no middleware refuses the request.
#[derive(Debug)]
pub(crate) enum Then {
    /// Send the result of the chain.
    Reply,
    /// Send the result of the chain, and begin a session.
    Handshake(Session),
    /// Handle the request, and send its own result.
    Act,
}

impl Gate<'_> {
    /// The response of the chain.
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
            // The session already has the revision that the transport chose.
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

/// Whether the transport handles this method, or prepares its result, unless middleware refuses
/// it.
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
