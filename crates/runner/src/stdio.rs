//! A server as a command that speaks MCP on stdin and stdout.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
};

use anyhow::bail;
use tokio::time::Instant;
use wasmtime::{Store, error::Context as _};
use wasmtime_wasi::{I32Exit, p2, p3};

use super::{
    Runner,
    guest::{self, Guest, Stdio},
};

impl Runner {
    /// Runs the server on the stdin, stdout and stderr of this process until it ends, normally
    /// because stdin ends. Returns its exit code.
    ///
    /// Single requests are not visible here, but a guest that computes without waiting is. If it
    /// does so for longer than the timeout, the server ends.
    pub async fn run_stdio(&self) -> anyhow::Result<u8> {
        let computes = Arc::new(AtomicBool::new(false));
        let mut store = self
            .pool
            .surroundings()
            .store(self.pool.engine(), Stdio::Inherit);
        let ticked = computes.clone();
        guest::give_way(&mut store, move || ticked.store(true, Relaxed));

        let mut run = pin!(self.command(store));
        let mut since = Instant::now();
        poll_fn(|cx| {
            let result = run.as_mut().poll(cx);
            if result.is_pending() {
                if !computes.swap(false, Relaxed) {
                    since = Instant::now();
                } else if since.elapsed() > self.timeout {
                    return Poll::Ready(Err(anyhow::anyhow!(
                        "a tool computed for longer than {} s; raise the limit with `--timeout`",
                        self.timeout.as_secs()
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
                Err(error) => bail!("the server component trapped: {error:?}"),
            },
        }
    }
}
