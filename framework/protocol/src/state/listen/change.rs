//! Changes that clients can subscribe to.

use std::borrow::Cow;

/// A change that clients can subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of resources or the list of resource templates.
    Resources,
    /// The list of prompts.
    Prompts,
    /// The resource of this URI.
    Resource(String),
}

impl Change {
    /// The bytes from which names of events are computed. They differ for any two changes.
    pub(super) fn topic(&self) -> Cow<'static, [u8]> {
        match self {
            Change::Tools => b"tools".into(),
            Change::Resources => b"resources".into(),
            Change::Prompts => b"prompts".into(),
            Change::Resource(uri) => format!("resource:{uri}").into_bytes().into(),
        }
    }
}
