//! `mcp add`.

mod openapi;

use anyhow::Result;

/// Add a feature that needs no code to an app.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "A component, with MCP or without, is added by `spin mcp compose COMPONENT`."
)]
pub enum AddCommand {
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApiCommand),
}

impl AddCommand {
    pub fn run(self) -> Result<()> {
        match self {
            AddCommand::OpenApi(command) => command.run(),
        }
    }
}
