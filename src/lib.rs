//! The library behind `spin mcp`: compose feature components into an MCP server, build the
//! app that holds them, and run the result.

pub mod app;
pub mod check;
pub mod commands;
pub mod compose;
pub mod framework;
pub mod host;
pub mod plain;
pub mod registry;
pub mod templates;
