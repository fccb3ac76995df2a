//! Prompts: what they return, and the interface that a component exports.

use std::fmt::Display;

use crate::Content;
use crate::bindings::imports::spin_mcp::server::prompt_types::{
    Prompt, PromptList, PromptMessage, PromptOutcome, PromptResult,
};
use crate::bindings::imports::spin_mcp::server::types;
use crate::context::Context;
use crate::error::Error;
use crate::export::{Server, first_page};
use crate::text::{Completing, Given};
use crate::tools::{Answer, Later, When, seen};

/// A function as a prompt; `#[prompt]` writes it.
pub struct PromptEntry {
    /// The name that clients ask for.
    pub name: &'static str,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Who sees it.
    pub when: When,
    /// The entry of the list.
    pub describe: fn() -> Prompt,
    /// The context that it takes.
    pub context: fn(u64) -> Context,
    /// Calls it with names and texts.
    pub get: for<'a> fn(&'a mut Context, &'a Given) -> Answer<'a, PromptOutcome>,
    /// Suggests values for one argument.
    pub complete: for<'a> fn(&'a str, &'a Completing) -> Later<'a, Vec<String>>,
}

/// What `export!` lists under `prompts`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a prompt",
    note = "a function becomes a prompt by `#[prompt]`"
)]
pub trait PromptFunction {
    /// The prompt.
    const ENTRY: PromptEntry;
}

/// What a prompt can return.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    note = "return text, `Message`, `Vec<Message>`, or a `Result` with one of them"
)]
pub trait PromptOutput: Sized {
    /// The result, or why there is none.
    fn prompt(self) -> Result<PromptResult, Error>;
}

impl PromptOutput for PromptResult {
    fn prompt(self) -> Result<PromptResult, Error> {
        Ok(self)
    }
}

impl PromptOutput for Vec<PromptMessage> {
    fn prompt(self) -> Result<PromptResult, Error> {
        Ok(PromptResult {
            description: None,
            messages: self,
            meta: None,
        })
    }
}

impl PromptOutput for PromptMessage {
    fn prompt(self) -> Result<PromptResult, Error> {
        vec![self].prompt()
    }
}

macro_rules! users {
    ($($of:ty)*) => {
        $(impl PromptOutput for $of {
            fn prompt(self) -> Result<PromptResult, Error> {
                PromptMessage::user(self).prompt()
            }
        })*
    };
}
users!(&str String Content);

impl<T: PromptOutput, E: Display + 'static> PromptOutput for Result<T, E> {
    fn prompt(self) -> Result<PromptResult, Error> {
        self.map_err(Error::of)?.prompt()
    }
}

/// The outcome of a call.
pub fn finished(result: Result<PromptResult, Error>) -> Result<PromptOutcome, types::Error> {
    result
        .map(PromptOutcome::Complete)
        .map_err(|why| why.refusal(-32602))
}

/// The outcome of a call that can ask.
pub fn finished_asking(
    context: &mut Context,
    name: &str,
    result: Result<PromptResult, Error>,
) -> Result<PromptOutcome, types::Error> {
    match context.required(name) {
        None => finished(result),
        Some(Ok(required)) => Ok(PromptOutcome::InputRequired(required)),
        Some(Err(why)) => Err(Error::internal(why).refusal(-32603)),
    }
}

fn list<S: Server>(request: u64, cursor: Option<String>) -> Result<PromptList, types::Error> {
    first_page(cursor)?;
    let listed = S::PROMPTS
        .iter()
        .filter(|prompt| seen(prompt.when, request));
    Ok(PromptList {
        prompts: listed.map(|prompt| (prompt.describe)()).collect(),
        next_cursor: None,
        cache: None,
    })
}

async fn get<S: Server>(
    request: u64,
    name: &str,
    arguments: &Given,
) -> Result<Option<PromptOutcome>, types::Error> {
    let mut prompts = S::PROMPTS.iter();
    let Some(prompt) = prompts.find(|prompt| prompt.name == name && seen(prompt.when, request))
    else {
        return Ok(None);
    };
    let mut context = (prompt.context)(request);
    (prompt.get)(&mut context, arguments).await.map(Some)
}

mod exported {
    use super::*;
    use crate::bindings::prompts::exports::spin_mcp::server::prompts::Guest;
    use crate::export::at_once;

    impl<S: Server> Guest for S {
        fn list_prompts(request: u64, cursor: Option<String>) -> Result<PromptList, types::Error> {
            list::<S>(request, cursor)
        }

        fn get_prompt(
            request: u64,
            name: String,
            arguments: Vec<(String, String)>,
        ) -> Result<Option<PromptOutcome>, types::Error> {
            at_once(get::<S>(request, &name, &arguments))
        }
    }
}

#[cfg(feature = "async")]
mod exported_async {
    use super::*;
    use crate::bindings::prompts_async::exports::spin_mcp::server::prompts_async::Guest;

    impl<S: Server> Guest for S {
        async fn list_prompts(
            request: u64,
            cursor: Option<String>,
        ) -> Result<PromptList, types::Error> {
            list::<S>(request, cursor)
        }

        async fn get_prompt(
            request: u64,
            name: String,
            arguments: Vec<(String, String)>,
        ) -> Result<Option<PromptOutcome>, types::Error> {
            get::<S>(request, &name, &arguments).await
        }
    }
}
