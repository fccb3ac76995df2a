//! A `GET` that goes on with the stream of a call.

use super::head::{Head, Method};
use crate::{
    call::{Call, Input, Polled, caller::Caller},
    catalog::Catalog,
    serve::{dispatch::dispatch, dispatched::Dispatched},
    state::{
        call_stream::{self, EventId, Look, Resumed},
        services::{Services, unavailable},
        session,
    },
    wire::{
        failure::Failure,
        message::{self, Message},
    },
};

/// A stream that goes on with a call.
pub struct Resumption<'a> {
    /// None: the call had not asked its client when this began.
    pub call: Option<Box<Call<'a>>>,
    resumed: Resumed,
}

/// What to do next on a stream that goes on with a call.
pub enum ResumptionStep {
    /// Look again later.
    Wait,
    /// Send these events.
    Send(Vec<Vec<u8>>),
    /// Send this event, and end the stream.
    Last(Vec<u8>),
    /// Resume the call with this input, and make it as if its client had sent it now.
    Call(Input),
    /// The call fails.
    Fail(Failure),
    /// End the stream.
    End,
}

/// The request of the call that a client resumes; empty if it resumes none.
pub fn resumed_body<S: Services>(head: &Head<'_>, services: &mut S) -> Vec<u8> {
    let event = head.headers.last_event_id.and_then(EventId::parse);
    match (event, head.headers.session_id) {
        (Some(event), Some(session)) if S::WHOLE && head.method == Method::Get => {
            let session = session::digest(session, &services.principal());
            call_stream::request(services, &session, event).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Goes on with the call of this event. `request` is its request, or empty. None: nothing is left
/// to send.
pub(super) fn resume<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &'a [u8],
    client: Caller<'a>,
    event: EventId,
    services: &mut S,
) -> Result<Option<Resumption<'a>>, Failure> {
    let session = client.session_key.clone().unwrap_or_default();
    let resumed = Resumed::begin(services, &session, event).map_err(unavailable)?;
    let Some(resumed) = resumed else {
        return Ok(None);
    };
    let mut call = None;
    if let Ok(Message::Request(message)) = message::read(request)
        && let Dispatched::Call(mut dispatched) = dispatch(catalog, message, client, services)?
    {
        dispatched.keep(request, services);
        call = Some(dispatched);
    }
    Ok(Some(Resumption { call, resumed }))
}

impl Resumption<'_> {
    /// Looks at the call.
    pub fn look<S: Services>(&mut self, services: &mut S) -> ResumptionStep {
        match self.resumed.look(services) {
            Ok(Look::Asked(events)) if !events.is_empty() => return ResumptionStep::Send(events),
            Ok(Look::Answered(event)) => return ResumptionStep::Last(event),
            Ok(Look::Over) => return ResumptionStep::End,
            Ok(_) if self.resumed.is_settled(services) => {}
            // The store may answer the next look.
            Ok(_) | Err(_) => return ResumptionStep::Wait,
        }
        let Some(asking) = &self.resumed.asking else {
            return ResumptionStep::Wait;
        };
        let Some(call) = &mut self.call else {
            // It asked after this stream began. The next one has its request.
            return ResumptionStep::End;
        };
        match asking.poll(services) {
            Ok(Polled::Waiting) => ResumptionStep::Wait,
            Ok(Polled::Cancelled) => ResumptionStep::End,
            Ok(Polled::Answered(input)) => {
                call.rounds = asking.rounds();
                call.stream = Some(self.resumed.stream.clone());
                ResumptionStep::Call(input)
            }
            Err(failure) => {
                call.stream = Some(self.resumed.stream.clone());
                ResumptionStep::Fail(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests;
