//! What a function knows of its request, and how it talks to the client.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ask::{Elicited, Form, Page, Question, Questions, Root, Roots, Sample, Sampled};
use crate::bindings::imports::spin_mcp::server::types::InputRequired;
use crate::client::Client;
use crate::error::Error;
use crate::json::quoted;
use crate::replay::Replay;
use crate::state::State;
use crate::{ListKind, LogLevel};

/// Passed to each function that has a parameter of this type.
///
/// `&Context` reads the request and sends messages. `&mut Context` also asks the client. A function
/// that asks runs again from its beginning with the answers so far; messages are not sent again. Use
/// [`once`](Context::once) for what must not happen twice.
pub struct Context {
    pub(crate) client: Client,
    pub(crate) replay: Option<Replay>,
    /// State where there is neither a session nor a caller.
    pub(crate) of_request: RefCell<BTreeMap<String, Value>>,
}

/// Who calls, if the server has the table `auth`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// Identifies the caller, together with `issuer`.
    pub subject: String,
    /// Who authenticated the caller.
    pub issuer: String,
    /// What the caller may do.
    pub scopes: Vec<String>,
    /// All claims: a JSON object.
    pub claims: Value,
}

impl Caller {
    /// Whether the caller has this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }
}

impl Context {
    pub(crate) fn with(client: Client, replay: Option<Replay>) -> Self {
        let of_request = RefCell::default();
        Self {
            client,
            replay,
            of_request,
        }
    }

    // Messages

    /// Tells how far the work is, if the client asked for that. `progress` must grow from call to call.
    pub fn progress<'a>(
        &self,
        progress: f64,
        total: impl Into<Option<f64>>,
        message: impl Into<Option<&'a str>>,
    ) {
        if self.fresh() {
            self.client.progress(progress, total.into(), message.into());
        }
    }

    /// Sends a log message of any form, if the client asked for this level.
    pub fn log(&self, level: LogLevel, logger: Option<&str>, data: impl Serialize) {
        if self.fresh() {
            let data = serde_json::to_string(&data).unwrap_or_else(|why| quoted(&why.to_string()));
            self.client.log(level, logger, &data);
        }
    }

    /// Sends a text of the level `debug`.
    pub fn debug(&self, message: impl AsRef<str>) {
        self.say(LogLevel::Debug, message.as_ref());
    }

    /// Sends a text of the level `info`.
    pub fn info(&self, message: impl AsRef<str>) {
        self.say(LogLevel::Info, message.as_ref());
    }

    /// Sends a text of the level `warning`.
    pub fn warning(&self, message: impl AsRef<str>) {
        self.say(LogLevel::Warning, message.as_ref());
    }

    /// Sends a text of the level `error`.
    pub fn error(&self, message: impl AsRef<str>) {
        self.say(LogLevel::Error, message.as_ref());
    }

    fn say(&self, level: LogLevel, message: &str) {
        if self.fresh() {
            self.client.log(level, None, &quoted(message));
        }
    }

    fn fresh(&self) -> bool {
        self.replay.as_ref().is_none_or(Replay::fresh)
    }

    /// Tells subscribers that a resource changed, once the call has ended.
    pub fn report_changed(&self, uri: &str) {
        self.client.updated(uri);
    }

    /// Tells clients that a list of a `dynamic` feature changed, once the call has ended.
    pub fn report_list_changed(&self, list: ListKind) {
        self.client.list_changed(list);
    }

    // Questions

    /// Asks the user to fill in a form. The fields of `T` are the fields of the form; a `T` that is not
    /// a struct, such as `bool` or an enum, is a form with one field.
    pub fn elicit<T: DeserializeOwned + schemars::JsonSchema>(
        &mut self,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, Error> {
        self.ask(Form::new(message))
    }

    /// Asks the user to open a page.
    pub fn elicit_url(
        &mut self,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<Elicited<()>, Error> {
        self.ask(Page::new(message, url))
    }

    /// Has the client's model write something.
    pub fn sample(&mut self, prompt: impl Into<String>) -> Result<Sampled, Error> {
        self.ask(Sample::new(prompt))
    }

    /// The folders that the client works in.
    pub fn roots(&mut self) -> Result<Vec<Root>, Error> {
        self.ask(Roots)
    }

    /// Asks the client. Without an answer the call ends here: pass the error on with `?`.
    pub fn ask<Q: Question>(&mut self, question: Q) -> Result<Q::Answer, Error> {
        self.put(&question).unwrap_or_else(|| Err(Error::asked()))
    }

    /// Asks several questions at once: a tuple, or a `Vec` of equal ones.
    pub fn ask_all<Q: Questions>(&mut self, questions: Q) -> Result<Q::Answers, Error> {
        questions.ask(self)
    }

    /// The answer, or none if the client is to be asked.
    pub(crate) fn put<Q: Question>(&mut self, question: &Q) -> Option<Result<Q::Answer, Error>> {
        let params = match question.params() {
            Ok(params) => params,
            Err(why) => return Some(Err(why)),
        };
        let given = self.client.given(Q::METHOD, &params);
        let answer = given.or_else(|| self.replay().ask(Q::METHOD, params))?;
        Some(question.answer(answer))
    }

    /// What the function asked and has no answer to, or why that cannot be asked.
    pub(crate) fn required(&mut self, name: &str) -> Option<Result<InputRequired, String>> {
        self.replay().required(name)
    }

    /// The state of the [`Task`](crate::Task) that this call continues. None on the first call.
    pub fn task(&mut self) -> Option<String> {
        self.replay().task().map(str::to_owned)
    }

    pub(crate) fn replay(&mut self) -> &mut Replay {
        self.replay.get_or_insert_default()
    }

    /// Runs `work` once, however often the function runs again, and keeps its result, which is JSON. A
    /// result that no question follows is not kept.
    pub fn once<T: DeserializeOwned + Serialize>(
        &mut self,
        key: &str,
        work: impl FnOnce() -> T,
    ) -> Result<T, Error> {
        match self.kept(key) {
            Some(kept) => kept,
            None => self.keep(key, work()),
        }
    }

    /// [`once`](Context::once) for work that waits.
    pub async fn once_async<T: DeserializeOwned + Serialize>(
        &mut self,
        key: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        match self.kept(key) {
            Some(kept) => kept,
            None => {
                let result = work.await;
                self.keep(key, result)
            }
        }
    }

    fn kept<T: DeserializeOwned>(&mut self, key: &str) -> Option<Result<T, Error>> {
        let kept = self.replay().kept(key)?;
        Some(
            T::deserialize(kept)
                .map_err(|why| Error::tool(format!("`once` kept `{key}` in another form: {why}"))),
        )
    }

    fn keep<T: Serialize>(&mut self, key: &str, result: T) -> Result<T, Error> {
        let kept = serde_json::to_value(&result)
            .map_err(|why| Error::tool(format!("`once` cannot keep `{key}`: {why}")))?;
        self.replay().keep(key, kept);
        Ok(result)
    }

    // State

    /// State of the session, or of the caller if there is no session, in the key-value store. With
    /// neither, state lasts as long as the request.
    pub fn state(&self) -> State<'_> {
        State::of_request(self)
    }

    /// State under a handle, which the function chose or gave to the model: the same for all clients.
    pub fn state_of(&self, handle: &str) -> State<'_> {
        State::of_handle(self, handle)
    }

    // The request

    /// The revision of MCP that the client speaks, such as `2025-11-25`.
    pub fn protocol_version(&self) -> String {
        self.client.protocol_version()
    }

    /// How the client describes itself.
    pub fn client_info(&self) -> Option<Value> {
        serde_json::from_str(&self.client.client_info()?).ok()
    }

    /// What the client declared that it can do.
    pub fn client_capabilities(&self) -> Value {
        serde_json::from_str(&self.client.client_capabilities()).unwrap_or_default()
    }

    /// The id of the client's session. None for clients of revision 2026-07-28 and later, and on stdio.
    pub fn session_id(&self) -> Option<String> {
        self.client.session_id()
    }

    /// The authenticated caller. None if the server has no table `auth`, and on stdio.
    pub fn identity(&self) -> Option<Caller> {
        self.client.identity()
    }

    /// A header of the request, if `headers` in the table `server` of `spin.toml` names it.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers().into_iter();
        headers.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    }

    /// All headers that `spin.toml` names. Names are in lower case, and can occur more than once.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.client.headers()
    }

    /// What the client added to the request, such as trace context.
    pub fn meta(&self) -> Value {
        let meta = self.client.meta();
        meta.and_then(|meta| serde_json::from_str(&meta).ok())
            .unwrap_or_default()
    }

    /// Whether the client is gone or has cancelled the request.
    pub fn is_cancelled(&self) -> bool {
        self.client.is_cancelled()
    }

    /// The table `settings` of this feature in `spin.toml`.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let settings = self.client.settings();
        let mut settings = serde_json::Deserializer::from_str(&settings);
        serde_path_to_error::deserialize(&mut settings)
            .map_err(|why| Error::internal(format!("`settings` in `spin.toml`: {why}")))
    }
}
