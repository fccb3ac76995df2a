//! Finds out who sends requests: asks the authenticator.

use std::{cell::RefMut, rc::Rc};

use spin_mcp_protocol::{
    http::{self, Entered, HttpResponse, Judged},
    services::Services as _,
    stdio,
};

use crate::{catalog::catalog, services::Host};

/// Notes the sender of a request over HTTP. The error is the response.
pub async fn identify<'s>(
    entered: &Entered<'_>,
    host: impl Fn() -> RefMut<'s, Host>,
) -> Result<(), HttpResponse> {
    if let Some(response) = http::metadata(entered, &catalog(), &mut *host()) {
        return Err(response);
    }
    let mut judged = http::judge(entered, &catalog(), &mut *host());
    if let Judged::Unready = judged
        && refresh().await
    {
        judged = http::judge(entered, &catalog(), &mut *host());
    }
    match judged {
        Judged::Passed(sender) => host().sender = Some(sender),
        Judged::Refused(response) => return Err(response),
        Judged::Unready => return Err(http::unready()),
    }
    Ok(())
}

/// Notes the sender of all lines. The error is for the user of the process.
pub async fn identify_user<'s>(host: impl Fn() -> RefMut<'s, Host>) -> Result<(), String> {
    let token = || std::env::var("MCP_TOKEN").ok();
    let mut sender = stdio::sender(&catalog(), token(), &mut *host())?;
    if sender.is_none() && refresh().await {
        sender = stdio::sender(&catalog(), token(), &mut *host())?;
    }
    let Some(sender) = sender else {
        return Err("`MCP_TOKEN` cannot be checked now; try again later".to_owned());
    };
    host().sender = Some(Rc::new(sender));
    Ok(())
}

/// Lets the authenticator obtain what it needs. Returns whether it did.
async fn refresh() -> bool {
    #[cfg(feature = "wasi-0-2")]
    let refreshed = crate::wasi::bindings::spin_mcp::server::keys::refresh();
    #[cfg(feature = "wasi-0-3")]
    let refreshed = crate::wasi::bindings::spin_mcp::server::keys_async::refresh().await;
    if let Err(problem) = &refreshed {
        eprintln!("error: the authenticator is not ready: {problem}");
    }
    if let Some(senders) = Host::default().senders() {
        senders.forget();
    }
    refreshed.is_ok()
}
