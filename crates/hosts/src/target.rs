//! The hosts that a server can be checked against, and their names.

use std::fmt;
use std::str::FromStr;

/// A release of Spin: major and minor version.
pub(crate) type Release = (u64, u64);

/// A host, or a group of its releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Spin on a machine: one release, or without a minor version all of a major one.
    Spin(u64, Option<u64>),
    SpinKube,
    /// Fermyon Wasm Functions, which Akamai sells as Akamai Functions.
    Functions,
    Wasmtime,
}

/// The names that the error for an unknown host lists.
const KNOWN: &str = "`spin@3`, `spin@4`, `spinkube`, `fermyon-wasm-functions` or `wasmtime`";

impl Target {
    /// The targets of a check that names none.
    pub const ALL: [Target; 5] = [
        Target::Spin(3, None),
        Target::Spin(4, None),
        Target::SpinKube,
        Target::Functions,
        Target::Wasmtime,
    ];
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Target::Spin(major, None) => write!(f, "spin@{major}"),
            Target::Spin(major, Some(minor)) => write!(f, "spin@{major}.{minor}"),
            Target::SpinKube => f.write_str("spinkube"),
            Target::Functions => f.write_str("fermyon-wasm-functions"),
            Target::Wasmtime => f.write_str("wasmtime"),
        }
    }
}

/// Also accepts the names of Spin's target environments: `spin-up:3.2`, `akamai-functions`.
impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once(['@', ':']) {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        match (name, version) {
            ("spin" | "spin-up", Some(version)) => release(version)
                .map(|(major, minor)| Target::Spin(major, minor))
                .ok_or_else(|| {
                    format!("unknown Spin release `{version}`; expected 3 or 4, such as `spin@4` or `spin@3.6`")
                }),
            ("spin" | "spin-up", None) => {
                Err("`spin` needs a version, such as `spin@3` or `spin@4`".into())
            }
            // Its versions are those of the operator, which do not say what runs on the nodes.
            ("spinkube", _) => Ok(Target::SpinKube),
            ("fermyon-wasm-functions" | "akamai-functions", None) => Ok(Target::Functions),
            ("wasmtime", None) => Ok(Target::Wasmtime),
            _ => Err(format!("unknown host; expected {KNOWN}")),
        }
    }
}

/// Reads `3`, `3.2` or `3.2.1`.
fn release(version: &str) -> Option<(u64, Option<u64>)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let major = parts.next()??;
    let minor = match parts.next() {
        None => None,
        Some(minor) => Some(minor?),
    };
    let known = (3..=4).contains(&major) && parts.all(|part: Option<u64>| part.is_some());
    known.then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_target_environments_are_accepted() {
        for (text, target) in [
            ("spin@3", Target::Spin(3, None)),
            ("spin@4.1", Target::Spin(4, Some(1))),
            ("spin-up:3.2", Target::Spin(3, Some(2))),
            ("spin-up@3.6.2", Target::Spin(3, Some(6))),
            ("spinkube", Target::SpinKube),
            ("spinkube:0.4", Target::SpinKube),
            ("akamai-functions", Target::Functions),
            ("fermyon-wasm-functions", Target::Functions),
            ("wasmtime", Target::Wasmtime),
        ] {
            assert_eq!(text.parse(), Ok(target), "{text}");
        }
        for target in Target::ALL {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
    }

    #[test]
    fn unknown_names_are_errors() {
        for text in [
            "spin",
            "spin@2.7",
            "spin@x",
            "spin@3.x",
            "wasmtime@48",
            "wasmcloud",
            "",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
