//! Why a catalog cannot be baked.

use std::fmt;

use crate::catalog::{
    list_kind::ListKind,
    schema::{NameError, SchemaError},
};

/// Why a catalog cannot be baked.
#[derive(Clone, PartialEq, Debug)]
pub enum BuildError {
    /// Two entries have the same name, URI or URI template. They may be of one feature.
    Duplicate {
        kind: ListKind,
        name: String,
        first: String,
        second: String,
    },
    /// The name of a tool, with its prefix, is invalid.
    ToolName {
        feature: String,
        tool: String,
        problem: NameError,
    },
    /// The input schema of a tool is invalid.
    InputSchema {
        feature: String,
        tool: String,
        problem: SchemaError,
    },
    /// The name of a prompt, with its prefix, is invalid.
    PromptName {
        feature: String,
        prompt: String,
        problem: String,
    },
    /// Two arguments of a prompt have the same name.
    DuplicateArgument {
        feature: String,
        prompt: String,
        argument: String,
    },
    /// The URI of a resource is invalid.
    Uri {
        feature: String,
        uri: String,
        problem: String,
    },
    /// The URI template of a resource template is invalid.
    UriTemplate {
        feature: String,
        uri_template: String,
        problem: String,
    },
    /// This member of an entry is not a JSON object.
    NotAnObject {
        kind: ListKind,
        feature: String,
        name: String,
        member: &'static str,
    },
    /// An entry has something that clients refuse.
    Extra {
        kind: ListKind,
        feature: String,
        name: String,
        problem: String,
    },
    /// Two needs have the same kind and pattern.
    DuplicateNeed { pattern: String },
    /// The catalog would be larger than 4 GiB.
    TooLarge,
}

/// The noun for an entry of a list, for messages.
fn noun(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Tools => "tool",
        ListKind::Resources => "resource",
        ListKind::ResourceTemplates => "resource template",
        ListKind::Prompts => "prompt",
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Duplicate {
                kind,
                name,
                first,
                second,
            } => duplicate(f, *kind, name, first, second),
            BuildError::ToolName {
                feature,
                tool,
                problem,
            } => {
                write!(
                    f,
                    "feature `{feature}` has a tool `{}` that clients cannot call: {problem}",
                    tool.escape_debug()
                )
            }
            BuildError::InputSchema {
                feature,
                tool,
                problem,
            } => {
                write!(
                    f,
                    "tool `{tool}` of feature `{feature}` has no valid input schema: {problem}"
                )
            }
            BuildError::PromptName {
                feature,
                prompt,
                problem,
            } => {
                write!(
                    f,
                    "feature `{feature}` has a prompt `{}` that clients cannot get: {problem}",
                    prompt.escape_debug()
                )
            }
            BuildError::DuplicateArgument {
                feature,
                prompt,
                argument,
            } => {
                write!(
                    f,
                    "prompt `{prompt}` of feature `{feature}` has two arguments named `{}`; rename one",
                    argument.escape_debug()
                )
            }
            BuildError::Uri {
                feature,
                uri,
                problem,
            } => {
                write!(
                    f,
                    "feature `{feature}` has a resource `{}` whose URI is not valid: {problem}",
                    uri.escape_debug()
                )
            }
            BuildError::UriTemplate {
                feature,
                uri_template,
                problem,
            } => {
                write!(
                    f,
                    "feature `{feature}` has a resource template `{}` that is not valid: {problem}",
                    uri_template.escape_debug()
                )
            }
            BuildError::NotAnObject {
                kind,
                feature,
                name,
                member,
            } => {
                write!(
                    f,
                    "{} `{name}` of feature `{feature}` has {member} that is not one JSON object of at most {} levels",
                    noun(*kind),
                    crate::wire::MAX_DEPTH
                )
            }
            BuildError::Extra {
                kind,
                feature,
                name,
                problem,
            } => write!(
                f,
                "{} `{name}` of feature `{feature}` has {problem}",
                noun(*kind)
            ),
            BuildError::DuplicateNeed { pattern } => write!(
                f,
                "the scopes of `{pattern}` are given twice; leave one out"
            ),
            BuildError::TooLarge => f.write_str("the catalog of this server is larger than 4 GiB"),
        }
    }
}

impl std::error::Error for BuildError {}

fn duplicate(
    f: &mut fmt::Formatter<'_>,
    kind: ListKind,
    name: &str,
    first: &str,
    second: &str,
) -> fmt::Result {
    let noun = noun(kind);
    match (kind, first == second) {
        (ListKind::Tools | ListKind::Prompts, true) => write!(
            f,
            "feature `{first}` has two {noun}s named `{name}`; rename one"
        ),
        (ListKind::Tools | ListKind::Prompts, false) => write!(
            f,
            "features `{first}` and `{second}` both have a {noun} `{name}`; give one of them a `prefix`"
        ),
        (_, true) => write!(
            f,
            "feature `{first}` lists the {noun} `{name}` twice; leave one out"
        ),
        (_, false) => write!(
            f,
            "features `{first}` and `{second}` both have a {noun} `{name}`; change it in one of them"
        ),
    }
}
