//! What features, the framework and the plugin agree on: the WASI builds, the interfaces of the
//! contract, what each import needs, and what a composed server says about itself.

pub mod auth;
mod composition;
pub mod grants;
pub mod interface;
mod part;
pub mod record;
pub mod server;
pub mod shipped;
pub mod state;
mod wasi;

pub use auth::{Auth, Keys, Policy, Rego};
pub use composition::{Composition, Framework, Override, ServerConfig};
pub use grants::{Grant, Grants};
pub use interface::{Interface, Kind};
pub use part::{ComponentSource, Part, Role};
pub use record::Record;
pub use state::Need;
pub use wasi::{Runtime, Wasi};

/// The WIT of the contract: the files of its package as one text.
pub const WIT: &str = include_str!(concat!(env!("OUT_DIR"), "/server.wit"));
