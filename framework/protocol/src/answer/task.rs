//! The step of a task, from the outcome of its tool.

use super::{
    extension, handled, input,
    response::{broken, respond_with},
    result,
};
use crate::{
    call::{Call, CallResponse, FeatureOutcome},
    state::{services::Services, tasks},
    wire::{failure::Failure, types::tool_types::ToolOutcome},
};

/// Settles a call that advances a task.
pub fn advance<S: Services>(
    call: &mut Call<'_>,
    outcome: FeatureOutcome,
    services: &mut S,
) -> CallResponse {
    let Some(task) = call.task.take() else {
        return call.fail(&Failure::internal("there is no task"));
    };
    let step = step::<S>(call, outcome).unwrap_or_else(tasks::TaskStep::Failed);
    let result = task.advanced(services, step);
    respond_with(call, result.map(tasks::Detailed::into_result))
}

fn step<S: Services>(call: &Call<'_>, outcome: FeatureOutcome) -> Result<tasks::TaskStep, Failure> {
    let version = call.client.version;
    match outcome {
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(result)))) => {
            let mut object = Vec::new();
            result::write_tool(&mut object, call, &result)?;
            let object = String::from_utf8(object);
            object
                .map(tasks::TaskStep::Complete)
                .map_err(|_| broken(call, "text that is not UTF-8"))
        }
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))) => {
            input::check::<S>(call, &required)?;
            Ok(tasks::TaskStep::Input(required))
        }
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::Extension(extension)))) => {
            if extension::read(call, &extension)?.1 == "task" {
                Ok(tasks::TaskStep::Working(extension))
            } else {
                Err(broken(call, "the result of an extension instead of a task"))
            }
        }
        FeatureOutcome::Tool(Err(error)) | FeatureOutcome::Handled(Err(error)) => {
            Err(Failure::of_feature(&error, version))
        }
        FeatureOutcome::Handled(Ok(result)) => handled::task_step::<S>(call, result),
        _ => Err(call.target.unknown(true)),
    }
}
