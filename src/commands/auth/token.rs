//! `mcp auth token`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use spin_mcp_app::find_manifest;
use spin_mcp_component::file;
use spin_mcp_contract::Keys;

use super::super::AppArgs;

/// The issuer of tokens for development. No such host exists.
const ISSUER: &str = "https://issuer.invalid";
/// The server of an app without a `resource`, as `mcp serve` serves it.
const RESOURCE: &str = "http://127.0.0.1:3000/mcp";

/// Make an access token for development, signed with a key of your own.
///
/// With `--new`, first makes the key, and a file of its public half that `jwks` of an issuer in
/// spin.toml can name. Anyone who has the key can sign tokens for every server that trusts it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Make a key, and a token of it
  spin mcp auth token --new --key dev.jwk --subject me --scope mcp:read

  # Call a tool with a token
  spin mcp call add '{\"a\": 1, \"b\": 2}' \\
    --token \"$(spin mcp auth token --key dev.jwk --subject me --scope mcp:read)\"")]
pub struct TokenCommand {
    /// The private key: a JWK (Ed25519), such as `dev.jwk`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Make the key, and its JWK set beside it, such as `dev.jwks.json`
    #[arg(long)]
    new: bool,

    /// The caller that the token names
    #[arg(long, value_name = "NAME")]
    subject: String,

    /// What the token may do; can be repeated
    #[arg(long, value_name = "SCOPE", value_parser = super::scope)]
    scope: Vec<String>,

    /// The server that the token is for [default: `resource` in spin.toml, else
    /// http://127.0.0.1:3000/mcp]
    #[arg(long, value_name = "URI")]
    audience: Option<String>,

    /// The issuer that the token names [default: the one with pinned keys in spin.toml, else
    /// https://issuer.invalid]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,

    /// Another claim; the value is JSON
    #[arg(long, value_name = "NAME=JSON", value_parser = claim)]
    claim: Vec<(String, Value)>,

    /// For how long the token is valid
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "3600",
        allow_negative_numbers = true
    )]
    expires_in: i64,

    #[command(flatten)]
    app: AppArgs,
}

/// Reads `NAME=JSON`.
fn claim(text: &str) -> Result<(String, Value), String> {
    let expected = "expected `NAME=JSON`, such as `tid=\"a\"`";
    let (name, json) = text.split_once('=').ok_or(expected)?;
    let value = serde_json::from_str(json).map_err(|error| format!("{expected}: {error}"))?;
    Ok((name.to_owned(), value))
}

impl TokenCommand {
    pub fn run(self) -> Result<()> {
        let app = match find_manifest(self.app.from())? {
            Some(_) => self.app.find()?.auth,
            None => None,
        };
        let resource = app.as_ref().and_then(|auth| auth.access.resource.clone());
        let issuers = app.iter().flat_map(|auth| auth.issuers());
        let mut pinned = issuers.filter(|issuer| issuer.keys == Keys::Pinned);
        let issuer = self.issuer.or_else(|| Some(pinned.next()?.issuer));
        let issuer = issuer.unwrap_or(ISSUER.into());
        let key = match self.new {
            true => make(&self.key, &issuer)?,
            false => read(&self.key)?,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
        let mut claims = Map::from_iter([
            ("iss".into(), json!(issuer)),
            ("sub".into(), json!(self.subject)),
            (
                "aud".into(),
                json!(self.audience.or(resource).unwrap_or(RESOURCE.into())),
            ),
            ("iat".into(), json!(now.min(now + self.expires_in))),
            ("exp".into(), json!(now + self.expires_in)),
        ]);
        if !self.scope.is_empty() {
            claims.insert("scope".into(), json!(self.scope.join(" ")));
        }
        claims.extend(self.claim);
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(&key)});
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(&header), part(&Value::Object(claims)));
        let signature = key.sign(signed.as_bytes()).to_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        writeln!(std::io::stdout(), "{signed}.{signature}")?;
        Ok(())
    }
}

fn public(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
}

/// The thumbprint of the key (RFC 7638).
fn kid(key: &SigningKey) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, public(key));
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

fn read(path: &Path) -> Result<SigningKey> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the key `{shown}`; `--new` makes one"))?;
    let jwk: Option<Value> = serde_json::from_str(&text).ok();
    let secret = jwk.filter(|jwk| jwk["crv"] == "Ed25519");
    let secret = secret.and_then(|jwk| URL_SAFE_NO_PAD.decode(jwk["d"].as_str()?).ok());
    let secret = secret.and_then(|secret| <[u8; 32]>::try_from(secret).ok());
    let secret = secret.with_context(|| {
        format!(
            "`{shown}` is not a private JWK for Ed25519; make one with `--new` and another name"
        )
    })?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Makes the key, and the file that spin.toml names.
fn make(path: &Path, issuer: &str) -> Result<SigningKey> {
    let set = path.with_extension("jwks.json");
    for file in [path, &set] {
        ensure!(
            !file.exists(),
            "`{}` exists; leave out `--new` to use it, or choose another name",
            file.display()
        );
    }
    let key = SigningKey::from_bytes(&super::random()?);
    let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public(&key), "kid": kid(&key), "alg": "EdDSA", "use": "sig"});
    file::replace(
        &set,
        serde_json::to_string_pretty(&json!({ "keys": [jwk] }))?.as_bytes(),
    )?;
    jwk["d"] = json!(URL_SAFE_NO_PAD.encode(key.to_bytes()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(serde_json::to_string_pretty(&jwk)?.as_bytes()));
    written.with_context(|| format!("cannot write `{}`", path.display()))?;
    let (shown, set) = (path.display(), set.display());
    eprintln!(
        "made the key `{shown}`, which is a secret, and `{set}`; trust it in `spin.toml`, with the id of your component:\n\n\
         [[component.mcp.tool.mcp.auth.issuers]]\nissuer = \"{issuer}\"\njwks = \"{set}\"\n"
    );
    Ok(key)
}
