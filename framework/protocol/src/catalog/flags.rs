//! Properties of a feature, as compose found them.

/// Properties of a feature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u32);

impl Flags {
    /// Exports asynchronous interfaces, such as `tools-async`.
    pub const ASYNC: Flags = Flags(1);
    /// Imports `progress` of `request`.
    pub const PROGRESS: Flags = Flags(2);
    /// Imports `log` of `request`.
    pub const LOG: Flags = Flags(4);
    /// Imports anything of `request`.
    pub const USES_REQUEST: Flags = Flags(8);
    /// Exports `prompts`.
    pub const PROMPTS: Flags = Flags(16);
    /// Exports `resources`.
    pub const RESOURCES: Flags = Flags(32);
    /// Exports `tools`.
    pub const TOOLS: Flags = Flags(64);
    /// Exports `completions`.
    pub const COMPLETIONS: Flags = Flags(128);
    /// Imports `input-responses` or `request-state` of `request`: it may ask the client.
    pub const INPUT: Flags = Flags(256);
    /// Imports `resource-updated` of `request`.
    pub const RESOURCE_UPDATED: Flags = Flags(512);
    /// Imports `list-changed` of `request`.
    pub const LIST_CHANGED: Flags = Flags(1024);
    /// Its lists depend on the request, so the catalog does not have them.
    pub const DYNAMIC: Flags = Flags(2048);
    /// Has a tool that may answer with a task.
    pub const TASKS: Flags = Flags(4096);
    /// Imports `is-cancelled` of `request`.
    pub const CANCELLED: Flags = Flags(32768);

    /// Of the catalog, not of a feature: it says who may send requests.
    pub const ACCESS: Flags = Flags(8192);
    /// Of the catalog, not of a feature: it names headers that features may read.
    pub const HEADERS: Flags = Flags(16384);

    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}
