//! The components under `tests/fixtures`, and those of the examples, built on first use.

use std::path::PathBuf;

/// The component of `tests/fixtures/NAME`, or of an example.
pub fn fixture(name: &str) -> PathBuf {
    let dir = super::provided("fixtures").unwrap_or_else(|why| panic!("{why}"));
    let component = dir.join(format!("{}.wasm", name.replace('-', "_")));
    assert!(
        component.exists(),
        "there is no fixture `{name}` in tests/fixtures"
    );
    component
}

/// The fixture `lists` with this list: its bytes.
pub fn fixture_with_list(list: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture("lists")).expect("it was built");
    let mark = format!("{:<24}", "LIST:fine");
    let at = bytes
        .windows(24)
        .position(|bytes| bytes == mark.as_bytes())
        .expect("the fixture holds its mark");
    bytes[at..at + 24].copy_from_slice(format!("LIST:{list:<19}").as_bytes());
    bytes
}
