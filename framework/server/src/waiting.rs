//! Calls over HTTP whose client can cancel them by another request: those of sessions.

use std::cell::RefCell;

use spin_mcp_protocol::{Call, is_cancelled, services::Services};

use crate::{
    services::{Host, WHOLE},
    wasi::bindings::spin_mcp::framework::control,
};

/// Whether an instance serves another request while a call is in progress.
const SHARED: bool = cfg!(feature = "wasi-0-3");
/// How long a call takes until the store is asked whether it was cancelled, in milliseconds.
const LONG_MS: u64 = 50;

thread_local! {
    /// The calls that this instance works on.
    static CALLS: RefCell<Vec<Of>> = const { RefCell::new(Vec::new()) };
}

/// The client that waits for a call.
#[derive(Clone)]
struct Of {
    id: u64,
    session: Vec<u8>,
    /// The `id` that the client gave the request.
    request: String,
    /// Whether the context knows the call.
    is_begun: bool,
    /// When the call began, in milliseconds since 1970.
    began: u64,
}

/// A call that a client waits for.
pub struct Waiting(Option<Of>);

impl Waiting {
    pub fn begin(call: &Call<'_>, id: u64, host: &mut Host) -> Waiting {
        let of = call.waiting().map(|(session, request)| Of {
            id,
            session: session.to_vec(),
            request: request.to_owned(),
            is_begun: call.may_be_asked_about(),
            began: host.now(),
        });
        if SHARED && let Some(of) = &of {
            CALLS.with_borrow_mut(|calls| calls.push(of.clone()));
        }
        Waiting(of)
    }

    /// Whether the client cancelled the call.
    pub fn is_cancelled(&self, host: &mut Host) -> bool {
        let Some(of) = &self.0 else {
            return false;
        };
        if SHARED && !CALLS.with_borrow(|calls| calls.iter().any(|call| call.id == of.id)) {
            return true;
        }
        // A store that fails has written the reason to stderr.
        WHOLE
            && host.now() > of.began + LONG_MS
            && is_cancelled(host, &of.session, &of.request, of.began).unwrap_or_default()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if SHARED && let Some(of) = &self.0 {
            CALLS.with_borrow_mut(|calls| calls.retain(|call| call.id != of.id));
        }
    }
}

/// Forgets the calls of this id, as [`crate::drive::Stdio`] does: their features run on.
pub fn cancel(session: &[u8], request: &str) {
    CALLS.with_borrow_mut(|calls| {
        calls.retain(|of| {
            let is_meant = of.session == session && of.request == request;
            if is_meant && of.is_begun {
                control::close(of.id);
            }
            !is_meant
        });
    });
}
