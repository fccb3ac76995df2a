//! `export_rmcp!`: a server of `rmcp`, the official SDK, as a component.
//!
//! Each call makes the server, and speaks MCP with it over a pipe in memory, so that any version of
//! `rmcp` will do. What the server asks of its client is answered by replay, as everywhere.

mod contract;

use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::pin;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::task::yield_now;

use crate::bindings::imports::spin_mcp::server::completion_types::{
    Completion, CompletionArgument, CompletionReference,
};
use crate::bindings::imports::spin_mcp::server::prompt_types::{PromptList, PromptOutcome};
use crate::bindings::imports::spin_mcp::server::resource_types::{
    ReadOutcome, ResourceList, ResourceTemplateList,
};
use crate::bindings::imports::spin_mcp::server::tool_types::{ToolList, ToolOutcome};
use crate::bindings::imports::spin_mcp::server::types;
use crate::error::Kind;
use crate::{Context, Error, ListKind, LogLevel, Question, bindings, prompts, resources, tools};

/// The newest revision in which servers ask their clients.
const ASKS: &str = "2025-11-25";
/// The bytes that the pipe holds.
const PIPE: usize = 65_536;
/// How often other tasks run after a question without an answer: they may ask, too.
const TURNS: usize = 64;

/// A server of `rmcp`; `export_rmcp!` writes it.
pub trait Rmcp: 'static {
    /// Whether the component imports `input`.
    const INPUT: bool;
    /// Whether the component imports `changes`.
    const CHANGES: bool;
    /// Serves, until the result is dropped.
    fn serve(pipe: Pipe) -> impl Future<Output = Result<impl Sized, Box<dyn std::error::Error>>>;
}

/// What the server reads and writes.
pub type Pipe = tokio::io::DuplexStream;

/// Makes a server of [`rmcp`](https://docs.rs/rmcp) this component. Needs the feature `rmcp` of this
/// crate. The server is an expression, which may contain `.await` and `?`; each call evaluates it.
///
/// ```ignore
/// spin_mcp_sdk::export_rmcp!(Counter::new(), tools, prompts, resources);
/// ```
///
/// After it come the interfaces that the component has: `tools`, `prompts`, `resources` and
/// `completions`, `input` if the server asks its client, `changes` if it tells of changed resources or
/// lists. The package must depend on `rmcp` itself, without features of its transports.
#[macro_export]
macro_rules! export_rmcp {
    ($server:expr, $($interface:ident),+ $(,)?) => {
        const _: () = {
            $crate::__rmcp_server!($server, $($interface)+);
            type Feature = $crate::rmcp::Feature<Server>;
            $($crate::__rmcp_export!($interface);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rmcp_server {
    ($server:expr, $($interface:ident)+) => {
        pub(crate) struct Server;
        impl $crate::rmcp::Rmcp for Server {
            const INPUT: bool = false $(|| $crate::__rmcp_is!(input $interface))+;
            const CHANGES: bool = false $(|| $crate::__rmcp_is!(changes $interface))+;
            async fn serve(
                pipe: $crate::rmcp::Pipe,
            ) -> ::std::result::Result<impl Sized, ::std::boxed::Box<dyn ::std::error::Error>> {
                let server = $server;
                Ok(::rmcp::ServiceExt::<::rmcp::RoleServer>::serve(server, pipe).await?)
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rmcp_is {
    (input input) => {
        true
    };
    (changes changes) => {
        true
    };
    ($wanted:ident $interface:ident) => {
        false
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rmcp_export {
    (input) => {};
    (changes) => {};
    (completions) => {
        $crate::bindings::completions::export_completions!(Feature with_types_in $crate::bindings::completions);
    };
    ($kind:ident) => {
        $crate::__export!(sync $kind Feature);
    };
}

thread_local! {
    static REQUEST: Cell<u64> = const { Cell::new(0) };
}

/// The request that a server of `rmcp` works on: who calls, headers, settings, state. It cannot ask the
/// client; the server's peer can.
pub fn request() -> Context {
    Context::new(REQUEST.get())
}

/// The component.
pub struct Feature<S>(PhantomData<S>);

/// A question of the server, as it is.
struct Asked<const KIND: usize>(Value);

macro_rules! questions {
    ($($kind:literal: $method:literal),*) => {
        $(impl Question for Asked<$kind> {
            type Answer = Value;
            const METHOD: &'static str = $method;

            fn params(&self) -> Result<Value, Error> {
                Ok(self.0.clone())
            }

            fn answer(&self, result: Value) -> Result<Value, Error> {
                Ok(result)
            }
        })*

        fn ask(context: &mut Context, method: &str, params: Value) -> Result<Option<Value>, Error> {
            match method {
                $($method => Ok(context.ask(Asked::<$kind>(params)).ok()),)*
                _ => Err(Error::internal(format!("a server cannot send `{method}`"))),
            }
        }
    };
}
questions!(0: "elicitation/create", 1: "sampling/createMessage", 2: "roots/list");

/// One request to a new server, and its result.
fn call<S: Rmcp>(
    context: &mut Context,
    request: u64,
    method: &str,
    params: Value,
) -> Result<Value, Error> {
    REQUEST.set(request);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|why| Error::internal(why.to_string()))?;
    runtime.block_on(async {
        let (pipe, server) = tokio::io::duplex(PIPE);
        let mut talk = pin!(Client::<S>::new(context, pipe).talk(method, params));
        // The server ends with what `serve` returned.
        let _running = tokio::select! {
            result = &mut talk => return result,
            served = S::serve(server) => {
                served.map_err(|why| Error::internal(format!("the server did not start: {why}")))?
            }
        };
        talk.await
    })
}

/// [`call`], with an empty result if the server does not know the method.
fn known<S: Rmcp>(request: u64, method: &str, params: Value) -> Result<Value, types::Error> {
    match call::<S>(&mut Context::new(request), request, method, params) {
        Err(Error(Kind::Protocol { code: -32601, .. })) => Ok(Value::Null),
        result => result.map_err(|why| why.refusal(-32603)),
    }
}

/// The client that the server sees.
struct Client<'a, S> {
    context: &'a mut Context,
    lines: Lines<BufReader<ReadHalf<Pipe>>>,
    to: WriteHalf<Pipe>,
    server: PhantomData<S>,
}

impl<'a, S: Rmcp> Client<'a, S> {
    fn new(context: &'a mut Context, pipe: Pipe) -> Self {
        let (from, to) = tokio::io::split(pipe);
        Self {
            context,
            lines: BufReader::new(from).lines(),
            to,
            server: PhantomData,
        }
    }

    async fn talk(mut self, method: &str, mut params: Value) -> Result<Value, Error> {
        let spoken = self.context.protocol_version();
        let info = self.context.client_info();
        let hello = json!({
            "protocolVersion": if spoken.is_empty() || &*spoken > ASKS { ASKS } else { &spoken },
            "capabilities": self.context.client_capabilities(),
            "clientInfo": info.unwrap_or_else(|| json!({"name": "spin-mcp", "version": "0"})),
        });
        self.request(0, "initialize", hello).await?;
        self.send(json!({"method": "notifications/initialized"}))
            .await?;
        let mut meta = match self.context.meta() {
            Value::Object(meta) => meta,
            _ => Map::new(),
        };
        // What newer revisions say of the client.
        meta.retain(|key, _| !key.starts_with("io.modelcontextprotocol/"));
        meta.insert("progressToken".into(), json!(1));
        params["_meta"] = meta.into();
        self.request(1, method, params).await
    }

    /// The result of a request. What the server says before it goes to the client.
    async fn request(&mut self, id: u8, method: &str, params: Value) -> Result<Value, Error> {
        self.send(json!({"id": id, "method": method, "params": params}))
            .await?;
        let mut asked = false;
        loop {
            let line = tokio::select! {
                biased;
                line = self.lines.next_line() => line,
                () = turns(), if asked => return Err(Error::asked()),
            };
            let Ok(Some(line)) = line else {
                return Err(Error::internal("the server ended without an answer"));
            };
            let mut said: Value = serde_json::from_str(&line)
                .map_err(|why| Error::internal(format!("the server sent no JSON: {why}")))?;
            match (said["method"].as_str(), &said["id"]) {
                (Some(method), Value::Null) => self.tell(method, &said["params"]),
                (Some(method), question) => {
                    let (method, question) = (method.to_owned(), question.clone());
                    match self.ask(&method, said["params"].take())? {
                        Some(result) => {
                            self.send(json!({"id": question, "result": result})).await?
                        }
                        None => asked = true,
                    }
                }
                (None, answered) if *answered == id => {
                    let failed = said["error"].take();
                    return match failed["code"].as_i64() {
                        None => Ok(said["result"].take()),
                        Some(code) => Err(error(code, &failed)),
                    };
                }
                _ => {}
            }
        }
    }

    async fn send(&mut self, mut message: Value) -> Result<(), Error> {
        message["jsonrpc"] = json!("2.0");
        let sent = self.to.write_all(format!("{message}\n").as_bytes()).await;
        sent.map_err(|_| Error::internal("the server does not listen"))
    }

    /// The client's answer, or none if it has to be asked.
    fn ask(&mut self, method: &str, params: Value) -> Result<Option<Value>, Error> {
        match method {
            "ping" => Ok(Some(json!({}))),
            _ if !S::INPUT => Err(Error::internal(format!(
                "the server asks its client (`{method}`); add `input` to `export_rmcp!`"
            ))),
            _ => ask(self.context, method, params),
        }
    }

    fn tell(&mut self, method: &str, params: &Value) {
        let list = match method {
            "notifications/progress" => {
                let progress = params["progress"].as_f64().unwrap_or_default();
                let message = params["message"].as_str();
                return self
                    .context
                    .progress(progress, params["total"].as_f64(), message);
            }
            "notifications/message" => {
                let level = level(&params["level"]);
                return self
                    .context
                    .log(level, params["logger"].as_str(), &params["data"]);
            }
            _ if !S::CHANGES => return,
            "notifications/resources/updated" => {
                let uri = params["uri"].as_str().unwrap_or_default();
                return self.context.report_changed(uri);
            }
            "notifications/tools/list_changed" => ListKind::Tools,
            "notifications/prompts/list_changed" => ListKind::Prompts,
            "notifications/resources/list_changed" => ListKind::Resources,
            _ => return,
        };
        self.context.report_list_changed(list);
    }
}

/// Ends when the other tasks have had their turns.
async fn turns() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}

fn error(code: i64, failed: &Value) -> Error {
    let message = failed["message"].as_str().unwrap_or_default();
    let error = Error::new(i32::try_from(code).unwrap_or(-32603), message);
    match &failed["data"] {
        Value::Null => error,
        data => error.with_data(data),
    }
}

fn level(of: &Value) -> LogLevel {
    match of.as_str() {
        Some("debug") => LogLevel::Debug,
        Some("notice") => LogLevel::Notice,
        Some("warning") => LogLevel::Warning,
        Some("error") => LogLevel::Error,
        Some("critical") => LogLevel::Critical,
        Some("alert") => LogLevel::Alert,
        Some("emergency") => LogLevel::Emergency,
        _ => LogLevel::Info,
    }
}

/// Arguments that are texts.
fn texts(arguments: Vec<(String, String)>) -> Map<String, Value> {
    let arguments = arguments.into_iter();
    arguments.map(|(name, text)| (name, text.into())).collect()
}

/// The context of a call, which asks only if the component imports `input`.
fn context<S: Rmcp>(request: u64) -> Context {
    if S::INPUT {
        Context::asking(request)
    } else {
        Context::new(request)
    }
}

/// The outcome of a call: `asks` if the component imports `input`.
macro_rules! outcome {
    ($server:ident, $kind:ident, $context:expr, $name:expr, $result:expr) => {
        if $server::INPUT {
            $kind::finished_asking($context, $name, $result)
        } else {
            $kind::finished($result)
        }
    };
}

/// `call-tool`, with the context.
#[doc(hidden)]
pub fn call_tool<S: Rmcp>(
    context: &mut Context,
    request: u64,
    name: &str,
    arguments: &str,
) -> Result<ToolOutcome, types::Error> {
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let params = json!({"name": name, "arguments": arguments});
    let result = call::<S>(context, request, "tools/call", params);
    let result = result
        .and_then(|of| contract::tool_result(&of))
        .map(ToolOutcome::Complete);
    outcome!(S, tools, context, name, result)
}

impl<S: Rmcp> bindings::tools::exports::spin_mcp::server::tools::Guest for Feature<S> {
    fn list_tools(request: u64, cursor: Option<String>) -> Result<ToolList, types::Error> {
        let list = known::<S>(request, "tools/list", json!({"cursor": cursor}))?;
        Ok(contract::tool_list(&list))
    }

    fn call_tool(
        request: u64,
        name: String,
        arguments: String,
    ) -> Result<Option<ToolOutcome>, types::Error> {
        call_tool::<S>(&mut context::<S>(request), request, &name, &arguments).map(Some)
    }
}

impl<S: Rmcp> bindings::resources::exports::spin_mcp::server::resources::Guest for Feature<S> {
    fn list_resources(request: u64, cursor: Option<String>) -> Result<ResourceList, types::Error> {
        let list = known::<S>(request, "resources/list", json!({"cursor": cursor}))?;
        Ok(contract::resource_list(&list))
    }

    fn list_resource_templates(
        request: u64,
        cursor: Option<String>,
    ) -> Result<ResourceTemplateList, types::Error> {
        let list = known::<S>(
            request,
            "resources/templates/list",
            json!({"cursor": cursor}),
        )?;
        Ok(contract::template_list(&list))
    }

    fn read_resource(request: u64, uri: String) -> Result<Option<ReadOutcome>, types::Error> {
        let mut context = context::<S>(request);
        let result = match call::<S>(&mut context, request, "resources/read", json!({"uri": uri})) {
            Err(Error(Kind::Protocol { code: -32002, .. })) => return Ok(None),
            result => result.and_then(|of| contract::read_result(&of)).map(Some),
        };
        outcome!(S, resources, &mut context, &uri, result)
    }
}

impl<S: Rmcp> bindings::prompts::exports::spin_mcp::server::prompts::Guest for Feature<S> {
    fn list_prompts(request: u64, cursor: Option<String>) -> Result<PromptList, types::Error> {
        let list = known::<S>(request, "prompts/list", json!({"cursor": cursor}))?;
        Ok(contract::prompt_list(&list))
    }

    fn get_prompt(
        request: u64,
        name: String,
        arguments: Vec<(String, String)>,
    ) -> Result<Option<PromptOutcome>, types::Error> {
        let mut context = context::<S>(request);
        let params = json!({"name": name, "arguments": texts(arguments)});
        let result = call::<S>(&mut context, request, "prompts/get", params);
        let result = result.and_then(|of| contract::prompt_result(&of));
        outcome!(S, prompts, &mut context, &name, result).map(Some)
    }
}

impl<S: Rmcp> bindings::completions::exports::spin_mcp::server::completions::Guest for Feature<S> {
    fn complete(
        request: u64,
        reference: CompletionReference,
        argument: CompletionArgument,
        arguments: Vec<(String, String)>,
    ) -> Result<Option<Completion>, types::Error> {
        let reference = match reference {
            CompletionReference::Prompt(name) => json!({"type": "ref/prompt", "name": name}),
            CompletionReference::ResourceTemplate(uri) => {
                json!({"type": "ref/resource", "uri": uri})
            }
        };
        let params = json!({
            "ref": reference,
            "argument": {"name": argument.name, "value": argument.value},
            "context": {"arguments": texts(arguments)},
        });
        let result = known::<S>(request, "completion/complete", params)?;
        Ok((!result.is_null()).then(|| contract::completion(&result)))
    }
}
