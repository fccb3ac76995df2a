//! Completions of the arguments of prompts and templates.

use crate::bindings::imports::spin_mcp::server::completion_types::{
    Completion, CompletionArgument, CompletionReference,
};
use crate::bindings::imports::spin_mcp::server::types::Error;
use crate::export::Server;
use crate::text::Completing;
use crate::tools::seen;
use crate::uri;

/// None if the reference is not of this server.
async fn complete<S: Server>(
    request: u64,
    reference: CompletionReference,
    argument: CompletionArgument,
    arguments: Vec<(String, String)>,
) -> Option<Completion> {
    let complete = match reference {
        CompletionReference::Prompt(name) => {
            let mut prompts = S::PROMPTS.iter();
            prompts
                .find(|prompt| prompt.name == name && seen(prompt.when, request))?
                .complete
        }
        CompletionReference::ResourceTemplate(template) => {
            let template = uri::normal(&template);
            let mut entries = S::RESOURCES.iter();
            entries
                .find(|entry| uri::normal(entry.uri) == template && seen(entry.when, request))?
                .complete
        }
    };
    let CompletionArgument { name, value } = argument;
    let values = complete(&name, &Completing { value, arguments }).await;
    Some(Completion {
        total: u32::try_from(values.len()).ok(),
        values,
        has_more: false,
    })
}

mod exported {
    use super::*;
    use crate::bindings::completions::exports::spin_mcp::server::completions::Guest;
    use crate::export::at_once;

    impl<S: Server> Guest for S {
        fn complete(
            request: u64,
            reference: CompletionReference,
            argument: CompletionArgument,
            arguments: Vec<(String, String)>,
        ) -> Result<Option<Completion>, Error> {
            Ok(at_once(complete::<S>(
                request, reference, argument, arguments,
            )))
        }
    }
}

#[cfg(feature = "async")]
mod exported_async {
    use super::*;
    use crate::bindings::completions_async::exports::spin_mcp::server::completions_async::Guest;

    impl<S: Server> Guest for S {
        async fn complete(
            request: u64,
            reference: CompletionReference,
            argument: CompletionArgument,
            arguments: Vec<(String, String)>,
        ) -> Result<Option<Completion>, Error> {
            Ok(complete::<S>(request, reference, argument, arguments).await)
        }
    }
}
