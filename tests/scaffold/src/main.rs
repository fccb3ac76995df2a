//! Writes what one of this repository's templates makes, as `spin new` and `spin add` do.

mod template;

use std::path::Path;
use std::process::ExitCode;

use template::Template;

const USAGE: &str = "usage: scaffold new TEMPLATE NAME FOLDER
       scaffold add TEMPLATE NAME SPIN.TOML";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["new", template, name, folder] => {
            Template::named(template).new_app(name, Path::new(folder))
        }
        ["add", template, name, manifest] => {
            Template::named(template).add(name, Path::new(manifest))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
