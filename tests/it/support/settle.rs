//! Takes out of a command's output what differs from run to run, or with the compiler.

use std::path::Path;

/// Replaces these folders by their names, and sizes, times, digests and offsets by `…`.
pub fn settle(text: &str, folders: &[(&Path, &str)]) -> String {
    let mut text = text.to_string();
    for (path, name) in folders {
        text = text.replace(&path.display().to_string(), name);
    }
    let text = text
        .split_inclusive([' ', '\n', '(', ')', '"'])
        .map(digests)
        .collect::<String>();
    let lines = text.split_inclusive('\n');
    sizes(&lines.map(time).collect::<String>())
}

/// A time ends its line: `in 0.3 s`.
fn time(line: &str) -> String {
    let measured = line.rsplit_once(" in ").filter(|(_, time)| {
        let seconds = time.trim_end().strip_suffix(" s");
        seconds.is_some_and(|seconds| seconds.parse::<f32>().is_ok())
    });
    match measured {
        Some((what, _)) => format!("{what} in … s\n"),
        None => line.to_string(),
    }
}

/// A size is a number before its unit.
fn sizes(text: &str) -> String {
    let parts = text.split_inclusive(" KB");
    parts
        .map(|part| match part.strip_suffix(" KB") {
            Some(before) if before.ends_with(|last: char| last.is_ascii_digit()) => {
                before
                    .trim_end_matches(|digit: char| digit.is_ascii_digit())
                    .to_string()
                    + "… KB"
            }
            _ => part.to_string(),
        })
        .collect()
}

fn digests(word: &str) -> String {
    let bare = word.trim_end_matches([' ', '\n', '(', ')', '"']);
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let offset = bare.strip_prefix("0x").is_some_and(hexadecimal);
    if offset || (bare.len() >= 12 && hexadecimal(bare)) {
        word.replace(bare, "…")
    } else {
        word.to_string()
    }
}
