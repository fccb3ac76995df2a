#![doc = include_str!("../README.md")]

mod ask;
#[doc(hidden)]
pub mod bindings;
mod client;
mod completions;
mod content;
mod context;
mod error;
mod export;
mod json;
#[doc(hidden)]
pub mod prompts;
mod replay;
#[doc(hidden)]
pub mod resources;
#[cfg(feature = "rmcp")]
pub mod rmcp;
mod state;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod tools;
mod uri;

pub use ask::{Elicited, Form, Page, Question, Questions, Root, Roots, Sample, Sampled};
pub use bindings::imports::spin_mcp::server::changes::ListKind;
pub use bindings::imports::spin_mcp::server::prompt_types::{
    PromptMessage as Message, PromptResult,
};
pub use bindings::imports::spin_mcp::server::request::LogLevel;
pub use bindings::imports::spin_mcp::server::resource_types::ReadResult;
pub use bindings::imports::spin_mcp::server::tool_types::ToolResult;
pub use bindings::imports::spin_mcp::server::types::{
    Annotations, CacheHint, CacheScope, ContentBlock as Content, EmbeddedResource, Icon, IconTheme,
    MediaContent, ResourceBody, ResourceContents, ResourceInfo, Role, TextContent,
};
/// `wasi:config` and `wasi:keyvalue`, for what a feature is granted.
pub use bindings::imports::wasi;
#[cfg(not(target_family = "wasm"))]
pub use client::{Sent, block_on};
pub use content::{Json, Parameters, Text};
pub use context::{Caller, Context};
pub use error::{Error, McpError};
pub use prompts::PromptOutput;
pub use resources::ResourceOutput;
pub use spin_mcp_sdk_macros::{prompt, resource, tool};
pub use state::State;
pub use text::{Completer, Completing};
pub use tools::{Task, ToolOutput, Work};

/// The libraries behind arguments and schemas.
pub use {schemars, serde, serde_json};

#[doc(hidden)]
pub mod __private;
