//! Why a server keeps state between requests.

use serde::{Deserialize, Serialize};
use spin_mcp_protocol::catalog::Flags;

/// The store of a server whose configuration does not name one.
pub const DEFAULT_STORE: &str = "default";

/// A reason to keep state, which all instances of a server must share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// It may ask clients for input.
    Input,
    /// It may notify subscribers about changed resources.
    ResourceUpdated,
    /// It may notify clients about changed lists.
    ListChanged,
    /// It may answer with a task.
    Tasks,
    /// It keeps the keys of issuers.
    IssuerKeys,
}

impl Need {
    const ALL: [(Flags, Need); 4] = [
        (Flags::INPUT, Need::Input),
        (Flags::RESOURCE_UPDATED, Need::ResourceUpdated),
        (Flags::LIST_CHANGED, Need::ListChanged),
        (Flags::TASKS, Need::Tasks),
    ];

    /// The needs that follow from the flags of a feature.
    pub fn of(flags: Flags) -> Vec<Need> {
        let all = Need::ALL.iter();
        all.filter(|(flag, _)| flags.contains(*flag))
            .map(|(_, need)| *need)
            .collect()
    }

    pub fn flag(self) -> Flags {
        let mut all = Need::ALL.iter();
        all.find(|(_, need)| *need == self)
            .map_or(Flags::default(), |(flag, _)| *flag)
    }

    /// What the part does, to follow its name.
    pub fn verb(self) -> &'static str {
        match self {
            Need::Input => "asks clients for input",
            Need::ResourceUpdated => "announces changed resources",
            Need::ListChanged => "announces changed lists",
            Need::Tasks => "answers with tasks",
            Need::IssuerKeys => "keeps the keys of issuers",
        }
    }
}
