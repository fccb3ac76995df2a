//! A server of rmcp as a feature: `export_rmcp!`.

use std::mem::take;

use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler, elicit_safe, handler::server::wrapper::Parameters,
    model::*, prompt, prompt_handler, prompt_router, schemars, service::RequestContext, tool,
    tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spin_mcp_sdk::Sent::{Asked, Changed, Progress};
use spin_mcp_sdk::bindings::imports::spin_mcp::server::{
    completion_types::{CompletionArgument, CompletionReference},
    resource_types::ReadOutcome,
    tool_types::ToolOutcome,
    types::{ContentBlock as Block, Error, InputRequired, ResourceBody},
};
use spin_mcp_sdk::bindings::{
    completions::exports::spin_mcp::server::completions::Guest as Completions,
    prompts::exports::spin_mcp::server::prompts::Guest as Prompts,
    resources::exports::spin_mcp::server::resources::Guest as Resources,
    tools::exports::spin_mcp::server::tools::Guest as Tools,
};
use spin_mcp_sdk::{Context, rmcp::call_tool};

#[derive(Deserialize, JsonSchema, Serialize)]
struct Numbers {
    a: i64,
    b: i64,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Total {
    total: i64,
}
elicit_safe!(Numbers, Total);

struct Shop;

#[tool_router]
impl Shop {
    /// Adds.
    #[tool(annotations(title = "Add", read_only_hint = true))]
    async fn add(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> Json<Total> {
        Json(Total { total: a + b })
    }

    #[tool(description = "A picture")]
    fn picture(&self) -> ContentBlock {
        ContentBlock::image("iVBO", "image/png")
    }

    #[tool(description = "Refuses")]
    fn refuse(&self) -> Result<String, ErrorData> {
        Err(ErrorData::invalid_params("no", Some(json!({"why": 1}))))
    }

    #[tool(description = "Asks for two forms at once, then for the roots")]
    #[expect(deprecated, reason = "servers use roots")]
    async fn ask(&self, context: RequestContext<RoleServer>) -> Result<String, String> {
        let peer = &context.peer;
        let token = context.meta.get_progress_token().ok_or("no token")?;
        let step = ProgressNotificationParam::new(token, 1.0).with_message("asking");
        let _ = peer.notify_progress(step).await;
        let (one, two) = tokio::join!(
            peer.elicit::<Numbers>("numbers"),
            peer.elicit::<Total>("total")
        );
        let roots = peer.list_roots().await.map_err(|why| why.to_string())?;
        let changed = ResourceUpdatedNotificationParam::new("shop://a");
        let _ = peer.notify_resource_updated(changed).await;
        let sum = one.ok().flatten().map(|numbers| numbers.a + numbers.b);
        let declined = two.map_err(|why| why.to_string()).map(|_| ());
        Ok(format!("{sum:?} {declined:?} {}", roots.roots.len()))
    }
}

#[prompt_router]
impl Shop {
    /// Asks for a total.
    #[prompt]
    async fn total(&self, Parameters(Total { total }): Parameters<Total>) -> Vec<PromptMessage> {
        vec![PromptMessage::new_text(Role::Assistant, total.to_string())]
    }
}

#[tool_handler]
#[prompt_handler]
impl ServerHandler for Shop {
    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = vec![ResourceTemplate::new("shop://{name}", "item")];
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != "shop://a" {
            return Err(ErrorData::resource_not_found("no", None));
        }
        let contents = ResourceContents::blob("aGk=", request.uri);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

spin_mcp_sdk::__rmcp_server!(Shop, tools input changes);
type Feature = spin_mcp_sdk::rmcp::Feature<Server>;

mod not_asking {
    use super::*;
    spin_mcp_sdk::__rmcp_server!(Shop, tools);
}

fn call(name: &str, arguments: Value) -> Result<ToolOutcome, Error> {
    Feature::call_tool(1, name.into(), arguments.to_string()).map(Option::unwrap)
}

fn complete(name: &str, arguments: Value) -> spin_mcp_sdk::ToolResult {
    match call(name, arguments).unwrap() {
        ToolOutcome::Complete(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_are_those_of_the_server() {
    let tools = Feature::list_tools(0, None).unwrap().tools;
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["add", "ask", "picture", "refuse"]);
    let add = &tools[0];
    assert_eq!(add.description.as_deref(), Some("Adds."));
    let hints = add.annotations.as_ref().unwrap();
    assert_eq!(
        (hints.title.as_deref(), hints.read_only),
        (Some("Add"), Some(true))
    );
    let input: Value = serde_json::from_str(&add.input_schema).unwrap();
    assert_eq!(input["required"], json!(["a", "b"]));
    let output: Value = serde_json::from_str(add.output_schema.as_ref().unwrap()).unwrap();
    assert_eq!(output["required"], json!(["total"]));
    let prompts = Feature::list_prompts(0, None).unwrap().prompts;
    assert!(prompts[0].arguments[0].required);
    let templates = Feature::list_resource_templates(0, None).unwrap();
    assert_eq!(
        templates.resource_templates[0].uri_template,
        "shop://{name}"
    );
    assert_eq!(Feature::list_resources(0, None).unwrap().resources.len(), 0);
}

#[test]
fn calls_answer_as_the_server_does() {
    let sum = complete("add", json!({"a": 2, "b": 3}));
    assert_eq!(sum.structured_content.as_deref(), Some(r#"{"total":5}"#));
    let picture = complete("picture", json!({}));
    let [Block::Image(image)] = &picture.content[..] else {
        panic!("{picture:?}")
    };
    assert_eq!(
        (&image.data[..], &*image.mime_type),
        (&b"\x89PN"[..], "image/png")
    );
    let refused = call("refuse", json!({})).unwrap_err();
    assert_eq!(
        (refused.code, refused.data.as_deref()),
        (-32602, Some(r#"{"why":1}"#))
    );

    let read = Feature::read_resource(1, "shop://a".into()).unwrap();
    let Some(ReadOutcome::Complete(read)) = read else {
        panic!("{read:?}")
    };
    assert!(matches!(&read.contents[0].body, ResourceBody::Blob(bytes) if bytes == b"hi"));
    assert!(
        Feature::read_resource(1, "shop://b".into())
            .unwrap()
            .is_none()
    );

    let arguments = vec![("total".into(), "7".into())];
    let got = Feature::get_prompt(1, "total".into(), arguments);
    // rmcp reads arguments of prompts as JSON, so a number cannot be a text.
    assert!(got.unwrap_err().message.contains("expected i64"));

    let reference = CompletionReference::Prompt("total".into());
    let (name, value) = ("total".into(), "".into());
    let argument = CompletionArgument { name, value };
    let completed = Feature::complete(1, reference, argument, vec![]).unwrap();
    assert!(completed.is_none_or(|completion| completion.values.is_empty()));
}

#[test]
fn questions_are_answered_by_replay() {
    let (mut state, mut responses) = (None, vec![]);
    let (mut asked, mut told) = (vec![], vec![]);
    let result = loop {
        let context = Context::test().with_replay(state.as_deref(), take(&mut responses));
        let mut context = context.with_capabilities(json!({"elicitation": {}, "roots": {}}));
        let outcome = call_tool::<Server>(&mut context, 1, "ask", "{}").unwrap();
        let sent = context.sent().into_iter();
        told.extend(sent.filter(|sent| !matches!(sent, Asked(..))));
        match outcome {
            ToolOutcome::InputRequired(InputRequired {
                requests,
                state: kept,
            }) => {
                asked.push(requests.len());
                state = kept;
                responses = requests
                    .into_iter()
                    .map(|request| {
                        let answer = match &request.params {
                            _ if request.method == "roots/list" => {
                                json!({"roots": [{"uri": "file:///a"}]})
                            }
                            params if params.contains("numbers") => {
                                json!({"action": "accept", "content": {"a": 2, "b": 3}})
                            }
                            _ => json!({"action": "decline"}),
                        };
                        (request.key, answer.to_string())
                    })
                    .collect();
            }
            ToolOutcome::Complete(result) => break result,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(asked, [2, 1]);
    let [Block::Text(text)] = &result.content[..] else {
        panic!("{result:?}")
    };
    assert_eq!(
        text.text,
        r#"Some(5) Err("User explicitly declined the request") 1"#
    );
    assert_eq!(
        told,
        [
            Progress(1.0, None, Some("asking".into())),
            Changed("shop://a".into())
        ]
    );
}

#[test]
fn a_server_that_may_not_ask_fails_with_the_remedy() {
    let mut context = Context::test().with_capabilities(json!({"elicitation": {}}));
    let outcome = call_tool::<not_asking::Server>(&mut context, 1, "ask", "{}");
    let why = outcome.unwrap_err().message;
    assert_eq!(
        why,
        "the server asks its client (`elicitation/create`); add `input` to `export_rmcp!`"
    );
}
