//! Makes tools of the functions of a component. Exports `tools`.
//!
//! Compose gives this module the imports of the component's functions, `call` in front of them, and
//! the table of their types. What such a function gets and returns lies in the arena, which is
//! emptied for each call, so that nothing needs to free it.

#![cfg(target_family = "wasm")]

mod arena;
mod component;
