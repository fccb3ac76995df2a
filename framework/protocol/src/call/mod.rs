//! A call of a feature: its input and its outcome.

pub(crate) mod access;
pub(crate) mod caller;
pub(crate) mod listing;
pub(crate) mod mirrored;
pub(crate) mod target;

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    catalog::{Catalog, Flags, ListKind},
    state::{
        call_stream::{CallStream, LARGEST},
        sender::Sender,
        services::Services,
        session,
        tasks::Task,
    },
    wire::{
        failure::Failure,
        json::{Kind, Value},
        message::Meta,
        sse,
        types::{
            self,
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

/// The answer of a feature; `None` if it does not know the name.
pub type Answered<T> = Result<Option<T>, Error>;

/// The outcome of a call.
#[derive(Clone, Debug)]
pub enum FeatureOutcome {
    Tool(Answered<ToolOutcome>),
    Prompt(Answered<PromptOutcome>),
    Resource(Answered<ReadOutcome>),
    Completion(Answered<Completion>),
    List(Result<Listed, Error>),
    /// The result of the next middleware or of the router, as JSON.
    Handled(Result<String, Error>),
}

/// The question for a feature, in the names that the feature knows.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'c> {
    Tool {
        name: &'c str,
        /// A JSON object.
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
    /// A request for the next middleware or for the router.
    Handle {
        method: &'c str,
        /// A JSON object.
        params: &'c str,
    },
}

/// The next step of a call.
#[derive(Debug)]
pub enum CallStep {
    /// Call the feature in [`Call::slot`] as [`Call::ask`] says, and settle its outcome.
    Invoke,
    /// Send these requests to the client, and pass its replies to [`Call::resume`].
    Ask(Asking),
    Done(CallResponse),
}

/// A JSON-RPC response.
#[derive(Clone, Debug, PartialEq)]
pub struct CallResponse {
    /// The HTTP status, for a response that is not part of a stream.
    pub status: u16,
    pub body: Vec<u8>,
    /// The failure, if the response is an error.
    pub failure: Option<Failure>,
    /// The id of its event, if the client can resume the stream.
    pub event_id: Option<String>,
}

/// A call that the transport must make.
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
    /// How often this call has asked the client.
    pub(crate) rounds: u32,
    /// The stream of the call, if its client can resume it, and the request.
    pub(crate) stream: Option<CallStream>,
    pub(crate) request: &'a str,
    /// The request for the next middleware or the router, in a chain.
    pub(crate) passed: Option<Passed<'a>>,
    /// The headers of the request, if they are compared with the schema that a dynamic feature lists.
    headers: Option<&'a mirrored::List>,
    /// The page of that list to ask for next.
    pub(crate) look: Option<Look>,
    /// Whether the client reads nothing but the answer.
    answer_only: bool,
}

/// Where to look for a tool in the list of a dynamic feature.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub cursor: Option<String>,
    pub pages: usize,
}

/// A request for the next middleware or the router.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed<'a> {
    /// A JSON object.
    pub params: Cow<'a, str>,
    /// The result, if the transport knows it already.
    pub prepared: Option<String>,
}

/// The answers of the interface `request` for one call, ready for another component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    pub protocol_version: String,
    /// A JSON object.
    pub client_info: Option<String>,
    /// A JSON object.
    pub client_capabilities: String,
    /// The authenticated caller.
    pub identity: Option<types::Caller>,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    pub session_id: Option<String>,
    /// A JSON object.
    pub meta: Option<String>,
    /// Keys, and JSON values.
    pub input_responses: Vec<(String, String)>,
    pub request_state: Option<String>,
    /// A JSON string or number. None: the client does not want progress.
    pub progress_token: Option<String>,
    /// The least severe level that the client wants; 0 is debug. None: the client does not want
    /// logs.
    pub log_level: Option<u8>,
    /// The result for the router, if the transport knows it already.
    pub prepared: Option<String>,
}

impl Context {
    /// The same with what is known of the sender of the request.
    pub fn sent_by<S: Services>(self, sender: Option<&Sender>) -> Context {
        // The code that passes a caller on is compiled only into servers that know callers.
        let caller = sender.filter(|_| S::AUTH).and_then(Sender::caller);
        // What features keep for a session must not be there for whoever stole its id.
        let own = |id: &String| {
            let (sender, _) = (sender?, caller?);
            Some(URL_SAFE_NO_PAD.encode(session::digest(id.as_bytes(), &sender.principal)))
        };
        Context {
            session_id: self.session_id.as_ref().and_then(own).or(self.session_id),
            identity: caller.cloned(),
            headers: sender.map_or(Vec::new(), |sender| sender.headers.clone()),
            ..self
        }
    }
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
            stream: None,
            request: "",
            passed: None,
            headers: None,
            look: None,
            answer_only: false,
        }
    }

    /// The index of the feature in the catalog.
    pub fn slot(&self) -> usize {
        self.slots.current()
    }

    /// Whether the feature exports the asynchronous interfaces.
    pub fn is_async(&self) -> bool {
        match self.passed {
            Some(_) => self.catalog.flags().contains(Flags::ASYNC),
            None => self.catalog.slot_flags(self.slot()).contains(Flags::ASYNC),
        }
    }

    /// The flags of all features that this call may reach.
    pub fn flags(&self) -> Flags {
        if self.passed.is_some() {
            return self.catalog.flags();
        }
        let flags = self.slots.all().iter();
        flags
            .map(|slot| self.catalog.slot_flags(*slot))
            .fold(Flags::default(), Flags::with)
    }

    /// The question for the feature.
    pub fn ask(&self) -> Ask<'_> {
        if let Some(passed) = &self.passed {
            return Ask::Handle {
                method: self.target.method(),
                params: &passed.params,
            };
        }
        if let Some(look) = &self.look {
            return Ask::List {
                kind: ListKind::Tools,
                cursor: look.cursor.as_deref(),
            };
        }
        let prefix = match self.target {
            Target::Tool { .. } | Target::Prompt { .. } => self.prefix(),
            _ => "",
        };
        match &self.target {
            Target::Tool {
                name, arguments, ..
            } => Ask::Tool {
                // A dynamic feature does not have a tool without its prefix.
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

    /// The prefix of the feature that is asked now.
    pub(crate) fn prefix(&self) -> &'a str {
        let slot = self.catalog.slot(self.slot());
        slot.map_or("", |slot| slot.prefix)
    }

    /// Compares these headers with the arguments before the feature is called: it lists the tool
    /// first, since the catalog does not have it.
    pub(crate) fn compare(&mut self, headers: &'a mirrored::List) {
        self.headers = Some(headers);
        self.look = Some(Look::default());
    }

    pub(crate) fn headers(&self) -> &'a mirrored::List {
        self.headers.unwrap_or_default()
    }

    /// The key of the session that waits for the answer, and the `id` of the request.
    pub fn waiting(&self) -> Option<(&[u8], &'a str)> {
        let session = self.client.session_key.as_deref();
        Some((
            session.filter(|_| !self.client.version.is_modern())?,
            self.id,
        ))
    }

    /// Whether the feature waits without occupying its instance, and may ask whether the client
    /// still waits.
    pub fn may_be_cancelled(&self) -> bool {
        self.is_async() && self.flags().contains(Flags::CANCELLED)
    }

    /// The `id` of the request, as the client wrote it.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Whether a component can use `request` during this call.
    pub fn may_be_asked_about(&self) -> bool {
        self.flags().contains(Flags::USES_REQUEST)
    }

    /// Whether a feature may report changes during this call.
    pub fn may_tell_of_changes(&self) -> bool {
        let flags = self.flags();
        flags.contains(Flags::RESOURCE_UPDATED) || flags.contains(Flags::LIST_CHANGED)
    }

    /// Whether the answer may have to be a stream: a feature may send progress or logs that this
    /// client wants, or may ask the client, or whether it has left.
    pub fn may_stream(&self) -> bool {
        let flags = self.flags();
        self.may_be_cancelled() && !self.answer_only
            || flags.contains(Flags::PROGRESS) && self.progress_token.is_some()
            || flags.contains(Flags::LOG) && self.client.log_level.is_some()
            || flags.contains(Flags::INPUT) && self.can_be_asked()
    }

    /// Whether the server can send requests to the client while it waits for the answer.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.client.can_be_asked() && !self.answer_only
    }

    /// For a client that reads nothing but the answer.
    pub(crate) fn send_no_events(&mut self) {
        self.progress_token = None;
        self.client.log_level = None;
        self.answer_only = true;
    }

    /// The context for the component behind `request`, without its sender. It needs one only if the
    /// flags contain `USES_REQUEST`.
    pub fn context(&self) -> Context {
        Context {
            protocol_version: self.client.version.as_str().to_owned(),
            client_info: self.client.info.as_deref().map(str::to_owned),
            client_capabilities: self.client.capabilities.clone().into_owned(),
            identity: None,
            headers: Vec::new(),
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

    /// The client's answers so far, for the component behind `request` after [`Call::resume`].
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Moves on to the next feature; false if there is none.
    pub(crate) fn advance(&mut self) -> bool {
        self.look = self.headers.map(|_| Look::default());
        self.slots.advance()
    }

    /// Lets the client resume the stream of this call, if the call can ask it and there is a
    /// store. `request` is the message of the client.
    pub(crate) fn keep<S: Services>(&mut self, request: &'a [u8], services: &mut S) {
        if S::WHOLE
            && !S::ROUTER
            && self.flags().contains(Flags::INPUT)
            && self.can_be_asked()
            && services.store().is_some()
            && let (Some(session), Ok(request)) =
                (&self.client.session_key, str::from_utf8(request))
        {
            self.stream = Some(CallStream::new(services, session));
            self.request = request;
        }
    }

    pub fn is_resumable(&self) -> bool {
        self.stream.is_some()
    }

    /// The event that opens the stream of this call; empty if there is none.
    pub fn opening(&mut self) -> Vec<u8> {
        let knows = self.client.version.has_opening_events();
        let stream = self.stream.as_mut().filter(|_| knows);
        stream.map_or(Vec::new(), CallStream::opening)
    }

    /// The answer of this call, with the id of its event if the client can resume the stream.
    /// `is_open`: the stream was opened.
    pub fn finish<S: Services>(
        &mut self,
        mut answer: CallResponse,
        is_open: bool,
        services: &mut S,
    ) -> CallResponse {
        if S::WHOLE
            && let Some(stream) = &mut self.stream
            && is_open
            && stream.has_sent()
        {
            const TOO_LARGE: &str = "the answer is too large to be kept for a client whose connection broke; call again";
            answer.event_id = match answer.body.len() > LARGEST {
                true => {
                    let lost = Failure::internal(TOO_LARGE).to_json(Some(self.id));
                    stream.answer(services, &lost)
                }
                false => stream.answer(services, &answer.body),
            };
        }
        answer
    }

    /// Calls the feature again, with the client's answers.
    pub fn resume(&mut self, input: Input) -> CallStep {
        self.input = input;
        CallStep::Invoke
    }

    /// The answer for a failure.
    pub fn fail(&self, failure: &Failure) -> CallResponse {
        CallResponse {
            status: failure.status,
            body: failure.to_json(Some(self.id)),
            failure: Some(failure.clone()),
            event_id: None,
        }
    }

    /// The arguments of the tool.
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
    /// The response as the last event of a stream.
    pub fn event(&self) -> Vec<u8> {
        sse::event_with_id(self.event_id.as_deref(), &self.body)
    }

    /// The response as a line, with its line break.
    pub fn line(mut self) -> Vec<u8> {
        self.body.push(b'\n');
        self.body
    }
}

#[cfg(test)]
mod tests;
