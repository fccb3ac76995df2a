//! Checks whether a composed server fits a host, for `mcp check` and `mcp build`.

mod facts;
mod findings;
mod functions;
mod interfaces;
mod spin;
mod target;
mod wasmtime;

use serde::{Serialize, Serializer};

pub use facts::ServerFacts;
pub use findings::{About, Finding, Severity};
pub use spin::allows;
pub use target::Target;

use findings::Findings;

/// The result of checking a server against one host.
#[derive(Debug, Serialize)]
pub struct Verdict {
    #[serde(serialize_with = "as_text")]
    pub target: Target,
    pub fits: bool,
    /// Errors first.
    pub findings: Vec<Finding>,
}

fn as_text<S: Serializer>(target: &Target, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(target)
}

/// Checks a server against a host.
pub fn check(server: &ServerFacts, target: &Target) -> Verdict {
    let mut findings = Findings::default();
    match target {
        Target::Spin(major, minor) => spin::check(server, *major, *minor, &mut findings),
        Target::SpinKube => spin::check_kube(server, &mut findings),
        Target::Functions => functions::check(server, &mut findings),
        Target::Wasmtime => wasmtime::check(server, &mut findings),
    }
    let findings = findings.into_vec();
    Verdict {
        target: target.clone(),
        fits: findings
            .iter()
            .all(|finding| finding.severity == Severity::Note),
        findings,
    }
}

#[cfg(test)]
mod tests;
