//! The baked catalog: what a server offers, in a form that an instance uses without parsing.
//!
//! Compose bakes it ([`build`]); instances read it ([`Catalog`]). List answers are ready JSON,
//! and tools, prompts and resources are found by binary search.

mod access;
mod bake;
mod baked;
mod baked_access;
pub(crate) mod check;
mod cursor;
mod describe;
mod embedded;
mod entries;
mod flags;
mod layout;
mod list_kind;
mod portable;
pub mod schema;
pub(crate) mod uri_template;
pub(crate) mod written;

pub use access::{Access, Need, NeedKind, StdioCaller, Unmet};
pub use bake::{
    build,
    error::BuildError,
    input::{CatalogInput, FeatureInput, ServerInput, entries_on_a_page},
};
pub use baked::{Catalog, Page, Slot, stricter};
pub use baked_access::BakedAccess;
pub use embedded::{embedded, uncached};
pub use entries::{HeaderRule, PromptEntry, TemplateEntry, ToolEntry};
pub use flags::Flags;
pub use list_kind::ListKind;
pub use portable::{Side, portable};

#[cfg(test)]
mod tests;
