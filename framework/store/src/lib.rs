//! What Spin offers to servers that keep state: a key-value store, and variables.
//!
//! Of `wasi:keyvalue`, servers use what works with each store of each host: reading, writing and
//! deleting one key. Spin's Redis store answers `batch` by an error, lists keys by looking at all,
//! and not every host has the interface.
#![cfg(target_family = "wasm")]

use spin_mcp_protocol::services::{Store, Unavailable};

use bindings::wasi::keyvalue::store::{self, Bucket, Error};

mod bindings {
    wit_bindgen::generate!({
        path: "../wit-internal/deps/wasi-keyvalue.wit",
        inline: "
            package spin-mcp:stateful;
            world stateful {
                import wasi:keyvalue/store@0.2.0-draft2;
            }",
        world: "spin-mcp:stateful/stateful",
        generate_all,
    });
}

#[cfg(feature = "atomics")]
mod counting {
    wit_bindgen::generate!({
        path: "../wit-internal/deps/wasi-keyvalue.wit",
        inline: "
            package spin-mcp:counting;
            world counting {
                import wasi:keyvalue/atomics@0.2.0-draft2;
            }",
        world: "spin-mcp:counting/counting",
        with: { "wasi:keyvalue/store@0.2.0-draft2": super::bindings::wasi::keyvalue::store },
        generate_all,
    });
}

mod config {
    wit_bindgen::generate!({
        path: "../wit-internal/deps/wasi-config.wit",
        inline: "
            package spin-mcp:variables;
            world variables {
                import wasi:config/store@0.2.0-draft-2024-09-27;
            }",
        world: "spin-mcp:variables/variables",
        generate_all,
    });
}

/// A variable of the app.
pub fn variable(name: &str) -> Option<String> {
    config::wasi::config::store::get(name).ok().flatten()
}

/// A key-value store, opened when it is first needed.
pub struct KeyValue {
    name: String,
    bucket: Option<Bucket>,
}

impl KeyValue {
    pub fn new(name: impl Into<String>) -> KeyValue {
        KeyValue {
            name: name.into(),
            bucket: None,
        }
    }

    /// What `f` returns for the store. `operation` is for the log.
    fn with<T>(
        &mut self,
        operation: &str,
        f: impl FnOnce(&Bucket) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let (operation, bucket) = match self.bucket.take() {
            Some(bucket) => (operation, Ok(bucket)),
            None => match store::open(&self.name) {
                Ok(bucket) => (operation, Ok(bucket)),
                Err(error) => ("open", Err(error)),
            },
        };
        let done = bucket.and_then(|bucket| f(self.bucket.insert(bucket)));
        done.map_err(|error| {
            let name = &self.name;
            let problem = match error {
                Error::NoSuchStore => format!(
                    "there is no key-value store `{name}`; add it to `key_value_stores` of the component in spin.toml"
                ),
                Error::AccessDenied => format!(
                    "the key-value store `{name}` is not granted; add it to `key_value_stores` of the component in spin.toml"
                ),
                Error::Other(problem) => {
                    format!("`{operation}` of the key-value store `{name}` failed: {problem}")
                }
            };
            eprintln!("error: {problem}");
            Unavailable(problem)
        })
    }
}

impl Store for KeyValue {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        self.with("get", |bucket| {
            keys.iter().map(|key| bucket.get(key)).collect()
        })
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.with("set", |bucket| bucket.set(key, value))
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        self.with("delete", |bucket| {
            keys.iter().try_for_each(|key| bucket.delete(key))
        })
    }

    /// None if the component may not use `wasi:keyvalue/atomics`.
    #[cfg(feature = "atomics")]
    fn increment(&mut self, key: &str) -> Result<Option<u64>, Unavailable> {
        use counting::wasi::keyvalue::atomics;

        self.with("increment", |bucket| {
            match atomics::increment(bucket, key, 1) {
                Ok(sum) => match u64::try_from(sum) {
                    Ok(sum) => Ok(Some(sum)),
                    Err(_) => Err(Error::Other(format!("`{key}` is {sum}, which is negative"))),
                },
                Err(Error::AccessDenied) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}
