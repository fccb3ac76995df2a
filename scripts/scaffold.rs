//! Writes an app from one of this repository's templates, as `spin new` does:
//! `cargo run --example scaffold -- TEMPLATE NAME FOLDER`.

#[path = "../tests/support/template.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod template;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [template, name, folder] = arguments.as_slice() else {
        eprintln!("usage: scaffold TEMPLATE NAME FOLDER");
        std::process::exit(2);
    };
    template::Template::named(template).new_app(name, Path::new(folder));
}
