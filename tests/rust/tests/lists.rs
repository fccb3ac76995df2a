//! Lists and completions that depend on the request, or wait.

use spin_mcp_sdk::__private::{
    PromptEntry, PromptFunction, ResourceEntry, ResourceFunction, Server, ToolEntry, ToolFunction,
};
use spin_mcp_sdk::bindings::prompts::exports::spin_mcp::server::prompts::Guest as _;
use spin_mcp_sdk::bindings::resources::exports::spin_mcp::server::resources::Guest as _;
use spin_mcp_sdk::bindings::tools::exports::spin_mcp::server::tools::Guest as _;
use spin_mcp_sdk::{Completing, Context, ResourceInfo, block_on, prompt, resource, tool};

fn nobody(ctx: &Context) -> bool {
    ctx.identity().is_some()
}

fn everybody(ctx: &Context) -> bool {
    !nobody(ctx)
}

#[tool(when = everybody)]
fn open() -> i32 {
    1
}

#[tool(when = nobody)]
fn closed() -> i32 {
    2
}

#[prompt(when = nobody)]
fn hidden(#[complete(waiting)] word: String) -> String {
    word
}

fn revisions(ctx: &Context) -> Vec<ResourceInfo> {
    vec![ResourceInfo::new(
        format!("list://{}", ctx.protocol_version()),
        "revision",
    )]
}

#[resource("list://{name}", list = revisions)]
fn listed(#[complete(choosing)] name: &str) -> String {
    name.into()
}

#[resource("hidden://one", when = nobody)]
fn one() -> &'static str {
    "one"
}

#[resource("later://{name}", list = slowly)]
fn later(name: &str) -> String {
    name.into()
}

async fn slowly(ctx: &Context) -> Vec<ResourceInfo> {
    std::future::ready(revisions(ctx)).await
}

async fn waiting() -> Vec<&'static str> {
    std::future::ready(vec!["apple", "pear"]).await
}

async fn choosing(typed: &Completing) -> Vec<String> {
    std::future::ready(vec![format!("{}!", typed.value)]).await
}

struct Feature;

impl Server for Feature {
    const TOOLS: &'static [ToolEntry] = &[open::ENTRY, closed::ENTRY];
    const RESOURCES: &'static [ResourceEntry] = &[listed::ENTRY, one::ENTRY, later::ENTRY];
    const PROMPTS: &'static [PromptEntry] = &[hidden::ENTRY];
}

#[test]
fn a_request_sees_and_calls_what_it_may() {
    let tools = Feature::list_tools(1, None).unwrap().tools;
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["open"]);
    let call = |name: &str| Feature::call_tool(1, name.into(), "{}".into()).unwrap();
    assert!(call("open").is_some());
    assert!(call("closed").is_none());
    assert!(Feature::list_prompts(1, None).unwrap().prompts.is_empty());
    let get = Feature::get_prompt(1, "hidden".into(), vec![("word".into(), "a".into())]);
    assert!(get.unwrap().is_none());
    let read = |uri: &str| Feature::read_resource(1, uri.into()).unwrap();
    assert!(read("list://a").is_some());
    assert!(read("hidden://one").is_none());
}

#[test]
fn functions_that_list_see_the_request_and_can_wait() {
    let resources = Feature::list_resources(1, None).unwrap().resources;
    let uris: Vec<_> = resources.iter().map(|resource| &*resource.uri).collect();
    assert_eq!(uris, ["list://2026-07-28", "list://2026-07-28"]);
    const { assert!(later::ENTRY.is_async) };
    const { assert!(!one::ENTRY.is_async) };
}

#[test]
fn functions_that_complete_can_wait() {
    let typed = Completing {
        value: "a".into(),
        arguments: vec![],
    };
    assert_eq!(
        block_on((hidden::ENTRY.complete)("word", &typed)),
        ["apple"]
    );
    assert_eq!(block_on((listed::ENTRY.complete)("name", &typed)), ["a!"]);
    const { assert!(hidden::ENTRY.is_async && listed::ENTRY.is_async) };
}
