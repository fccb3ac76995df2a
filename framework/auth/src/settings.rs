//! What compose bakes: who issues tokens, and for whom.

use std::mem;

use spin_mcp_protocol::json::{Kind, Value};

use crate::{algorithm::Algorithm, api_key::ApiKey, claims::insert, encoding::Object};

/// The settings of the authenticator, as one JSON object. Compose writes it complete: no member has
/// a default here.
#[derive(Debug)]
pub struct Settings {
    /// Scopes that a scope contains.
    pub implies: Vec<(String, Vec<String>)>,
    pub issuers: Vec<Issuer>,
    pub api_keys: Vec<ApiKey>,
    /// The key-value store for keys that are fetched.
    pub store: Option<String>,
}

/// An authorization server whose tokens are accepted.
#[derive(Debug)]
pub struct Issuer {
    /// Compared with `iss` byte by byte.
    pub issuer: String,
    /// A token must be for one of them. None: for the server. Empty only if `require` names who else
    /// it is for.
    pub audience: Option<Vec<String>>,
    pub algorithms: Vec<Algorithm>,
    /// The accepted `typ`, in lower case and without `application/`. An empty one accepts tokens
    /// without `typ`.
    pub types: Vec<String>,
    /// Claims, and for each the accepted values.
    pub require: Vec<(String, Vec<String>)>,
    /// The claim that names the caller.
    pub subject: String,
    /// The claims that hold scopes.
    pub scope_claims: Vec<String>,
    /// How far clocks may differ, in seconds.
    pub leeway: u64,
    pub jwks: Jwks,
}

/// Where the keys of an issuer come from.
#[derive(Debug)]
pub enum Jwks {
    /// From the issuer.
    Fetch,
    /// They are this JWK set.
    Keys(String),
    /// From a variable with this name, which holds a JWK set.
    Variable(String),
}

impl Settings {
    /// None if the text is not what compose writes. A server whose settings cannot be read must
    /// answer 503.
    pub fn read(text: &str) -> Option<Settings> {
        let value = Object::of(Value::parse(text).ok()?)?;
        Some(Settings {
            implies: table(value.member("implies")?)?,
            issuers: list(value.member("issuers")?, Issuer::read)?,
            api_keys: list(value.member("api_keys")?, ApiKey::read)?,
            store: optional(value.member("store")?, string)?,
        })
    }

    /// Adds API keys, as `api_keys` of the settings holds them. They replace all others of the same
    /// subjects, so that a key can be withdrawn. Returns whether the text could be read.
    pub fn replace_api_keys(&mut self, text: &str) -> bool {
        let keys = Value::parse(text).ok();
        let Some(keys) = keys.and_then(|keys| list(keys, ApiKey::read)) else {
            return false;
        };
        let replaced = |old: &ApiKey| keys.iter().any(|key| key.subject == old.subject);
        self.api_keys.retain(|old| !replaced(old));
        self.api_keys.extend(keys);
        true
    }

    /// Puts scopes in order, with those that they imply in any number of steps.
    pub fn expand(&self, scopes: &mut Vec<String>) {
        let mut new = mem::take(scopes);
        while let Some(scope) = new.pop() {
            if insert(scopes, &scope) {
                let implied = self.implies.iter().find(|(name, _)| *name == scope);
                new.extend(
                    implied
                        .into_iter()
                        .flat_map(|(_, implied)| implied)
                        .cloned(),
                );
            }
        }
    }
}

impl Issuer {
    fn read(value: Value<'_>) -> Option<Issuer> {
        let value = Object::of(value)?;
        let issuer = Issuer {
            issuer: string(value.member("issuer")?)?,
            audience: optional(value.member("audience")?, strings)?,
            algorithms: list(value.member("algorithms")?, |name| {
                Algorithm::named(&string(name)?)
            })?,
            types: strings(value.member("types")?)?,
            require: table(value.member("require")?)?,
            subject: string(value.member("subject")?)?,
            scope_claims: strings(value.member("scope_claims")?)?,
            leeway: value.member("leeway")?.text.parse().ok()?,
            jwks: Jwks::read(value.member("jwks")?)?,
        };
        let anybodys = issuer.audience.as_ref().is_some_and(Vec::is_empty);
        (!anybodys || !issuer.require.is_empty()).then_some(issuer)
    }
}

impl Jwks {
    fn read(value: Value<'_>) -> Option<Jwks> {
        let (name, of) = value.members().next()?;
        match &*name.as_str()? {
            "fetch" if of.text == "true" => Some(Jwks::Fetch),
            "keys" if of.kind == Kind::Array => Some(Jwks::Keys(value.text.to_owned())),
            "variable" => Some(Jwks::Variable(string(of)?)),
            _ => None,
        }
    }
}

fn optional<T>(value: Value<'_>, read: impl Fn(Value<'_>) -> Option<T>) -> Option<Option<T>> {
    match value.kind {
        Kind::Null => Some(None),
        _ => read(value).map(Some),
    }
}

pub(crate) fn string(value: Value<'_>) -> Option<String> {
    Some(value.as_str()?.into_owned())
}

pub(crate) fn strings(value: Value<'_>) -> Option<Vec<String>> {
    list(value, string)
}

fn list<T>(value: Value<'_>, read: impl Fn(Value<'_>) -> Option<T>) -> Option<Vec<T>> {
    if value.kind != Kind::Array {
        return None;
    }
    value.elements().map(read).collect()
}

fn table(value: Value<'_>) -> Option<Vec<(String, Vec<String>)>> {
    if !value.is_object() {
        return None;
    }
    let members = value.members();
    members
        .map(|(name, values)| Some((string(name)?, strings(values)?)))
        .collect()
}
