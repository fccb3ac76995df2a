//! Calls the next component: a feature, or the first middleware behind a transport.

use spin_mcp_protocol::{
    Call,
    call::{Ask, FeatureOutcome as Outcome, Listed},
    catalog::ListKind,
    request_id::in_slot,
    types::types::Error,
};

use crate::services::WHOLE;

/// Calls the feature whose turn it is. `id` names the request.
pub async fn invoke(call: &Call<'_>, id: u64) -> Outcome {
    let id = in_slot(call.slot(), id);
    match call.ask() {
        #[cfg(feature = "wasi-0-3")]
        ask if call.is_async() => waiting::invoke(id, ask).await,
        ask => blocking::invoke(id, ask).await,
    }
}

/// Hands a notification of the client to the first middleware.
pub async fn notify(call: &Call<'_>, id: u64) {
    match call.ask() {
        #[cfg(feature = "wasi-0-3")]
        Ask::Handle { method, params } if call.is_async() => {
            waiting::notify(id, method, params).await
        }
        Ask::Handle { method, params } => blocking::notify(id, method, params).await,
        _ => {}
    }
}

/// Interfaces whose functions block.
pub mod blocking {
    use super::*;
    use crate::wasi::bindings::spin_mcp::server::{
        completions, handler, prompts, resources, tools,
    };

    pub async fn invoke(id: u64, ask: Ask<'_>) -> Outcome {
        match ask {
            Ask::Tool { name, arguments } => Outcome::Tool(tools::call_tool(id, name, arguments)),
            // The small server: its catalog has nothing but tools.
            _ if !WHOLE => Outcome::Tool(Ok(None)),
            Ask::Prompt { name, arguments } => {
                Outcome::Prompt(prompts::get_prompt(id, name, arguments))
            }
            Ask::Resource { uri } => Outcome::Resource(resources::read_resource(id, uri)),
            Ask::Completion {
                reference,
                argument,
                context,
            } => Outcome::Completion(completions::complete(id, reference, argument, context)),
            Ask::List { kind, cursor } => Outcome::List(match kind {
                ListKind::Tools => tools::list_tools(id, cursor).map(Listed::Tools),
                ListKind::Resources => resources::list_resources(id, cursor).map(Listed::Resources),
                ListKind::ResourceTemplates => {
                    resources::list_resource_templates(id, cursor).map(Listed::ResourceTemplates)
                }
                ListKind::Prompts => prompts::list_prompts(id, cursor).map(Listed::Prompts),
            }),
            Ask::Handle { method, params } => Outcome::Handled(handle(id, method, params).await),
        }
    }

    pub async fn handle(id: u64, method: &str, params: &str) -> Result<String, Error> {
        handler::handle(id, method, params)
    }

    pub async fn notify(id: u64, method: &str, params: &str) {
        handler::notify(id, method, params);
    }
}

/// The same interfaces with functions that wait.
#[cfg(feature = "wasi-0-3")]
pub mod waiting {
    use super::*;
    use crate::wasi::bindings::spin_mcp::server::{
        completions_async, handler_async, prompts_async, resources_async, tools_async,
    };

    pub async fn invoke(id: u64, ask: Ask<'_>) -> Outcome {
        match ask {
            Ask::Tool { name, arguments } => {
                let called = tools_async::call_tool(id, name.to_owned(), arguments.to_owned());
                Outcome::Tool(called.await)
            }
            // The small server: its catalog has nothing but tools.
            _ if !WHOLE => Outcome::Tool(Ok(None)),
            Ask::Prompt { name, arguments } => {
                let got = prompts_async::get_prompt(id, name.to_owned(), arguments.to_vec());
                Outcome::Prompt(got.await)
            }
            Ask::Resource { uri } => {
                Outcome::Resource(resources_async::read_resource(id, uri.to_owned()).await)
            }
            Ask::Completion {
                reference,
                argument,
                context,
            } => {
                let (reference, argument) = (reference.clone(), argument.clone());
                let context = context.to_vec();
                let completed = completions_async::complete(id, reference, argument, context);
                Outcome::Completion(completed.await)
            }
            Ask::List { kind, cursor } => {
                Outcome::List(list(id, kind, cursor.map(str::to_owned)).await)
            }
            Ask::Handle { method, params } => Outcome::Handled(handle(id, method, params).await),
        }
    }

    async fn list(id: u64, kind: ListKind, cursor: Option<String>) -> Result<Listed, Error> {
        Ok(match kind {
            ListKind::Tools => Listed::Tools(tools_async::list_tools(id, cursor).await?),
            ListKind::Resources => {
                Listed::Resources(resources_async::list_resources(id, cursor).await?)
            }
            ListKind::ResourceTemplates => {
                let listed = resources_async::list_resource_templates(id, cursor).await?;
                Listed::ResourceTemplates(listed)
            }
            ListKind::Prompts => Listed::Prompts(prompts_async::list_prompts(id, cursor).await?),
        })
    }

    pub async fn handle(id: u64, method: &str, params: &str) -> Result<String, Error> {
        handler_async::handle(id, method.to_owned(), params.to_owned()).await
    }

    pub async fn notify(id: u64, method: &str, params: &str) {
        handler_async::notify(id, method.to_owned(), params.to_owned()).await;
    }
}
