//! What comes of a request by what is here.

use crate::wire::{failure::Failure, types::types::Error};

/// What comes of a request by what is here.
#[derive(Debug)]
pub enum Own {
    Done(Result<String, Error>),
    /// It is about what is not here.
    Unknown(Error),
}

impl Own {
    /// The answer where nobody else can be asked.
    pub fn settled(self) -> Result<String, Error> {
        match self {
            Own::Done(answer) => answer,
            Own::Unknown(error) => Err(error),
        }
    }
}

/// The text of a result.
pub fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::internal("a feature sent what is not UTF-8"))
}

/// A failure as the contract has it.
pub fn error(failure: &Failure) -> Error {
    let data = failure.data.clone();
    Error {
        code: failure.code,
        message: failure.message.to_string(),
        data: data.and_then(|data| String::from_utf8(data).ok()),
    }
}
