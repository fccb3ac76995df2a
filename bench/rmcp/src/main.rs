//! Serves one tool at `/mcp`, each request by itself, and prints where.

use std::{io, sync::Arc};

use axum::Router;
use rmcp::{
    ServerHandler,
    handler::server::wrapper::Parameters,
    schemars::JsonSchema,
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::Deserialize;
use tokio::net::TcpListener;

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    message: String,
}

struct Server;

#[tool_router]
impl Server {
    /// Returns the message.
    #[tool]
    fn tool_0(&self, Parameters(Arguments { message }): Parameters<Arguments>) -> String {
        message
    }
}

#[tool_handler]
impl ServerHandler for Server {}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Server), sessions, config);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().nest_service("/mcp", service)).await
}
