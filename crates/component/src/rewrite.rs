//! Changes the core modules of a component.

pub mod replace_imports;
mod stdin;

pub use stdin::close as close_stdin;
