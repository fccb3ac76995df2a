//! Features that answer as an input says.

use std::collections::VecDeque;

use crate::{
    call::{Ask, Call, CallStep, FeatureOutcome, Listed},
    catalog::{self, FeatureInput, Flags, ListKind},
    state::services::Services,
    testing::{self, chain},
    wire::types::{
        completion_types::Completion,
        prompt_types::{PromptList, PromptMessage, PromptOutcome, PromptResult},
        resource_types::{ReadOutcome, ReadResult, ResourceList, ResourceTemplateList},
        tool_types::{ToolList, ToolOutcome, ToolResult},
        types::{
            Annotations, CacheHint, CacheScope, ContentBlock, EmbeddedResource, Error, Icon,
            InputRequest, InputRequired, MediaContent, ResourceBody, ResourceContents, Role,
            TextContent,
        },
    },
};

/// A server that offers everything: `testing::catalog`, input, tasks, changes, and a dynamic
/// feature.
pub fn catalog() -> Vec<u8> {
    let mut input = testing::input();
    input.server.page_size = Some(1);
    input.server.store = Some("default".to_owned());
    for feature in &mut input.features {
        feature.flags = feature
            .flags
            .with(Flags::INPUT)
            .with(Flags::USES_REQUEST)
            .with(Flags::RESOURCE_UPDATED)
            .with(Flags::LIST_CHANGED);
    }
    input.features[0].flags = input.features[0].flags.with(Flags::TASKS);
    input.features.push(FeatureInput {
        name: "own".to_owned(),
        prefix: Some("own.".to_owned()),
        flags: Flags::DYNAMIC
            .with(Flags::TOOLS)
            .with(Flags::RESOURCES)
            .with(Flags::PROMPTS)
            .with(Flags::COMPLETIONS)
            .with(Flags::LIST_CHANGED)
            .with(Flags::LOG),
        ..FeatureInput::default()
    });
    catalog::build(&input).unwrap()
}

/// The next answers of features. After the last one, features echo what they are asked.
#[derive(Default)]
pub struct Answers(pub VecDeque<String>);

impl Answers {
    /// Calls features until there is an answer, or the client must be asked.
    pub fn settle<S: Services>(&mut self, call: &mut Call<'_>, services: &mut S) -> CallStep {
        loop {
            let _ = (call.context(), call.may_stream(), call.is_async());
            let outcome = match call.ask() {
                Ask::Handle { .. } => self.handled(call),
                // Its feature lists a tool before it is called.
                ask @ Ask::List { .. } if call.target.method() == "tools/call" => nothing(&ask),
                ask => self.outcome(&ask),
            };
            match call.settle(outcome, services) {
                CallStep::Invoke => {}
                step => return step,
            }
        }
    }

    /// The result of a request in a chain.
    pub fn handled(&mut self, call: &Call<'_>) -> FeatureOutcome {
        let outcome = |ask: &Ask<'_>| self.outcome(ask);
        FeatureOutcome::Handled(chain::last(
            &call.catalog,
            call,
            chain::handed(call),
            outcome,
        ))
    }

    pub fn outcome(&mut self, ask: &Ask<'_>) -> FeatureOutcome {
        let echo = match ask {
            Ask::Tool { arguments, .. } => format!("json {arguments}"),
            Ask::Prompt { arguments, .. } => format!("text {arguments:?}"),
            Ask::Resource { uri } => format!("link {uri}"),
            Ask::Completion { argument, .. } => format!("text {}", argument.value),
            Ask::List { cursor, .. } => format!("text {}", cursor.unwrap_or_default()),
            Ask::Handle { .. } => unreachable!("there is no chain"),
        };
        let answer = self.0.pop_front().unwrap_or(echo);
        let (kind, rest) = answer.split_once(' ').unwrap_or((&answer, ""));
        match kind {
            "none" => return nothing(ask),
            "error" => return error(ask, rest),
            "input" => {
                if let Some(outcome) = input(ask, rest) {
                    return outcome;
                }
            }
            "extension" if matches!(ask, Ask::Tool { .. }) => {
                return FeatureOutcome::Tool(Ok(Some(ToolOutcome::Extension(rest.to_owned()))));
            }
            _ => {}
        }
        complete(ask, kind, rest)
    }
}

fn nothing(ask: &Ask<'_>) -> FeatureOutcome {
    match ask {
        Ask::Tool { .. } => FeatureOutcome::Tool(Ok(None)),
        Ask::Prompt { .. } => FeatureOutcome::Prompt(Ok(None)),
        Ask::Resource { .. } => FeatureOutcome::Resource(Ok(None)),
        Ask::Completion { .. } => FeatureOutcome::Completion(Ok(None)),
        Ask::List { kind, .. } => list(*kind, None),
        Ask::Handle { .. } => unreachable!("there is no chain"),
    }
}

/// `error <code> <message and data>`
fn error(ask: &Ask<'_>, rest: &str) -> FeatureOutcome {
    let (code, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let error = Error {
        code: code.parse().unwrap_or(-1),
        message: rest.to_owned(),
        data: Some(rest.to_owned()),
    };
    match ask {
        Ask::Tool { .. } => FeatureOutcome::Tool(Err(error)),
        Ask::Prompt { .. } => FeatureOutcome::Prompt(Err(error)),
        Ask::Resource { .. } => FeatureOutcome::Resource(Err(error)),
        Ask::Completion { .. } => FeatureOutcome::Completion(Err(error)),
        Ask::List { .. } => FeatureOutcome::List(Err(error)),
        Ask::Handle { .. } => FeatureOutcome::Handled(Err(error)),
    }
}

/// `input <state, or - for none>|<key> <method> <parameters>|…`
fn input(ask: &Ask<'_>, rest: &str) -> Option<FeatureOutcome> {
    let mut parts = rest.split('|');
    let state = parts.next().filter(|state| *state != "-");
    let requests = parts.map(|part| {
        let mut words = part.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        InputRequest {
            key: word(),
            method: word(),
            params: word(),
        }
    });
    let required = InputRequired {
        requests: requests.collect(),
        state: state.map(str::to_owned),
    };
    Some(match ask {
        Ask::Tool { .. } => FeatureOutcome::Tool(Ok(Some(ToolOutcome::InputRequired(required)))),
        Ask::Prompt { .. } => {
            FeatureOutcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        }
        Ask::Resource { .. } => {
            FeatureOutcome::Resource(Ok(Some(ReadOutcome::InputRequired(required))))
        }
        Ask::Completion { .. } | Ask::List { .. } | Ask::Handle { .. } => return None,
    })
}

fn complete(ask: &Ask<'_>, kind: &str, rest: &str) -> FeatureOutcome {
    let own = || rest.to_owned();
    let meta = (kind == "meta").then(own);
    match ask {
        Ask::Tool { .. } => FeatureOutcome::Tool(Ok(Some(ToolOutcome::Complete(ToolResult {
            content: vec![block(kind, rest)],
            structured_content: (kind == "json").then(own),
            is_error: kind == "failed",
            meta,
        })))),
        Ask::Prompt { .. } => {
            FeatureOutcome::Prompt(Ok(Some(PromptOutcome::Complete(PromptResult {
                description: Some(own()),
                messages: vec![PromptMessage {
                    role: Role::User,
                    content: block(kind, rest),
                }],
                meta,
            }))))
        }
        Ask::Resource { .. } => {
            FeatureOutcome::Resource(Ok(Some(ReadOutcome::Complete(ReadResult {
                contents: vec![contents(kind, rest)],
                cache: (kind != "link").then_some(CacheHint {
                    ttl_ms: rest.len() as u64,
                    scope: CacheScope::Public,
                }),
                meta,
            }))))
        }
        Ask::Completion { .. } => FeatureOutcome::Completion(Ok(Some(Completion {
            values: rest.split(',').map(str::to_owned).collect(),
            total: rest.parse().ok(),
            has_more: kind == "failed",
        }))),
        Ask::List { kind, .. } => list(*kind, Some(rest)),
        Ask::Handle { .. } => unreachable!("there is no chain"),
    }
}

/// A page with one entry and a cursor.
fn list(kind: ListKind, entry: Option<&str>) -> FeatureOutcome {
    let next_cursor = entry.map(str::to_owned);
    FeatureOutcome::List(Ok(match kind {
        ListKind::Tools => Listed::Tools(ToolList {
            tools: entry
                .map(|name| testing::tool(name, name))
                .into_iter()
                .collect(),
            next_cursor,
            cache: None,
        }),
        ListKind::Resources => Listed::Resources(ResourceList {
            resources: entry
                .map(|uri| testing::resource(uri, uri))
                .into_iter()
                .collect(),
            next_cursor,
            cache: None,
        }),
        ListKind::ResourceTemplates => Listed::ResourceTemplates(ResourceTemplateList {
            resource_templates: entry
                .map(|uri| testing::template(uri, uri))
                .into_iter()
                .collect(),
            next_cursor,
            cache: None,
        }),
        ListKind::Prompts => Listed::Prompts(PromptList {
            prompts: Vec::new(),
            next_cursor: None,
            cache: None,
        }),
    }))
}

fn block(kind: &str, rest: &str) -> ContentBlock {
    let own = || rest.to_owned();
    let meta = (kind == "meta").then(own);
    let annotations = rest.parse().ok().map(|priority| Annotations {
        audience: vec![Role::User, Role::Assistant],
        priority: Some(priority),
        last_modified: Some(own()),
    });
    let media = || MediaContent {
        data: rest.as_bytes().to_vec(),
        mime_type: own(),
        annotations: annotations.clone(),
        meta: meta.clone(),
    };
    match kind {
        "image" => ContentBlock::Image(media()),
        "audio" => ContentBlock::Audio(media()),
        "link" => {
            let mut link = testing::resource(rest, rest);
            link.size = rest.parse().ok();
            link.icons = vec![Icon {
                src: own(),
                mime_type: None,
                sizes: vec![own()],
                theme: None,
            }];
            ContentBlock::ResourceLink(link)
        }
        "blob" | "embedded" => ContentBlock::EmbeddedResource(EmbeddedResource {
            contents: contents(kind, rest),
            annotations,
            meta,
        }),
        _ => ContentBlock::Text(TextContent {
            text: own(),
            annotations,
            meta,
        }),
    }
}

fn contents(kind: &str, rest: &str) -> ResourceContents {
    ResourceContents {
        uri: rest.to_owned(),
        mime_type: Some(kind.to_owned()),
        body: match kind {
            "blob" => ResourceBody::Blob(rest.as_bytes().to_vec()),
            _ => ResourceBody::Text(rest.to_owned()),
        },
        meta: (kind == "meta").then(|| rest.to_owned()),
    }
}
