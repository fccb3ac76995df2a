//! Calls an MCP server that asks for authorization with rmcp: `authorized MODE URL`, where MODE
//! is `default` or `auto`.
//!
//! What to do comes as JSON on stdin, and what came of it leaves on stdout; see
//! `tests/authorization/run.py`.

use std::{borrow::Cow, collections::HashMap, error::Error, io::stdin, sync::Arc};

use reqwest::Url;
use rmcp::{
    ClientServiceExt, RoleClient, ServiceError, ServiceExt,
    model::*,
    service::{ClientInitializeError, ClientLifecycleMode, RunningService},
    transport::{
        AuthClient, IntoTransport, StreamableHttpClientTransport,
        auth::{
            AuthorizationCallback, AuthorizationManager, AuthorizationRequest,
            ClientCredentialsConfig, OAuthState, WWWAuthenticateParams,
        },
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{process::Command, sync::Mutex};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Client = RunningService<RoleClient, ()>;

#[derive(Deserialize)]
struct Task {
    login: String,
    browser: String,
    callback: String,
    /// The address of the client's metadata.
    metadata: String,
    client: String,
    secret: String,
    /// A tool that needs no scope of its own, and one that does.
    open: String,
    guarded: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, url] = &arguments[..] else {
        return Err("takes a mode and a URL".into());
    };
    let task: Task = serde_json::from_reader(stdin())?;

    let stranger = connect(mode, StreamableHttpClientTransport::from_uri(&url[..])).await;
    let Err(refusal) = stranger else {
        return Err("the server let a stranger in".into());
    };
    let challenge = refusal.auth_challenge().ok_or("no challenge")?;
    let manager = task.log_in(url, challenge).await?;

    let http = AuthClient::new(reqwest::Client::new(), manager);
    let manager = http.auth_manager.clone();
    let config = StreamableHttpClientTransportConfig::with_uri(&url[..]);
    let client = connect(
        mode,
        StreamableHttpClientTransport::with_client(http, config),
    )
    .await?;
    let version = client.peer_info().map(|info| info.protocol_version.clone());
    tell(json!({ "protocolVersion": version, "challenges": [challenge] }));
    let tools = client.list_tools(None).await?.tools;
    let names: Vec<_> = tools.iter().map(|tool| &tool.name).collect();
    tell(json!({ "tools": names }));

    let text = call(&client, &task.open).await?;
    tell(json!({ "called": task.open, "text": text }));
    let refusal = match call(&client, &task.guarded).await {
        Ok(_) => return Err("the server did not ask for the scope of the tool".into()),
        Err(refusal) => refusal,
    };
    let challenge = refusal.auth_challenge().ok_or("no challenge")?;
    task.step_up(url, challenge, &manager).await?;
    let text = call(&client, &task.guarded).await?;
    tell(json!({ "called": task.guarded, "text": text, "challenges": [challenge] }));
    client.cancel().await?;
    Ok(())
}

impl Task {
    async fn log_in(&self, url: &str, challenge: &str) -> Result<AuthorizationManager> {
        let mut state = OAuthState::new(url, None).await?;
        if self.login == "secret" {
            let machine = self.machine(url, scopes(url, challenge)?);
            state.authenticate_client_credentials(machine).await?;
        } else {
            let mut request = AuthorizationRequest::new(&self.callback)
                .with_client_name("acceptance")
                .with_challenge(challenge);
            if self.login == "metadata" {
                request = request.with_client_metadata_url(&self.metadata);
            }
            state.start_authorization(request).await?;
            let page = state.get_authorization_url().await?;
            let callback = self.visit(&page).await?;
            state.handle_callback_url(&callback).await?;
        }
        let manager = state.into_authorization_manager();
        Ok(manager.ok_or("the login did not end")?)
    }

    async fn step_up(
        &self,
        url: &str,
        challenge: &str,
        manager: &Arc<Mutex<AuthorizationManager>>,
    ) -> Result<()> {
        let scopes = scopes(url, challenge)?;
        let manager = manager.lock().await;
        if self.login == "secret" {
            let machine = self.machine(url, scopes);
            manager.exchange_client_credentials(&machine).await?;
        } else {
            let page = manager.request_scope_upgrade(&scopes.join(" ")).await?;
            let callback = self.visit(&page).await?;
            let callback = AuthorizationCallback::from_redirect_url(&callback)?;
            let (code, state, issuer) = (
                &callback.code,
                &callback.csrf_token,
                callback.issuer.as_deref(),
            );
            manager
                .exchange_code_for_token_with_issuer(code, state, issuer)
                .await?;
        }
        Ok(())
    }

    fn machine(&self, url: &str, scopes: Vec<String>) -> ClientCredentialsConfig {
        ClientCredentialsConfig::ClientSecret {
            client_id: self.client.clone(),
            client_secret: self.secret.clone(),
            scopes,
            resource: Some(url.to_owned()),
        }
    }

    /// Has the user log in; gives the address of the callback.
    async fn visit(&self, page: &str) -> Result<String> {
        let page = Url::parse(page)?;
        let asked: HashMap<Cow<str>, Cow<str>> = page.query_pairs().collect();
        tell(json!({ "login": {
            "client": asked.get("client_id"),
            "scope": asked.get("scope"),
            "resource": asked.get("resource"),
        } }));
        let browser = Command::new(&self.browser).arg(page.as_str()).output();
        Ok(String::from_utf8(browser.await?.stdout)?.trim().to_owned())
    }
}

/// The scopes that a challenge asks for.
fn scopes(url: &str, challenge: &str) -> Result<Vec<String>> {
    let parsed = WWWAuthenticateParams::parse(challenge, &Url::parse(url)?);
    let scope = parsed.scope.ok_or("the challenge has no scope")?;
    Ok(scope.split(' ').map(str::to_owned).collect())
}

async fn connect<T, E, A>(
    mode: &str,
    transport: T,
) -> std::result::Result<Client, ClientInitializeError>
where
    T: IntoTransport<RoleClient, E, A>,
    E: Error + Send + Sync + 'static,
{
    if mode == "default" {
        return ().serve(transport).await;
    }
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    ().serve_with_lifecycle(transport, lifecycle).await
}

async fn call(client: &Client, tool: &str) -> std::result::Result<Value, ServiceError> {
    let params = CallToolRequestParams::new(tool.to_owned());
    let result = client.call_tool(params).await?;
    let result = serde_json::to_value(result).expect("results are JSON");
    Ok(result["content"][0]["text"].clone())
}

fn tell(line: Value) {
    println!("{line}");
}
