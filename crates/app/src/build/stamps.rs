//! What was built from what, kept in the folder that Spin keeps its own state in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::inputs;
use crate::Part;
use spin_mcp_component::file::replace;

/// Where, from the folder of `spin.toml`.
const FILE: &str = ".spin/mcp-build.json";

/// The builds of an app that need not run again while nothing changes.
pub struct Stamps {
    path: PathBuf,
    built: Mutex<BTreeMap<String, Stamp>>,
}

/// A build that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// The digest of what it read.
    inputs: String,
    /// The digest of what it wrote.
    output: String,
}

impl Stamps {
    /// Reads them. Without any that can be read, everything has to be built.
    pub fn open(app: &Path) -> Self {
        let path = app.join(FILE);
        let text = std::fs::read(&path).unwrap_or_default();
        Self {
            path,
            built: Mutex::new(serde_json::from_slice(&text).unwrap_or_default()),
        }
    }

    /// Whether the part was built from these inputs, and its output is still as it was.
    pub fn holds(&self, part: &Part, inputs: &str) -> bool {
        let built = self.built.lock().expect("no thread panicked");
        built.get(&key(part)).is_some_and(|stamp| {
            stamp.inputs == inputs && output(part).as_ref() == Some(&stamp.output)
        })
    }

    /// Keeps that a part was built, or that nobody can tell from what. A folder that cannot
    /// be written costs time, and nothing else.
    pub fn set(&self, part: &Part, inputs: Option<String>) {
        let stamp = inputs.zip(output(part));
        let mut built = self.built.lock().expect("no thread panicked");
        let before = match stamp {
            Some((inputs, output)) => built.insert(key(part), Stamp { inputs, output }),
            None => built.remove(&key(part)),
        };
        if before.as_ref() != built.get(&key(part))
            && let Ok(text) = serde_json::to_vec_pretty(&*built)
        {
            let _ = replace(&self.path, &text);
        }
    }
}

/// Names the output, too, since an app may have several servers with parts of one name.
fn key(part: &Part) -> String {
    format!("{} {}", part.name, part.origin)
}

/// What was built, as it is now.
fn output(part: &Part) -> Option<String> {
    part.file().and_then(|file| inputs::digest_of(file))
}
