//! The user's credentials: from Docker's configuration and its credential helpers, or else from
//! `spin registry login`.

use std::path::PathBuf;

use base64::Engine as _;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use etcetera::BaseStrategy as _;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// The credentials for a registry.
pub struct Credentials {
    pub auth: RegistryAuth,
    /// Why credentials that the user's configuration names cannot be used.
    pub problem: Option<String>,
}

impl Credentials {
    /// Finds the credentials for a registry. Without any, access is anonymous.
    pub fn find(host: &str) -> Credentials {
        let mut problem = None;
        let auth = match docker(host, &mut problem) {
            Some(auth) => auth,
            None => spin(host).unwrap_or(RegistryAuth::Anonymous),
        };
        Credentials { auth, problem }
    }

    pub fn are_there(&self) -> bool {
        self.auth != RegistryAuth::Anonymous
    }
}

fn docker(host: &str, problem: &mut Option<String>) -> Option<RegistryAuth> {
    // `docker login` stores its default registry under this name.
    let server = match host {
        "index.docker.io" => "https://index.docker.io/v1/",
        host => host,
    };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            return Some(RegistryAuth::Basic(user, password));
        }
        Ok(DockerCredential::IdentityToken(_)) => {
            *problem = Some(
                "Docker's configuration has an identity token, which only Docker can use".into(),
            );
        }
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains("credentials not found") => {}
        Err(CredentialRetrievalError::HelperFailure {
            helper,
            stdout,
            stderr,
        }) => {
            let said = [stderr, stdout]
                .into_iter()
                .find(|text| !text.trim().is_empty());
            let said = said.unwrap_or_else(|| "no reason given".into());
            *problem = Some(format!("`{helper}` failed: {}", said.trim()));
        }
        Err(CredentialRetrievalError::HelperCommunicationError) => {
            *problem = Some("cannot run the credential helper in Docker's configuration".into());
        }
        Err(CredentialRetrievalError::MalformedHelperResponse) => {
            *problem =
                Some("invalid answer from the credential helper in Docker's configuration".into());
        }
        Err(
            CredentialRetrievalError::CredentialDecodingError
            | CredentialRetrievalError::CredentialMismatchError,
        ) => {
            *problem = Some("the credentials in Docker's configuration are damaged".into());
        }
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => {}
    }
    None
}

/// The file of `spin registry login`: for each host, `user:password` in Base64.
#[derive(Deserialize)]
struct SpinLogins {
    auths: std::collections::HashMap<String, String>,
}

fn spin(host: &str) -> Option<RegistryAuth> {
    let text = std::fs::read(spin_config()?.join("fermyon/registry-auth.json")).ok()?;
    let logins: SpinLogins = serde_json::from_slice(&text).ok()?;
    let encoded = logins.auths.get(host)?;
    let decoded = base64::prelude::BASE64_STANDARD.decode(encoded).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(RegistryAuth::Basic(user.into(), password.into()))
}

fn spin_config() -> Option<PathBuf> {
    let native = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(match cfg!(target_os = "macos") {
        true => native.data_dir(),
        false => native.config_dir(),
    })
}
