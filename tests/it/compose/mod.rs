//! Composing, reading and checking components; nothing here needs another language than Rust.

mod check;
mod frozen;
mod lists;
mod output;
mod overrides;
mod registry;
mod schemas;
mod sequence;
