//! The digests of the inputs and outputs of earlier builds, in the folder of Spin's own state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::inputs;
use crate::Part;
use spin_mcp_component::file::replace;

/// Relative to the folder of `spin.toml`.
const FILE: &str = ".spin/mcp-build.json";

/// The builds of an app that need not run again while nothing changes.
pub struct Stamps {
    path: PathBuf,
    built: Mutex<BTreeMap<String, Stamp>>,
}

/// A build that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// A digest of what it read.
    inputs: String,
    /// A digest of what it wrote.
    output: String,
}

impl Stamps {
    /// Reads the stamps of an app. If that fails, everything must be built.
    pub fn open(app: &Path) -> Self {
        let path = app.join(FILE);
        let text = std::fs::read(&path).unwrap_or_default();
        Self {
            path,
            built: Mutex::new(serde_json::from_slice(&text).unwrap_or_default()),
        }
    }

    /// Whether the part was built from these inputs, and its output did not change since.
    pub fn holds(&self, part: &Part, inputs: &str) -> bool {
        let built = self.built.lock().expect("no thread panicked");
        built.get(&key(part)).is_some_and(|stamp| {
            stamp.inputs == inputs && output(part).as_ref() == Some(&stamp.output)
        })
    }

    /// Saves that a part was built, or removes its stamp if its inputs are not known. If the file
    /// cannot be written, the next build takes longer and nothing else.
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

/// Includes the output, since several servers of an app can have parts with the same name.
fn key(part: &Part) -> String {
    format!("{} {}", part.name, part.origin)
}

/// The digest of the file that a build wrote, as it is now.
fn output(part: &Part) -> Option<String> {
    part.file().and_then(|file| inputs::digest_of(file))
}
