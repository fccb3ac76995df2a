//! `mcp dev`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::sync::{oneshot, watch};
use tokio::{runtime, task};

use spin_mcp_app::{App, BuildOptions, Sources};
use spin_mcp_compose::{Composed, Listed};
use spin_mcp_runner::{Exchange, Newest, RunOptions, Runner};

use super::serve::{ListenArgs, RunArgs, shutdown};
use super::{AppArgs, build};
use crate::{clients::Served, sdk, terminal};

/// Build and serve an app, and do it again after each change of its sources.
///
/// Builds the app as `spin mcp build` does, serves it as `spin mcp serve` does, and prints each
/// request. When a source or `spin.toml` changes, the changed features are built, and the new
/// server takes over at the same address. Requests in progress end in the old server. Sessions and
/// key-value stores stay. If a build fails, the old server goes on.
///
/// The server is compiled with few optimizations, so it is slower than under `spin mcp serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Serve the app in the current folder while you edit it
  spin mcp dev

  # Let its tools send requests to an API
  spin mcp dev --allow-host api.example.com")]
pub struct DevCommand {
    #[command(flatten)]
    listen: ListenArgs,

    #[command(flatten)]
    run: RunArgs,
}

impl DevCommand {
    pub fn run(self) -> Result<()> {
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(self.serve());
        // Do not wait for a build or for a guest that still computes.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<()> {
        let app = self.run.app.find()?;
        sdk::note(&app)?;
        let sources = Sources::watch(&app)?;
        let listening = self.listen.bind()?;
        eprintln!("{} answers after the first build", listening.url);
        let shutdown = shutdown().context("cannot watch for signals")?;
        let options = RunOptions {
            quick: true,
            ..self.run.options(app.outbound_hosts.clone())
        };
        let output = app.output.clone();
        let (first, served) = oneshot::channel();
        let series = Series {
            args: self.run.app,
            options,
            listed: Listed::default(),
            notes: String::new(),
            component: Vec::new(),
            number: 0,
            served: Err(first),
        };
        let mut building = task::spawn_blocking(move || series.go_on(app, sources));
        let mut shutdown = std::pin::pin!(shutdown);
        let served = tokio::select! {
            () = &mut shutdown => return Ok(()),
            ended = &mut building => return ended?,
            served = served => served.context("the first build ended")?,
        };
        let name = listening.announce(&served.borrow().clone()).await?;
        let mut failure = Ok(());
        let stop = async {
            tokio::select! {
                () = &mut shutdown => {}
                ended = &mut building => failure = ended.unwrap_or_else(|error| Err(error.into())),
            }
        };
        let newest = Newest::new(served, Some(std::sync::Arc::new(print)));
        let newest = listening.with_page(newest, &name, &Served::File(output));
        listening.serve(newest, stop).await?;
        failure
    }
}

/// The servers that an app becomes, one after the other.
struct Series {
    args: AppArgs,
    options: RunOptions,
    listed: Listed,
    /// What was printed last about a server.
    notes: String,
    /// The server that runs now.
    component: Vec<u8>,
    /// How many servers there were.
    number: usize,
    /// Takes the servers; before the first one, what waits for it.
    served: Result<watch::Sender<Runner>, oneshot::Sender<watch::Receiver<Runner>>>,
}

impl Series {
    /// Builds whenever sources change. Returns only if they cannot be watched.
    fn go_on(mut self, mut app: App, mut sources: Sources) -> Result<()> {
        let mut changed = Vec::new();
        loop {
            let start = Instant::now();
            let renewed = self.args.find().and_then(|now| {
                app = now;
                // What the build is going to read, it need not read again.
                changed.extend(sources.look(&app)?);
                self.renew(&app)
            });
            let ends = match renewed {
                Ok(true) => {
                    let seconds = start.elapsed().as_secs_f32();
                    format!("build {} serves after {seconds:.1} s", self.number)
                }
                Ok(false) => format!("the server is the same; build {} goes on", self.number),
                Err(error) => {
                    terminal::print_error(&error);
                    match self.number {
                        0 => {
                            "nothing is served until a build succeeds; waiting for a change".into()
                        }
                        number => format!("build {number} goes on; waiting for a change"),
                    }
                }
            };
            eprintln!("{ends}");
            changed = sources.wait(&app)?;
            let shown = |path: &Path| {
                let top = app.dir.canonicalize().unwrap_or_default();
                path.strip_prefix(top).unwrap_or(path).display().to_string()
            };
            let more = match changed.len() {
                1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            eprintln!("\n`{}`{more} changed", shown(&changed[0]));
        }
    }

    /// Builds and runs the server. Returns whether it differs from the one that runs.
    fn renew(&mut self, app: &App) -> Result<bool> {
        let options = BuildOptions {
            force: false,
            jobs: build::cores(),
        };
        let composed = build::make(app, &options, false, &mut self.listed)?;
        self.note(&composed);
        if composed.component == self.component {
            return Ok(false);
        }
        let shown = app.output.display().to_string();
        match &self.served {
            Ok(served) => {
                let server = served.borrow().renewed(&shown, &composed.component)?;
                served.send_replace(server);
            }
            Err(_) => {
                let server = Runner::compile(&shown, &composed.component, self.options.clone())?;
                let (served, receiver) = watch::channel(server);
                if let Err(first) = std::mem::replace(&mut self.served, Ok(served)) {
                    let _ = first.send(receiver);
                }
            }
        }
        self.component = composed.component;
        self.number += 1;
        Ok(true)
    }

    /// Prints notes that differ from those of the last build.
    fn note(&mut self, composed: &Composed) {
        let notes = terminal::notes(composed);
        if notes != self.notes {
            eprint!("{notes}");
            self.notes = notes;
        }
    }
}

/// Prints a request on a line of its own.
fn print(exchange: Exchange) {
    let Exchange {
        method,
        name,
        status,
        error,
        duration,
    } = exchange;
    let time = chrono::Local::now().format("%H:%M:%S");
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    let error = error.map(|error| format!(" {error}")).unwrap_or_default();
    let milliseconds = duration.as_secs_f64() * 1000.0;
    // A closed stdout does not end the server.
    let _ = writeln!(
        std::io::stdout(),
        "{time} {method}{name} {status}{error} {milliseconds:.1} ms"
    );
}
