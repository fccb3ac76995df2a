//! What a catalog says about access: who may send requests, and which scopes they need.

/// Who may send requests, and which scopes they need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The canonical URI of the server (RFC 8707). None: the variable `mcp_auth_resource` says it.
    pub resource: Option<String>,
    /// What every request needs.
    pub scopes: Vec<String>,
    /// Whether requests without credentials are served.
    pub anonymous: bool,
    /// The headers that the authenticator sees, in lower case.
    pub headers: Vec<String>,
    pub unmet: Unmet,
    pub stdio: StdioCaller,
    /// Whether the metadata is also at the root of the host.
    pub root_metadata: bool,
    /// Where people read about the server: `resource_documentation` of the metadata.
    pub documentation: Option<String>,
    pub needs: Vec<Need>,
    /// Whether the server has an `authorizer`.
    pub policy: bool,
    /// Whether `mcp_auth_resource` is a variable of the app (`wasi:config/store`) even if the server
    /// has no store. Otherwise it is then one of the environment.
    pub app_variables: bool,
}

/// What a caller sees of an item whose scopes it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmet {
    /// The item is listed, and a call of it is answered with the scopes that it needs.
    #[default]
    Challenge,
    /// Nothing.
    Hide,
}

/// The caller on stdio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StdioCaller {
    /// The user of the process, who may do everything that a policy allows.
    #[default]
    Trusted,
    /// Whoever the token in the environment variable `MCP_TOKEN` belongs to.
    Environment,
}

/// The scopes that items need, in addition to those of the server.
///
/// Of the needs of one kind whose pattern matches an item, the most specific one counts: an exact
/// name before a pattern with `*`, and of two patterns the one with more text besides its stars.
/// If these are equally specific, all their scopes are needed. The pattern of a resource can also be
/// a URI template, whose expressions count as stars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    pub kind: NeedKind,
    /// The name or URI that clients see; `*` stands for any number of characters.
    pub pattern: String,
    pub scopes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    #[default]
    Tool,
    Prompt,
    /// Resources and resource templates.
    Resource,
}
