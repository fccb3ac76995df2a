//! The kinds of lists.

use super::flags::Flags;

/// The kinds of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKind {
    Tools,
    Resources,
    ResourceTemplates,
    Prompts,
}

impl ListKind {
    pub const ALL: [ListKind; 4] = [
        ListKind::Tools,
        ListKind::Resources,
        ListKind::ResourceTemplates,
        ListKind::Prompts,
    ];

    /// The member of a result that holds the list, such as `resourceTemplates`.
    pub fn member(self) -> &'static str {
        match self {
            ListKind::Tools => "tools",
            ListKind::Resources => "resources",
            ListKind::ResourceTemplates => "resourceTemplates",
            ListKind::Prompts => "prompts",
        }
    }

    /// The method that asks for the list.
    pub fn method(self) -> &'static str {
        match self {
            ListKind::Tools => "tools/list",
            ListKind::Resources => "resources/list",
            ListKind::ResourceTemplates => "resources/templates/list",
            ListKind::Prompts => "prompts/list",
        }
    }

    /// The member that identifies an entry.
    pub fn key(self) -> &'static str {
        match self {
            ListKind::Tools | ListKind::Prompts => "name",
            ListKind::Resources => "uri",
            ListKind::ResourceTemplates => "uriTemplate",
        }
    }

    /// The interface that features with such a list export.
    pub fn flag(self) -> Flags {
        match self {
            ListKind::Tools => Flags::TOOLS,
            ListKind::Resources | ListKind::ResourceTemplates => Flags::RESOURCES,
            ListKind::Prompts => Flags::PROMPTS,
        }
    }
}
