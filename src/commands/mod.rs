//! The subcommands: each reads its arguments, calls the library and prints.

pub mod build;
pub mod call;
pub mod check;
pub mod compose;
pub mod inspect;
pub mod serve;
pub mod templates;
