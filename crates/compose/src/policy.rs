//! Makes the component of a policy in Rego: the program becomes static data in the component `policy`,
//! as the catalog does in a server.

use anyhow::{Context as _, Result};
use spin_mcp_contract::Rego;
use spin_mcp_framework as framework;
use spin_mcp_rego::{Files, compile};

use crate::specialize::{Wiring, specialize};

/// The component of a policy, and what its author should know.
pub fn policy(rego: &Rego) -> Result<(Vec<u8>, Vec<String>)> {
    let files = Files::read(&rego.dir, &rego.file)?;
    let compiled = compile(&files.policy, &rego.data);
    let compiled = compiled.context("cannot compile the policy")?;
    let component = specialize(framework::policy(), &Wiring::default(), &compiled.program)?;
    Ok((component, compiled.warnings))
}
