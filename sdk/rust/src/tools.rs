//! Tools: what they return, and the interface that a component exports.

use std::borrow::Cow;
use std::fmt::Display;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::spin_mcp::server::tool_types::{
    self, ToolList, ToolOutcome, ToolResult,
};
use crate::bindings::imports::spin_mcp::server::types;
use crate::content::{Json, Text};
use crate::context::Context;
use crate::error::{Error, Kind};
use crate::export::{Server, first_page};
use crate::{Content, json};

/// What a function returns once it is done.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
/// The same, or why there is nothing.
pub type Answer<'a, T> = Later<'a, Result<T, types::Error>>;
/// Whether a request gets to see an entry: `#[tool(when = …)]`.
pub type When = Option<fn(&Context) -> bool>;

/// Whether this request sees it.
pub(crate) fn seen(when: When, request: u64) -> bool {
    when.is_none_or(|when| when(&Context::new(request)))
}

/// A function as a tool; `#[tool]` writes it.
pub struct ToolEntry {
    /// The name that clients call.
    pub name: &'static str,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Who sees it.
    pub when: When,
    /// The entry of the list.
    pub describe: fn() -> tool_types::Tool,
    /// The context that it takes.
    pub context: fn(u64) -> Context,
    /// Calls it with a JSON object.
    pub call: for<'a> fn(&'a mut Context, &'a str) -> Answer<'a, ToolOutcome>,
}

/// What `export!` lists under `tools`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    note = "a function becomes a tool by `#[tool]`"
)]
pub trait ToolFunction {
    /// The tool.
    const ENTRY: ToolEntry;
}

/// What a tool can return.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    note = "return text, a number, `Json(value)` for structured content, `Text(value)` for what is \
            `Display`, `Content`, `Vec<Content>`, or a `Result` with one of them"
)]
pub trait ToolOutput: Sized {
    /// The result, or why there is none.
    fn outcome(self) -> Result<ToolOutcome, Error>;

    /// The JSON Schema of the structured content, if there is any.
    fn schema() -> Option<String> {
        None
    }
}

/// What a tool with tasks returns: a result, or that the work goes on elsewhere.
///
/// The `meta` of such a tool has the key `io.modelcontextprotocol/tasks`. It is called again when the
/// client asks for the status, and [`Context::task`] then returns the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Task<T> {
    /// The result.
    Done(T),
    /// The work goes on.
    Working(Work),
}

/// Work that goes on elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// What is needed to go on.
    pub state: String,
    /// A text for people.
    pub status: Option<String>,
    /// How long the task and its result are kept, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// How often clients should ask, in milliseconds.
    pub poll_ms: Option<u64>,
}

impl Work {
    /// Work with what is needed to go on.
    pub fn new(state: impl Into<String>) -> Self {
        Self {
            state: state.into(),
            status: None,
            ttl_ms: None,
            poll_ms: None,
        }
    }
}

impl ToolOutput for ToolResult {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        Ok(ToolOutcome::Complete(self))
    }
}

impl ToolOutput for Vec<Content> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        ToolResult {
            content: self,
            structured_content: None,
            is_error: false,
            meta: None,
        }
        .outcome()
    }
}

impl ToolOutput for Content {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        vec![self].outcome()
    }
}

impl ToolOutput for String {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        let text = Some(self).filter(|text| !text.is_empty());
        text.map(Content::text)
            .into_iter()
            .collect::<Vec<_>>()
            .outcome()
    }
}

macro_rules! texts {
    ($($of:ty)*) => {
        $(impl ToolOutput for $of {
            fn outcome(self) -> Result<ToolOutcome, Error> {
                self.to_string().outcome()
            }
        })*
    };
}
texts!(&str Cow<'_, str> bool char f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl<T: Display> ToolOutput for Text<T> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        self.0.to_string().outcome()
    }
}

impl ToolOutput for () {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        vec![].outcome()
    }
}

impl<T: Serialize + JsonSchema> ToolOutput for Json<T> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        let text = serde_json::to_string(&self.0)
            .map_err(|why| Error::internal(format!("the result is not JSON: {why}")))?;
        if text.contains("null") {
            let schema = json::output::<T>().to_value();
            let value = serde_json::from_str(&text).unwrap_or_default();
            if json::endless(&schema, &schema, &value) {
                return Err(Error::tool("JSON has neither infinite numbers nor NaN"));
            }
        }
        ToolResult {
            content: vec![Content::text(text.clone())],
            structured_content: Some(text),
            is_error: false,
            meta: None,
        }
        .outcome()
    }

    fn schema() -> Option<String> {
        Some(json::output::<T>().as_value().to_string())
    }
}

impl<T: ToolOutput> ToolOutput for Option<T> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        self.map_or_else(|| ().outcome(), T::outcome)
    }
}

impl<T: ToolOutput, E: Display + 'static> ToolOutput for Result<T, E> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        self.map_err(Error::of)?.outcome()
    }

    fn schema() -> Option<String> {
        T::schema()
    }
}

impl<T: ToolOutput> ToolOutput for Task<T> {
    fn outcome(self) -> Result<ToolOutcome, Error> {
        let work = match self {
            Self::Done(result) => return result.outcome(),
            Self::Working(work) => work,
        };
        let mut task = serde_json::json!({"resultType": "task", "state": work.state});
        let members = [
            ("statusMessage", work.status.map(Into::into)),
            ("ttlMs", work.ttl_ms.map(Into::into)),
            ("pollIntervalMs", work.poll_ms.map(Into::into)),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                task[name] = value;
            }
        }
        Ok(ToolOutcome::Extension(task.to_string()))
    }

    fn schema() -> Option<String> {
        T::schema()
    }
}

/// The schema of the arguments, and the description: that of the function, or of its struct.
pub fn input<A: JsonSchema>(description: Option<&str>) -> (String, Option<String>) {
    let (schema, own) = json::schema::<A>();
    (
        schema.as_value().to_string(),
        description.map(str::to_owned).or(own),
    )
}

/// The arguments of a call.
pub fn parsed<A: DeserializeOwned>(arguments: &str) -> Result<A, Error> {
    json::arguments(arguments).map_err(|why| Error::tool(format!("invalid arguments: {why}")))
}

/// The outcome of a call.
pub fn finished(outcome: Result<ToolOutcome, Error>) -> Result<ToolOutcome, types::Error> {
    match outcome {
        Err(Error(Kind::Protocol { .. })) => outcome.map_err(|why| why.refusal(-32603)),
        Err(why) => Ok(failed(why.to_string())),
        Ok(outcome) => Ok(outcome),
    }
}

/// The outcome of a call that can ask.
pub fn finished_asking(
    context: &mut Context,
    name: &str,
    outcome: Result<ToolOutcome, Error>,
) -> Result<ToolOutcome, types::Error> {
    match context.required(name) {
        None => finished(outcome.map(|outcome| with_answers(context, outcome))),
        Some(Ok(required)) => Ok(ToolOutcome::InputRequired(required)),
        Some(Err(why)) => Ok(failed(why)),
    }
}

/// Adds the answers so far to the state of a task.
fn with_answers(context: &mut Context, outcome: ToolOutcome) -> ToolOutcome {
    let ToolOutcome::Extension(task) = outcome else {
        return outcome;
    };
    let mut task: serde_json::Value = serde_json::from_str(&task).unwrap_or_default();
    if let serde_json::Value::String(state) = task["state"].take() {
        task["state"] = context.replay().with_task(state).into();
    }
    ToolOutcome::Extension(task.to_string())
}

fn failed(why: String) -> ToolOutcome {
    let content = Some(why).filter(|why| !why.is_empty()).map(Content::text);
    ToolOutcome::Complete(ToolResult {
        content: content.into_iter().collect(),
        structured_content: None,
        is_error: true,
        meta: None,
    })
}

/// The list of a server.
fn list<S: Server>(request: u64, cursor: Option<String>) -> Result<ToolList, types::Error> {
    first_page(cursor)?;
    let listed = S::TOOLS.iter().filter(|tool| seen(tool.when, request));
    Ok(ToolList {
        tools: listed.map(|tool| (tool.describe)()).collect(),
        next_cursor: None,
        cache: None,
    })
}

async fn call<S: Server>(
    request: u64,
    name: &str,
    arguments: &str,
) -> Result<Option<ToolOutcome>, types::Error> {
    let mut tools = S::TOOLS.iter();
    let Some(tool) = tools.find(|tool| tool.name == name && seen(tool.when, request)) else {
        return Ok(None);
    };
    let mut context = (tool.context)(request);
    (tool.call)(&mut context, arguments).await.map(Some)
}

mod exported {
    use super::*;
    use crate::bindings::tools::exports::spin_mcp::server::tools::Guest;
    use crate::export::at_once;

    impl<S: Server> Guest for S {
        fn list_tools(request: u64, cursor: Option<String>) -> Result<ToolList, types::Error> {
            list::<S>(request, cursor)
        }

        fn call_tool(
            request: u64,
            name: String,
            arguments: String,
        ) -> Result<Option<ToolOutcome>, types::Error> {
            at_once(call::<S>(request, &name, &arguments))
        }
    }
}

#[cfg(feature = "async")]
mod exported_async {
    use super::*;
    use crate::bindings::tools_async::exports::spin_mcp::server::tools_async::Guest;

    impl<S: Server> Guest for S {
        async fn list_tools(
            request: u64,
            cursor: Option<String>,
        ) -> Result<ToolList, types::Error> {
            list::<S>(request, cursor)
        }

        async fn call_tool(
            request: u64,
            name: String,
            arguments: String,
        ) -> Result<Option<ToolOutcome>, types::Error> {
            call::<S>(request, &name, &arguments).await
        }
    }
}
