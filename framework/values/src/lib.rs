//! Arguments in JSON become values of WIT types in a linear memory, and values become JSON.
//!
//! Compose writes a [`table`] of functions and their types, with the layout that the canonical ABI
//! gives them. Here are no pointers and no bindings: [`Memory`] is the linear memory of the
//! component `adapter`, or a vector.

mod lift;
mod lower;
pub mod table;

use std::fmt::{self, Write as _};

pub use lift::{Answer, answer};
pub use lower::{flatten, lower};

/// The most bytes that the arguments of one call take in memory. JSON can be much shorter: `{}` may be
/// a record of many options.
pub const MAX_ARGUMENTS: u32 = 64 << 20;
/// The most bytes of a result as JSON. An answer has it twice, and once within a string.
pub const MAX_RESULT: usize = 4 << 20;
/// How many values a call passes without memory.
pub const MAX_FLAT: usize = 16;

/// Where values lie, as the canonical ABI wants them.
pub trait Memory {
    /// None if there is no room.
    fn allocate(&mut self, size: u32, align: u32) -> Option<u32>;
    fn write(&mut self, at: u32, bytes: &[u8]);
    fn read(&self, at: u32, length: u32) -> &[u8];

    fn number(&self, at: u32, size: u32) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size as usize].copy_from_slice(self.read(at, size));
        u64::from_le_bytes(bytes)
    }

    /// The address and the length of a string or a list.
    fn span(&self, at: u32) -> (u32, u32) {
        let both = self.number(at, 8);
        (both as u32, (both >> 32) as u32)
    }
}

/// What is wrong with an argument, for the model that wrote it.
#[derive(Debug, PartialEq)]
pub struct Problem {
    /// A JSON pointer (RFC 6901).
    path: String,
    what: String,
}

impl Problem {
    fn new(what: impl Into<String>) -> Problem {
        Problem {
            path: String::new(),
            what: what.into(),
        }
    }

    pub fn too_large() -> Problem {
        let most = MAX_ARGUMENTS >> 20;
        Problem::new(format!(
            "the arguments take more than {most} MiB in memory; send less at once"
        ))
    }

    /// The same, as seen from the value around it.
    fn within(mut self, step: &dyn fmt::Display) -> Problem {
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        self.path.insert_str(0, &step);
        self.path.insert(0, '/');
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

/// How many names one message lists.
const NAMED: usize = 20;

/// Names as a message lists them.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let (mut text, mut names) = (String::new(), names.peekable());
    for name in names.by_ref().take(NAMED) {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}`{name}`");
    }
    if names.peek().is_some() {
        text.push_str(", …");
    }
    text
}
