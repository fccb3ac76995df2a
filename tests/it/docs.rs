//! The documentation holds together: links lead somewhere, and what pages quote is what it is
//! quoted from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use ignore::WalkBuilder;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::support::root;

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("`{page}`: {error}"))
}

/// Every Markdown file of the repository and its text, by its path in it.
fn pages() -> BTreeMap<PathBuf, String> {
    let files = WalkBuilder::new(root()).build().map(Result::unwrap);
    let pages = files
        .map(|entry| entry.into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root()).unwrap().to_owned(), text)
        })
        .collect()
}

/// The lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with("    ")
    })
}

/// A line without what is between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of the links in a line.
fn links(line: &str) -> Vec<String> {
    let line = without_code(line);
    let targets = line.split("](").skip(1);
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then_some(text)
    });
    headings.map(anchor).collect()
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut normal, component| {
            match component {
                Component::ParentDir => drop(normal.pop()),
                Component::CurDir => {}
                other => normal.push(other),
            }
            normal
        })
}

/// What is wrong with a link of a page, if anything is.
fn broken(pages: &BTreeMap<PathBuf, String>, page: &Path, link: &str) -> Option<&'static str> {
    if link.contains("://") {
        return None;
    }
    let (file, fragment) = match link.split_once('#') {
        Some((file, fragment)) => (file, Some(fragment)),
        None => (link, None),
    };
    let target = match file {
        "" => page.to_owned(),
        file => normal(&page.parent().unwrap().join(file)),
    };
    if !root().join(&target).exists() {
        return Some("there is no such file");
    }
    let is_there = |fragment: &str| {
        let text = pages.get(&target);
        text.is_some_and(|text| anchors(text).iter().any(|anchor| anchor == fragment))
    };
    fragment
        .is_some_and(|fragment| !is_there(fragment))
        .then_some("the page has no such heading")
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let mut problems = Vec::new();
    let mut count = 0;
    for (page, text) in &pages {
        for link in prose(text).flat_map(links) {
            count += 1;
            if let Some(problem) = broken(&pages, page, &link) {
                problems.push(format!("{}: `{link}`: {problem}", page.display()));
            }
        }
    }
    assert!(count > 100, "{count} links");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn anchors_are_those_of_github() {
    for (heading, expected) in [
        (" `subscriptions/listen`", "subscriptionslisten"),
        (" `_meta` and trace context", "_meta-and-trace-context"),
        (" Keys of `tool.mcp`", "keys-of-toolmcp"),
        (" Spin's own keys", "spins-own-keys"),
    ] {
        assert_eq!(anchor(heading), expected);
    }
}

/// Every page is in the README's index, or linked from a page that is.
#[test]
fn pages_are_found_from_the_readme() {
    let pages = pages();
    let mut found = vec![PathBuf::from("README.md")];
    let mut next = 0;
    while let Some(page) = found.get(next).cloned() {
        next += 1;
        let Some(text) = pages.get(&page) else {
            continue;
        };
        for link in prose(text).flat_map(links) {
            let file = link.split('#').next().unwrap();
            let target = normal(&page.parent().unwrap().join(file));
            if !found.contains(&target) {
                found.push(target);
            }
        }
    }
    for page in pages.keys().filter(|page| page.starts_with("docs")) {
        assert!(found.contains(page), "nothing links to {}", page.display());
    }
}

/// The code that the quickstart explains is the template's.
#[test]
fn the_quickstart_shows_the_template() {
    let page = read("docs/quickstart.md");
    let (_, block) = page.split_once("```rust\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let template = read("templates/mcp-tool/content/src/lib.rs");
    let template = template.replace("{% if async == \"yes\" %}async {% endif %}", "");
    assert!(template.contains(block), "{block}");
}

/// An item below these keys, made of tables where it is missing.
fn item<'a>(manifest: &'a mut DocumentMut, keys: &[&str]) -> &'a mut Item {
    keys.iter().fold(manifest.as_item_mut(), |item, key| {
        if item.get(key).is_none() {
            item[key] = Item::Table(Table::new());
        }
        &mut item[key]
    })
}

/// A manifest out of a block, which is whole or leaves out what it is not about.
fn manifest(block: &str) -> String {
    let block = block.replace("sha256:…", &format!("sha256:{}", "0".repeat(64)));
    let mut manifest: DocumentMut = block.parse().unwrap_or_else(|why| panic!("{block}\n{why}"));
    manifest["spin_manifest_version"] = value(2);
    item(&mut manifest, &["application"])["name"] = value("app");
    item(&mut manifest, &["component", "mcp"])["source"] = value("mcp.wasm");
    let features = ["component", "mcp", "tool", "mcp", "features"];
    let features = item(&mut manifest, &features).as_table_mut().unwrap();
    if features.is_empty() {
        features["echo"] = Item::Table(Table::new());
    }
    for (name, feature) in features.iter_mut() {
        if feature.get("source").is_none() && feature.get("openapi").is_none() {
            feature["source"] = value(format!("{}.wasm", name.get()));
        }
    }
    manifest.to_string()
}

/// What pages show of `spin.toml`, the plugin reads.
#[test]
fn manifests_are_read() {
    let mut count = 0;
    for (page, text) in pages() {
        for block in text.split("```toml\n").skip(1) {
            let (block, _) = block.split_once("```").expect("a block ends");
            if !block.contains("component.mcp") {
                continue;
            }
            count += 1;
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("spin.toml"), manifest(block)).unwrap();
            let mut mcp = Command::new(env!("CARGO_BIN_EXE_mcp"));
            let output = mcp.arg("check").current_dir(dir.path()).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            // It comes as far as to look for the server.
            assert!(
                stderr.contains("no server at"),
                "{}\n{block}{stderr}",
                page.display()
            );
        }
    }
    assert!(count > 20, "{count} blocks");
}

/// The options that the help of a command lists.
fn options(command: &str) -> Vec<String> {
    let mut mcp = Command::new(env!("CARGO_BIN_EXE_mcp"));
    let output = mcp.args(command.split(' ')).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines = help.lines().map(str::trim_start);
    let listed = lines.filter(|line| line.starts_with('-'));
    let options = listed.filter_map(|line| {
        let mut words = line.split([' ', ',']);
        words.find(|word| word.starts_with("--")).map(str::to_owned)
    });
    options
        .filter(|option| !["--help", "--version"].contains(&option.as_str()))
        .collect()
}

/// The reference has every command and each of its options.
#[test]
fn the_reference_has_every_option() {
    let page = read("docs/reference/cli.md");
    let sections = page.split("\n## ").skip(1);
    let sections: Vec<_> = sections.filter_map(|it| it.split_once('\n')).collect();
    let section = |title: &str| {
        let found = sections.iter().find(|(name, _)| *name == title);
        found.unwrap_or_else(|| panic!("no section {title}")).1
    };
    let shared = section("Conventions").to_owned() + section("`spin mcp serve`");
    for command in [
        "add openapi",
        "build",
        "compose",
        "check",
        "inspect",
        "call",
        "serve",
        "push",
        "update",
        "templates install",
    ] {
        let verb = command.split(' ').next().unwrap();
        let own = match verb {
            "add" => section(&format!("`spin mcp {command}`")),
            _ => section(&format!("`spin mcp {verb}`")),
        };
        let options = options(command);
        assert!(!options.is_empty(), "{command}");
        for option in options {
            let is_there = |text: &str| {
                text.contains(&format!("`{option}")) || text.contains(&format!("[{option}"))
            };
            assert!(
                is_there(own) || own.contains("see [") && is_there(&shared),
                "`spin mcp {verb} {option}` is not in the reference"
            );
        }
    }
}

/// A text as messages are compared: in one line, and without the quotes around values.
fn plain(text: &str) -> String {
    let text = text.replace("\\\"", "\"").replace('`', "");
    let mut plain = String::new();
    for line in text.lines() {
        match line.trim_end().strip_suffix('\\') {
            // A string literal that goes on.
            Some(begun) => plain += begun.trim_start(),
            None => {
                plain += line.trim();
                plain.push('\n');
            }
        }
    }
    plain
}

/// The column `Message` of the tables of a page.
fn messages(page: &str) -> Vec<String> {
    let mut column = None;
    let mut messages = Vec::new();
    for line in read(page).lines() {
        let Some(row) = line.strip_prefix("| ") else {
            continue;
        };
        let cells: Vec<_> = row.trim_end_matches(" |").split(" | ").collect();
        if let Some(index) = cells.iter().position(|cell| *cell == "Message") {
            column = Some(index);
        } else if let Some(cell) = column.and_then(|index| cells.get(index))
            && cell.starts_with('`')
        {
            messages.push((*cell).to_owned());
        }
    }
    messages
}

/// What pages explain are messages that the code has, or a test has seen.
#[test]
fn messages_are_real() {
    let files = WalkBuilder::new(root()).build().map(Result::unwrap);
    let is_source = |path: &Path| {
        let name = path.extension().and_then(|extension| extension.to_str());
        matches!(name, Some("rs" | "txt" | "ts" | "mjs" | "py" | "tmpl"))
            && path != root().join("tests/it/docs.rs")
    };
    let known: Vec<_> = files
        .map(|entry| entry.into_path())
        .filter(|path| path.is_file() && is_source(path))
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| plain(&text))
        .collect();
    let mut unknown = Vec::new();
    for page in ["docs/troubleshooting.md", "docs/guides/input.md"] {
        let messages = messages(page);
        assert!(messages.len() > 10, "{page}");
        for message in messages {
            let message = message.split(" (").next().unwrap().replace('`', "");
            let message = message.split(" and similar").next().unwrap();
            for part in message
                .split('…')
                .map(|part| part.trim_matches([' ', ';', ':', ',']))
            {
                if !known.iter().any(|text| text.contains(part)) {
                    unknown.push(format!("{page}: `{part}` of `{message}`"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
