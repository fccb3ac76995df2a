//! Writes what one of this repository's templates makes, as `spin new` and `spin add` do.

mod template;

use std::path::Path;
use std::process::ExitCode;

use template::Template;

const USAGE: &str = "usage: scaffold new TEMPLATE NAME FOLDER [ID=VALUE...]
       scaffold add TEMPLATE NAME SPIN.TOML [ID=VALUE...]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [verb @ ("new" | "add"), template, name, path, values @ ..] = &words[..] else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut template = Template::named(template);
    for value in values {
        let (id, value) = value.split_once('=').expect("ID=VALUE");
        template.give(id, value);
    }
    match *verb {
        "new" => template.new_app(name, Path::new(path)),
        _ => template.add(name, Path::new(path)),
    }
    ExitCode::SUCCESS
}
