//! Requests to a registry.
//!
//! `oci-client` authenticates and pushes. Pulls are requests of our own, because `oci-client` reads
//! manifests and error bodies of any size, and follows redirects from `https` to `http`.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use reqwest::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::credentials::Credentials;
use super::source::is_loopback;
use spin_mcp_component::Digest;

const USER_AGENT: &str = concat!("spin-mcp/", env!("CARGO_PKG_VERSION"));
/// The time limit of a short answer, and of each read of a long one.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest manifest, which is also the limit of registries.
pub const MAX_MANIFEST: usize = 4 << 20;
/// How much is read of the body of an error.
const MAX_COMPLAINT: usize = 4 << 10;

/// An authenticated client of one repository.
pub struct Client {
    host: String,
    http: reqwest::Client,
    pub oci: oci_client::Client,
    pub credentials: Credentials,
    /// The token for this repository, if the registry issues tokens.
    token: Option<String>,
}

impl Client {
    /// Pulls something, as anyone if the registry rejects the stored credentials: what is public needs
    /// none.
    pub async fn pull<T>(
        reference: &Reference,
        pull: impl AsyncFn(Client) -> Result<T>,
    ) -> Result<T> {
        let attempt = async |credentials| {
            let client = Client::with(reference, RegistryOperation::Pull, credentials).await?;
            pull(client).await
        };
        let credentials = Credentials::of(reference);
        let are_there = credentials.are_there();
        let error = match attempt(credentials).await {
            Err(error) if are_there && error.is::<Refused>() => error,
            outcome => return outcome,
        };
        attempt(Credentials::none()).await.map_err(|_| error)
    }

    pub async fn connect(reference: &Reference, operation: RegistryOperation) -> Result<Client> {
        Client::with(reference, operation, Credentials::of(reference)).await
    }

    async fn with(
        reference: &Reference,
        operation: RegistryOperation,
        credentials: Credentials,
    ) -> Result<Client> {
        let host = reference.resolve_registry().to_owned();
        let loopback = is_loopback(&host);
        let protocol = match loopback {
            true => ClientProtocol::Http,
            false => ClientProtocol::Https,
        };
        let http = builder(!loopback).build()?;
        let oci = oci_client::Client::try_from(ClientConfig {
            protocol,
            use_monolithic_push: true,
            connect_timeout: Some(PATIENCE),
            read_timeout: Some(PATIENCE),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        });
        let mut client = Client {
            oci: oci.map_err(|error| anyhow!("{error}"))?,
            credentials,
            host,
            http,
            token: None,
        };
        if let Some(identity) = client.credentials.identity.clone() {
            let token = client.exchange(&identity, reference, operation);
            let token = tokio::time::timeout(PATIENCE, token).await;
            let token = token.map_err(|_| client.timed_out())??;
            client.credentials.auth = RegistryAuth::Bearer(token);
        }
        let auth = &client.credentials.auth;
        let token = tokio::time::timeout(PATIENCE, client.oci.auth(reference, auth, operation));
        client.token = match token.await {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => return Err(client.explain(error)),
            Err(_) => bail!(
                "registry `{}` took too long to authenticate; try again later",
                client.host
            ),
        };
        Ok(client)
    }

    /// The token for a repository that the registry gives for an identity token
    /// (https://distribution.github.io/distribution/spec/auth/oauth/).
    async fn exchange(
        &self,
        identity: &str,
        reference: &Reference,
        operation: RegistryOperation,
    ) -> Result<String> {
        let response = self.send(self.http.get(self.url("v2/"))).await?;
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|challenge| challenge.to_str().ok());
        let realm = challenge.and_then(|challenge| parameter(challenge, "realm"));
        let Some((challenge, realm)) = challenge.zip(realm) else {
            bail!(
                "registry `{}` does not say where it exchanges the stored identity token; log in with a user and a \
                 password",
                self.host
            );
        };
        let actions = match operation {
            RegistryOperation::Pull => "pull",
            RegistryOperation::Push => "pull,push",
        };
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "spin-mcp".to_owned()),
            ("refresh_token", identity.to_owned()),
            (
                "scope",
                format!("repository:{}:{actions}", reference.repository()),
            ),
        ];
        form.extend(parameter(challenge, "service").map(|service| ("service", service)));
        let encoded = Url::parse_with_params("form:", &form)?;
        let request = self.http.post(&realm);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(encoded.query().unwrap_or_default().to_owned());
        let mut response = self.send(request).await?;
        self.check(&mut response).await?;
        let body = read(&mut response, MAX_MANIFEST).await;
        let body = body.map_err(|error| self.request_error(error))?;
        let token: Option<AccessToken> = serde_json::from_slice(&body).ok();
        let token =
            token.with_context(|| format!("registry `{}` answered without a token", self.host))?;
        Ok(token.access_token)
    }

    fn url(&self, path: &str) -> String {
        let scheme = match is_loopback(&self.host) {
            true => "http",
            false => "https",
        };
        format!("{scheme}://{}/{path}", self.host)
    }

    /// The manifest of a tag or digest.
    pub async fn manifest(&self, reference: &Reference) -> Result<(Vec<u8>, Digest)> {
        let (kind, name) = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => ("digest", digest),
            (None, tag) => ("tag", tag.unwrap_or("latest")),
        };
        let accepted = [
            OCI_IMAGE_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
        ];
        let request = self.get(reference, "manifests", name)?;
        let request = request.header(ACCEPT, accepted.join(", "));
        let fetch = async {
            let mut response = self.send(request).await?;
            if response.status() == StatusCode::NOT_FOUND {
                bail!(
                    "registry `{}` has no `{}` with the {kind} `{name}`; correct the reference, or push the \
                     component with `spin mcp push`",
                    self.host,
                    reference.repository()
                );
            }
            self.check(&mut response).await?;
            let body = read(&mut response, MAX_MANIFEST + 1).await;
            let body = body.map_err(|error| self.request_error(error))?;
            ensure!(
                body.len() <= MAX_MANIFEST,
                "the manifest from registry `{}` is larger than {} MB",
                self.host,
                MAX_MANIFEST >> 20
            );
            Ok(body)
        };
        let body = tokio::time::timeout(PATIENCE, fetch)
            .await
            .map_err(|_| self.timed_out())??;
        let digest = Digest::of(&body);
        if let Some(expected) = reference.digest() {
            let expected: Digest = expected.parse()?;
            self.compare(&expected, &digest)?;
        }
        Ok((body, digest))
    }

    /// The response for a blob, whose body the caller reads.
    pub async fn blob(&self, reference: &Reference, digest: &Digest) -> Result<Response> {
        let request = self.get(reference, "blobs", &digest.to_string())?;
        let mut response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            bail!(
                "registry `{}` has no layer `{digest}`, although the manifest lists it; push the component again",
                self.host
            );
        }
        self.check(&mut response).await?;
        Ok(response)
    }

    pub fn compare(&self, expected: &Digest, found: &Digest) -> Result<()> {
        match expected == found {
            true => Ok(()),
            false => bail!(
                "registry `{}` sent other content than requested: its digest is `{found}`, not `{expected}`",
                self.host
            ),
        }
    }

    fn get(&self, reference: &Reference, kind: &str, name: &str) -> Result<RequestBuilder> {
        let url = self.url(&format!("v2/{}/{kind}/{name}", reference.repository()));
        let request = self.http.get(url);
        Ok(match (&self.token, &self.credentials.auth) {
            (Some(token), _) => request.bearer_auth(token),
            (None, RegistryAuth::Basic(user, password)) => request.basic_auth(user, Some(password)),
            (None, _) => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        request
            .send()
            .await
            .map_err(|error| self.request_error(error))
    }

    async fn check(&self, response: &mut Response) -> Result<()> {
        if response.status() == StatusCode::OK {
            return Ok(());
        }
        let status = response.status();
        let said =
            tokio::time::timeout(Duration::from_secs(5), read(response, MAX_COMPLAINT)).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        Err(self.refusal(status.as_u16(), &String::from_utf8_lossy(&said)))
    }

    /// Explains why a request or its response failed.
    pub fn request_error(&self, error: reqwest::Error) -> anyhow::Error {
        let host = &self.host;
        if error.is_timeout() {
            return self.timed_out();
        }
        if let Some(status) = error.status() {
            return self.refusal(status.as_u16(), "");
        }
        let cause = last_cause(&error);
        match error.is_connect() {
            true => {
                anyhow!("cannot reach registry `{host}`: {cause}; check its name and your network")
            }
            false if error.is_redirect() => {
                anyhow!("invalid redirect from registry `{host}`: {cause}")
            }
            false => anyhow!("connection to registry `{host}` failed: {cause}; try again"),
        }
    }

    pub fn timed_out(&self) -> anyhow::Error {
        anyhow!(
            "registry `{}` took too long to answer; try again later",
            self.host
        )
    }

    pub fn explain(&self, error: OciDistributionError) -> anyhow::Error {
        match error {
            OciDistributionError::RequestError(error) => self.request_error(error),
            OciDistributionError::ServerError { code, message, .. } => self.refusal(code, &message),
            OciDistributionError::UnauthorizedError { .. } => self.refusal(401, ""),
            OciDistributionError::AuthenticationFailure(said) => self.refusal(401, &said),
            error => anyhow!("invalid answer from registry `{}`: {error}", self.host),
        }
    }

    fn refusal(&self, status: u16, said: &str) -> anyhow::Error {
        let host = &self.host;
        let problem = self.credentials.problem.as_ref();
        let problem = problem
            .map(|problem| format!(" ({problem})"))
            .unwrap_or_default();
        match status {
            401 | 403 if !self.credentials.are_there() => anyhow!(
                "registry `{host}` requires authentication, and no credentials are stored{problem}; \
                 run `docker login {host}` or `spin registry login {host}`"
            ),
            401 => Refused(format!(
                "registry `{host}` rejected the stored credentials; run `docker login {host}` or \
                 `spin registry login {host}`"
            ))
            .into(),
            403 => Refused(format!(
                "registry `{host}` does not allow this for the stored account; ask its owner for access"
            ))
            .into(),
            429 => anyhow!("registry `{host}` rate-limited the request; try again later"),
            status => {
                let reason = StatusCode::from_u16(status).ok();
                let reason = reason.and_then(|status| status.canonical_reason());
                let reason = reason
                    .map(|reason| format!(" {reason}"))
                    .unwrap_or_default();
                anyhow!(
                    "registry `{host}` answered {status}{reason}{}",
                    complaint(said)
                )
            }
        }
    }
}

/// The registry does not accept the stored credentials.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

#[derive(Deserialize)]
struct AccessToken {
    #[serde(alias = "token")]
    access_token: String,
}

/// A parameter of a challenge, such as `Bearer realm="https://…",service="…"`.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The message in the body of an error, shortened to a line.
fn complaint(body: &str) -> String {
    let errors: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = errors
        .as_ref()
        .and_then(|body| body["errors"][0]["message"].as_str());
    let line = message.unwrap_or(body).lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    match line.trim() {
        "" => String::new(),
        line => format!(": {line}"),
    }
}

/// An HTTP client. Only loopback hosts are contacted without TLS.
pub fn builder(tls: bool) -> reqwest::ClientBuilder {
    // It fails if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .https_only(tls)
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .user_agent(USER_AGENT)
}

/// The body of a response, as far as `limit`.
pub async fn read(response: &mut Response, limit: usize) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece[..piece.len().min(limit - body.len())]);
        if body.len() == limit {
            break;
        }
    }
    Ok(body)
}

/// The innermost cause, which is the most specific one.
pub fn last_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
