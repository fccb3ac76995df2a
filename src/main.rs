//! `spin mcp`: parses the command line, runs the command and prints its error.

mod clients;
mod commands;
mod docs;
mod sdk;
mod templates;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use spin_mcp_app::BuildFailed;

use crate::templates::SpinFailed;

/// Build MCP servers from WebAssembly components, and run them.
#[derive(Parser)]
#[command(
    name = "spin mcp",
    bin_name = "spin mcp",
    version,
    propagate_version = true
)]
enum Command {
    #[command(subcommand)]
    Add(commands::add::AddCommand),
    Build(commands::build::BuildCommand),
    Check(commands::check::CheckCommand),
    Compose(commands::compose::ComposeCommand),
    Inspect(commands::inspect::InspectCommand),
    Call(commands::call::CallCommand),
    Dev(commands::dev::DevCommand),
    Connect(commands::connect::ConnectCommand),
    Serve(commands::serve::ServeCommand),
    Push(commands::push::PushCommand),
    Update(commands::update::UpdateCommand),
    #[command(subcommand)]
    Auth(commands::auth::AuthCommand),
    #[command(subcommand)]
    Templates(commands::templates::TemplatesCommand),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Add(command) => command.run(),
        Command::Build(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Compose(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Call(command) => command.run(),
        Command::Dev(command) => command.run(),
        Command::Connect(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Push(command) => command.run(),
        Command::Update(command) => command.run(),
        Command::Auth(command) => command.run(),
        Command::Templates(command) => command.run(),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if terminal::is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    terminal::print_error(&error);
    let built = error.downcast_ref().map(BuildFailed::exit_code);
    let installed = error.downcast_ref().map(SpinFailed::exit_code);
    built
        .or(installed)
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
