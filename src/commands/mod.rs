//! The subcommands: each reads its arguments, calls the library and prints.

pub mod add;
pub mod auth;
pub mod build;
pub mod call;
pub mod check;
pub mod compose;
pub mod connect;
pub mod dev;
pub mod inspect;
pub mod push;
pub mod serve;
pub mod templates;
pub mod update;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::builder::{OsStringValueParser, TypedValueParser};

use spin_mcp_app::App;
use spin_mcp_registry::Source;

/// The app and its server.
#[derive(Debug, clap::Args)]
pub struct AppArgs {
    /// The app: its `spin.toml` or its folder [default: the nearest `spin.toml`]
    #[arg(short, long, value_name = "PATH")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID")]
    component_id: Option<String>,
}

impl AppArgs {
    fn from(&self) -> Option<&Path> {
        self.from.as_deref()
    }

    fn component_id(&self) -> Option<&str> {
        self.component_id.as_deref()
    }

    fn find(&self) -> Result<App> {
        App::find(self.from(), self.component_id())
    }

    /// The app, whose server has been built.
    fn find_built(&self) -> Result<App> {
        let app = self.find()?;
        ensure!(
            app.output.is_file(),
            "no server at `{}`; run `spin mcp build`",
            app.output.display()
        );
        Ok(app)
    }
}

/// Reads the path of a component, or its reference in a registry.
fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(|text| match text.to_str() {
        // Only the message is shown, without its causes.
        Some(text) => Source::parse(text).map_err(|error| format!("{error:#}")),
        None => Ok(Source::File(text.into())),
    })
}
