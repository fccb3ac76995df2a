//! Messages of a server to its client.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// A notification during a call.
#[derive(Debug, PartialEq)]
pub enum Notice {
    Progress {
        progress: f64,
        total: Option<f64>,
        message: Option<String>,
    },
    Log {
        level: String,
        logger: Option<String>,
        data: Value,
    },
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server answered with a JSON-RPC error.
    #[error("{message} ({code})")]
    Refused {
        code: i64,
        message: String,
        data: Option<Value>,
    },
    /// The answer is not valid MCP.
    #[error("the server's answer is not valid MCP: {0}")]
    Malformed(String),
    /// The call is invalid and was not sent.
    #[error("{0}")]
    Invalid(String),
}

impl From<serde_json::Error> for CallError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A message of the server.
pub(super) enum Message {
    Answer(Result<Box<RawValue>, CallError>),
    Notice(Notice),
    Other,
}

impl Message {
    pub(super) fn read(json: &[u8]) -> Result<Self, CallError> {
        #[derive(Deserialize)]
        struct Envelope {
            method: Option<String>,
            params: Option<Params>,
            result: Option<Box<RawValue>>,
            error: Option<Refusal>,
        }
        #[derive(Deserialize, Default)]
        struct Params {
            progress: Option<f64>,
            total: Option<f64>,
            message: Option<String>,
            level: Option<String>,
            logger: Option<String>,
            #[serde(default)]
            data: Value,
        }
        #[derive(Deserialize)]
        struct Refusal {
            code: i64,
            message: String,
            data: Option<Value>,
        }
        let envelope: Envelope = serde_json::from_slice(json)?;
        let params = envelope.params.unwrap_or_default();
        Ok(
            match (envelope.method.as_deref(), envelope.result, envelope.error) {
                (None, Some(result), None) => Self::Answer(Ok(result)),
                (
                    None,
                    None,
                    Some(Refusal {
                        code,
                        message,
                        data,
                    }),
                ) => Self::Answer(Err(CallError::Refused {
                    code,
                    message,
                    data,
                })),
                (Some("notifications/progress"), ..) => Self::Notice(Notice::Progress {
                    progress: params.progress.unwrap_or_default(),
                    total: params.total,
                    message: params.message,
                }),
                (Some("notifications/message"), ..) => Self::Notice(Notice::Log {
                    level: params.level.unwrap_or_else(|| "info".into()),
                    logger: params.logger,
                    data: params.data,
                }),
                (Some(_), ..) => Self::Other,
                _ => return Err(CallError::Malformed("neither a result nor an error".into())),
            },
        )
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress {
                progress,
                total,
                message,
            } => {
                write!(f, "progress {progress}")?;
                total.map_or(Ok(()), |total| write!(f, "/{total}"))?;
                message
                    .as_ref()
                    .map_or(Ok(()), |message| write!(f, ": {message}"))
            }
            Self::Log {
                level,
                logger,
                data,
            } => {
                f.write_str(level)?;
                logger
                    .as_ref()
                    .map_or(Ok(()), |logger| write!(f, " {logger}"))?;
                match data {
                    Value::String(text) => write!(f, ": {text}"),
                    data => write!(f, ": {data}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(json: &str) -> String {
        match Message::read(json.as_bytes()) {
            Ok(Message::Notice(notice)) => notice.to_string(),
            _ => panic!("{json} is not a notice"),
        }
    }

    #[test]
    fn a_notice_is_one_line() {
        assert_eq!(
            notice(
                r#"{"method": "notifications/progress", "params":
                {"progressToken": 1, "progress": 2, "total": 4.5, "message": "m"}}"#
            ),
            "progress 2/4.5: m"
        );
        assert_eq!(
            notice(
                r#"{"method": "notifications/message", "params":
                {"level": "info", "logger": "db", "data": {"a": 1}}}"#
            ),
            r#"info db: {"a":1}"#
        );
    }

    #[test]
    fn an_answer_is_a_result_or_an_error() {
        assert!(matches!(
            Message::read(br#"{"id":1,"result":{}}"#),
            Ok(Message::Answer(Ok(_)))
        ));
        assert!(matches!(
            Message::read(br#"{"id":1,"error":{"code":-32602,"message":"m"}}"#),
            Ok(Message::Answer(Err(CallError::Refused {
                code: -32602,
                ..
            })))
        ));
        assert!(Message::read(b"{}").is_err());
        assert!(Message::read(b"<html>").is_err());
    }
}
