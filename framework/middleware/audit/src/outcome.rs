//! How a request ended.

use spin_mcp_middleware_sdk::{Error, Value};

use crate::asked::cut;

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Complete,
    /// The tool ran and failed.
    ToolError,
    /// A result of another type, such as `input_required`.
    Other(String),
    Error(i32),
    /// The client did not wait for the answer.
    Cancelled,
}

impl Outcome {
    pub fn of(method: &str, answer: &Result<String, Error>) -> Outcome {
        let text = match answer {
            Ok(text) => text,
            Err(error) => return Outcome::Error(error.code),
        };
        let Ok(result) = Value::parse(text) else {
            return Outcome::Complete;
        };
        let kind = result.member("resultType").and_then(|kind| kind.as_str());
        match kind {
            Some(kind) if kind != "complete" => Outcome::Other(cut(&kind).into_owned()),
            _ => {
                let is_error = result
                    .member("isError")
                    .is_some_and(|flag| flag.text == "true");
                match method == "tools/call" && is_error {
                    true => Outcome::ToolError,
                    false => Outcome::Complete,
                }
            }
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Outcome::Complete => "ok",
            Outcome::ToolError => "tool_error",
            Outcome::Other(kind) => kind,
            Outcome::Error(_) => "error",
            Outcome::Cancelled => "cancelled",
        }
    }
}
