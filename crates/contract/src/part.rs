//! What somebody made for servers, as the user names it.

use std::{fmt, path::PathBuf};

use serde_json::{Map, Value};

use spin_mcp_component::Resolved;

use crate::Grant;

/// What a component is in a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It offers tools, resources or prompts.
    Feature,
    /// It is a link of the chain before features.
    Middleware,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Feature => "feature",
            Role::Middleware => "middleware",
        })
    }
}

/// A feature or a middleware.
#[derive(Clone, Debug)]
pub struct Part {
    pub role: Role,
    /// What messages call it.
    pub name: String,
    pub component: Component,
    /// Put before the name of each of a feature's tools and prompts.
    pub prefix: Option<String>,
    /// What it may use beside what every part may.
    pub allow: Vec<Grant>,
    /// The lists of a feature depend on the request: they are not read now, but asked for with
    /// every one.
    pub dynamic: bool,
    /// What `settings` answers.
    pub settings: Option<Map<String, Value>>,
}

/// Where a component is.
#[derive(Clone, Debug)]
pub enum Component {
    /// A component, or a core module with an embedded component type.
    Resolved(Resolved),
    /// A middleware that `mcp` carries, by its name.
    Shipped(&'static str),
}

impl fmt::Display for Component {
    /// Where it comes from, as the user wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Component::Resolved(resolved) => resolved.fmt(f),
            Component::Shipped(name) => f.write_str(name),
        }
    }
}

impl Part {
    /// A feature that nothing is said of.
    pub fn feature(name: &str, path: PathBuf) -> Part {
        Part {
            role: Role::Feature,
            name: name.to_owned(),
            component: Component::Resolved(Resolved::File(path)),
            prefix: None,
            allow: vec![],
            dynamic: false,
            settings: None,
        }
    }
}
