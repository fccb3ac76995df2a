//! Calls an API: the feature of an OpenAPI document. Exports `tools`.
//!
//! Compose makes tools of the operations in the document, so this component never lists them. It
//! places a table in this module, by which a call becomes a request: nothing here parses documents.
//! No argument changes where a request goes, or which header or path it has beside the document's.

#[cfg(target_family = "wasm")]
mod component;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod encode;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod fit;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod request;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod response;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod table;
#[cfg(test)]
mod tests;
