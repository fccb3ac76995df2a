//! A call of a tool: what the transport passes to the feature, and how its outcome is answered.

use crate::{
    answer,
    catalog::{Flags, Tool},
    client::Client,
    http::HttpResponse,
    json::Value,
    message::Meta,
    sse,
    types::{tool_types::ToolOutcome, types::Error},
};

/// What a feature answered: `None` for a tool that it does not know.
pub type Outcome = Result<Option<ToolOutcome>, Error>;

/// A call that is to be made.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    tool: Tool<'a>,
    id: &'a str,
    /// An object.
    arguments: Value<'a>,
    meta: Option<&'a str>,
    progress_token: Option<&'a str>,
    input_responses: Option<Value<'a>>,
    client: Client<'a>,
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
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        tool: Tool<'a>,
        id: &'a str,
        arguments: Value<'a>,
        meta: Meta<'a>,
        input_responses: Option<Value<'a>>,
        client: Client<'a>,
    ) -> Call<'a> {
        let progress_token = meta.progress_token.map(|token| token.text);
        Call {
            tool,
            id,
            arguments,
            meta: meta.value.map(|meta| meta.text),
            progress_token,
            input_responses,
            client,
        }
    }

    pub(crate) fn tool(&self) -> &Tool<'a> {
        &self.tool
    }

    pub(crate) fn argument_object(&self) -> &Value<'a> {
        &self.arguments
    }

    pub(crate) fn client(&self) -> &Client<'a> {
        &self.client
    }

    /// The index of the feature among the slots of the catalog.
    pub fn slot(&self) -> usize {
        self.tool.slot()
    }

    /// What is known of the feature.
    pub fn flags(&self) -> Flags {
        self.tool.flags()
    }

    /// The name by which the feature knows the tool.
    pub fn name(&self) -> &'a str {
        self.tool.feature_name()
    }

    /// The text of a JSON object.
    pub fn arguments(&self) -> &'a str {
        self.arguments.text
    }

    /// The `id` of the request as the client wrote it.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Whether anything that the feature sends meanwhile can go to this client.
    pub fn may_notify(&self) -> bool {
        let flags = self.flags();
        flags.contains(Flags::PROGRESS) && self.progress_token.is_some()
            || flags.contains(Flags::LOG) && self.client.log_level.is_some()
    }

    /// For the component behind `request`. Only needed if the flags say `USES_REQUEST`.
    pub fn context(&self) -> Context {
        let responses = self.input_responses.iter().flat_map(Value::members);
        Context {
            protocol_version: self.client.version.as_str().to_owned(),
            client_info: self.client.info.as_deref().map(str::to_owned),
            client_capabilities: self.client.capabilities.clone().into_owned(),
            session_id: self.client.session_id.map(str::to_owned),
            meta: self.meta.map(str::to_owned),
            input_responses: responses
                .filter_map(|(key, value)| {
                    Some((key.as_str()?.into_owned(), value.text.to_owned()))
                })
                .collect(),
            request_state: None,
            progress_token: self.progress_token.map(str::to_owned),
            log_level: self.client.log_level.map(|level| level as u8),
        }
    }

    /// The answer as a whole HTTP response.
    pub fn reply(&self, outcome: Outcome) -> HttpResponse {
        let mut body = Vec::new();
        let status = answer::write(&mut body, self, outcome);
        HttpResponse::json(status, body)
    }

    /// The answer as the last event of a stream.
    pub fn event(&self, outcome: Outcome) -> Vec<u8> {
        let mut event = sse::BEFORE.to_vec();
        answer::write(&mut event, self, outcome);
        event.extend_from_slice(sse::AFTER);
        event
    }

    /// The answer as a line, with its line break.
    pub fn line(&self, outcome: Outcome) -> Vec<u8> {
        let mut line = Vec::new();
        answer::write(&mut line, self, outcome);
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests;
