//! The caller of a request, as far as answers depend on it.

use std::borrow::Cow;

use crate::{
    state::{services::Services, session::Session, tasks},
    wire::{
        failure::{Failure, excerpt},
        json::Value,
        message::{self, CLIENT_CAPABILITIES, CLIENT_INFO, Meta, PROTOCOL_VERSION, Params},
        notify::LogLevel,
        version::Version,
    },
};

/// What is known of a client, from its request or its session.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    pub version: Version,
    /// A JSON object.
    pub capabilities: Cow<'a, str>,
    /// A JSON object.
    pub info: Option<Cow<'a, str>>,
    pub session_id: Option<&'a str>,
    /// The key of the session in the store. Only its replies are accepted.
    pub session_key: Option<Vec<u8>>,
    /// When the session and all that the store keeps for it expire, in milliseconds since 1970.
    pub session_expires: u64,
    /// The least severe level that the client wants.
    pub log_level: Option<LogLevel>,
}

impl<'a> Caller<'a> {
    /// The caller of a modern request
    /// (https://modelcontextprotocol.io/specification/2026-07-28/basic#meta).
    pub fn modern(version: Version, meta: &Meta<'a>) -> Result<Caller<'a>, Failure> {
        if meta.protocol_version.is_none() {
            return Err(lacks(PROTOCOL_VERSION));
        }
        let capabilities = object(CLIENT_CAPABILITIES, meta.client_capabilities)?
            .ok_or_else(|| lacks(CLIENT_CAPABILITIES))?;
        let info = object(CLIENT_INFO, meta.client_info)?;
        let log_level = meta.log_level.map(|level| log_level(&level)).transpose()?;
        Ok(Caller {
            version,
            capabilities: Cow::Borrowed(capabilities),
            info: info.map(Cow::Borrowed),
            session_id: None,
            session_key: None,
            session_expires: 0,
            log_level,
        })
    }

    /// The sender of a modern notification. A notification has no answer, so what is missing
    /// from it is not an error.
    pub fn modern_sender(version: Version, meta: &Meta<'a>) -> Caller<'a> {
        Caller::modern(version, meta).unwrap_or_else(|_| Caller::legacy(version, LogLevel::Info))
    }

    /// A legacy client without a session. Nothing else is known of it.
    pub fn legacy(version: Version, log_level: LogLevel) -> Caller<'a> {
        Caller {
            version,
            capabilities: Cow::Borrowed("{}"),
            info: None,
            session_id: None,
            session_key: None,
            session_expires: 0,
            log_level: Some(log_level),
        }
    }

    /// A legacy client with a session. `key` is its key in the store.
    pub fn of_session(session: Session, key: Vec<u8>, log_level: LogLevel) -> Caller<'a> {
        Caller {
            capabilities: Cow::Owned(session.capabilities.clone()),
            info: session.client_info.clone().map(Cow::Owned),
            session_key: Some(key),
            session_expires: session.expires(),
            ..Caller::legacy(session.version, log_level)
        }
    }

    /// Whether the server can send requests to this client while it waits for an answer.
    pub fn can_be_asked(&self) -> bool {
        !self.version.is_modern() && self.session_key.is_some()
    }
}

fn lacks(key: &str) -> Failure {
    Failure::malformed_params(format!("`{key}` is missing from `_meta`"))
}

fn object<'a>(key: &str, value: Option<Value<'a>>) -> Result<Option<&'a str>, Failure> {
    match value {
        Some(value) if !value.is_object() => Err(Failure::malformed_params(format!(
            "`{key}` is not an object"
        ))),
        value => Ok(value.map(|value| value.text)),
    }
}

/// Reads the level in a client's message.
pub fn log_level(value: &Value<'_>) -> Result<LogLevel, Failure> {
    let level = value.as_str().and_then(|name| LogLevel::parse(&name));
    level.ok_or_else(|| {
        Failure::malformed_params(format!("unknown log level `{}`", excerpt(value.text)))
    })
}

/// Checks the parameters that mean the same in all methods.
pub fn check_params(params: &Params<'_>) -> Result<(), Failure> {
    if let Some(name) = params.twice {
        return Err(Failure::malformed_params(format!("`{name}` occurs twice")));
    }
    if params.meta.value.is_some_and(|meta| !meta.is_object()) {
        return Err(Failure::malformed_params("`_meta` is not an object"));
    }
    if params
        .meta
        .progress_token
        .is_some_and(|token| !message::is_id(&token))
    {
        return Err(Failure::malformed_params(
            "`progressToken` is not a string or an integer",
        ));
    }
    Ok(())
}

/// The revision in `_meta`, if there is one.
pub fn named_version<'a>(meta: &Meta<'a>) -> Result<Option<Cow<'a, str>>, Failure> {
    let Some(value) = meta.protocol_version else {
        return Ok(None);
    };
    let name = value.as_str();
    name.map(Some)
        .ok_or_else(|| Failure::malformed_params(format!("`{PROTOCOL_VERSION}` is not a string")))
}

/// The session that an `initialize` request begins
/// (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization).
pub fn handshake<S: Services>(params: &Params<'_>, services: &mut S) -> Result<Session, Failure> {
    let requested = params.protocol_version.and_then(|value| value.as_str());
    let requested =
        requested.ok_or_else(|| Failure::malformed_params("`protocolVersion` is not a string"))?;
    let version = Version::parse(&requested).filter(|version| !version.is_modern());
    Ok(Session {
        began: services.now(),
        version: version.unwrap_or(Version::LATEST_LEGACY),
        // Earlier revisions do not have tasks of this kind, whatever their clients declare.
        capabilities: match object("capabilities", params.capabilities)?.unwrap_or("{}") {
            text if S::WHOLE && tasks::declared(text) => tasks::without_extension(text),
            text => text.to_owned(),
        },
        client_info: object("clientInfo", params.client_info)?.map(str::to_owned),
    })
}
