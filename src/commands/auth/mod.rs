//! `mcp auth`.

mod check;
mod key;
mod test;
mod token;

use anyhow::Result;

/// Make keys and tokens for a server with authorization, check its settings, and test its policy.
#[derive(Debug, clap::Subcommand)]
pub enum AuthCommand {
    Check(check::CheckCommand),
    Key(key::KeyCommand),
    Test(test::TestCommand),
    Token(token::TokenCommand),
}

impl AuthCommand {
    pub fn run(self) -> Result<()> {
        match self {
            AuthCommand::Check(command) => command.run(),
            AuthCommand::Key(command) => command.run(),
            AuthCommand::Test(command) => command.run(),
            AuthCommand::Token(command) => command.run(),
        }
    }
}

/// Random bytes for a secret.
fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gave no random bytes: {error}"))?;
    Ok(bytes)
}

/// Reads one scope.
fn scope(text: &str) -> Result<String, String> {
    match spin_mcp_auth::claims::is_scope(text) {
        true => Ok(text.to_owned()),
        false => {
            Err("a scope has no spaces, `\"` and `\\`; repeat the option for each scope".into())
        }
    }
}
