//! What compose bakes: who issues tokens, and for whom.

use spin_mcp_protocol::json::{Kind, Value};

use crate::{algorithm::Algorithm, api_key::ApiKey};

/// The settings of the `auth` table, as one JSON object. Compose writes it complete: no member has
/// a default here.
#[derive(Debug)]
pub struct Settings {
    /// The canonical URI of the server (RFC 8707). None: the server has no public address yet.
    pub resource: Option<String>,
    /// What every request needs.
    pub scopes: Vec<String>,
    /// Scopes that a scope contains.
    pub implies: Vec<(String, Vec<String>)>,
    /// Whether requests without credentials are served.
    pub anonymous: bool,
    pub issuers: Vec<Issuer>,
    pub api_keys: Vec<ApiKey>,
}

/// An authorization server whose tokens are accepted.
#[derive(Debug)]
pub struct Issuer {
    /// Compared with `iss` byte by byte.
    pub issuer: String,
    /// A token must be for one of them. Empty only if `require` names who else it is for.
    pub audience: Vec<String>,
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
}

impl Settings {
    /// None if the text is not what compose writes. A server whose settings cannot be read must
    /// answer 503.
    pub fn read(text: &str) -> Option<Settings> {
        let value = crate::encoding::object(text)?;
        Some(Settings {
            resource: match value.member("resource")? {
                resource if resource.kind == Kind::Null => None,
                resource => Some(string(resource)?),
            },
            scopes: strings(value.member("scopes")?)?,
            implies: table(value.member("implies")?)?,
            anonymous: flag(value.member("anonymous")?)?,
            issuers: list(value.member("issuers")?, Issuer::read)?,
            api_keys: list(value.member("api_keys")?, ApiKey::read)?,
        })
    }

    /// Adds the scopes that these imply, in any number of steps.
    pub fn expand(&self, scopes: &mut Vec<String>) {
        let mut at = 0;
        while let Some(scope) = scopes.get(at) {
            let implied = self.implies.iter().find(|(name, _)| name == scope);
            let implied = implied.map_or(&[][..], |(_, implied)| implied);
            let new: Vec<_> = implied
                .iter()
                .filter(|one| !scopes.contains(one))
                .cloned()
                .collect();
            scopes.extend(new);
            at += 1;
        }
    }
}

impl Issuer {
    fn read(value: Value<'_>) -> Option<Issuer> {
        Some(Issuer {
            issuer: string(value.member("issuer")?)?,
            audience: strings(value.member("audience")?)?,
            algorithms: list(value.member("algorithms")?, |name| {
                Algorithm::named(&string(name)?)
            })?,
            types: strings(value.member("types")?)?,
            require: table(value.member("require")?)?,
            subject: string(value.member("subject")?)?,
            scope_claims: strings(value.member("scope_claims")?)?,
            leeway: value.member("leeway")?.text.parse().ok()?,
        })
    }
}

pub(crate) fn string(value: Value<'_>) -> Option<String> {
    Some(value.as_str()?.into_owned())
}

pub(crate) fn strings(value: Value<'_>) -> Option<Vec<String>> {
    list(value, string)
}

fn flag(value: Value<'_>) -> Option<bool> {
    (value.kind == Kind::Bool).then_some(value.text == "true")
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
