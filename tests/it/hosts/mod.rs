//! Composed servers as processes: `mcp serve`, `mcp call`, the Wasmtime CLI and Spin.

mod auth;
mod call;
mod dev;
mod docs_server;
mod every_host;
mod fleet;
mod hostile;
mod hosts_page;
mod input;
mod isolation;
mod isolation_stdio;
mod listen;
mod middleware;
mod middleware_page;
mod openapi;
mod plain;
mod request_state;
mod serve;
mod sessions;
mod state;
mod stdio;
mod streams;
mod traces;
