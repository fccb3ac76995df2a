//! Calls an MCP server with rmcp: `rmcp-client MODE http URL` or `rmcp-client MODE stdio
//! COMMAND…`, where MODE is `default` or `auto`.
//!
//! The steps come on stdin and the results leave on stdout; see `steps.py`.

use std::{
    error::Error,
    io::stdin,
    sync::{Arc, Mutex},
    time::Duration,
};

use rmcp::{
    ClientHandler, ClientServiceExt, ErrorData, RoleClient, ServiceError, ServiceExt,
    model::*,
    service::{ClientLifecycleMode, NotificationContext, RequestContext, RunningService},
    transport::{IntoTransport, StreamableHttpClientTransport, TokioChildProcess},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{process::Command, time::sleep};

/// How long the last updates of a call may take to be handled: rmcp spawns a task for each.
const SETTLE: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Step {
    method: String,
    params: Value,
    answer: Value,
}

/// What came from the server during a step.
#[derive(Default, Serialize)]
struct Received {
    progress: Vec<f64>,
    asked: Vec<ElicitRequestParams>,
}

#[derive(Clone, Default)]
struct User {
    answer: Arc<Mutex<Value>>,
    received: Arc<Mutex<Received>>,
}

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        ClientConfig::new(capabilities, Implementation::new("rmcp-client", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.received.lock().unwrap().asked.push(request);
        let answer = self.answer.lock().unwrap().clone();
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(answer))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.received.lock().unwrap().progress.push(params.progress);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, transport, target @ ..] = &arguments[..] else {
        return Err("takes a mode, a transport and a target".into());
    };
    if transport == "stdio" {
        let mut command = Command::new(&target[0]);
        command.args(&target[1..]);
        run(mode, TokioChildProcess::new(command)?).await
    } else {
        let url = target[0].as_str();
        run(mode, StreamableHttpClientTransport::from_uri(url)).await
    }
}

async fn run<T, E, A>(mode: &str, transport: T) -> Result<(), Box<dyn Error>>
where
    T: IntoTransport<RoleClient, E, A>,
    E: Error + Send + Sync + 'static,
{
    let user = User::default();
    let client = match mode {
        "default" => user.clone().serve(transport).await?,
        _ => {
            let lifecycle = ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: None,
            };
            user.clone()
                .serve_with_lifecycle(transport, lifecycle)
                .await?
        }
    };
    let version = client.peer_info().map(|info| info.protocol_version.clone());
    println!("{}", json!({ "protocolVersion": version }));

    for step in serde_json::from_reader::<_, Vec<Step>>(stdin())? {
        *user.answer.lock().unwrap() = step.answer;
        let result = perform(&client, &step.method, step.params).await;
        sleep(SETTLE).await;
        let received = std::mem::take(&mut *user.received.lock().unwrap());
        let line = match result {
            Ok(result) => json!({
                "result": result,
                "progress": received.progress,
                "asked": received.asked,
            }),
            Err(ServiceError::McpError(error)) => json!({ "error": error }),
            Err(error) => json!({ "error": { "code": null, "message": error.to_string() } }),
        };
        println!("{line}");
    }
    client.cancel().await?;
    Ok(())
}

async fn perform(
    client: &RunningService<RoleClient, User>,
    method: &str,
    params: Value,
) -> Result<Value, ServiceError> {
    Ok(match method {
        "tools/list" => wire(client.list_tools(None).await?),
        "tools/call" => wire(client.call_tool(typed(params)).await?),
        "resources/list" => wire(client.list_resources(None).await?),
        "resources/templates/list" => wire(client.list_resource_templates(None).await?),
        "resources/read" => wire(client.read_resource(typed(params)).await?),
        "prompts/list" => wire(client.list_prompts(None).await?),
        "prompts/get" => wire(client.get_prompt(typed(params)).await?),
        "completion/complete" => wire(client.complete(typed(params)).await?),
        unknown => panic!("no such method: {unknown}"),
    })
}

fn typed<T: DeserializeOwned>(params: Value) -> T {
    serde_json::from_value(params).expect("the steps have the parameters of their methods")
}

fn wire(result: impl Serialize) -> Value {
    serde_json::to_value(result).expect("results are JSON")
}
