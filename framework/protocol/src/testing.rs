//! A server to test with.

pub mod chain;
pub mod guarded;

use crate::{
    call::{Ask, Call},
    catalog::{self, CatalogInput, FeatureInput, Flags, ServerInput},
    serve::http::HttpRequest,
    state::services::{MemoryStore, Services, Store},
    wire::types::{
        prompt_types::{Prompt, PromptArgument},
        resource_types::ResourceTemplate,
        tool_types::Tool,
        types::ResourceInfo,
    },
};

pub fn tool(name: &str, input_schema: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        title: None,
        description: Some(format!("does {name}")),
        input_schema: input_schema.to_owned(),
        output_schema: None,
        annotations: None,
        icons: Vec::new(),
        meta: None,
    }
}

pub fn resource(uri: &str, name: &str) -> ResourceInfo {
    ResourceInfo {
        uri: uri.to_owned(),
        name: name.to_owned(),
        title: None,
        description: None,
        mime_type: Some("text/plain".to_owned()),
        size: None,
        annotations: None,
        icons: Vec::new(),
        meta: None,
    }
}

pub fn template(uri_template: &str, name: &str) -> ResourceTemplate {
    ResourceTemplate {
        uri_template: uri_template.to_owned(),
        name: name.to_owned(),
        title: None,
        description: None,
        mime_type: None,
        annotations: None,
        icons: Vec::new(),
        meta: None,
    }
}

/// `arguments` are names, and whether they are required.
pub fn prompt(name: &str, arguments: &[(&str, bool)]) -> Prompt {
    let arguments = arguments.iter().map(|&(name, required)| PromptArgument {
        name: name.to_owned(),
        title: None,
        description: None,
        required,
    });
    Prompt {
        name: name.to_owned(),
        title: None,
        description: None,
        arguments: arguments.collect(),
        icons: Vec::new(),
        meta: None,
    }
}

pub fn input() -> CatalogInput {
    let headers = r#"{"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "flag": {"type": "boolean", "x-mcp-header": "Flag"},
        "deep": {"type": "object", "properties": {"count": {"type": "integer", "x-mcp-header": "Count"}}}
    }}"#;
    let plain = r#"{"type":"object"}"#;
    CatalogInput {
        server: ServerInput {
            name: "test".to_owned(),
            version: "1.2.3".to_owned(),
            instructions: Some("be kind".to_owned()),
            allowed_origins: vec!["https://app.example.com".to_owned()],
            ..ServerInput::default()
        },
        features: vec![
            FeatureInput {
                name: "one".to_owned(),
                flags: Flags::TOOLS
                    .with(Flags::PROGRESS)
                    .with(Flags::LOG)
                    .with(Flags::USES_REQUEST),
                tools: vec![tool("zeta", plain), tool("alpha", plain)],
                ..FeatureInput::default()
            },
            FeatureInput {
                name: "two".to_owned(),
                flags: Flags::ASYNC.with(Flags::TOOLS),
                prefix: Some("two.".to_owned()),
                tools: vec![tool("query", headers), tool("plain", plain)],
                ..FeatureInput::default()
            },
            FeatureInput {
                name: "library".to_owned(),
                flags: Flags::RESOURCES
                    .with(Flags::PROMPTS)
                    .with(Flags::COMPLETIONS),
                prefix: Some("lib.".to_owned()),
                resources: vec![
                    resource("test://library/readme", "readme"),
                    resource("test://library/licence", "licence"),
                ],
                resource_templates: vec![
                    template("test://library/books/{id}", "book"),
                    template("test://library/search{?author,title}", "search"),
                ],
                prompts: vec![
                    prompt("review", &[("book", true), ("tone", false)]),
                    prompt("greet", &[]),
                ],
                ..FeatureInput::default()
            },
        ],
    }
}

/// Tools `zeta` and `alpha` of feature `one`, `two.query` (which has header rules) and
/// `two.plain` of feature `two`; two resources, two resource templates, and the prompts
/// `lib.review` (of a `book`, perhaps in some `tone`) and `lib.greet` of feature `library`.
pub fn catalog() -> Vec<u8> {
    catalog::build(&input()).unwrap()
}

pub fn catalog_for_hosts(hosts: &[&str]) -> Vec<u8> {
    let mut input = input();
    input.server.allowed_hosts = hosts.iter().map(|host| host.to_string()).collect();
    catalog::build(&input).unwrap()
}

pub fn catalog_with_pages_of(size: usize) -> Vec<u8> {
    let mut input = input();
    input.server.page_size = Some(size);
    catalog::build(&input).unwrap()
}

/// The headers of a legacy client's POST.
pub const LEGACY_HEADERS: [(&str, &str); 2] = [
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
];

pub fn headers(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect()
}

/// A request to the server, without its body.
pub fn post(headers: &[(String, Vec<u8>)]) -> HttpRequest<'_> {
    HttpRequest {
        method: "POST",
        path: "/mcp",
        authority: None,
        headers,
    }
}

/// The headers of a modern request.
pub fn modern_headers(method: &str, name: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut all = headers(&LEGACY_HEADERS);
    all.extend(headers(&[
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", method),
    ]));
    all.extend(name.map(|name| ("Mcp-Name".to_owned(), name.as_bytes().to_vec())));
    all
}

/// A modern request. `params` are members of an object, each with a comma after it; `meta` are
/// members of `_meta`, each with a comma before it.
pub fn modern_request(method: &str, params: &str, meta: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}{meta}}}}}}}"#
    )
}

pub fn legacy_request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// Services that a test controls.
#[derive(Clone, Debug)]
pub struct TestServices {
    /// Milliseconds.
    pub now: u64,
    pub variables: Vec<(String, String)>,
    pub store: Option<MemoryStore>,
    /// How many random values were taken: each is the number of its turn.
    pub randoms: u128,
    /// The lines that were logged.
    pub log: Vec<String>,
}

impl Default for TestServices {
    /// With an empty store, in November 2026.
    fn default() -> Self {
        TestServices {
            now: 1_795_000_000_000,
            variables: Vec::new(),
            store: Some(MemoryStore::default()),
            randoms: 0,
            log: Vec::new(),
        }
    }
}

impl Services for TestServices {
    const WHOLE: bool = true;

    fn log(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }

    fn now(&mut self) -> u64 {
        self.now
    }

    fn random(&mut self) -> [u8; 16] {
        self.randoms += 1;
        self.randoms.to_le_bytes()
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        self.store.as_mut().map(|store| store as &mut dyn Store)
    }

    fn pause(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }
}

/// The keys of a store, in order, without those of the index for sweeps.
pub fn keys(store: &MemoryStore) -> Vec<String> {
    let keys = store.keys().filter(|key| !key.starts_with("mcp:due"));
    keys.map(str::to_owned).collect()
}

/// The name or URI that a feature is asked for.
pub fn name(call: &Call<'_>) -> String {
    match call.ask() {
        Ask::Tool { name, .. } | Ask::Prompt { name, .. } => name.to_owned(),
        Ask::Resource { uri } => uri.to_owned(),
        Ask::Completion { argument, .. } => argument.name.clone(),
        Ask::List { kind, .. } => kind.member().to_owned(),
        Ask::Handle { method, .. } => method.to_owned(),
    }
}
