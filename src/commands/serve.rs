//! `mcp serve`.

use std::{
    env,
    io::{ErrorKind, Write},
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use tokio::{net::TcpListener, runtime, sync::watch, task::JoinSet};

use spin_mcp_runner::{
    Destination, Newest, PATH, RunOptions, Runner, Variable, client::ToolClient, listen,
};

use super::AppArgs;
use crate::{
    clients::{self, Served},
    docs,
};

/// Serve a composed MCP server over HTTP or stdio.
///
/// Over HTTP, the server is at `/mcp`. While it listens on a loopback address, it refuses requests
/// that name another host, unless `allowed_hosts` has it, and shows browsers a page at `/` that
/// calls its tools. Ctrl-C ends it.
///
/// The server has key-value stores (`wasi:keyvalue`) in memory under any name, which all instances
/// share and which end with the command. A key can have up to 255 bytes, a value 1,000,000 bytes,
/// and all stores together 256 MiB.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Serve the app in the current folder
  spin mcp serve

  # Serve a file on a free port
  spin mcp serve server.wasm --listen 127.0.0.1:0

  # Serve a desktop client, which starts this command itself
  spin mcp serve server.wasm --stdio

  # Serve the documentation to a coding agent, which starts this command in the folder of the app
  spin mcp serve --docs --stdio")]
pub struct ServeCommand {
    /// The file of the server [default: the server of the app]
    #[arg(value_name = "SERVER", conflicts_with_all = ["from", "component_id"])]
    server: Option<PathBuf>,

    /// Serve the documentation of `spin mcp`, and its commands `inspect`, `check` and `call`, to a
    /// coding agent
    ///
    /// The commands reach apps and servers in the current folder and below it, and nothing else.
    #[arg(long, conflicts_with_all = ["server", "from", "component_id"])]
    docs: bool,

    #[command(flatten)]
    listen: ListenArgs,

    /// Serve on stdin and stdout instead, until stdin ends
    ///
    /// Single requests have no time limit then, but a tool that computes for longer than
    /// `--timeout` without waiting fails. If a tool traps, its call fails and the server goes on.
    #[arg(long, conflicts_with = "listen")]
    stdio: bool,

    #[command(flatten)]
    run: RunArgs,
}

/// Where to serve over HTTP.
#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// The address to listen on; port 0 selects a free port. A name means all of its addresses
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000", value_parser = addresses)]
    listen: Addresses,

    /// Do not show browsers a page at `/`
    #[arg(long)]
    no_page: bool,
}

/// Where to find a server, and what it may do.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) app: AppArgs,

    /// The longest time until an answer begins, and the longest pause within it
    ///
    /// A request that takes longer fails. A stream lasts as long as the server sends and the client
    /// reads.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,

    /// Set an environment variable for the server; it sees no others
    #[arg(long, value_name = "NAME=VALUE", value_parser = env_variable)]
    env: Vec<(String, String)>,

    /// Set a variable for the server (`wasi:config`), as `spin up --variable` does
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<Variable>,

    /// An access token or an API key, for a server with authorization
    #[arg(long, value_name = "TOKEN", env = "MCP_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Let the server send HTTP requests to this host; without a port, to the scheme's default port
    ///
    /// The server of an app may also send requests to the component's `allowed_outbound_hosts`.
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_host: Vec<Destination>,
}

/// Where to listen.
#[derive(Clone, Debug)]
struct Addresses {
    /// As the user wrote it, without the port.
    host: String,
    all: Vec<SocketAddr>,
}

fn addresses(text: &str) -> Result<Addresses, String> {
    let expected = "expected an address and a port, such as `127.0.0.1:3000`";
    let all: Vec<_> = text.to_socket_addrs().map_err(|_| expected)?.collect();
    let (host, _) = text.rsplit_once(':').ok_or(expected)?;
    let host = match all.first() {
        // No client can connect to this address itself.
        Some(first) if first.ip().is_unspecified() => "localhost",
        Some(_) => host,
        None => return Err(expected.into()),
    };
    Ok(Addresses {
        host: host.to_owned(),
        all,
    })
}

fn env_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected `NAME=VALUE`".into()),
    }
}

impl RunArgs {
    /// Loads the server at `path`, or else the server of the app. Also returns where it is.
    pub(super) fn load(&self, path: Option<PathBuf>) -> Result<(Runner, PathBuf)> {
        let (path, outbound_hosts) = match path {
            Some(path) => (path, Vec::new()),
            None => {
                let app = self.app.find_built()?;
                (app.output, app.outbound_hosts)
            }
        };
        let progress =
            ProgressBar::new_spinner().with_message(format!("compiling {}", path.display()));
        progress.enable_steady_tick(Duration::from_millis(100));
        let server = Runner::load(&path, self.options(outbound_hosts));
        progress.finish_and_clear();
        Ok((server?, path))
    }

    /// The token; an empty one is none.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|token| !token.is_empty())
    }

    pub(super) fn options(&self, outbound_hosts: Vec<String>) -> RunOptions {
        let token = self.token();
        let token = token.map(|token| ("MCP_TOKEN".to_owned(), token.to_owned()));
        RunOptions {
            timeout: Duration::from_secs(self.timeout.into()),
            env: self.env.iter().cloned().chain(token).collect(),
            variables: self.variable.clone(),
            allowed_hosts: self.allow_host.clone(),
            outbound_hosts,
            ..RunOptions::default()
        }
    }
}

impl ServeCommand {
    pub fn run(self) -> Result<()> {
        let (server, served) = match self.docs {
            true => {
                let server = docs::server(self.run.options(vec![]), env::current_dir()?)?;
                (server, Served::Docs)
            }
            false => {
                let (server, path) = self.run.load(self.server)?;
                (server, Served::File(path))
            }
        };
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        if self.stdio {
            let code = runtime.block_on(server.run_stdio());
            // Do not wait for the thread that reads stdin.
            runtime.shutdown_background();
            match code? {
                0 => Ok(()),
                // The server printed the reason to stderr.
                code => std::process::exit(code.into()),
            }
        } else {
            let result = runtime.block_on(serve(server, &served, self.listen));
            // Do not wait for a guest that still computes.
            runtime.shutdown_background();
            result
        }
    }
}

async fn serve(server: Runner, served: &Served, listen: ListenArgs) -> Result<()> {
    let listening = listen.bind()?;
    let shutdown = shutdown().context("cannot watch for signals")?;
    let name = listening.announce(&server).await?;
    eprintln!(
        "Add it to a client, for example: claude mcp add --transport http {} {}",
        shell_word(&name),
        listening.url
    );
    let newest = Newest::new(watch::channel(server).1, None);
    let newest = listening.with_page(newest, &name, served);
    listening.serve(newest, shutdown).await
}

/// Listeners that nothing serves yet.
pub(super) struct Listening {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    page: bool,
    pub(super) url: String,
}

impl ListenArgs {
    pub(super) fn bind(&self) -> Result<Listening> {
        allow_many_connections();
        let listeners = listen_on(&self.listen)?;
        let address = listeners[0].local_addr()?;
        let url = format!("http://{}:{}{PATH}", self.listen.host, address.port());
        Ok(Listening {
            listeners,
            address,
            page: address.ip().is_loopback() && !self.no_page,
            url,
        })
    }
}

impl Listening {
    /// Prints what is served where. Returns the name of the server.
    pub(super) async fn announce(&self, server: &Runner) -> Result<String> {
        let name = match server.protected() {
            Some(name) => name.to_owned(),
            None => match ToolClient::new(server, None).server_name().await {
                Ok(Some(name)) => name,
                _ => server.name().to_owned(),
            },
        };
        writeln!(std::io::stdout(), "Serving {name} at {}", self.url)?;
        if !self.address.ip().is_loopback() && server.protected().is_none() {
            eprintln!("Anyone who can reach {} can call its tools", self.address);
        }
        if self.page {
            eprintln!(
                "Try it in a browser: {}",
                self.url.trim_end_matches(&PATH[1..])
            );
        }
        Ok(name)
    }

    /// Adds the page, if it may be shown.
    pub(super) fn with_page(&self, server: Newest, name: &str, served: &Served) -> Newest {
        match self.page {
            true => server.with_page(&clients::all(&shell_word(name), &self.url, served)),
            false => server,
        }
    }

    pub(super) async fn serve(
        self,
        server: Newest,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let (stop, stopped) = watch::channel(());
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            let (server, mut stopped) = (server.clone(), stopped.clone());
            serving.spawn(async move {
                // Also resolves when `stop` is dropped.
                let stopped = async move { drop(stopped.changed().await) };
                server.serve(listener, stopped).await
            });
        }
        shutdown.await;
        drop(stop);
        while let Some(served) = serving.join_next().await {
            served??;
        }
        Ok(())
    }
}

/// Listens on all of the addresses that this machine has; on the same port if any will do.
fn listen_on(addresses: &Addresses) -> Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut free = None;
    for (index, address) in addresses.all.iter().enumerate() {
        let mut address = *address;
        address.set_port(free.unwrap_or(address.port()));
        match listen(address) {
            Ok(listener) => {
                free = Some(listener.local_addr()?.port());
                listeners.push(listener);
            }
            Err(error)
                if error.kind() == ErrorKind::AddrNotAvailable
                    && (index + 1 < addresses.all.len() || !listeners.is_empty()) => {}
            Err(error) => {
                let next = match error.kind() {
                    ErrorKind::AddrInUse => {
                        "; choose another port with `--listen`, or 0 for a free one"
                    }
                    _ => "",
                };
                return Err(anyhow::Error::new(error)
                    .context(format!("cannot listen on `{address}`{next}")));
            }
        }
    }
    Ok(listeners)
}

/// Resolves on Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(super) fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub(super) fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Raises the limit of open files from the shell's to the system's. If that fails, the server
/// takes fewer clients at a time.
fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit
            .maximum
            .map_or(16 * 1024, |maximum| maximum.min(16 * 1024));
        if limit.current.is_some_and(|current| current < wanted) {
            let _ = setrlimit(
                Resource::Nofile,
                Rlimit {
                    current: Some(wanted),
                    ..limit
                },
            );
        }
    }
}

/// A name as a word that a shell takes without quotes.
fn shell_word(name: &str) -> String {
    let word: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    match word.trim_matches('-') {
        "" => "mcp".into(),
        word => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_word() {
        assert_eq!(shell_word("my-server"), "my-server");
        assert_eq!(shell_word("My Server; rm -rf /"), "My-Server--rm--rf");
        assert_eq!(shell_word("…"), "mcp");
    }

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(addresses("127.0.0.1:0").unwrap().all[0].port(), 0);
        let all = addresses("localhost:80").unwrap().all;
        assert!(all.iter().all(|address| address.ip().is_loopback()));
        for any in ["0.0.0.0:80", "[::]:80"] {
            assert_eq!(addresses(any).unwrap().host, "localhost");
        }
        assert_eq!(addresses("[::1]:80").unwrap().host, "[::1]");
        for bad in ["", "3000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"] {
            assert!(addresses(bad).is_err(), "{bad}");
        }
    }
}
