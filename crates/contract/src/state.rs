//! What a server keeps from one request to the next, and which features make it do so.

use serde::{Deserialize, Serialize};
use spin_mcp_protocol::catalog::Flags;

/// The store of a server whose configuration names none.
pub const DEFAULT_STORE: &str = "default";

/// A reason to keep state. All instances of a server have to share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// It may ask clients for input.
    Input,
    /// It tells subscribers of changed resources.
    ResourceUpdated,
    /// It tells listeners of changed lists.
    ListChanged,
    /// It may answer with a task.
    Tasks,
}

impl Need {
    const ALL: [(Flags, Need); 4] = [
        (Flags::INPUT, Need::Input),
        (Flags::RESOURCE_UPDATED, Need::ResourceUpdated),
        (Flags::LIST_CHANGED, Need::ListChanged),
        (Flags::TASKS, Need::Tasks),
    ];

    /// What a feature needs state for.
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

    /// What the feature does, to follow its name.
    pub fn verb(self) -> &'static str {
        match self {
            Need::Input => "asks clients for input",
            Need::ResourceUpdated => "tells of changed resources",
            Need::ListChanged => "tells of changed lists",
            Need::Tasks => "answers with tasks",
        }
    }
}
