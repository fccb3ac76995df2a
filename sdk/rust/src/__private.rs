//! What the macros write calls.

pub use crate::bindings::imports::spin_mcp::server::prompt_types::{Prompt, PromptArgument};
pub use crate::bindings::imports::spin_mcp::server::resource_types::ResourceTemplate;
pub use crate::bindings::imports::spin_mcp::server::tool_types::{Tool, ToolAnnotations};
pub use crate::export::Server;
pub use crate::prompts::{self, PromptEntry, PromptFunction};
pub use crate::resources::{self, Described, Lister, ResourceEntry, ResourceFunction};
pub use crate::text;
pub use crate::tools::{self, ToolEntry, ToolFunction};

use crate::Context;

/// For a function that does not ask.
pub fn context(request: u64) -> Context {
    Context::new(request)
}

/// For a function that asks.
pub fn asking(request: u64) -> Context {
    Context::asking(request)
}

/// The type in [`Parameters`](crate::Parameters).
pub trait All {
    /// It.
    type Of;
}

impl<T> All for crate::Parameters<T> {
    type Of = T;
}
