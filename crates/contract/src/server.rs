//! Whether a component is a composed server.

use anyhow::{Result, bail};
use spin_mcp_component::World;

use crate::{
    Role,
    interface::{AUTHENTICATOR, AUTHORIZER, Interface, PACKAGE},
};

/// Refuses bytes that are not a component.
pub fn check_encoding(shown: &str, bytes: &[u8]) -> Result<()> {
    if wasmparser::Parser::is_core_wasm(bytes) {
        bail!(
            "`{shown}` is a core module, not a server; make one of it with \
             `spin mcp compose {shown} -o server.wasm`"
        );
    }
    if !wasmparser::Parser::is_component(bytes) {
        bail!("`{shown}` is not a WebAssembly component");
    }
    Ok(())
}

/// Refuses a component that is not a composed server, and says what it is.
pub fn check_exports(shown: &str, exports: &[String]) -> Result<()> {
    let has = |name: &str| exports.iter().any(|export| export.starts_with(name));
    if has("wasi:http/incoming-handler@0.2.") || has("wasi:http/handler@0.3.") {
        return Ok(());
    }
    let wanted = "it exports neither `wasi:http/incoming-handler@0.2` nor `wasi:http/handler@0.3`";
    let feature = exports
        .iter()
        .find(|export| export.starts_with("spin-mcp:server/"));
    match feature {
        Some(feature) => bail!(
            "`{shown}` is a feature, not a server: it exports `{feature}`; \
             make a server of it with `spin mcp compose {shown} -o server.wasm`"
        ),
        None if exports.is_empty() => bail!("`{shown}` is not an MCP server: it exports nothing"),
        None => bail!(
            "`{shown}` is not an MCP server: {wanted}, but `{}`",
            exports.join("`, `")
        ),
    }
}

/// Whether a component is a middleware, in any version of the contract, and not also a feature.
pub fn is_middleware(world: &World) -> bool {
    let exports = || world.exports.iter();
    let handler = format!("{PACKAGE}handler");
    exports().any(|export| export.starts_with(&handler))
        && !exports().any(|export| Interface::is_known(export))
}

/// What a component is in a server.
pub fn role(world: &World) -> Role {
    match () {
        () if world.exports(AUTHENTICATOR) => Role::Authenticator,
        () if world.exports(AUTHORIZER) => Role::Policy,
        () if is_middleware(world) => Role::Middleware,
        () => Role::Feature,
    }
}
