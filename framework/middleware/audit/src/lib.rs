//! Middleware: writes a line of JSON to stderr for each request once it has ended, and sends a span
//! if it may use `wasi:otel`.

mod asked;
#[cfg(target_family = "wasm")]
mod host;
mod line;
mod outcome;
mod span;

use spin_mcp_middleware_sdk::{Error, Middleware, Next, Settings};

use asked::Asked;
use line::line;
use outcome::Outcome;
use span::{Span, Tracer};

#[cfg(target_family = "wasm")]
spin_mcp_middleware_sdk::export!(Audit);

pub struct Audit {
    /// Whether to write the arguments of tools and prompts.
    arguments: bool,
    write: Box<dyn Fn(&str)>,
    tracer: Option<Box<dyn Tracer>>,
}

impl Middleware for Audit {
    const NAME: &str = "audit";

    fn new(settings: Settings<'_>) -> Result<Audit, String> {
        let arguments = settings.boolean("arguments")?.unwrap_or(false);
        settings.end()?;
        Ok(Audit {
            arguments,
            write: Box::new(|line| eprint!("{line}")),
            tracer: tracer(),
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
        let asked = Asked::new(method, &params, self.arguments, next);
        let tracer = self.tracer.as_deref();
        let mut request = Request {
            audit: self,
            span: tracer.and_then(|tracer| Span::start(tracer, &asked, next)),
            asked,
            outcome: Outcome::Cancelled,
        };
        let answer = next.handle(method, params).await;
        request.outcome = Outcome::of(method, &answer);
        answer
    }
}

/// A request in progress. It is written down however it ends.
struct Request<'a> {
    audit: &'a Audit,
    asked: Asked,
    span: Option<Span>,
    outcome: Outcome,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let Request {
            audit,
            asked,
            outcome,
            ..
        } = self;
        let took = asked.begun.elapsed();
        let of_client = asked.trace.as_ref().map(|trace| trace.parent.clone());
        let traceparent = self.span.as_ref().map(Span::traceparent).or(of_client);
        (audit.write)(&line(asked, traceparent.as_deref(), took, outcome));
        if let (Some(tracer), Some(span)) = (&audit.tracer, self.span.take()) {
            span.end(&**tracer, asked, took, outcome);
        }
    }
}

#[cfg(target_family = "wasm")]
fn tracer() -> Option<Box<dyn Tracer>> {
    Some(Box::new(host::Host))
}

/// No host receives spans natively.
#[cfg(not(target_family = "wasm"))]
fn tracer() -> Option<Box<dyn Tracer>> {
    None
}

#[cfg(test)]
mod tests;
