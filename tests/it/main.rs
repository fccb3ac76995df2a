//! The whole-program tests, in one binary: it links Wasmtime once.
//!
//! Each folder is a part that `make test-PART` runs. Cases that are files are in `tests/cases`.

mod compose;
mod docs;
mod hosts;
mod languages;
mod release;
mod support;
