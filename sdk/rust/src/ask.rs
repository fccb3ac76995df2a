//! What can be asked, and the answers.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::Error;
use crate::json::schema;

/// A question to the client.
pub trait Question {
    /// What the client answers.
    type Answer;
    /// The method of MCP.
    const METHOD: &'static str;
    /// The parameters of the method: a JSON object.
    fn params(&self) -> Result<Value, Error>;
    /// Reads the result of the method.
    fn answer(&self, result: Value) -> Result<Self::Answer, Error>;
}

/// Several questions that are asked at once.
pub trait Questions {
    /// Their answers.
    type Answers;
    /// Asks all, and fails if one has no answer yet.
    fn ask(self, context: &mut Context) -> Result<Self::Answers, Error>;
}

impl<Q: Question> Questions for Vec<Q> {
    type Answers = Vec<Q::Answer>;

    fn ask(self, context: &mut Context) -> Result<Self::Answers, Error> {
        let answers: Vec<_> = self.iter().map(|question| context.put(question)).collect();
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.ok_or_else(Error::asked)?)
            .collect()
    }
}

macro_rules! tuples {
    ($($question:ident),*) => {
        impl<$($question: Question),*> Questions for ($($question,)*) {
            type Answers = ($($question::Answer,)*);

            #[expect(non_snake_case, reason = "the names of the types are those of the values")]
            fn ask(self, context: &mut Context) -> Result<Self::Answers, Error> {
                let ($($question,)*) = self;
                $(let $question = context.put(&$question);)*
                Ok(($($question.ok_or_else(Error::asked)??,)*))
            }
        }
    };
}
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);

/// What the user did with a form or a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Elicited<T> {
    /// The user filled in the form, or agreed to open the page.
    Accept(T),
    /// The user said no.
    Decline,
    /// The user closed the form.
    Cancel,
}

impl<T> Elicited<T> {
    /// What the user filled in.
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accept(content) => Some(content),
            Self::Decline | Self::Cancel => None,
        }
    }
}

/// Asks the user to fill in a form with the fields of `T`.
pub struct Form<T> {
    message: String,
    content: PhantomData<T>,
}

impl<T> Form<T> {
    /// A form with this text above it.
    pub fn new(message: impl Into<String>) -> Self {
        let (message, content) = (message.into(), PhantomData);
        Self { message, content }
    }
}

impl<T: DeserializeOwned + JsonSchema> Question for Form<T> {
    type Answer = Elicited<T>;
    const METHOD: &'static str = "elicitation/create";

    fn params(&self) -> Result<Value, Error> {
        let (schema, _) = form::<T>()?;
        Ok(json!({"mode": "form", "message": self.message, "requestedSchema": schema}))
    }

    fn answer(&self, mut result: Value) -> Result<Elicited<T>, Error> {
        Ok(match result["action"].as_str() {
            Some("accept") => {
                let content = match form::<T>()?.1 {
                    true => result["content"]["value"].take(),
                    false => result["content"].take(),
                };
                let content = serde_path_to_error::deserialize(content).map_err(|why| {
                    Error::tool(format!("the answer does not fit the form: {why}"))
                })?;
                Elicited::Accept(content)
            }
            Some("decline") => Elicited::Decline,
            _ => Elicited::Cancel,
        })
    }
}

/// Asks the user to open a page.
pub struct Page {
    message: String,
    url: String,
}

impl Page {
    /// A page, and why to open it.
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        let (message, url) = (message.into(), url.into());
        Self { message, url }
    }
}

impl Question for Page {
    type Answer = Elicited<()>;
    const METHOD: &'static str = "elicitation/create";

    fn params(&self) -> Result<Value, Error> {
        Ok(
            json!({"mode": "url", "message": self.message, "url": self.url, "elicitationId": self.url}),
        )
    }

    fn answer(&self, result: Value) -> Result<Elicited<()>, Error> {
        Ok(match result["action"].as_str() {
            Some("accept") => Elicited::Accept(()),
            Some("decline") => Elicited::Decline,
            _ => Elicited::Cancel,
        })
    }
}

/// Has the client's model write something.
pub struct Sample(Map<String, Value>);

impl Sample {
    /// A prompt of one message, for at most 512 tokens.
    pub fn new(prompt: impl Into<String>) -> Self {
        let message = json!({"role": "user", "content": {"type": "text", "text": prompt.into()}});
        Self(Map::new())
            .with("messages", json!([message]))
            .max_tokens(512)
    }

    /// The most tokens that the model may write.
    #[must_use]
    pub fn max_tokens(self, tokens: u32) -> Self {
        self.with("maxTokens", tokens)
    }

    /// The system prompt.
    #[must_use]
    pub fn system(self, prompt: impl Into<String>) -> Self {
        self.with("systemPrompt", prompt.into())
    }

    /// Any other parameter of `sampling/createMessage`, such as `temperature` or `messages`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

/// What the client's model wrote.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    /// `assistant`, mostly.
    #[serde(default)]
    pub role: String,
    /// A content block as MCP has it, or a list of them.
    pub content: Value,
    /// The model that wrote.
    #[serde(default)]
    pub model: String,
    /// Why it stopped.
    #[serde(default)]
    pub stop_reason: Option<String>,
}

impl Sampled {
    /// The text, if it wrote text.
    pub fn text(&self) -> Option<&str> {
        self.content["text"].as_str()
    }
}

impl Question for Sample {
    type Answer = Sampled;
    const METHOD: &'static str = "sampling/createMessage";

    fn params(&self) -> Result<Value, Error> {
        Ok(Value::Object(self.0.clone()))
    }

    fn answer(&self, result: Value) -> Result<Sampled, Error> {
        serde_json::from_value(result).map_err(|why| {
            Error::tool(format!(
                "the client's model answered with something else: {why}"
            ))
        })
    }
}

/// Asks for the folders that the client works in.
pub struct Roots;

/// A folder of the client.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Root {
    /// Such as `file:///home/me/project`.
    pub uri: String,
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
}

impl Question for Roots {
    type Answer = Vec<Root>;
    const METHOD: &'static str = "roots/list";

    fn params(&self) -> Result<Value, Error> {
        Ok(json!({}))
    }

    fn answer(&self, mut result: Value) -> Result<Vec<Root>, Error> {
        serde_json::from_value(result["roots"].take())
            .map_err(|why| Error::tool(format!("the client's roots are no roots: {why}")))
    }
}

/// The schema of a form, and whether it has one field `value` for a type that has no fields.
fn form<T: JsonSchema>() -> Result<(Value, bool), Error> {
    let mut schema = schema::<T>().0.to_value();
    let wrapped = schema["properties"].is_null();
    if wrapped {
        schema = json!({"type": "object", "properties": {"value": schema}, "required": ["value"]});
    }
    let found = schema
        .as_object_mut()
        .expect("a schema with properties is an object");
    found.remove("additionalProperties");
    let members = found["properties"]
        .as_object_mut()
        .expect("properties are an object");
    for (name, member) in members {
        if !flatten(member) {
            return Err(Error::internal(format!(
                "a form cannot have the field `{name}`: a field is a string, a number, a boolean, or one \
                 or several choices"
            )));
        }
    }
    Ok((schema, wrapped))
}

/// Makes a field as forms have it; false if forms have no such field.
fn flatten(field: &mut Value) -> bool {
    // `Option<T>` of an enum is one of the enum and null.
    if let Some(one) = field["anyOf"].as_array().and_then(|some| match &some[..] {
        [one, null] if null["type"] == "null" => Some(one.clone()),
        _ => None,
    }) {
        let described = field["description"].take();
        *field = one;
        if described.is_string() {
            field["description"] = described;
        }
    }
    let Some(members) = field.as_object_mut() else {
        return false;
    };
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            members.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let known = ["email", "uri", "date", "date-time"];
    if !members
        .get("format")
        .is_none_or(|format| known.iter().any(|known| format == known))
    {
        members.remove("format");
    }
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    if titled(members, "oneOf") {
        members.insert("type".into(), json!("string"));
    }
    match members.get("type").and_then(Value::as_str) {
        Some("string" | "integer" | "number" | "boolean") => true,
        Some("array") => {
            let Some(Value::Object(items)) = members.get_mut("items") else {
                return false;
            };
            if titled(items, "oneOf") {
                let options = items.remove("oneOf");
                *items = Map::from_iter([("anyOf".to_owned(), options.unwrap_or_default())]);
            }
            items.contains_key("anyOf") || items.contains_key("enum")
        }
        _ => false,
    }
}

/// Turns the doc comments of an enum's variants into titles, which forms show. True if there are any.
fn titled(schema: &mut Map<String, Value>, keyword: &str) -> bool {
    let Some(Value::Array(options)) = schema.get_mut(keyword) else {
        return false;
    };
    // schemars lists the variants without a doc comment in one `enum`.
    let each = options.iter().flat_map(|option| match &option["enum"] {
        Value::Array(names) => names
            .iter()
            .map(|name| json!({"const": name, "title": name}))
            .collect(),
        _ => {
            let title = [&option["title"], &option["description"], &option["const"]];
            let title = title.into_iter().find(|title| title.is_string());
            vec![json!({"const": option["const"], "title": title})]
        }
    });
    *options = each.collect();
    options.iter().all(|option| option["const"].is_string())
}
