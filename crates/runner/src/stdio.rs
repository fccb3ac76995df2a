//! A server as a command that speaks MCP on stdin and stdout.

use std::{
    future::poll_fn,
    io::{BufRead as _, Read as _},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    thread,
    time::Duration,
};

use spin_mcp_protocol::MAX_BODY;
use tokio::time::{Instant, sleep};
use wasmtime::{Store, error::Context as _};
use wasmtime_wasi::{I32Exit, p2, p3};

use super::{
    Runner,
    guest::{self, Guest, Stdio},
    lines::Lines,
};

/// How long calls may go on after stdin has ended. A tool may wait for ever.
const AFTER_END: Duration = Duration::from_secs(5);
/// How long a `ping` waits for a server that a tool keeps busy.
const PING: Duration = Duration::from_millis(500);

impl Runner {
    /// Runs the server on the stdin, stdout and stderr of this process until it ends, normally
    /// because stdin ends. Returns its exit code.
    ///
    /// If the server traps, or computes for longer than the timeout, the calls in progress fail,
    /// and another instance serves the next ones.
    pub async fn run_stdio(&self) -> anyhow::Result<u8> {
        let lines = Lines::default();
        let (client, pings) = (lines.clone(), tokio::runtime::Handle::current());
        thread::spawn(move || {
            read(&client, |id| {
                let client = client.clone();
                pings.spawn(async move {
                    sleep(PING).await;
                    client.answer_ping(&id);
                });
            });
            client.end();
            thread::sleep(AFTER_END);
            std::process::exit(0);
        });
        loop {
            let error = match self.run_once(&lines).await {
                Ok(code) => return Ok(code),
                Err(error) => error,
            };
            if !lines.recover(&error.to_string()) {
                return Err(error);
            }
            eprintln!("error: {error:#}");
        }
    }

    /// Runs an instance until it ends or fails.
    async fn run_once(&self, lines: &Lines) -> anyhow::Result<u8> {
        let computes = Arc::new(AtomicBool::new(false));
        let mut store = self
            .pool
            .surroundings()
            .store(self.pool.engine(), Stdio::Client(lines.clone()));
        let ticked = computes.clone();
        guest::give_way(&mut store, move || ticked.store(true, Relaxed));

        let mut run = pin!(self.command(store));
        let (mut since, mut left) = (Instant::now(), Instant::now());
        poll_fn(|cx| {
            // A guest that computes comes back at every tick of the engine.
            let waited = left.elapsed() > PING;
            let result = run.as_mut().poll(cx);
            left = Instant::now();
            if result.is_pending() {
                if !computes.swap(false, Relaxed) || waited {
                    since = left;
                } else if since.elapsed() > self.times.timeout {
                    return Poll::Ready(Err(anyhow::anyhow!(
                        "a tool computed for longer than {} s; raise the limit with `--timeout`",
                        self.times.timeout.as_secs()
                    )));
                }
            }
            result
        })
        .await
    }

    async fn command(&self, mut store: Store<Guest>) -> anyhow::Result<u8> {
        let result = match p3::bindings::CommandIndices::new(&self.command) {
            Ok(indices) => {
                let instance = self.command.instantiate_async(&mut store).await?;
                let command = indices.load(&mut store, &instance)?;
                let run = store
                    .run_concurrent(async |guest| command.wasi_cli_run().call_run(guest).await);
                run.await.flatten()
            }
            Err(_) => {
                let pre = p2::bindings::CommandPre::new(self.command.clone()).context(
                    "the server has no stdio transport: it exports neither `wasi:cli/run@0.2` \
                     nor `wasi:cli/run@0.3`; compose it again with this `mcp`",
                )?;
                let command = pre.instantiate_async(&mut store).await?;
                command.wasi_cli_run().call_run(&mut store).await
            }
        };
        match result {
            Ok(Ok(())) => Ok(0),
            Ok(Err(())) => Ok(1),
            Err(error) => match error.downcast::<I32Exit>() {
                Ok(I32Exit(code)) => Ok(u8::try_from(code).unwrap_or(1)),
                Err(error) => Err(anyhow::anyhow!("{error:?}").context(
                    "the server component trapped while handling this request or a concurrent one",
                )),
            },
        }
    }
}

/// Passes on the lines of stdin until it ends. A line that is too long is cut: the server refuses
/// it. `ping` gets the id of one that the server may be too busy for.
fn read(lines: &Lines, ping: impl Fn(String)) {
    let mut stdin = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let most = MAX_BODY as u64 + 1;
        match stdin.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.len() > MAX_BODY && !line.ends_with(b"\n") {
            if stdin.skip_until(b'\n').is_err() {
                return;
            }
            line.push(b'\n');
        }
        lines.push(line).map(&ping);
    }
}
