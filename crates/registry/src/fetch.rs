//! Small documents on the web, such as the keys of an issuer.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::client::{builder, last_cause, read};
use super::source::is_loopback;

/// The time limit of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A response. Redirects are not followed.
pub struct Document {
    pub status: u16,
    /// The header `www-authenticate`.
    pub challenge: Option<String>,
    pub location: Option<String>,
    /// As far as the limit.
    pub body: Vec<u8>,
}

/// Sends `body`, or else asks for a document. Only hosts on this machine are contacted without TLS.
pub fn fetch(
    url: &str,
    body: Option<String>,
    token: Option<&str>,
    limit: usize,
) -> Result<Document> {
    let parsed = reqwest::Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
    let is_local = parsed.host_str().is_some_and(is_loopback);
    let client = builder(!is_local)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut request = match body {
        Some(body) => client
            .post(parsed)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body),
        None => client.get(parsed).header("accept", "application/json"),
    };
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answered = async {
        let mut response = request.send().await?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (challenge, location) = (header("www-authenticate"), header("location"));
        Ok::<_, reqwest::Error>(Document {
            status: response.status().as_u16(),
            challenge,
            location,
            body: read(&mut response, limit).await?,
        })
    };
    // The timer needs the runtime as soon as it is made.
    let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, answered).await });
    answered
        .map_err(|_| anyhow!("no answer within {} s", PATIENCE.as_secs()))?
        .map_err(|error| anyhow!("{}", last_cause(&error)))
}
