//! What a policy knows about a request, as `input`.

use std::collections::BTreeMap;

use regorus::Value;

/// Who is calling.
pub struct Caller<'a> {
    pub subject: &'a str,
    pub issuer: &'a str,
    pub scopes: &'a [String],
    /// A JSON object.
    pub claims: &'a str,
}

/// The question of the interface `authorizer`.
pub struct Question<'a> {
    pub caller: Option<Caller<'a>>,
    pub method: &'a str,
    /// A JSON object.
    pub params: &'a str,
    /// Likewise.
    pub target: &'a str,
    pub protocol_version: &'a str,
    pub transport: &'a str,
    pub resource: &'a str,
    /// In seconds since 1970.
    pub now: u64,
}

impl Question<'_> {
    /// Fails with what is not JSON.
    pub fn input(&self) -> Result<Value, &'static str> {
        let caller = match &self.caller {
            None => Value::Null,
            Some(caller) => object([
                ("subject", caller.subject.into()),
                ("issuer", caller.issuer.into()),
                ("scopes", texts(caller.scopes)),
                ("claims", json(caller.claims, "the claims of the caller")?),
            ]),
        };
        Ok(object([
            ("caller", caller),
            ("method", self.method.into()),
            ("params", json(self.params, "`params`")?),
            ("target", json(self.target, "`target`")?),
            ("transport", self.transport.into()),
            ("revision", self.protocol_version.into()),
            ("now", self.now.into()),
            ("resource", self.resource.into()),
        ]))
    }
}

/// The input of a list for one of its entries.
pub fn for_entry(input: &Value, entry: &str) -> Result<Value, &'static str> {
    let mut input = input.clone();
    let target = json(entry, "an entry of the list")?;
    if let Ok(members) = input.as_object_mut() {
        members.extend([("target".into(), target)]);
    }
    Ok(input)
}

fn json(text: &str, what: &'static str) -> Result<Value, &'static str> {
    Value::from_json_str(text).map_err(|_| what)
}

fn texts(texts: &[String]) -> Value {
    let texts = texts.iter().map(|text| text.as_str().into());
    texts.collect::<Vec<Value>>().into()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.into(), value));
    BTreeMap::from(members).into()
}
