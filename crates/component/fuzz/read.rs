//! What the plugin does with a component before it composes it.

use std::borrow::Cow;

use anyhow::Result;
use spin_mcp_component::{
    Imports, Size, World, componentize, guard,
    rewrite::{close_stdin, lazy},
};
use spin_mcp_contract::{Grant, Grants, Record};
use wasmparser::{Validator, WasmFeatures};

/// What the component is granted.
const GRANTS: [&str; 4] = ["http", "env", "wasi:cli", "fermyon:spin/sqlite"];

/// Reads any bytes. Errors are fine, panics are not.
pub fn read(bytes: &[u8]) {
    let _ = try_read(bytes);
}

/// Reads a component that toolchains can make, which must succeed.
pub fn read_valid(component: &[u8]) {
    try_read(component).unwrap_or_else(|error| panic!("{error:#}"));
}

fn try_read(bytes: &[u8]) -> Result<()> {
    let component = componentize(Cow::Borrowed(bytes), "it")?;
    // These also get components that nobody has validated.
    let size = Size::of(&component);
    let record = Record::read(&component);
    let world = World::read(&component)?;
    size.expect("a valid component has a size");
    let _ = record;
    if let Ok(Some(closed)) = close_stdin(&component) {
        validate(&closed);
    }
    read_lazy(&component);
    let imports = guard(|| Imports::read(&component))?;
    for name in imports.names() {
        assert!(
            world.imports.iter().any(|import| import.name == name),
            "`{name}` is not an import of the component"
        );
        imports.does_something(name);
    }
    let grants = GRANTS.map(|text| text.parse::<Grant>().expect("it is a grant"));
    for allow in [&[][..], &grants] {
        let _ = Grants::new(&imports, allow, &["wasi:config/store"]);
    }
    if let Ok(Some(stub)) = guard(|| imports.stub(|_| true)) {
        validate(&stub);
    }
    Ok(())
}

/// Makes a component lazy that nobody has validated, if it can be lazy.
pub fn read_lazy(component: &[u8]) -> bool {
    let Ok(Some(lazy)) = lazy(component, 1) else {
        return false;
    };
    if validator().validate_all(component).is_ok() {
        validate(&lazy);
    }
    true
}

fn validator() -> Validator {
    Validator::new_with_features(WasmFeatures::all())
}

/// Fails unless the output of a rewriter is a component.
fn validate(component: &[u8]) {
    let validated = validator().validate_all(component);
    validated.expect("a rewritten component is valid");
}
