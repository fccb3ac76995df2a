//! The answer of one router, which others may complete.

use crate::wire::{failure::Failure, types::types::Error};

/// The answer of this router to a request.
#[derive(Debug)]
pub enum Own {
    Done(Result<String, Error>),
    /// The request names something that this router does not have.
    Unknown(Error),
}

impl Own {
    /// The final answer, where no other router can be asked.
    pub fn settled(self) -> Result<String, Error> {
        match self {
            Own::Done(answer) => answer,
            Own::Unknown(error) => Err(error),
        }
    }
}

/// A result as text.
pub fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::internal("a feature sent text that is not UTF-8"))
}

/// A failure as an error of the contract.
pub fn error(failure: &Failure) -> Error {
    let data = failure.data.clone();
    Error {
        code: failure.code,
        message: failure.message.to_string(),
        data: data.and_then(|data| String::from_utf8(data).ok()),
    }
}
