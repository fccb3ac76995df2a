//! A variable of the app, kept for a while: some hosts ask another server for it.

use std::rc::Rc;

use crate::authenticator::Host;

/// For how many seconds an instance uses a value, and the server a verdict.
pub const SECONDS: u64 = 60;

#[derive(Default)]
pub struct Variable {
    value: Option<Rc<str>>,
    read: u64,
}

impl Variable {
    /// Reads the variable if that was long ago. Returns whether it has another value.
    pub fn update(&mut self, host: &impl Host, name: &str) -> bool {
        let now = host.now();
        if now.abs_diff(self.read) < SECONDS {
            return false;
        }
        self.read = now;
        let value = host.variable(name).filter(|value| !value.is_empty());
        let is_new = value.as_deref() != self.value.as_deref();
        self.value = value.map(Rc::from);
        is_new
    }

    /// When it is read again.
    pub fn until(&self) -> u64 {
        self.read + SECONDS
    }

    pub fn value(&self) -> Option<Rc<str>> {
        self.value.clone()
    }
}
