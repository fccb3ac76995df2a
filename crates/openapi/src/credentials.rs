//! What requests have in addition to the arguments: texts with variables of the app.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    OpenApi,
    document::{Document, elements, members},
    operation::Operation,
};

/// Headers of a connection, which no request sets.
pub const CONNECTION: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A text with variables, such as `Bearer {{ token }}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<String>);

impl Template {
    /// The error says what is wrong.
    pub fn parse(text: &str) -> Result<Template, String> {
        if text.chars().any(|c| c.is_control()) {
            return Err("it has a line break or another control character".to_owned());
        }
        let mut parts = vec![];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("`{{` has no `}}`")?;
            let name = name.trim();
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(allowed) {
                return Err(format!(
                    "`{name}` cannot be the name of a variable: use lower-case letters, digits and `_`"
                ));
            }
            parts.extend([before.to_owned(), name.to_owned()]);
            rest = after;
        }
        parts.push(rest.to_owned());
        Ok(Template(parts))
    }

    /// Whether a header of this name can have such a value. The others belong to the connection.
    pub fn can_be_header(name: &str) -> bool {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let own = CONNECTION.iter().any(|own| own.eq_ignore_ascii_case(name));
        !name.is_empty() && name.chars().all(token) && !own
    }

    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().skip(1).step_by(2).map(String::as_str)
    }

    /// Texts, between which are names of variables.
    pub(crate) fn table(&self) -> Value {
        json!(self.0)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match index % 2 {
                0 => f.write_str(part)?,
                _ => write!(f, "{{{{ {part} }}}}")?,
            }
        }
        Ok(())
    }
}

/// A way to authorize requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// The name of the scheme in the document.
    pub scheme: String,
    /// The key of `spin.toml`: `headers` or `query`.
    pub key: &'static str,
    pub name: String,
    /// What comes before the secret.
    pub before: &'static str,
    /// What the secret is.
    pub what: &'static str,
}

/// The credentials that operations need and requests do not have.
pub fn missing(
    document: &Document,
    operations: &[&Operation<'_>],
    of: &OpenApi,
) -> Vec<Credential> {
    let mut missing: Vec<Credential> = vec![];
    for operation in operations {
        let security = operation
            .object
            .get("security")
            .or(document.root.get("security"));
        let choices: Vec<&Value> = elements(security).collect();
        // An empty choice needs nothing.
        if choices
            .iter()
            .any(|choice| members(Some(choice)).next().is_none())
        {
            continue;
        }
        let known = choices.iter().map(|choice| {
            let schemes = members(Some(choice)).map(|(name, _)| credential(document, name));
            schemes.collect::<Option<Vec<_>>>()
        });
        let known: Vec<_> = known.flatten().collect();
        let given = |needed: &Credential| {
            let all = if needed.key == "headers" {
                &of.headers
            } else {
                &of.query
            };
            all.iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(&needed.name))
        };
        let same =
            |one: &Credential, other: &Credential| (one.key, &one.name) == (other.key, &other.name);
        let settled =
            |needed: &Credential| given(needed) || missing.iter().any(|other| same(needed, other));
        if known.iter().any(|choice| choice.iter().all(settled)) {
            continue;
        }
        let first = known.into_iter().next().into_iter().flatten();
        let first: Vec<_> = first.filter(|needed| !settled(needed)).collect();
        missing.extend(first);
    }
    missing
}

fn credential(document: &Document, scheme: &str) -> Option<Credential> {
    let all = document.root.get("components")?.get("securitySchemes")?;
    let of = document.resolve(all.get(scheme)?).ok()?;
    let text = |key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default();
    let (key, name, before, what) = match (
        text("type"),
        text("in"),
        text("scheme").to_ascii_lowercase().as_str(),
    ) {
        ("apiKey", "query", _) => ("query", text("name"), "", "the API key"),
        ("apiKey", "header", _) => ("headers", text("name"), "", "the API key"),
        ("http", _, "basic") => (
            "headers",
            "Authorization",
            "Basic ",
            "`user:password` in base64",
        ),
        ("http", _, "bearer") | ("oauth2" | "openIdConnect", _, _) => {
            ("headers", "Authorization", "Bearer ", "the token")
        }
        _ => return None,
    };
    Some(Credential {
        scheme: scheme.to_owned(),
        key,
        name: name.to_owned(),
        before,
        what,
    })
}
