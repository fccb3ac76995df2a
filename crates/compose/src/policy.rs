//! Makes the component of a policy in Rego: the program becomes static data in the component `policy`,
//! as the catalog does in a server.

use anyhow::Result;
use serde_json::{Map, Value};
use spin_mcp_framework as framework;
use spin_mcp_rego::{Source, compile};

use crate::specialize::{Wiring, specialize};

/// The component of a policy, and what its author should know.
pub fn policy(sources: &[Source], data: &Map<String, Value>) -> Result<(Vec<u8>, Vec<String>)> {
    let compiled = compile(sources, data)?;
    let component = specialize(framework::policy(), &Wiring::default(), &compiled.program)?;
    Ok((component, compiled.warnings))
}

#[cfg(test)]
mod tests;
