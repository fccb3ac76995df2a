//! Arguments that are texts: those of prompts, and the variables of resource templates.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;
use serde_json::{Value, json};

use crate::error::Error;
use crate::json;

/// Names and texts.
pub type Given = [(String, String)];

/// What the user is filling in, for a function that suggests values: `#[complete(function)]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completing {
    /// What the user has typed so far.
    pub value: String,
    /// The arguments that are already filled in.
    pub arguments: Vec<(String, String)>,
}

impl Completing {
    /// An argument that is already filled in.
    pub fn argument(&self, name: &str) -> Option<&str> {
        find(&self.arguments, name)
    }
}

/// What can suggest values: `fn() -> Vec<String>`, of which clients get those that begin with what was
/// typed, or `fn(&Completing) -> Vec<String>`, which chooses itself. Either can be an `async fn`. The
/// values can also be `&str`.
#[diagnostic::on_unimplemented(
    message = "this function cannot suggest values",
    note = "`fn() -> Vec<String>`, `fn(&Completing) -> Vec<String>` or an `async fn` of them can"
)]
pub trait Completer<Takes> {
    /// Whether it is an `async fn`.
    const WAITS: bool = false;
    /// The values that fit.
    fn complete(self, typed: &Completing) -> impl Future<Output = Vec<String>>;
}

/// An `async fn` that takes this.
pub struct Waits<Takes>(std::marker::PhantomData<Takes>);

impl<F: Fn() -> Vec<S>, S: Into<String>> Completer<()> for F {
    async fn complete(self, typed: &Completing) -> Vec<String> {
        fitting(texts(self()), typed)
    }
}

impl<F: Fn(&Completing) -> Vec<S>, S: Into<String>> Completer<(Completing,)> for F {
    async fn complete(self, typed: &Completing) -> Vec<String> {
        texts(self(typed))
    }
}

impl<F: AsyncFn() -> Vec<S>, S: Into<String>> Completer<Waits<()>> for F {
    const WAITS: bool = true;
    async fn complete(self, typed: &Completing) -> Vec<String> {
        fitting(texts(self().await), typed)
    }
}

impl<F: AsyncFn(&Completing) -> Vec<S>, S: Into<String>> Completer<Waits<(Completing,)>> for F {
    const WAITS: bool = true;
    async fn complete(self, typed: &Completing) -> Vec<String> {
        texts(self(typed).await)
    }
}

/// Whether a function that suggests values is an `async fn`.
pub const fn waits<Takes, F: Completer<Takes>>(_: &F) -> bool {
    F::WAITS
}

fn texts<S: Into<String>>(values: Vec<S>) -> Vec<String> {
    values.into_iter().map(Into::into).collect()
}

/// The values that a type names, such as an enum.
pub fn choices<T: JsonSchema>(typed: &Completing) -> Vec<String> {
    fitting(json::choices(json::schema::<T>().0.as_value()), typed)
}

fn fitting(mut values: Vec<String>, typed: &Completing) -> Vec<String> {
    values.retain(|value| value.starts_with(&typed.value));
    values
}

/// The text of this name.
pub fn find<'a>(given: &'a Given, name: &str) -> Option<&'a str> {
    let found = given.iter().find(|(known, _)| known == name);
    found.map(|(_, text)| text.as_str())
}

/// A text that must be there.
pub fn text<'a>(given: &'a Given, name: &str) -> Result<&'a str, Error> {
    find(given, name).ok_or_else(|| invalid(format_args!("missing argument `{name}`")))
}

/// A text as this type, or the JSON in it where the type takes no text.
pub fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Error> {
    T::deserialize(StrDeserializer::<serde_json::Error>::new(text))
        .or_else(|why| serde_json::from_str(text).map_err(|_| why))
        .map_err(|why| invalid(format_args!("{name}: {why}")))
}

/// Refuses arguments that a prompt does not have.
pub fn known(given: &Given, names: &[&str]) -> Result<(), Error> {
    match given
        .iter()
        .find(|(name, _)| !names.contains(&name.as_str()))
    {
        Some((name, _)) if names.is_empty() => Err(invalid(format_args!(
            "{name}: unknown argument, there are none"
        ))),
        Some((name, _)) => {
            let names = names.join("` or `");
            Err(invalid(format_args!(
                "{name}: unknown argument, expected `{names}`"
            )))
        }
        None => Ok(()),
    }
}

fn invalid(why: impl Display) -> Error {
    Error::invalid_params(format!("invalid arguments: {why}"))
}

/// The `_meta` of an entry.
pub fn meta(json: impl Display) -> Option<String> {
    Some(json.to_string()).filter(|meta| meta != "null")
}

/// The `_meta` of a tool with a page, or for pages.
pub fn app(meta: Option<String>, page: Option<&str>, visibility: &[&str]) -> Option<String> {
    let meta = meta.and_then(|meta| serde_json::from_str(&meta).ok());
    let mut meta: Value = meta.unwrap_or_else(|| json!({}));
    if let Some(page) = page {
        meta["ui"]["resourceUri"] = json!(page);
    }
    if !visibility.is_empty() {
        meta["ui"]["visibility"] = json!(visibility);
    }
    Some(meta.to_string())
}
