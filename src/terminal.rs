//! What several commands print: errors, notes and summaries.

use std::io;
use std::path::Path;

use spin_mcp_compose::Composed;
use spin_mcp_contract::grants;
use spin_mcp_contract::record::Offers;
use spin_mcp_runner::plain;

/// Whether the reader of stdout closed it early, which is not a failure.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints an error and its causes.
pub fn print_error(error: &anyhow::Error) {
    eprintln!("error: {}", plain::excerpt(&error.to_string()));
    for (index, cause) in error.chain().skip(1).enumerate() {
        if index == 0 {
            eprintln!("\nCaused by:");
        }
        eprintln!("  {}", plain::excerpt(&cause.to_string()));
    }
}

/// Prints the grants that each part has and lacks, the store that the server needs, and warnings.
pub fn print_notes(composed: &Composed) {
    eprint!("{}", notes(composed));
}

/// What [`print_notes`] prints.
pub fn notes(composed: &Composed) -> String {
    let record = &composed.record;
    let table = grants::table(record).map(|table| plain::text(&table));
    let need = record.store_need();
    let need = need.map(|need| format!("note: the server {}", plain::line(&need)));
    let warnings = composed.warnings.iter();
    let warnings = warnings.map(|warning| format!("warning: {}", plain::line(warning)));
    let lines = table.into_iter().chain(need).chain(warnings);
    lines.map(|line| line + "\n").collect()
}

/// A composed server in one line.
pub fn summary(output: &Path, composed: &Composed) -> String {
    let record = &composed.record;
    let features = match record.features.len() {
        1 => "1 feature".to_owned(),
        number => format!("{number} features"),
    };
    let middleware = match record.middleware.len() {
        0 => String::new(),
        number => format!("{number} middleware, "),
    };
    format!(
        "composed `{}`: {features}, {middleware}{}{} KB",
        output.display(),
        counts(record.offered()),
        composed.component.len().div_ceil(1000)
    )
}

/// The numbers of tools, resources and prompts, each followed by a comma.
pub fn counts<'a>(offered: impl Iterator<Item = &'a Offers> + Clone) -> String {
    let count = |of: fn(&Offers) -> usize| offered.clone().map(of).sum::<usize>();
    let counts = [
        (count(|offers| offers.tools.len()), "tool"),
        (count(|offers| offers.resources.len()), "resource"),
        (
            count(|offers| offers.resource_templates.len()),
            "resource template",
        ),
        (count(|offers| offers.prompts.len()), "prompt"),
    ];
    let shown = counts
        .iter()
        .enumerate()
        .filter_map(|(index, (number, noun))| match (number, index) {
            (0, 1..) => None,
            (1, _) => Some(format!("1 {noun}, ")),
            _ => Some(format!("{number} {noun}s, ")),
        });
    shown.collect()
}
