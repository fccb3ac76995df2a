//! Why a function has no result.

use std::any::Any;
use std::fmt::{self, Display};

use crate::bindings::imports::spin_mcp::server::types;

/// Why a function has no result: what the model should know, an error of the protocol, or a question
/// that the client has to answer first.
///
/// `?` turns a text into a failure that the model reads. Functions can also return errors of any other
/// type that is `Display`; [`Context`](crate::Context) returns this one, which `?` turns into a
/// `String`, a `Box<dyn std::error::Error>` or an `anyhow::Error`.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(pub(crate) Kind);

/// The same, under the name that other SDKs have for it.
pub type McpError = Error;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The call ends with questions.
    Asked,
    Failed(String),
    Protocol {
        code: i32,
        message: String,
        data: Option<String>,
    },
}

impl Error {
    /// An error of the protocol, with its JSON-RPC code.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        let (message, data) = (message.into(), None);
        Self(Kind::Protocol {
            code,
            message,
            data,
        })
    }

    /// Gives an error of the protocol its `data`, which is JSON: `.with_data(json!({…}))`.
    #[must_use]
    pub fn with_data(mut self, json: impl Display) -> Self {
        if let Kind::Protocol { data, .. } = &mut self.0 {
            *data = Some(json.to_string());
        }
        self
    }

    /// What the model should know: a tool's result that is marked as an error. Outside of tools an
    /// internal error, or one of the arguments of a prompt.
    pub fn tool(why: impl Display) -> Self {
        Self(Kind::Failed(format!("{why:#}")))
    }

    /// The error -32602.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The error -32603.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// The caller may not do this, with whatever scopes. A server with the table `auth` answers 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(-32011, message)
    }

    /// The caller needs these scopes. A server with the table `auth` answers 403, and the client can
    /// ask its user for them.
    pub fn insufficient_scope<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<_> = scopes
            .into_iter()
            .map(|scope| crate::json::quoted(scope.as_ref()))
            .collect();
        let scopes = scopes.join(",");
        Self::new(-32011, format!("this needs the scopes {scopes}"))
            .with_data(["{\"scopes\":[", &scopes, "]}"].concat())
    }

    pub(crate) fn asked() -> Self {
        Self(Kind::Asked)
    }

    /// Whatever a function failed with.
    pub(crate) fn of<E: Display + 'static>(why: E) -> Self {
        type Dyn = Box<dyn std::error::Error>;
        type SendDyn = Box<dyn std::error::Error + Send + Sync>;
        let any: &dyn Any = &why;
        let own = any
            .downcast_ref::<Self>()
            .or_else(|| any.downcast_ref::<Dyn>()?.downcast_ref())
            .or_else(|| any.downcast_ref::<SendDyn>()?.downcast_ref());
        own.cloned().unwrap_or_else(|| Self::tool(why))
    }

    /// As the contract has it. A failure that no result can hold gets this code.
    pub(crate) fn refusal(self, code: i32) -> types::Error {
        match self.0 {
            Kind::Protocol {
                code,
                message,
                data,
            } => types::Error {
                code,
                message,
                data,
            },
            why => types::Error {
                code,
                message: Self(why).to_string(),
                data: None,
            },
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Asked => f.write_str(
                "the client is asked; return this error, so that the call can go on later",
            ),
            Kind::Failed(message) | Kind::Protocol { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Self(Kind::Failed(why))
    }
}

impl From<&str> for Error {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl From<Error> for String {
    fn from(why: Error) -> Self {
        why.to_string()
    }
}
