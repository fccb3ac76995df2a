//! What a policy knows about a request, as `input`.

use std::{array, collections::BTreeMap};

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

/// Makes inputs. What is the same as in the last question is not read again.
pub struct Inputs {
    names: [Value; NAMES.len()],
    last: [(String, Value); NAMES.len() - CHANGING],
}

/// The members of an input; the first of them change with each question.
const NAMES: [&str; 8] = [
    "params",
    "now",
    "caller",
    "method",
    "target",
    "transport",
    "revision",
    "resource",
];
const CHANGING: usize = 2;

impl Inputs {
    pub fn new() -> Inputs {
        Inputs {
            names: NAMES.map(Value::from),
            last: array::from_fn(|_| (String::new(), Value::Undefined)),
        }
    }

    /// Fails with what is not JSON.
    pub fn of(&mut self, question: &Question<'_>) -> Result<Value, &'static str> {
        let text = |text: &str| Ok(text.into());
        let values = [
            json(question.params, "`params`")?,
            question.now.into(),
            self.at(0, &caller_key(&question.caller), |_| {
                caller(&question.caller)
            })?,
            self.at(1, question.method, text)?,
            self.at(2, question.target, |target| json(target, "`target`"))?,
            self.at(3, question.transport, text)?,
            self.at(4, question.protocol_version, text)?,
            self.at(5, question.resource, text)?,
        ];
        let mut at = 0..;
        let members = values.map(|value| (self.names[at.next().unwrap_or(0)].clone(), value));
        Ok(BTreeMap::from(members).into())
    }

    fn at(
        &mut self,
        member: usize,
        text: &str,
        read: impl Fn(&str) -> Result<Value, &'static str>,
    ) -> Result<Value, &'static str> {
        let (last, value) = &mut self.last[member];
        if last != text || matches!(value, Value::Undefined) {
            *value = read(text)?;
            *last = text.to_owned();
        }
        Ok(value.clone())
    }
}

/// A text that no other caller has.
fn caller_key(caller: &Option<Caller<'_>>) -> String {
    let Some(caller) = caller else {
        return String::new();
    };
    let mut key = format!("{}\0", caller.scopes.len());
    for text in [caller.subject, caller.issuer, caller.claims] {
        key += &format!("{}\0{text}", text.len());
    }
    for scope in caller.scopes {
        key += &format!("{}\0{scope}", scope.len());
    }
    key
}

fn caller(caller: &Option<Caller<'_>>) -> Result<Value, &'static str> {
    Ok(match caller {
        None => Value::Null,
        Some(caller) => object([
            ("subject", caller.subject.into()),
            ("issuer", caller.issuer.into()),
            ("scopes", texts(caller.scopes)),
            ("claims", json(caller.claims, "the claims of the caller")?),
        ]),
    })
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
