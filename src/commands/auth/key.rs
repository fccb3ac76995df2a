//! `mcp auth key`.

use std::io::Write;

use anyhow::Result;
use sha2::{Digest as _, Sha256};
use spin_mcp_auth::api_key;

/// Make an API key for a server that needs no authorization server.
///
/// Prints the key on stdout. It cannot be shown again. The line for `spin.toml` goes to stderr. It has
/// the SHA-256 of the key, from which nobody can compute the key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Make a key that may read
  spin mcp auth key ci --scope mcp:read

  # Call a tool with it
  spin mcp call add '{\"a\": 1, \"b\": 2}' --token smcp_…")]
pub struct KeyCommand {
    /// The name of the key: who has it
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,

    /// What the key may do; can be repeated
    #[arg(long, value_name = "SCOPE", value_parser = super::scope)]
    scope: Vec<String>,
}

fn name(text: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !text.is_empty() && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, `-` and `_`"),
    }
}

impl KeyCommand {
    pub fn run(self) -> Result<()> {
        let key = api_key::key(&super::random()?);
        let hash = Sha256::digest(&key);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let scopes = match self.scope.is_empty() {
            true => String::new(),
            false => format!(", scopes = {}", toml_edit::Array::from_iter(&self.scope)),
        };
        eprintln!(
            "Add this to `spin.toml`, with the id of your component, and compose again:\n\n\
             [component.mcp.tool.mcp.auth.api_keys]\n{} = {{ sha256 = \"{hash}\"{scopes} }}\n\n\
             The key, which nothing shows again:",
            self.name
        );
        writeln!(std::io::stdout(), "{key}")?;
        Ok(())
    }
}
