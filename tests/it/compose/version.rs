//! The manifest with which Spin installs the plugin.

use std::fs;
use std::path::Path;

#[test]
fn the_plugin_has_the_version_of_the_package() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("spin-pluginify.toml");
    let manifest: toml_edit::DocumentMut = fs::read_to_string(manifest).unwrap().parse().unwrap();
    assert_eq!(
        manifest["version"].as_str(),
        Some(env!("CARGO_PKG_VERSION"))
    );
}
