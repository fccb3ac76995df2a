//! Who asks, as far as answers depend on it.

use std::borrow::Cow;

use crate::{
    failure::{Failure, excerpt},
    json::Value,
    message::{self, CLIENT_CAPABILITIES, CLIENT_INFO, Meta, PROTOCOL_VERSION, Params},
    notify::LogLevel,
    session::Session,
    version::Version,
};

/// What a request says of its client, or its session does.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    pub version: Version,
    /// A JSON object.
    pub capabilities: Cow<'a, str>,
    /// A JSON object.
    pub info: Option<Cow<'a, str>>,
    pub session_id: Option<&'a str>,
    /// The least severe level that may be sent to it.
    pub log_level: Option<LogLevel>,
}

impl<'a> Client<'a> {
    /// The client of a modern request
    /// (https://modelcontextprotocol.io/specification/2026-07-28/basic#meta).
    pub fn modern(version: Version, meta: &Meta<'a>) -> Result<Client<'a>, Failure> {
        if meta.protocol_version.is_none() {
            return Err(lacks(PROTOCOL_VERSION));
        }
        let capabilities = object(CLIENT_CAPABILITIES, meta.client_capabilities)?
            .ok_or_else(|| lacks(CLIENT_CAPABILITIES))?;
        let info = object(CLIENT_INFO, meta.client_info)?;
        let log_level = meta.log_level.map(|level| log_level(&level)).transpose()?;
        Ok(Client {
            version,
            capabilities: Cow::Borrowed(capabilities),
            info: info.map(Cow::Borrowed),
            session_id: None,
            log_level,
        })
    }

    /// A legacy client. Without a session nothing is known of it.
    pub fn legacy(
        version: Version,
        session: Option<Session>,
        id: Option<&'a str>,
        log_level: LogLevel,
    ) -> Client<'a> {
        let (capabilities, info) = match session {
            Some(session) => (
                Cow::Owned(session.capabilities),
                session.client_info.map(Cow::Owned),
            ),
            None => (Cow::Borrowed("{}"), None),
        };
        Client {
            version,
            capabilities,
            info,
            session_id: id,
            log_level: Some(log_level),
        }
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

/// The level that a client names.
pub fn log_level(value: &Value<'_>) -> Result<LogLevel, Failure> {
    let level = value.as_str().and_then(|name| LogLevel::parse(&name));
    level.ok_or_else(|| {
        Failure::malformed_params(format!("unknown log level `{}`", excerpt(value.text)))
    })
}

/// What must hold of parameters whatever the method.
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

/// The revision that `_meta` names, if it names one.
pub fn named_version<'a>(meta: &Meta<'a>) -> Result<Option<Cow<'a, str>>, Failure> {
    let Some(value) = meta.protocol_version else {
        return Ok(None);
    };
    let name = value.as_str();
    name.map(Some)
        .ok_or_else(|| Failure::malformed_params(format!("`{PROTOCOL_VERSION}` is not a string")))
}

/// What an `initialize` request settles at `now` (milliseconds since 1970)
/// (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization).
pub fn handshake(params: &Params<'_>, now: u64) -> Result<Session, Failure> {
    let requested = params.protocol_version.and_then(|value| value.as_str());
    let requested =
        requested.ok_or_else(|| Failure::malformed_params("`protocolVersion` is not a string"))?;
    let version = Version::parse(&requested).filter(|version| !version.is_modern());
    Ok(Session {
        version: version.unwrap_or(Version::LATEST_LEGACY),
        began: now,
        capabilities: object("capabilities", params.capabilities)?
            .unwrap_or("{}")
            .to_owned(),
        client_info: object("clientInfo", params.client_info)?.map(str::to_owned),
    })
}
