//! The features and the middleware of a server, as the user names them.

use std::{fmt, path::PathBuf};

use serde_json::{Map, Value};

use spin_mcp_component::Resolved;
use spin_mcp_openapi::OpenApi;

use crate::Grant;

/// The role of a component in a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It offers tools, resources or prompts.
    Feature,
    /// It handles requests before features do.
    Middleware,
    /// It finds out who sends a request.
    Authenticator,
    /// It decides what a caller may do.
    Policy,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Feature => "feature",
            Role::Middleware => "middleware",
            Role::Authenticator => "authenticator",
            Role::Policy => "policy",
        })
    }
}

/// A feature or a middleware.
#[derive(Clone, Debug)]
pub struct Part {
    pub role: Role,
    /// Its name in messages.
    pub name: String,
    pub component: ComponentSource,
    /// Comes before the name of each tool and prompt of a feature.
    pub prefix: Option<String>,
    /// What it may use, beside what every part may use.
    pub allow: Vec<Grant>,
    /// The lists of a feature depend on the request, so the server asks for them with each request.
    pub dynamic: bool,
    /// What `settings` returns.
    pub settings: Option<Map<String, Value>>,
}

/// Where a component comes from.
#[derive(Clone, Debug)]
pub enum ComponentSource {
    /// A component, or a core module with an embedded component type.
    Resolved(Resolved),
    /// A middleware or an authenticator that `mcp` carries, by its name.
    Shipped(&'static str),
    /// An OpenAPI document, of which compose makes a component.
    OpenApi(Box<OpenApi>),
}

impl fmt::Display for ComponentSource {
    /// As the user wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComponentSource::Resolved(resolved) => resolved.fmt(f),
            ComponentSource::Shipped(name) => f.write_str(name),
            ComponentSource::OpenApi(of) => of.document.display().fmt(f),
        }
    }
}

impl Part {
    /// A feature without any options.
    pub fn feature(name: &str, path: PathBuf) -> Part {
        Part {
            role: Role::Feature,
            name: name.to_owned(),
            component: ComponentSource::Resolved(Resolved::File(path)),
            prefix: None,
            allow: vec![],
            dynamic: false,
            settings: None,
        }
    }
}
