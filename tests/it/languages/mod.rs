//! The templates, the pages of the languages and the examples: what users scaffold and build.

mod middleware;
mod polyglot;
mod python;
mod quickjs;
mod readme;
mod rust;
mod template;
mod typescript;
