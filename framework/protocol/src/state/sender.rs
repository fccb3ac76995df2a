//! Who sent a request.

use crate::wire::types::{Caller, Known};

/// The sender of a request, and what features may read of its head.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    pub who: Who,
    /// Identifies the sender. Empty: nobody established who it is.
    pub principal: String,
    /// When its credentials expire, in milliseconds since 1970.
    pub expires: Option<u64>,
    /// The canonical URI of the server; empty on stdio.
    pub resource: String,
    pub is_stdio: bool,
    /// The headers that the catalog names: names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default)]
pub enum Who {
    #[default]
    Anonymous,
    /// The user of the process, on stdio: no scopes are needed.
    Trusted,
    Known(Caller),
}

impl Sender {
    /// A caller that an authenticator knows. None: the caller has no usable name.
    pub fn known(known: Known) -> Option<Sender> {
        let Known {
            caller, expires, ..
        } = known;
        if [&caller.issuer, &caller.subject]
            .iter()
            .any(|text| text.contains('\0'))
        {
            return None;
        }
        Some(Sender {
            principal: format!("{}\0{}", caller.issuer, caller.subject),
            expires: expires.map(|seconds| seconds.saturating_mul(1000)),
            who: Who::Known(caller),
            ..Sender::default()
        })
    }

    pub fn caller(&self) -> Option<&Caller> {
        match &self.who {
            Who::Known(caller) => Some(caller),
            Who::Anonymous | Who::Trusted => None,
        }
    }

    pub fn scopes(&self) -> &[String] {
        self.caller().map_or(&[], |caller| &caller.scopes)
    }
}
