mod calls;
mod capabilities;
mod lists;

use serde_json::{Value as Json, json};

use crate::{
    call::{Ask, FeatureOutcome},
    catalog::{self, Catalog, CatalogInput, FeatureInput, Flags, ServerInput},
    fuzz::features::Answers,
    testing::{
        self,
        chain::{own, through},
    },
    wire::{
        MAX_RESULT,
        failure::{INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND},
        types::types::Error,
    },
};

type Handled = Result<String, Error>;
type Last<'l> = Box<dyn FnMut(&str, &str) -> Handled + 'l>;

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const VERSIONS: [&str; 4] = [MODERN, LEGACY, "2025-06-18", "2025-03-26"];
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const LISTS: [(&str, &str, &str); 4] = [
    ("tools/list", "tools", "name"),
    ("prompts/list", "prompts", "name"),
    ("resources/list", "resources", "uri"),
    (
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
    ),
];

/// Saved sequences, and the router behind them.
struct Chain<'l> {
    version: &'static str,
    sequences: Vec<Vec<u8>>,
    last: Last<'l>,
    /// The next answers of features, here and in the last router.
    answers: Answers,
    /// The requests that reached the last router.
    seen: Vec<(String, String)>,
}

impl<'l> Chain<'l> {
    /// With a last router that knows nothing.
    fn new(version: &'static str, sequences: &[CatalogInput]) -> Self {
        Chain {
            version,
            sequences: sequences.iter().map(baked).collect(),
            last: Box::new(|method, _| Err(failing(METHOD_NOT_FOUND, method))),
            answers: Answers::default(),
            seen: Vec::new(),
        }
    }

    fn before(mut self, last: impl FnMut(&str, &str) -> Handled + 'l) -> Self {
        self.last = Box::new(last);
        self
    }

    fn before_hub(self, hub: &CatalogInput) -> Self {
        let (version, hub) = (self.version, baked(hub));
        self.before(move |method, params| {
            let catalog = Catalog::new(&hub).unwrap();
            let mut features = Answers::default();
            let outcome = |ask: &Ask<'_>| answer(&mut features, &catalog, ask);
            own(&catalog, (version, "{}"), (method, params), outcome).settled()
        })
    }

    fn before_answer(self, answer: &str) -> Self {
        let answer = answer.to_owned();
        self.before(move |_, _| Ok(answer.clone()))
    }

    fn handle(&mut self, method: &str, params: &str) -> Handled {
        let (answers, last, seen) = (&mut self.answers, &mut self.last, &mut self.seen);
        through(
            &self.sequences,
            (self.version, r#"{"roots":{}}"#),
            (method, params),
            &mut |catalog, ask| answer(answers, catalog, ask),
            &mut |method: &str, params: &str| {
                serde_json::from_str::<Json>(params).unwrap();
                seen.push((method.to_owned(), params.to_owned()));
                last(method, params)
            },
        )
    }

    fn result(&mut self, method: &str, params: &str) -> Json {
        let text = self.handle(method, params);
        let text = text.unwrap_or_else(|error| panic!("{method} {params} gave {error:?}"));
        serde_json::from_str(&text).unwrap()
    }

    fn error(&mut self, method: &str, params: &str) -> (i32, String) {
        let error = self.handle(method, params).unwrap_err();
        (error.code, error.message)
    }

    /// The name of the server in an answer to a modern client.
    fn answering(&mut self, method: &str, params: &str) -> Json {
        self.result(method, params)["_meta"][SERVER_INFO]["name"].clone()
    }

    /// The entries of all pages of a list, and how many pages there are.
    fn listed(&mut self, method: &str, list: &str, key: &str) -> (Vec<String>, usize) {
        let (mut names, mut pages) = (Vec::new(), 0);
        let mut params = r#"{"a":[1]}"#.to_owned();
        loop {
            let page = self.result(method, &params);
            let entries = page[list].as_array().unwrap().iter();
            names.extend(entries.map(|entry| entry[key].as_str().unwrap().to_owned()));
            pages += 1;
            if page.get("nextCursor").is_none() {
                return (names, pages);
            }
            params = json!({"cursor": page["nextCursor"], "a": [1]}).to_string();
        }
    }
}

/// The answer of a feature: it knows the names that contain the name of its server.
fn answer(answers: &mut Answers, catalog: &Catalog<'_>, ask: &Ask<'_>) -> FeatureOutcome {
    let asked = match ask {
        Ask::Tool { name, .. } | Ask::Prompt { name, .. } => name.to_string(),
        Ask::Resource { uri } => uri.to_string(),
        Ask::Completion { reference, .. } => format!("{reference:?}"),
        Ask::List { .. } | Ask::Handle { .. } => catalog.name().to_owned(),
    };
    if answers.0.is_empty() && !asked.contains(catalog.name()) {
        answers.0.push_back("none".to_owned());
    }
    answers.outcome(ask)
}

/// A part with so many of everything, under names that contain the name of the part.
fn part(name: &str, count: usize) -> CatalogInput {
    let names = || (0..count).map(|index| format!("{name}-{index}"));
    let uri = |name: &String| format!("test://{name}");
    let feature = FeatureInput {
        name: "all".to_owned(),
        flags: Flags::TOOLS
            .with(Flags::PROMPTS)
            .with(Flags::RESOURCES)
            .with(Flags::COMPLETIONS),
        tools: names()
            .map(|name| testing::tool(&name, r#"{"type":"object"}"#))
            .collect(),
        prompts: names().map(|name| testing::prompt(&name, &[])).collect(),
        resources: names()
            .map(|name| testing::resource(&uri(&name), &name))
            .collect(),
        resource_templates: names()
            .map(|name| testing::template(&format!("{}/{{id}}", uri(&name)), &name))
            .collect(),
        ..FeatureInput::default()
    };
    with(name, vec![feature])
}

fn with(name: &str, features: Vec<FeatureInput>) -> CatalogInput {
    CatalogInput {
        server: ServerInput {
            name: name.to_owned(),
            version: "1".to_owned(),
            ..ServerInput::default()
        },
        features,
    }
}

/// A feature with lists of its own, which are one entry that leads to an empty one.
fn dynamic(flags: Flags) -> FeatureInput {
    FeatureInput {
        name: "dynamic".to_owned(),
        flags: flags.with(Flags::DYNAMIC),
        ..FeatureInput::default()
    }
}

fn baked(input: &CatalogInput) -> Vec<u8> {
    catalog::build(input).unwrap()
}

fn failing(code: i32, message: &str) -> Error {
    Error {
        code,
        message: message.to_owned(),
        data: None,
    }
}

/// The faults that a result of the next component can have, for any method.
fn misshapen() -> Vec<(String, &'static str)> {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    let large = format!(r#"{{"a":"{}"}}"#, "a".repeat(MAX_RESULT));
    let not_an_object = "something that is not a JSON object";
    let twice = "a result that names a member twice";
    let incomplete = "a result that is not complete";
    let too_large = "more than 16777216 bytes, or too much together with the entries of this sequence; let it return less at a time";
    [
        ("", not_an_object),
        ("null", not_an_object),
        ("[]", not_an_object),
        ("{} {}", not_an_object),
        (r#"{"tools":[]"#, not_an_object),
        (&deep, not_an_object),
        (r#"{"a":1,"a":2}"#, twice),
        (r#"{"capabilities":{},"c\u0061pabilities":{}}"#, twice),
        (r#"{"nextCursor":"a","nextCursor":"b"}"#, twice),
        (r#"{"resultType":"input_required"}"#, incomplete),
        (r#"{"resultType":"x","tools":[]}"#, incomplete),
        (r#"{"resultType":null}"#, incomplete),
        (&large, too_large),
    ]
    .map(|(text, problem)| (text.to_owned(), problem))
    .into()
}
