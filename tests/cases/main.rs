//! Cases that are files, each a test of its own: `tests/cli/NAME.txt` is `cli::NAME`, and the
//! folders of `tests/cases` are `app::NAME`, `compose::NAME` and `connect::NAME`.
//!
//! `BLESS=1 cargo test --test cases` writes what they expect, for review.

mod app;
mod cli;
mod compose;
mod connect;
#[path = "../it/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "cases use a part of it"
)]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

type Check = fn(&Path) -> Result<(), String>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let kinds: [(&str, &str, Check, usize); 4] = [
        ("app", "tests/cases/app", app::check, 60),
        ("cli", "tests/cli", cli::check, 60),
        ("compose", "tests/cases/compose", compose::check, 60),
        ("connect", "tests/cases/connect", connect::check, 15),
    ];
    let mut trials = Vec::new();
    for (kind, folder, check, least) in kinds {
        let cases = cases(&support::root().join(folder));
        let count = cases.len();
        assert!(count >= least, "only {count} cases in `{folder}`");
        let trial = |case: PathBuf| {
            let name = case.file_stem().expect("a case has a name").display();
            let name = format!("{kind}::{name}");
            Trial::test(name, move || run(check, &case))
        };
        trials.extend(cases.into_iter().map(trial));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The entries of a folder, but for what Git keeps there.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().expect("the folder can be read");
    let entries = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut cases: Vec<_> = entries
        .filter(|path| !path.ends_with(".gitattributes"))
        .collect();
    cases.sort();
    cases
}

fn run(check: Check, case: &Path) -> Result<(), Failed> {
    check(case).map_err(|difference| format!("{difference}\nBLESS=1 rewrites the case").into())
}
