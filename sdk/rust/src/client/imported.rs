//! A request that the framework passes on. Only what is called is imported.

use serde_json::Value;

use crate::bindings::imports::spin_mcp::server::{changes, input, request, settings};
use crate::bindings::imports::wasi::keyvalue::store;
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::replay::Replay;
use crate::state::unusable;
use crate::{ListKind, LogLevel};

pub(crate) struct Client(u64);

impl Context {
    /// For a function that does not ask.
    pub(crate) fn new(request: u64) -> Self {
        Self::with(Client(request), None)
    }

    /// For a function that asks.
    pub(crate) fn asking(request: u64) -> Self {
        let replay = Replay::new(input::state(request).as_deref(), input::responses(request));
        Self::with(Client(request), Some(replay))
    }
}

impl Client {
    pub(crate) fn protocol_version(&self) -> String {
        request::protocol_version(self.0)
    }

    pub(crate) fn client_info(&self) -> Option<String> {
        request::client_info(self.0)
    }

    pub(crate) fn client_capabilities(&self) -> String {
        request::client_capabilities(self.0)
    }

    pub(crate) fn identity(&self) -> Option<Caller> {
        let caller = request::identity(self.0)?;
        Some(Caller {
            subject: caller.subject,
            issuer: caller.issuer,
            scopes: caller.scopes,
            claims: serde_json::from_str(&caller.claims).unwrap_or_default(),
        })
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        request::headers(self.0)
    }

    pub(crate) fn session_id(&self) -> Option<String> {
        request::session_id(self.0)
    }

    pub(crate) fn meta(&self) -> Option<String> {
        request::meta(self.0)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        request::is_cancelled(self.0)
    }

    pub(crate) fn settings(&self) -> String {
        settings::get()
    }

    pub(crate) fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        request::progress(self.0, progress, total, message);
    }

    pub(crate) fn log(&self, level: LogLevel, logger: Option<&str>, data: &str) {
        request::log(self.0, level, logger, data);
    }

    pub(crate) fn updated(&self, uri: &str) {
        changes::resource_updated(self.0, uri);
    }

    pub(crate) fn list_changed(&self, list: ListKind) {
        changes::list_changed(self.0, list);
    }

    /// Answers come with the state alone.
    pub(crate) fn given(&mut self, _method: &str, _params: &Value) -> Option<Value> {
        None
    }

    pub(crate) fn load(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let store = store::open("default").map_err(unusable)?;
        store.get(key).map_err(unusable)
    }

    /// Keeps or deletes a value.
    pub(crate) fn save(&self, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let store = store::open("default").map_err(unusable)?;
        match value {
            Some(value) => store.set(key, value),
            None => store.delete(key),
        }
        .map_err(unusable)
    }
}
