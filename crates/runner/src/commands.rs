//! `spin-mcp:local/commands`: what a server may let its host run. Only a host that was given
//! [`Commands`] has it.

use std::sync::Arc;

use futures::future::BoxFuture;
use wasmtime::{
    Result,
    component::{HasSelf, Linker},
};

use super::guest::Guest;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/local.wit",
        inline: "
            package spin-mcp:host;
            world local {
                import spin-mcp:local/commands@0.1.0;
            }",
        world: "spin-mcp:host/local",
        imports: { default: async },
    });
}

use bindings::spin_mcp::local::commands;
pub use commands::Command;

/// Runs a command on a path, with arguments.
pub type Commands = Arc<
    dyn Fn(Command, String, Vec<String>) -> BoxFuture<'static, Result<String, String>>
        + Send
        + Sync,
>;

/// Lets guests run the commands.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    commands::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl commands::Host for Guest {
    async fn run(
        &mut self,
        command: Command,
        path: String,
        arguments: Vec<String>,
    ) -> Result<String, String> {
        match &self.commands {
            Some(commands) => commands(command, path, arguments).await,
            None => Err("this host runs no commands".into()),
        }
    }
}
