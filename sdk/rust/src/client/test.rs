//! A client for `cargo test`.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::task::{Context as Polled, Poll, Waker};

use serde::Serialize;
use serde_json::{Value, json};

use crate::context::{Caller, Context};
use crate::error::Error;
use crate::replay::Replay;
use crate::{ListKind, LogLevel};

/// What a function sent to the client of a test, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// By [`Context::progress`].
    Progress(f64, Option<f64>, Option<String>),
    /// By [`Context::log`] and its kin: the level, and the data.
    Log(LogLevel, Value),
    /// A question: its method and its parameters.
    Asked(String, Value),
    /// By [`Context::report_changed`].
    Changed(String),
    /// By [`Context::report_list_changed`].
    ListChanged(ListKind),
}

#[derive(Default)]
pub(crate) struct Client {
    answers: VecDeque<Value>,
    sent: RefCell<Vec<Sent>>,
    store: RefCell<BTreeMap<String, Vec<u8>>>,
    identity: Option<Caller>,
    session: Option<String>,
    headers: Vec<(String, String)>,
    settings: Value,
    meta: Value,
    capabilities: Value,
    cancelled: bool,
}

/// What a test can set, and see.
impl Context {
    /// The context of a native test. Questions get the answers that the test gives, in order.
    ///
    /// ```
    /// use spin_mcp_sdk::{Context, Error};
    ///
    /// fn deploy(ctx: &mut Context) -> Result<String, Error> {
    ///     match ctx.elicit::<bool>("Deploy to production?")?.accepted() {
    ///         Some(true) => Ok("deployed".into()),
    ///         _ => Err("nothing was deployed".into()),
    ///     }
    /// }
    ///
    /// assert_eq!(deploy(&mut Context::test().accepts(true)), Ok("deployed".into()));
    /// assert!(deploy(&mut Context::test().declines()).is_err());
    /// ```
    pub fn test() -> Self {
        Self::with(Client::default(), Some(Replay::default()))
    }

    /// The next question is a form that the user fills in with this, or a page that the user opens.
    #[must_use]
    pub fn accepts(self, content: impl Serialize) -> Self {
        let content = serde_json::to_value(content).expect("the content of a form is JSON");
        let content = match content {
            Value::Object(_) => content,
            value => json!({"value": value}),
        };
        self.answers(json!({"action": "accept", "content": content}))
    }

    /// The next question is a form or a page that the user declines.
    #[must_use]
    pub fn declines(self) -> Self {
        self.answers(json!({"action": "decline"}))
    }

    /// The next question is a form or a page that the user closes.
    #[must_use]
    pub fn cancels(self) -> Self {
        self.answers(json!({"action": "cancel"}))
    }

    /// The client's answer to the next question, as MCP has it.
    #[must_use]
    pub fn answers(mut self, result: Value) -> Self {
        self.client.answers.push_back(result);
        self
    }

    /// The request is of this session.
    #[must_use]
    pub fn with_session(mut self, id: &str) -> Self {
        self.client.session = Some(id.to_owned());
        self
    }

    /// The request is of this caller.
    #[must_use]
    pub fn with_identity(mut self, caller: Caller) -> Self {
        self.client.identity = Some(caller);
        self
    }

    /// The request has this header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.client
            .headers
            .push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The feature has these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Value) -> Self {
        self.client.settings = settings;
        self
    }

    /// The request has this `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.client.meta = meta;
        self
    }

    /// The client declared these capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Value) -> Self {
        self.client.capabilities = capabilities;
        self
    }

    /// The client has cancelled the request.
    #[must_use]
    pub fn with_cancellation(mut self) -> Self {
        self.client.cancelled = true;
        self
    }

    /// What the framework gives a call that was made before.
    #[doc(hidden)]
    #[must_use]
    pub fn with_replay(mut self, state: Option<&str>, responses: Vec<(String, String)>) -> Self {
        self.replay = Some(Replay::new(state, responses));
        self
    }

    /// What the function sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.client.sent.borrow().clone()
    }

    /// For a function that does not ask.
    pub(crate) fn new(_request: u64) -> Self {
        Self::with(Client::default(), None)
    }

    /// For a function that asks.
    pub(crate) fn asking(_request: u64) -> Self {
        Self::test()
    }
}

/// Runs an async function to its end, natively.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut polled = Polled::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut polled) {
            return result;
        }
        std::thread::yield_now();
    }
}

impl Client {
    pub(crate) fn protocol_version(&self) -> String {
        "2026-07-28".into()
    }

    pub(crate) fn client_info(&self) -> Option<String> {
        Some(r#"{"name": "test", "version": "0"}"#.into())
    }

    pub(crate) fn client_capabilities(&self) -> String {
        object(&self.capabilities)
    }

    pub(crate) fn identity(&self) -> Option<Caller> {
        self.identity.clone()
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone()
    }

    pub(crate) fn session_id(&self) -> Option<String> {
        self.session.clone()
    }

    pub(crate) fn meta(&self) -> Option<String> {
        Some(object(&self.meta))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    pub(crate) fn settings(&self) -> String {
        object(&self.settings)
    }

    pub(crate) fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        self.send(Sent::Progress(progress, total, message.map(str::to_owned)));
    }

    pub(crate) fn log(&self, level: LogLevel, _logger: Option<&str>, data: &str) {
        self.send(Sent::Log(
            level,
            serde_json::from_str(data).unwrap_or_default(),
        ));
    }

    pub(crate) fn updated(&self, uri: &str) {
        self.send(Sent::Changed(uri.to_owned()));
    }

    pub(crate) fn list_changed(&self, list: ListKind) {
        self.send(Sent::ListChanged(list));
    }

    fn send(&self, sent: Sent) {
        self.sent.borrow_mut().push(sent);
    }

    pub(crate) fn given(&mut self, method: &str, params: &Value) -> Option<Value> {
        self.send(Sent::Asked(method.to_owned(), params.clone()));
        self.answers.pop_front()
    }

    pub(crate) fn load(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.borrow().get(key).cloned())
    }

    pub(crate) fn save(&self, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let mut store = self.store.borrow_mut();
        match value {
            Some(value) => store.insert(key.to_owned(), value.to_owned()),
            None => store.remove(key),
        };
        Ok(())
    }
}

fn object(value: &Value) -> String {
    if value.is_null() {
        "{}".into()
    } else {
        value.to_string()
    }
}
