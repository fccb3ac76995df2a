//! JSON without copies: a reader that checks as it goes, and a writer.
//!
//! What passes through a server is text that somebody else reads. This module finds the few
//! members that routing needs, proves the rest well-formed in the same pass, and leaves it as
//! it is.

mod number;
mod read;
mod write;

pub use number::{is_integer, same_number};
pub use read::{Fault, Kind, Reader, Value};
pub use write::{Object, compact, float, string};
