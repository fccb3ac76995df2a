//! A call of a feature: what the transport passes to it, and what becomes of its outcome.

pub(crate) mod caller;
pub(crate) mod listing;
pub(crate) mod target;

use std::borrow::Cow;

use crate::{
    catalog::{Catalog, Flags, ListKind},
    state::tasks::Task,
    wire::{
        failure::Failure,
        json::{Kind, Value},
        message::Meta,
        sse,
        types::{
            completion_types::{Completion, CompletionArgument, CompletionReference},
            prompt_types::PromptOutcome,
            resource_types::ReadOutcome,
            tool_types::ToolOutcome,
            types::Error,
        },
    },
};
use caller::Caller;
use target::{Slots, Target};

pub use crate::state::replies::{Asking, Input, Polled};
pub use listing::Listed;

/// What a feature answered: `None` if it does not know what it was asked for.
pub type Answered<T> = Result<Option<T>, Error>;

/// What a feature answered.
#[derive(Clone, Debug)]
pub enum FeatureOutcome {
    Tool(Answered<ToolOutcome>),
    Prompt(Answered<PromptOutcome>),
    Resource(Answered<ReadOutcome>),
    Completion(Answered<Completion>),
    List(Result<Listed, Error>),
    /// What the next link of the chain answered: a result as JSON.
    Handled(Result<String, Error>),
}

/// What a feature is asked for, by the names that it knows.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'c> {
    Tool {
        name: &'c str,
        /// The text of a JSON object.
        arguments: &'c str,
    },
    Prompt {
        name: &'c str,
        arguments: &'c [(String, String)],
    },
    Resource {
        uri: &'c str,
    },
    Completion {
        reference: &'c CompletionReference,
        argument: &'c CompletionArgument,
        context: &'c [(String, String)],
    },
    List {
        kind: ListKind,
        cursor: Option<&'c str>,
    },
    /// The next link of the chain is asked.
    Handle {
        method: &'c str,
        /// The text of a JSON object.
        params: &'c str,
    },
}

/// What to do next with a call.
#[derive(Debug)]
pub enum CallStep {
    /// Ask the feature in [`Call::slot`] for what [`Call::ask`] says, and settle its outcome.
    Invoke,
    /// Send these requests to the client; what it replies goes to [`Call::resume`].
    Ask(Asking),
    Done(CallResponse),
}

/// A whole JSON-RPC response.
#[derive(Clone, Debug, PartialEq)]
pub struct CallResponse {
    /// The HTTP status of a response that is nothing else.
    pub status: u16,
    pub body: Vec<u8>,
    /// What went wrong, if the body says so.
    pub failure: Option<Failure>,
}

/// A call that is to be made.
#[derive(Debug)]
pub struct Call<'a> {
    pub(crate) catalog: Catalog<'a>,
    pub(crate) id: &'a str,
    pub(crate) target: Target<'a>,
    pub(crate) client: Caller<'a>,
    slots: Slots,
    meta: Option<&'a str>,
    progress_token: Option<&'a str>,
    input: Input,
    /// The task that this call advances.
    pub(crate) task: Option<Box<Task>>,
    /// How often the client was asked on behalf of this call.
    pub(crate) rounds: u32,
    /// What the next link of the chain is handed, if that is asked.
    pub(crate) passed: Option<Passed<'a>>,
}

/// What a call passes on to the next link of the chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed<'a> {
    /// The text of a JSON object.
    pub params: Cow<'a, str>,
    /// The result of what the transport does itself.
    pub prepared: Option<String>,
}

/// What the functions of `request` answer, ready to be handed to another component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    pub protocol_version: String,
    /// A JSON object.
    pub client_info: Option<String>,
    /// A JSON object.
    pub client_capabilities: String,
    pub session_id: Option<String>,
    /// A JSON object.
    pub meta: Option<String>,
    /// By key, with the text of each.
    pub input_responses: Vec<(String, String)>,
    pub request_state: Option<String>,
    /// A JSON string or number. None: the client wants no progress.
    pub progress_token: Option<String>,
    /// The least severe level that is sent, 0 being debug. None: none is.
    pub log_level: Option<u8>,
    /// What the last link of a chain is to answer, if it is the transport that knows it.
    pub prepared: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        catalog: Catalog<'a>,
        id: &'a str,
        (target, slots): (Target<'a>, Slots),
        meta: Meta<'a>,
        input: Input,
        client: Caller<'a>,
    ) -> Call<'a> {
        Call {
            catalog,
            id,
            target,
            client,
            slots,
            meta: meta.value.map(|meta| meta.text),
            progress_token: meta.progress_token.map(|token| token.text),
            input,
            task: None,
            rounds: 0,
            passed: None,
        }
    }

    /// The index of the feature to ask among the slots of the catalog.
    pub fn slot(&self) -> usize {
        self.slots.current()
    }

    /// Whether that feature's functions are the asynchronous ones.
    pub fn is_async(&self) -> bool {
        match self.passed {
            Some(_) => self.catalog.flags().contains(Flags::ASYNC),
            None => self.catalog.slot_flags(self.slot()).contains(Flags::ASYNC),
        }
    }

    /// What is known of the features to ask, together.
    pub fn flags(&self) -> Flags {
        if self.passed.is_some() {
            return self.catalog.flags();
        }
        let flags = self.slots.all().iter();
        flags
            .map(|slot| self.catalog.slot_flags(*slot))
            .fold(Flags::default(), Flags::with)
    }

    /// What to ask that feature for.
    pub fn ask(&self) -> Ask<'_> {
        if let Some(passed) = &self.passed {
            return Ask::Handle {
                method: self.target.method(),
                params: &passed.params,
            };
        }
        let prefix = match self.target {
            Target::Tool { .. } | Target::Prompt { .. } => self
                .catalog
                .slot(self.slot())
                .map_or("", |slot| slot.prefix),
            _ => "",
        };
        match &self.target {
            Target::Tool {
                name, arguments, ..
            } => Ask::Tool {
                // One without the prefix is no tool of a dynamic feature.
                name: name.strip_prefix(prefix).unwrap_or_default(),
                arguments,
            },
            Target::Prompt {
                name, arguments, ..
            } => Ask::Prompt {
                name: name.strip_prefix(prefix).unwrap_or_default(),
                arguments,
            },
            Target::Resource { uri } => Ask::Resource { uri },
            Target::Completion {
                reference,
                argument,
                context,
            } => Ask::Completion {
                reference,
                argument,
                context,
            },
            Target::List(listing) => Ask::List {
                kind: listing.kind,
                cursor: listing.cursor.as_deref(),
            },
            Target::Method(method) => Ask::Handle {
                method,
                params: "{}",
            },
        }
    }

    /// The `id` of the request as the client wrote it.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Whether a part of the server can ask `request` about it.
    pub fn may_be_asked_about(&self) -> bool {
        self.flags().contains(Flags::USES_REQUEST)
    }

    /// Whether what it tells of changes has to be looked for.
    pub fn may_tell_of_changes(&self) -> bool {
        let flags = self.flags();
        flags.contains(Flags::RESOURCE_UPDATED) || flags.contains(Flags::LIST_CHANGED)
    }

    /// Whether anything that the feature sends meanwhile can go to this client, or the client
    /// can be asked before the answer.
    pub fn may_stream(&self) -> bool {
        let flags = self.flags();
        flags.contains(Flags::PROGRESS) && self.progress_token.is_some()
            || flags.contains(Flags::LOG) && self.client.log_level.is_some()
            || flags.contains(Flags::INPUT) && self.client.can_be_asked()
    }

    /// For the component behind `request`. Only needed if the flags say `USES_REQUEST`.
    pub fn context(&self) -> Context {
        Context {
            protocol_version: self.client.version.as_str().to_owned(),
            client_info: self.client.info.as_deref().map(str::to_owned),
            client_capabilities: self.client.capabilities.clone().into_owned(),
            session_id: self.client.session_id.map(str::to_owned),
            meta: self.meta.map(str::to_owned),
            input_responses: self.input.responses.clone(),
            request_state: self.input.state.clone(),
            progress_token: self.progress_token.map(str::to_owned),
            log_level: self.client.log_level.map(|level| level as u8),
            prepared: self
                .passed
                .as_ref()
                .and_then(|passed| passed.prepared.clone()),
        }
    }

    /// What the client answered so far, for the component behind `request` after
    /// [`Call::resume`].
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Goes on to the next feature; false if there is none.
    pub(crate) fn advance(&mut self) -> bool {
        self.slots.advance()
    }

    /// Asks the feature again, with what the client answered.
    pub fn resume(&mut self, input: Input) -> CallStep {
        self.input = input;
        CallStep::Invoke
    }

    /// The answer if something went wrong on the way.
    pub fn fail(&self, failure: &Failure) -> CallResponse {
        CallResponse {
            status: failure.status,
            body: failure.to_json(Some(self.id)),
            failure: Some(failure.clone()),
        }
    }

    /// The arguments of a tool.
    pub(crate) fn argument_object(&self) -> Value<'_> {
        Value {
            kind: Kind::Object,
            text: self.target.arguments(),
        }
    }
}

impl FeatureOutcome {
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(
            self,
            FeatureOutcome::Tool(Ok(None))
                | FeatureOutcome::Prompt(Ok(None))
                | FeatureOutcome::Resource(Ok(None))
                | FeatureOutcome::Completion(Ok(None))
        )
    }
}

impl CallResponse {
    /// As the last event of a stream.
    pub fn event(&self) -> Vec<u8> {
        sse::event(&self.body)
    }

    /// As a line, with its line break.
    pub fn line(mut self) -> Vec<u8> {
        self.body.push(b'\n');
        self.body
    }
}

#[cfg(test)]
mod tests;
