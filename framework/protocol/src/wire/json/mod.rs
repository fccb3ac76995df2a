//! JSON without copies: a reader that checks what it reads, and a writer.
//!
//! Most JSON passes through a server without being used. This module finds the few members that
//! routing needs, checks in the same pass that the rest is well-formed, and does not change it.

mod number;
mod read;
mod write;

pub use number::{is_integer, same_number};
pub use read::{Fault, Kind, Reader, Value};
pub use write::{Object, compact, float, string, strings};
