//! The subcommands: each reads its arguments, calls the library and prints.

pub mod build;
pub mod call;
pub mod check;
pub mod compose;
pub mod inspect;
pub mod push;
pub mod serve;
pub mod templates;
pub mod update;

use clap::builder::{OsStringValueParser, TypedValueParser};

use spin_mcp_registry::Source;

/// Reads the path of a component, or its reference in a registry.
fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(|text| match text.to_str() {
        Some(text) => Source::parse(text),
        None => Ok(Source::File(text.into())),
    })
}
