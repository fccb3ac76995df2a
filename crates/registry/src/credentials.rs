//! The user's credentials: from Docker's configuration and its credential helpers, from podman's, or
//! else from `spin registry login`.

use std::collections::HashMap;
use std::path::PathBuf;

use base64::Engine as _;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use etcetera::BaseStrategy as _;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a login left behind.
enum Secret {
    Auth(RegistryAuth),
    Identity(String),
}

/// The credentials for a repository.
pub struct Credentials {
    pub auth: RegistryAuth,
    /// A token that the registry exchanges for one that it accepts.
    pub identity: Option<String>,
    /// Why credentials that the user's configuration names cannot be used.
    pub problem: Option<String>,
}

impl Credentials {
    /// Finds the credentials for a repository. Without any, access is anonymous.
    fn find(host: &str, repository: &str) -> Credentials {
        let mut credentials = Credentials::none();
        for login in logins() {
            match login.find(host, repository) {
                Ok(None) => {}
                Ok(Some(Secret::Auth(auth))) => {
                    return Credentials {
                        auth,
                        ..credentials
                    };
                }
                Ok(Some(Secret::Identity(token))) => {
                    credentials.identity = Some(token);
                    return credentials;
                }
                Err(problem) => credentials.problem = credentials.problem.or(Some(problem)),
            }
        }
        if let Some(auth) = spin(host) {
            credentials.auth = auth;
        }
        credentials
    }

    pub fn of(reference: &Reference) -> Credentials {
        Credentials::find(reference.resolve_registry(), reference.repository())
    }

    pub fn none() -> Credentials {
        Credentials {
            auth: RegistryAuth::Anonymous,
            identity: None,
            problem: None,
        }
    }

    pub fn are_there(&self) -> bool {
        self.auth != RegistryAuth::Anonymous || self.identity.is_some()
    }
}

/// A file of Docker's configuration, or podman's, which has the same form.
struct Login {
    /// As messages name it.
    owner: &'static str,
    file: PathBuf,
}

/// Where Docker and podman keep what they log in with. The first that knows the registry counts.
fn logins() -> Vec<Login> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = etcetera::home_dir().ok();
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home.clone()?.join(".docker")));
    let docker = docker.map(|dir| ("Docker", dir.join("config.json")));
    let named = variable("REGISTRY_AUTH_FILE").map(|file| ("podman", file));
    let running = variable("XDG_RUNTIME_DIR");
    let config = variable("XDG_CONFIG_HOME").or_else(|| Some(home?.join(".config")));
    let podman = [running, config].into_iter().flatten();
    let podman = podman.map(|dir| ("podman", dir.join("containers/auth.json")));
    let files = named.into_iter().chain(docker).chain(podman);
    files.map(|(owner, file)| Login { owner, file }).collect()
}

impl Login {
    /// The credentials for a repository, or why they cannot be used.
    fn find(&self, host: &str, repository: &str) -> Result<Option<Secret>, String> {
        let Ok(text) = std::fs::read(&self.file) else {
            return Ok(None);
        };
        // `docker login` stores its default registry under the first name, podman under the second.
        let hosts = match host {
            "index.docker.io" => vec!["https://index.docker.io/v1/", "docker.io"],
            host => vec![host],
        };
        // Podman can log in to a part of a registry.
        let parts = repository
            .match_indices('/')
            .map(|(at, _)| &repository[..at]);
        let parts: Vec<_> = parts.chain([repository]).collect();
        let inner = parts
            .iter()
            .rev()
            .map(|part| format!("{}/{part}", hosts[hosts.len() - 1]));
        let known: Option<Auths> = serde_json::from_slice(&text).ok();
        let inner = inner.filter(|name| {
            known
                .as_ref()
                .is_some_and(|known| known.auths.contains_key(name))
        });
        for server in inner.chain(hosts.iter().map(|host| (*host).to_owned())) {
            if let Some(found) = self.get(&text, &server)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn get(&self, text: &[u8], server: &str) -> Result<Option<Secret>, String> {
        use CredentialRetrievalError::*;
        let problem = match docker_credential::get_credential_from_reader(text, server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                return Ok(Some(Secret::Auth(RegistryAuth::Basic(user, password))));
            }
            Ok(DockerCredential::IdentityToken(token)) => return Ok(Some(Secret::Identity(token))),
            Err(HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
                return Ok(None);
            }
            Err(HelperFailure {
                helper,
                stdout,
                stderr,
            }) => {
                let mut said = [stderr.trim(), stdout.trim()].into_iter();
                let said = said.find(|text| !text.is_empty());
                let said = said.unwrap_or("no reason given");
                return Err(format!("`{helper}` failed: {said}"));
            }
            Err(HelperCommunicationError) => "cannot run the credential helper in",
            Err(MalformedHelperResponse) => "invalid answer from the credential helper in",
            Err(CredentialDecodingError | CredentialMismatchError) => "damaged credentials in",
            Err(NoCredentialConfigured | ConfigNotFound | ConfigReadError) => return Ok(None),
        };
        Err(format!("{problem} {}'s configuration", self.owner))
    }
}

/// The names that a file has credentials for.
#[derive(Deserialize)]
struct Auths {
    auths: HashMap<String, IgnoredAny>,
}

/// The file of `spin registry login`: for each host, `user:password` in Base64.
#[derive(Deserialize)]
struct SpinLogins {
    auths: HashMap<String, String>,
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
