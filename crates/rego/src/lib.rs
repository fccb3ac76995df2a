//! Policies in Rego: compiles them to programs for the component `policy`, and runs their tests.
//!
//! Both use regorus with the features that the component has, so nothing works here that does not
//! work there.

mod compile;
mod files;
mod recursion;
mod targets;
mod test;

pub use compile::{Compiled, compile};
pub use files::{Files, Source};
pub use targets::Targets;
pub use test::{Outcome, test};

/// The most bytes of the files of a policy, without its tests.
pub const MAX_POLICY: usize = 256 << 10;
/// The most bytes of the data of a policy, as JSON.
pub const MAX_DATA: usize = 1 << 20;

/// An error of regorus in one line: where it is, and what is wrong there.
fn located(error: &str) -> (Option<&str>, &str) {
    let place = error.split_once("--> ");
    let place = place.map(|(_, rest)| rest.lines().next().unwrap_or_default());
    let message = error
        .rsplit_once("\nerror: ")
        .map_or(error, |(_, text)| text);
    (place, message.lines().next().unwrap_or_default())
}
