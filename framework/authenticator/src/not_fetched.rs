//! What stands in for `fetched` in the build that fetches nothing: the code, and the imports that it
//! needs, are not there.

use std::{cell::RefCell, rc::Rc};

use spin_mcp_auth::jws::Jws;
use spin_mcp_protocol::services::Store;

use crate::authenticator::Host;

pub struct Wanted;

impl Wanted {
    pub fn of(_: &Jws<'_>) -> Wanted {
        Wanted
    }
}

pub struct Fetched {
    issuer: String,
}

impl Fetched {
    pub fn open(_: &impl Host, _: &str) -> Option<Box<dyn Store>> {
        None
    }

    pub fn new(issuer: String) -> Fetched {
        Fetched { issuer }
    }

    pub fn at(&self, _: u64) -> Option<Rc<str>> {
        None
    }

    pub fn may_have_more(&self, _: u64) -> bool {
        false
    }

    pub async fn settled(&self) {}

    pub async fn obtain<H: Host>(
        &self,
        _: &H,
        _: &RefCell<Option<Box<dyn Store>>>,
        _: &Wanted,
    ) -> Result<(), String> {
        let issuer = &self.issuer;
        Err(format!(
            "the keys of `{issuer}` are not in the settings, and this build does not fetch them"
        ))
    }
}
