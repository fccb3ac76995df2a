//! `mcp connect`.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result};

use spin_mcp_component::file;

use super::AppArgs;
use crate::clients::{Client, Document, Served, Transport};
use crate::docs;

/// Add the server of an app to an MCP client.
///
/// Writes an entry to the client's configuration file. The rest of the file stays as it is, with
/// its comments and order. If the file has an entry of that name, only its URL and headers, or
/// its command, are replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Let Claude Code use the server that `spin mcp dev` or `spin up` serves
  spin mcp connect claude-code

  # Let Claude Desktop start the server itself
  spin mcp connect claude-desktop --stdio

  # Add a deployed server to the project's file of VS Code
  spin mcp connect vscode --project --url https://example.com/mcp --header 'Authorization: Bearer TOKEN'

  # Show what would be written for Codex
  spin mcp connect codex --print

  # Give Claude Code the documentation, and commands on the project that it works in
  spin mcp connect claude-code --docs

  # Undo it
  spin mcp connect claude-code --remove")]
pub struct ConnectCommand {
    #[arg(value_name = "CLIENT", hide_possible_values = true)]
    /// `claude-code`, `claude-desktop`, `cursor`, `vscode`, `codex`, `gemini-cli`, `zed` or
    /// `windsurf`
    client: Client,

    /// Where the server is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000/mcp", value_parser = url)]
    url: String,

    /// Let the client start the server, with `mcp serve --stdio`
    #[arg(long, conflicts_with_all = ["url", "header"])]
    stdio: bool,

    /// Add the server of `spin mcp serve --docs` instead, which the client starts
    #[arg(long, conflicts_with_all = ["url", "stdio", "header"])]
    docs: bool,

    /// Send a header with each request. The file holds it in clear text
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Write the project's file, in the folder of the app, instead of the user's file
    #[arg(long)]
    project: bool,

    /// The name of the entry [default: the name of the server]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Print the entry, and write nothing
    #[arg(long, conflicts_with = "remove")]
    print: bool,

    /// Remove the entry
    #[arg(long, conflicts_with_all = ["url", "stdio", "header"])]
    remove: bool,

    #[command(flatten)]
    app: AppArgs,
}

fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(text.into()),
        _ => Err("expected a URL such as `https://example.com/mcp`".into()),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').unwrap_or_default();
    let (name, value) = (name.trim(), value.trim());
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match !name.is_empty() && name.chars().all(is_token) && !value.contains(char::is_control) {
        true => Ok((name.into(), value.into())),
        false => Err("expected `NAME: VALUE`, such as `Authorization: Bearer TOKEN`".into()),
    }
}

impl ConnectCommand {
    pub fn run(self) -> Result<()> {
        let client = self.client;
        let name = match &self.name {
            Some(name) => name.clone(),
            None if self.docs => docs::NAME.into(),
            None => {
                let app = self.app.find();
                app.context("name the entry with `--name`, or the app with `--from`")?
                    .server
                    .name
            }
        };
        let path = match self.project {
            true => {
                let dir = self.app.find().map(|app| app.dir);
                client.project_file(&dir.or_else(|_| env::current_dir())?)?
            }
            false => client.file()?,
        };
        let table = client.servers();
        if self.print {
            let empty = Document::parse(client.syntax(), "")?;
            let written = empty
                .set(table, &name, &client.entry(&self.transport()?)?)?
                .text();
            eprintln!("in `{}`:", path.display());
            return Ok(std::io::stdout().write_all(written.as_bytes())?);
        }
        let before = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        let cannot = || format!("cannot edit `{}`, which stays as it is", path.display());
        // Some editors begin a file with a byte order mark.
        let (mark, text) = match before.strip_prefix('\u{feff}') {
            Some(text) => ("\u{feff}", text),
            None => ("", &*before),
        };
        let document = Document::parse(client.syntax(), text).with_context(cannot)?;
        let edited = match self.remove {
            true => Ok(document.remove(table, &name)),
            false => document.set(table, &name, &client.entry(&self.transport()?)?),
        };
        let mut after = edited.with_context(cannot)?.text();
        let changed = text != after;
        if changed {
            if text.is_empty() {
                after = after.trim_end().to_owned() + "\n";
            }
            file::replace(&path, (mark.to_owned() + &after).as_bytes())?;
        }
        let (title, path) = (client.title(), path.display());
        let said = match (self.remove, changed) {
            (false, true) => format!(
                "added `{name}` to {title}, in `{path}`; restart {title}, or reload its servers"
            ),
            (false, false) => format!("`{name}` is already in `{path}`"),
            (true, true) => format!("removed `{name}` from `{path}`"),
            (true, false) => format!("there is no `{name}` in `{path}`"),
        };
        writeln!(std::io::stdout(), "{said}")?;
        Ok(())
    }

    fn transport(&self) -> Result<Transport> {
        if !self.stdio && !self.docs {
            return Ok(Transport::Http {
                url: self.url.clone(),
                headers: self.header.clone(),
            });
        }
        Transport::stdio(&match self.docs {
            true => Served::Docs,
            false => Served::File(self.app.find_built()?.output),
        })
    }
}
