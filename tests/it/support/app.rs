//! Apps without Spin: a `spin.toml` and what compose makes of it.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::{fixture, mcp};

/// An app of these fixtures. `chain` follows `[component.mcp.tool.mcp]`.
pub struct App<'a> {
    pub wasi: &'a str,
    pub features: &'a [&'a str],
    pub chain: &'a str,
}

/// A middleware in `spin.toml`, with these keys beside its name.
pub fn middleware(name: &str, keys: &str) -> String {
    format!("[[component.mcp.tool.mcp.middleware]]\nname = \"{name}\"\n{keys}\n")
}

impl App<'_> {
    /// Composes it in `dir`.
    pub fn compose(&self, dir: &Path) -> Output {
        let mut manifest = format!(
            "spin_manifest_version = 2\n\
             [application]\nname = \"app\"\n\
             [[trigger.http]]\nroute = \"/mcp\"\ncomponent = \"mcp\"\n\
             [component.mcp]\nsource = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n\
             [component.mcp.tool.mcp]\nwasi = \"{}\"\n{}\n",
            self.wasi, self.chain
        );
        for feature in self.features {
            manifest += &format!(
                "[component.mcp.tool.mcp.features.{feature}]\nsource = {:?}\n",
                fixture(feature)
            );
        }
        std::fs::write(dir.join("spin.toml"), manifest).expect("the folder can be written");
        let mut command = mcp();
        command.current_dir(dir).arg("compose");
        command.output().expect("mcp can be run")
    }

    /// The same, for one that composes.
    pub fn composed(&self, dir: &Path) -> PathBuf {
        let output = self.compose(dir);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{stderr}", self.chain);
        dir.join("mcp.wasm")
    }
}
