//! Findings: errors and notes, each with a remedy.

use serde::Serialize;

/// Whether a finding keeps a server from running on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The host cannot run the server.
    Error,
    /// The host can, but the user has something to do or to know.
    Note,
}

/// The subject of a finding, for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    Export,
    Import,
    Size,
    Memories,
    Memory,
    Tables,
    Modules,
    Store,
    Outbound,
    Route,
    Limits,
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub about: About,
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

/// The findings for one host.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    missing: Vec<Missing>,
}

/// Imports that a host does not provide, all with one reason and one remedy.
#[derive(Debug)]
struct Missing {
    imports: Vec<String>,
    reason: String,
    remedy: String,
}

impl Findings {
    pub fn error(&mut self, about: About, message: String, remedy: impl Into<String>) {
        self.add(Severity::Error, about, message, remedy.into());
    }

    pub fn note(&mut self, about: About, message: String, remedy: impl Into<String>) {
        self.add(Severity::Note, about, message, remedy.into());
    }

    /// Adds an import that the host does not provide; the reason follows its name.
    pub fn missing(&mut self, import: &str, reason: String, remedy: String) {
        let same = |other: &&mut Missing| other.reason == reason && other.remedy == remedy;
        let import = format!("`{import}`");
        match self.missing.iter_mut().find(same) {
            Some(other) => other.imports.push(import),
            None => self.missing.push(Missing {
                imports: vec![import],
                reason,
                remedy,
            }),
        }
    }

    fn add(&mut self, severity: Severity, about: About, message: String, remedy: String) {
        self.found.push(Finding {
            severity,
            about,
            message,
            remedy,
        });
    }

    /// All findings, errors first.
    pub fn into_vec(mut self) -> Vec<Finding> {
        for missing in std::mem::take(&mut self.missing) {
            let imports = missing.imports.join(", ");
            let message = format!("the server imports {imports}, {}", missing.reason);
            self.error(About::Import, message, missing.remedy);
        }
        self.found
            .sort_by_key(|finding| finding.severity == Severity::Note);
        self.found
    }
}
