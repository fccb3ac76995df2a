//! What Spin offers to servers that keep state: a key-value store, and variables.
#![cfg(target_family = "wasm")]

use spin_mcp_protocol::services::{Store, Unavailable};

use bindings::wasi::keyvalue::{
    batch,
    store::{self, Bucket, Error},
};

mod bindings {
    wit_bindgen::generate!({
        path: "../wit-internal/deps/wasi-keyvalue.wit",
        inline: "
            package spin-mcp:stateful;
            world stateful {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
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

    fn with<T>(&mut self, f: impl FnOnce(&Bucket) -> Result<T, Error>) -> Result<T, Unavailable> {
        let bucket = match self.bucket.take() {
            Some(bucket) => Ok(bucket),
            None => store::open(&self.name),
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
                Error::Other(problem) => format!("the key-value store `{name}` failed: {problem}"),
            };
            eprintln!("error: {problem}");
            Unavailable(problem)
        })
    }
}

impl Store for KeyValue {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        if let [key] = keys {
            return self.with(|bucket| Ok(vec![bucket.get(key)?]));
        }
        let keys: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
        // Hosts differ in what they return for keys that do not exist.
        let found = self.with(|bucket| batch::get_many(bucket, &keys))?;
        let value = |key: &String| {
            let known = found.iter().find(|(found, _)| found == key);
            known.and_then(|(_, value)| value.clone())
        };
        Ok(keys.iter().map(value).collect())
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.with(|bucket| bucket.set(key, value))
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        let keys: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
        self.with(|bucket| batch::delete_many(bucket, &keys))
    }

    fn keys(&mut self, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Unavailable> {
        let page = self.with(|bucket| bucket.list_keys(cursor))?;
        Ok((page.keys, page.cursor))
    }

    /// None if the component may not use `wasi:keyvalue/atomics`.
    #[cfg(feature = "atomics")]
    fn increment(&mut self, key: &str) -> Result<Option<u64>, Unavailable> {
        use counting::wasi::keyvalue::atomics;

        self.with(|bucket| match atomics::increment(bucket, key, 1) {
            Ok(sum) => match u64::try_from(sum) {
                Ok(sum) => Ok(Some(sum)),
                Err(_) => Err(Error::Other(format!("`{key}` is {sum}, which is negative"))),
            },
            Err(Error::AccessDenied) => Ok(None),
            Err(error) => Err(error),
        })
    }
}
