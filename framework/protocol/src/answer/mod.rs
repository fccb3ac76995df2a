//! The outcome of a feature as a JSON-RPC response.

pub(crate) mod extension;
pub(crate) mod handled;
pub(crate) mod input;
mod lists;
pub(crate) mod request_state;
pub(crate) mod response;
pub(crate) mod result;
mod task;

use crate::{
    call::{Call, Outcome, Step},
    state::services::Services,
    wire::{
        failure::Failure,
        types::{
            prompt_types::PromptOutcome, resource_types::ReadOutcome, tool_types::ToolOutcome,
        },
    },
};
use response::of_feature;
use result::{NO_COMPLETION, completion, prompt, resource, tool};

impl Call<'_> {
    /// Goes on with what the feature answered.
    pub fn settle<S: Services>(&mut self, outcome: Outcome, services: &mut S) -> Step {
        if outcome.is_unknown() && self.advance() {
            return Step::Invoke;
        }
        settle(self, outcome, services)
    }
}

/// Turns an outcome into a response, or into what else the client has to be asked.
fn settle<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Step {
    if S::WHOLE && call.task.is_some() {
        return Step::Done(task::advance(call, outcome, services));
    }
    let version = call.client.version;
    Step::Done(match outcome {
        Outcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))) => {
            return input::require(call, &required, services);
        }
        Outcome::Tool(Ok(Some(ToolOutcome::Complete(result)))) => tool(call, &result),
        Outcome::Tool(Ok(Some(ToolOutcome::Extension(result)))) => {
            extension::answer(call, &result, services)
        }
        Outcome::Tool(Ok(None)) => call.fail(&call.target.unknown(version.is_modern())),
        Outcome::Tool(Err(error)) => of_feature(call, &error),
        // The small server has tools alone.
        other if S::WHOLE => return settle_other(call, other, services),
        _ => call.fail(&Failure::internal("the server is too small for this")),
    })
}

/// The outcome of anything but a tool.
fn settle_other<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Step {
    Step::Done(match outcome {
        Outcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        | Outcome::Resource(Ok(Some(ReadOutcome::InputRequired(required)))) => {
            return input::require(call, &required, services);
        }
        Outcome::Prompt(Ok(Some(PromptOutcome::Complete(result)))) => prompt(call, &result),
        Outcome::Resource(Ok(Some(ReadOutcome::Complete(result)))) => resource(call, &result),
        Outcome::Completion(Ok(Some(result))) => completion(call, &result),
        Outcome::Completion(Ok(None)) => completion(call, &NO_COMPLETION),
        Outcome::List(listed) => return lists::settle(call, listed),
        Outcome::Handled(handled) => return handled::settle(call, handled, services),
        Outcome::Tool(_) | Outcome::Prompt(Ok(None)) | Outcome::Resource(Ok(None)) => {
            call.fail(&call.target.unknown(call.client.version.is_modern()))
        }
        Outcome::Prompt(Err(error))
        | Outcome::Resource(Err(error))
        | Outcome::Completion(Err(error)) => of_feature(call, &error),
    })
}
