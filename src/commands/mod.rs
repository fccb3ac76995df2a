//! The subcommands: each reads its arguments, calls the library and prints.

pub mod build;
pub mod compose;
pub mod inspect;
