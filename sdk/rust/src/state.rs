//! State that outlives a request.

use std::fmt::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::Error;
use crate::json::quoted;

/// JSON values by name, in the key-value store `default`.
///
/// The store is the component's, so the feature needs the grant `key-value`, and the component
/// `key_value_stores = ["default"]`. Python's `ctx.get_state` reads what this writes.
pub struct State<'a> {
    context: &'a Context,
    /// Whose state it is, as JSON; none if there is nobody to keep it for.
    owner: Option<String>,
}

impl<'a> State<'a> {
    pub(crate) fn of_request(context: &'a Context) -> Self {
        let session = context.session_id().map(|id| list(&["session", &id]));
        let owner = session.or_else(|| {
            let caller = context.identity()?;
            Some(list(&["caller", &caller.issuer, &caller.subject]))
        });
        Self { context, owner }
    }

    pub(crate) fn of_handle(context: &'a Context, handle: &str) -> Self {
        let owner = Some(list(&["handle", handle]));
        Self { context, owner }
    }

    /// What `set` kept, if it did.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let value = match self.key(name) {
            None => self.context.of_request.borrow().get(name).cloned(),
            Some(key) => {
                let bytes = self.context.client.load(&key)?;
                bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())
            }
        };
        let value = value.map(T::deserialize).transpose();
        value.map_err(|why| Error::tool(format!("the state `{name}` has another form: {why}")))
    }

    /// Keeps a value.
    pub fn set(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let value = serde_json::to_value(value)
            .map_err(|why| Error::tool(format!("the state `{name}` cannot be kept: {why}")))?;
        match self.key(name) {
            Some(key) => self
                .context
                .client
                .save(&key, Some(value.to_string().as_bytes())),
            None => {
                self.context
                    .of_request
                    .borrow_mut()
                    .insert(name.to_owned(), value);
                Ok(())
            }
        }
    }

    /// Forgets a value.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        match self.key(name) {
            Some(key) => self.context.client.save(&key, None),
            None => {
                self.context.of_request.borrow_mut().remove(name);
                Ok(())
            }
        }
    }

    fn key(&self, name: &str) -> Option<String> {
        let owner = self.owner.as_ref()?;
        let digest = Sha256::digest(format!("[{owner}, {}]", ascii(name)));
        let mut key = "state:".to_owned();
        for byte in &digest[..20] {
            write!(key, "{byte:02x}").expect("a string can be written to");
        }
        Some(key)
    }
}

/// A list of texts, as Python writes it.
fn list(texts: &[&str]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| ascii(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A text as JSON in ASCII, as Python writes it.
fn ascii(text: &str) -> String {
    let mut ascii = String::new();
    for character in quoted(text).chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(ascii, "\\u{unit:04x}").expect("a string can be written to");
            }
        }
    }
    ascii
}

/// Why the store did not do what it should.
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "the store of tests does not fail")
)]
pub(crate) fn unusable(why: impl std::fmt::Display) -> Error {
    Error::internal(format!(
        "the key-value store `default` cannot be used: {why}; give the component `key_value_stores = \
         [\"default\"]` and the feature `allow = [\"key-value\"]`"
    ))
}
