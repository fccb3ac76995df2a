//! The server of the tests in Python, `showcase.py`, and what it does not do, as authors write it in
//! Rust.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spin_mcp_sdk::serde_json::json;
use spin_mcp_sdk::{
    Completing, Content, Context, Elicited, Error, Form, Icon, Json, LogLevel, Message, Parameters,
    ResourceContents, ResourceInfo, Sample, Task, ToolResult, Work, prompt, resource, tool,
};

spin_mcp_sdk::export! {
    tools: [stock, logo, order, shapes, chart, tree, media, exact, failing, rounds, diverging, whole, job, secret],
    resources: [catalog, item, file, note, chart_page],
    prompts: [recommend, asking],
}

const PNG: &[u8] = b"\x89PNG";
const PRICES: [(&str, f64); 2] = [("tea", 4.5), ("book", 12.0)];

fn price(item: &str) -> Option<f64> {
    let found = PRICES.iter().find(|(name, _)| *name == item);
    found.map(|(_, price)| *price)
}

fn items() -> Vec<&'static str> {
    PRICES.iter().map(|(name, _)| *name).collect()
}

#[derive(Debug, JsonSchema, PartialEq, Serialize)]
pub struct Stock {
    item: String,
    price: f64,
    left: u32,
}

#[derive(Debug, JsonSchema, PartialEq, Serialize)]
pub struct Order {
    item: String,
    count: u32,
    total: f64,
    tenant: String,
    number: u32,
}

/// Says what an item costs and how many are left.
#[tool(
    title = "Look up stock",
    annotations(read_only = true, open_world = false)
)]
fn stock(
    /// Such as `tea`.
    item: String,
) -> Result<Json<Stock>, String> {
    let price = price(&item).ok_or_else(|| format!("there is no {item}"))?;
    let left = 7;
    Ok(Json(Stock { item, price, left }))
}

/// Shows the logo.
#[tool]
fn logo() -> Content {
    Content::image(PNG, "image/png")
}

/// All that is for sale.
#[resource("shop://catalog")]
fn catalog() -> Json<BTreeMap<&'static str, f64>> {
    Json(BTreeMap::from(PRICES))
}

fn item_list() -> Vec<ResourceInfo> {
    let items = items().into_iter();
    items
        .map(|name| ResourceInfo::new(format!("shop://items/{name}"), name).mime_type("text/plain"))
        .collect()
}

/// One item.
#[resource("shop://items/{name}", mime_type = "text/plain", list = item_list)]
fn item(#[complete(items)] name: &str) -> Option<String> {
    Some(format!("{name}: {}", price(name)?))
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tone {
    Short,
    Long,
}

/// Asks for a recommendation.
#[prompt(title = "Recommend")]
fn recommend(
    /// Such as `tea`.
    #[complete(fitting)]
    item: String,
    #[default(Tone::Short)] tone: Tone,
) -> Vec<Message> {
    let tone = match tone {
        Tone::Short => "short",
        Tone::Long => "long",
    };
    vec![
        Message::user(format!(
            "Recommend something that goes with {item}, {tone}."
        )),
        Message::assistant("Of course. For whom?"),
    ]
}

/// After a long text nothing goes with tea.
fn fitting(typed: &Completing) -> Vec<String> {
    let all = items().into_iter().map(str::to_owned);
    match typed.argument("tone") {
        Some("long") => all.filter(|item| item != "tea").collect(),
        _ => all.collect(),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Confirmation {
    Yes,
    No,
}

/// Orders something, once the user has confirmed.
#[tool]
fn order(
    /// Such as `tea`.
    item: String,
    #[schemars(range(min = 1, max = 10))] count: u32,
    ctx: &mut Context,
) -> Result<Json<Order>, Error> {
    ctx.progress(1.0, 3.0, "checking");
    ctx.info(format!("order of {count} {item}"));
    let price = price(&item).ok_or("there is nothing of that name")?;
    let total = price * f64::from(count);
    match ctx.elicit(format!("Order {count} {item} for {total}?"))? {
        Elicited::Accept(Confirmation::Yes) => {}
        _ => return Err("nothing was ordered".into()),
    }
    ctx.progress(2.0, 3.0, "ordering");
    let number = ctx.state().get("orders")?.unwrap_or(0) + 1;
    ctx.state().set("orders", &number)?;
    let tenant = ctx.header("x-tenant").unwrap_or("nobody".into());
    Ok(Json(Order {
        item,
        count,
        total,
        tenant,
        number,
    }))
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Blue,
}

/// A tree.
#[derive(Deserialize, JsonSchema, Serialize)]
struct Node {
    name: String,
    children: Vec<Node>,
}

/// Takes all kinds of values.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct Shapes {
    color: Color,
    pair: (i64, String),
    tree: Node,
    #[serde(default)]
    scores: BTreeMap<String, f64>,
    size: Option<u32>,
}

#[tool(
    title = "Shapes",
    annotations(read_only_hint = true),
    icons = [Icon::new("https://example.com/i.png").mime_type("image/png").size("48x48")],
    meta = json!({"example.com/level": 3}),
)]
fn shapes(Parameters(shapes): Parameters<Shapes>) -> Json<Shapes> {
    Json(shapes)
}

/// Shows its result on a page, which alone calls it.
#[tool(ui = "ui://shop/chart.html", visibility(app), meta = json!({"example.com/level": 4}))]
fn chart() -> &'static str {
    "a chart"
}

#[resource("ui://shop/chart.html", meta = json!({"ui": {"prefersBorder": true}}))]
fn chart_page() -> &'static str {
    "<!doctype html>"
}

#[tool]
fn tree() -> Json<Node> {
    let leaf = Node {
        name: "leaf".into(),
        children: vec![],
    };
    Json(Node {
        name: "root".into(),
        children: vec![leaf],
    })
}

#[tool]
fn media() -> Vec<Content> {
    vec![
        "text".into(),
        Content::image(*b"i", "image/jpeg"),
        Content::audio(*b"a", "audio/wav"),
        Content::resource(ResourceContents::text("file:///f", "{}").mime_type("application/json")),
        Content::link(ResourceInfo::new("shop://catalog", "catalog")),
    ]
}

#[tool]
fn exact() -> ToolResult {
    ToolResult {
        content: vec!["said".into()],
        structured_content: Some(json!({"is": 1}).to_string()),
        is_error: false,
        meta: Some(json!({"example.com/m": true}).to_string()),
    }
}

#[tool]
fn failing(how: &str) -> Result<(), Box<dyn std::error::Error>> {
    match how {
        "tool" => Err("it is too late".into()),
        "protocol" => Err(Error::new(-32001, "no")
            .with_data(json!({"why": "test"}))
            .into()),
        number => Ok(number.parse::<u8>().map(drop)?),
    }
}

/// Only for those who may.
#[tool]
fn secret(ctx: &Context) -> Result<&'static str, Error> {
    match ctx.identity() {
        Some(caller) if caller.has_scope("shop:secret") => Ok("it is tea"),
        Some(_) => Err(Error::insufficient_scope(["shop:secret"])),
        None => Err(Error::forbidden("not for anonymous callers")),
    }
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Trip {
    #[schemars(title = "City")]
    city: String,
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 14))]
    nights: u32,
    #[serde(default = "red")]
    color: Color,
}

fn red() -> Color {
    Color::Red
}

fn three() -> u32 {
    3
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Payment {
    /// By card
    Card,
    Cash,
}

#[derive(JsonSchema, Serialize)]
struct Rounds {
    trip: Trip,
    number: bool,
    sure: Option<bool>,
    paid: Option<Payment>,
    roots: Vec<String>,
    said: Option<String>,
}

/// Asks alone, then twice at once, with work in between that happens once.
#[tool]
fn rounds(ctx: &mut Context) -> Result<Json<Rounds>, Error> {
    ctx.progress(1.0, 4.0, None);
    let Elicited::Accept(trip) = ctx.elicit::<Trip>("Which trip?")? else {
        return Err("no trip".into());
    };
    let number = ctx.once("number", random)?;
    ctx.progress(2.0, 4.0, None);
    let sure = Form::<bool>::new(format!("Sure about {number}?"));
    let (sure, paid) = ctx.ask_all((sure, Form::<Payment>::new("How?")))?;
    ctx.progress(3.0, 4.0, None);
    let roots = ctx.roots()?;
    let said = ctx.ask(Sample::new("Say it.").max_tokens(7).system("Be short."))?;
    Ok(Json(Rounds {
        trip,
        number: number == ctx.once("number", || 0)?,
        sure: sure.accepted(),
        paid: paid.accepted(),
        roots: roots.into_iter().map(|root| root.uri).collect(),
        said: said.text().map(str::to_owned),
    }))
}

/// Another number in each run.
fn random() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.subsec_nanos().into())
}

#[tool]
fn diverging(ctx: &mut Context) -> Result<&'static str, Error> {
    ctx.elicit::<String>(format!("At {}?", random()))?;
    Ok("never")
}

#[derive(JsonSchema, Serialize)]
struct Whole {
    caller: Option<String>,
    session: bool,
    revision: String,
    cancelled: bool,
    currency: String,
    traceparent: Option<String>,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    currency: String,
}

#[tool]
fn whole(ctx: &Context) -> Result<Json<Whole>, Error> {
    ctx.log(LogLevel::Warning, Some("shop"), json!({"a": 1}));
    ctx.report_changed("shop://catalog");
    let Settings { currency } = ctx.settings()?;
    Ok(Json(Whole {
        caller: ctx.identity().map(|caller| caller.subject),
        session: ctx.session_id().is_some(),
        revision: ctx.protocol_version(),
        cancelled: ctx.is_cancelled(),
        currency,
        traceparent: ctx.meta()["traceparent"].as_str().map(str::to_owned),
    }))
}

/// Work that takes several calls, and a question.
#[derive(JsonSchema, Serialize)]
struct Done {
    steps: u32,
    went_on: Option<bool>,
}

/// Ends a job step by step, as a task.
#[tool(meta = json!({"io.modelcontextprotocol/tasks": {}}))]
fn job(ctx: &mut Context) -> Result<Task<Json<Done>>, Error> {
    let steps: u32 = ctx.task().and_then(|state| state.parse().ok()).unwrap_or(0);
    if steps < 2 {
        return Ok(Task::Working(Work {
            status: Some(format!("{steps} of 2")),
            poll_ms: Some(100),
            ..Work::new((steps + 1).to_string())
        }));
    }
    let went_on = ctx.elicit::<bool>("Go on?")?.accepted();
    Ok(Task::Done(Json(Done { steps, went_on })))
}

#[resource("files://{folder}/{path*}{?lines,numbered}")]
fn file(
    folder: &str,
    path: &str,
    #[default(1)] lines: u32,
    numbered: Option<bool>,
) -> Result<Option<Vec<u8>>, String> {
    match folder {
        "secret" => Err("not for you".into()),
        "none" => Ok(None),
        _ => {
            let numbered = numbered.unwrap_or_default();
            Ok(Some(format!("{folder}|{path}|{lines}|{numbered}").into()))
        }
    }
}

#[resource(
    "notes://café/x",
    mime_type = "text/markdown",
    title = "A note",
    annotations(audience(user), priority = 0.5)
)]
fn note() -> &'static str {
    "# x"
}

#[prompt]
fn asking(ctx: &mut Context, level: Option<u8>) -> Result<String, Error> {
    let who = ctx.elicit::<String>("Who?")?.accepted();
    Ok(format!("{}: {who:?}", level.unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use spin_mcp_sdk::{Caller, Sent};

    use super::*;

    #[test]
    fn orders_once_the_user_confirmed() {
        let ctx = Context::test()
            .with_session("s")
            .with_header("X-Tenant", "acme");
        let mut ctx = ctx.accepts("yes").accepts("yes");
        for number in [1, 2] {
            let Json(order) = order("tea".into(), 2, &mut ctx).unwrap();
            assert_eq!(
                (order.total, order.number, &*order.tenant),
                (9.0, number, "acme")
            );
        }
        let first = Sent::Progress(1.0, Some(3.0), Some("checking".into()));
        assert_eq!(ctx.sent()[0], first);
        let why = order("tea".into(), 2, &mut Context::test().cancels()).unwrap_err();
        assert_eq!(why.to_string(), "nothing was ordered");
    }

    #[test]
    fn secrets_need_a_scope() {
        let code = |ctx: Context| secret(&ctx).unwrap_err();
        assert_eq!(
            code(Context::test()),
            Error::forbidden("not for anonymous callers")
        );
        let caller = Caller::default();
        assert_eq!(
            code(Context::test().with_identity(caller)),
            Error::insufficient_scope(["shop:secret"])
        );
        let scopes = vec!["shop:secret".to_owned()];
        let caller = Caller {
            scopes,
            ..Caller::default()
        };
        assert_eq!(
            secret(&Context::test().with_identity(caller)),
            Ok("it is tea")
        );
    }
}
