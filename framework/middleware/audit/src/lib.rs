//! Middleware: a line of JSON on stderr for each request, once it has ended.

mod line;

use std::time::Instant;

use spin_mcp_link::{Error, Link, Next, Settings, now};

use line::{Line, Outcome};

#[cfg(target_family = "wasm")]
spin_mcp_link::export!(Audit);

pub struct Audit {
    /// Whether the lines hold the arguments of tools and prompts.
    arguments: bool,
    write: Box<dyn Fn(&str)>,
}

impl Link for Audit {
    const NAME: &str = "audit";

    fn new(settings: Settings<'_>) -> Result<Audit, String> {
        let arguments = settings.boolean("arguments")?.unwrap_or(false);
        settings.end()?;
        Ok(Audit {
            arguments,
            write: Box::new(|line| eprint!("{line}")),
        })
    }

    async fn handle(
        &self,
        next: &impl Next,
        method: &str,
        params: String,
    ) -> Result<String, Error> {
        if !next.has_client() {
            return next.handle(method, params).await;
        }
        let mut request = Request {
            audit: self,
            line: Line::begin(now(), method, &params, self.arguments, next),
            begun: Instant::now(),
            outcome: Outcome::Cancelled,
        };
        let answer = next.handle(method, params).await;
        request.outcome = Outcome::of(method, &answer);
        answer
    }
}

/// A request on its way: its line is written however it ends.
struct Request<'a> {
    audit: &'a Audit,
    line: Line,
    begun: Instant,
    outcome: Outcome,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let line = self.line.end(self.begun.elapsed(), &self.outcome);
        (self.audit.write)(&line);
    }
}

#[cfg(test)]
mod tests;
