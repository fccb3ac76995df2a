//! Turns the outcome of a feature into a JSON-RPC response.

pub(crate) mod extension;
pub(crate) mod handled;
pub(crate) mod input;
mod lists;
pub(crate) mod request_state;
pub(crate) mod response;
pub(crate) mod result;
mod task;

use crate::{
    call::{Call, CallStep, FeatureOutcome},
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
    /// Continues with the outcome of the feature.
    pub fn settle<S: Services>(&mut self, outcome: FeatureOutcome, services: &mut S) -> CallStep {
        if outcome.is_unknown() && self.advance() {
            return CallStep::Invoke;
        }
        if S::WHOLE
            && let Some(look) = self.look.take()
            && let FeatureOutcome::List(listed) = outcome
        {
            return lists::compare(self, look, listed);
        }
        settle(self, outcome, services)
    }
}

/// Turns an outcome into a response, or into requests for the client.
fn settle<S: Services>(call: &mut Call<'_>, outcome: FeatureOutcome, services: &mut S) -> CallStep {
    if S::WHOLE && !S::ROUTER && call.task.is_some() {
        return CallStep::Done(task::advance(call, outcome, services));
    }
    let version = call.client.version;
    CallStep::Done(match outcome {
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))) if !S::ROUTER => {
            return input::require(call, &required, services);
        }
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(result)))) => tool(call, &result),
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::Extension(result)))) if !S::ROUTER => {
            extension::answer(call, &result, services)
        }
        FeatureOutcome::Tool(Ok(None)) => call.fail(&call.target.unknown(version.is_modern())),
        FeatureOutcome::Tool(Err(error)) => of_feature(call, &error),
        // The small server calls only tools.
        other if S::WHOLE => return settle_other(call, other, services),
        _ => call.fail(&Failure::internal(
            "this build of the server handles only tools",
        )),
    })
}

/// Settles the outcome of everything but tools.
fn settle_other<S: Services>(
    call: &mut Call<'_>,
    outcome: FeatureOutcome,
    services: &mut S,
) -> CallStep {
    CallStep::Done(match outcome {
        FeatureOutcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        | FeatureOutcome::Resource(Ok(Some(ReadOutcome::InputRequired(required))))
            if !S::ROUTER =>
        {
            return input::require(call, &required, services);
        }
        FeatureOutcome::Prompt(Ok(Some(PromptOutcome::Complete(result)))) => prompt(call, &result),
        FeatureOutcome::Resource(Ok(Some(ReadOutcome::Complete(result)))) => {
            resource(call, &result)
        }
        FeatureOutcome::Completion(Ok(Some(result))) => completion(call, &result),
        FeatureOutcome::Completion(Ok(None)) => completion(call, &NO_COMPLETION),
        FeatureOutcome::List(listed) => return lists::settle(call, listed, services),
        FeatureOutcome::Handled(handled) if !S::ROUTER => {
            return handled::settle(call, handled, services);
        }
        // A router settles its other outcomes itself.
        FeatureOutcome::Tool(_)
        | FeatureOutcome::Prompt(Ok(_))
        | FeatureOutcome::Resource(Ok(_))
        | FeatureOutcome::Handled(_) => {
            call.fail(&call.target.unknown(call.client.version.is_modern()))
        }
        FeatureOutcome::Prompt(Err(error))
        | FeatureOutcome::Resource(Err(error))
        | FeatureOutcome::Completion(Err(error)) => of_feature(call, &error),
    })
}
