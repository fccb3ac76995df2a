//! MCP clients: where each keeps its servers, and how it writes one.

mod document;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::ValueEnum;
use serde_json::{Map, Value, json};

pub use document::{Document, Syntax};

/// A client that `mcp connect` knows. The pages are those of its documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// <https://code.claude.com/docs/en/mcp>
    ClaudeCode,
    /// <https://modelcontextprotocol.io/docs/develop/connect-local-servers>
    ClaudeDesktop,
    /// <https://cursor.com/docs/mcp>
    Cursor,
    /// <https://code.visualstudio.com/docs/copilot/reference/mcp-configuration>
    Vscode,
    /// <https://developers.openai.com/codex/mcp>
    Codex,
    /// <https://geminicli.com/docs/tools/mcp-server>
    GeminiCli,
    /// <https://zed.dev/docs/ai/mcp>
    Zed,
    /// <https://docs.windsurf.com/windsurf/cascade/mcp>
    Windsurf,
}

/// How a client reaches a server.
pub enum Transport {
    Http {
        url: String,
        headers: Vec<(String, String)>,
    },
    Stdio {
        command: String,
        arguments: Vec<String>,
    },
}

/// The members of an entry, in order.
pub type Entry = Vec<(&'static str, Value)>;

/// The members of an entry that say how to reach the server. The user owns all others.
pub const OWN: [&str; 8] = [
    "type",
    "url",
    "httpUrl",
    "serverUrl",
    "headers",
    "http_headers",
    "command",
    "args",
];

/// What `spin mcp serve` serves.
pub enum Served {
    File(PathBuf),
    /// The documentation of `spin mcp`.
    Docs,
}

impl Transport {
    /// Lets the client start this program with a server.
    pub fn stdio(served: &Served) -> Result<Self> {
        let program = env::current_exe().context("cannot determine the path of this program")?;
        let text = |path: PathBuf| {
            let text = path.into_os_string().into_string();
            text.map_err(|path| anyhow!("`{}` is not in UTF-8", path.display()))
        };
        let served = match served {
            Served::Docs => "--docs".into(),
            Served::File(file) => {
                let file = std::path::absolute(file)?;
                text(file.canonicalize().unwrap_or(file))?
            }
        };
        Ok(Self::Stdio {
            command: text(program)?,
            arguments: vec!["serve".into(), "--stdio".into(), served],
        })
    }
}

/// How each client connects to a server, for people: by its URL, or else by starting the file.
pub fn all(name: &str, url: &str, served: &Served) -> Value {
    let shown = |client: &Client| -> Result<Value> {
        let by_url = Transport::Http {
            url: url.to_owned(),
            headers: Vec::new(),
        };
        let id = client.to_possible_value().context("no client is hidden")?;
        let command = format!(
            "spin mcp connect {} --name {name} --url {url}",
            id.get_name()
        );
        let (entry, command) = match client.entry(&by_url) {
            Ok(entry) => (entry, Some(command)),
            Err(_) => (client.entry(&Transport::stdio(served)?)?, None),
        };
        let document = Document::parse(client.syntax(), "")?.set(client.servers(), name, &entry)?;
        Ok(json!({
            "title": client.title(),
            "file": client.file()?.display().to_string(),
            "text": document.text().trim(),
            "command": command,
        }))
    };
    let all = Client::value_variants().iter();
    all.filter_map(|client| shown(client).ok()).collect()
}

impl Client {
    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
            Self::Codex => "Codex",
            Self::GeminiCli => "Gemini CLI",
            Self::Zed => "Zed",
            Self::Windsurf => "Windsurf",
        }
    }

    pub fn syntax(self) -> Syntax {
        match self {
            Self::Codex => Syntax::Toml,
            _ => Syntax::Json,
        }
    }

    /// The member of the file that has the servers.
    pub fn servers(self) -> &'static str {
        match self {
            Self::Codex => "mcp_servers",
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
            _ => "mcpServers",
        }
    }

    /// The user's file.
    pub fn file(self) -> Result<PathBuf> {
        let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let home = home.context("cannot find your home folder; set `HOME`")?;
        let of = |name, other: PathBuf| env::var_os(name).map_or(other, PathBuf::from);
        let settings = match () {
            () if cfg!(windows) => of("APPDATA", home.join("AppData/Roaming")),
            () if cfg!(target_os = "macos") => home.join("Library/Application Support"),
            () => of("XDG_CONFIG_HOME", home.join(".config")),
        };
        Ok(match self {
            Self::ClaudeCode => home.join(".claude.json"),
            Self::ClaudeDesktop => settings.join("Claude/claude_desktop_config.json"),
            Self::Cursor => home.join(".cursor/mcp.json"),
            Self::Vscode => settings.join("Code/User/mcp.json"),
            Self::Codex => of("CODEX_HOME", home.join(".codex")).join("config.toml"),
            Self::GeminiCli => home.join(".gemini/settings.json"),
            Self::Zed if cfg!(target_os = "macos") => home.join(".config/zed/settings.json"),
            Self::Zed if cfg!(windows) => settings.join("Zed/settings.json"),
            Self::Zed => settings.join("zed/settings.json"),
            Self::Windsurf => home.join(".codeium/windsurf/mcp_config.json"),
        })
    }

    /// The file of a project, below its folder.
    pub fn project_file(self, project: &Path) -> Result<PathBuf> {
        let file = match self {
            Self::ClaudeCode => ".mcp.json",
            Self::Cursor => ".cursor/mcp.json",
            Self::Vscode => ".vscode/mcp.json",
            Self::Codex => ".codex/config.toml",
            Self::GeminiCli => ".gemini/settings.json",
            Self::Zed => ".zed/settings.json",
            Self::ClaudeDesktop | Self::Windsurf => bail!(
                "{} has no servers of a project; leave out `--project`",
                self.title()
            ),
        };
        Ok(project.join(file))
    }

    /// The entry of a server, as the documentation of the client describes it.
    pub fn entry(self, transport: &Transport) -> Result<Entry> {
        let typed = matches!(self, Self::ClaudeCode | Self::Vscode);
        let entry: Entry = match transport {
            Transport::Http { .. } if self == Self::ClaudeDesktop => bail!(
                "the file of Claude Desktop has only servers that Claude Desktop starts; add `--stdio`, or add the \
                 URL in its settings, under Connectors"
            ),
            Transport::Http { url, headers } => {
                let (place, names) = match self {
                    Self::GeminiCli => ("httpUrl", "headers"),
                    Self::Windsurf => ("serverUrl", "headers"),
                    Self::Codex => ("url", "http_headers"),
                    _ => ("url", "headers"),
                };
                let kind = typed.then(|| ("type", json!("http")));
                let headers: Map<_, _> = headers
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect();
                let headers = (!headers.is_empty()).then(|| (names, json!(headers)));
                kind.into_iter()
                    .chain([(place, json!(url))])
                    .chain(headers)
                    .collect()
            }
            Transport::Stdio { command, arguments } => {
                let typed = typed || self == Self::Cursor;
                let kind = typed.then(|| ("type", json!("stdio")));
                let start = [("command", json!(command)), ("args", json!(arguments))];
                kind.into_iter().chain(start).collect()
            }
        };
        Ok(entry)
    }
}
