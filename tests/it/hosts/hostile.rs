//! Features that want to do harm: composing them ends soon, in bounded memory, with an error
//! that names the feature and the cause, and a server with one in it goes on.
//!
//! What the fixtures `lists` and `misbehave` do is tested in `compose` and `serve`, what features
//! have of stdin and stdout in `isolation_stdio`.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::feature::{CONTENT, LIST, RESULT, TOOL, Text};
use crate::support::{self, Server, fixture, mcp, rpc};
use serde_json::json;
use tempfile::TempDir;

/// The time limit for composing one feature: the time limit for its lists, and what the tests
/// beside this one cost.
const TIME: Duration = Duration::from_secs(45);
/// Kilobytes of memory.
const MEMORY: u64 = 900_000;

struct Ended {
    status: ExitStatus,
    said: String,
    took: Duration,
    /// The most memory that it had, in kilobytes.
    memory: u64,
}

/// Runs a command to its end and watches how much memory it takes.
fn watch(command: &mut Command, dir: &Path) -> Ended {
    let start = Instant::now();
    let said = fs::File::create(dir.join("stderr")).unwrap();
    let mut child = command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let status = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        memory = peak.unwrap_or(0).max(memory);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > TIME {
            child.kill().unwrap();
            panic!("it has not ended after {TIME:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let said = fs::read(dir.join("stderr")).unwrap();
    Ended {
        status,
        said: String::from_utf8_lossy(&said).into_owned(),
        took: start.elapsed(),
        memory,
    }
}

/// Composes these bytes as feature `x`, for both WASI builds together.
fn compose(bytes: &[u8], arguments: &[&str]) -> Ended {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("x.wasm"), bytes).unwrap();
    let mut command = mcp();
    command.args(["compose", "x.wasm", "-o", "server.wasm"]);
    watch(command.args(arguments), dir.path())
}

#[track_caller]
fn refused(bytes: &[u8], cause: &str) -> Ended {
    refused_with(bytes, &[], cause)
}

#[track_caller]
fn refused_with(bytes: &[u8], arguments: &[&str], cause: &str) -> Ended {
    let ended = compose(bytes, arguments);
    println!("{:?}, {} KB: {}", ended.took, ended.memory, ended.said);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    let said = ended.said.split_once("error: ").map(|(_, said)| said);
    let said = said.unwrap_or_else(|| panic!("no error: {}", ended.said));
    for part in ["`x", cause] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert!(said.len() < 9_000, "{} bytes: {said:.1000}", said.len());
    assert!(ended.memory < MEMORY, "{} KB", ended.memory);
    ended
}

const ENDLESS: &str = "(loop $again (br $again))";

#[test]
fn a_start_that_traps() {
    for items in [
        "(func $f unreachable) (start $f)",
        r#"(func (export "_initialize") unreachable)"#,
    ] {
        let text = Text {
            items,
            ..Text::default()
        };
        refused(
            &text.module(),
            "cannot start: wasm trap: wasm `unreachable`",
        );
    }
}

/// All at once: each takes its ten seconds, and what it computes meanwhile other tests lack. The
/// list also grows for as long as it may.
#[test]
fn what_never_ends() {
    let start = format!("(func $f {ENDLESS}) (start $f)");
    let initialization = format!(r#"(func (export "_initialize") {ENDLESS})"#);
    let list = r#"(loop $again
        (drop (memory.grow (i32.const 1)))
        (memory.fill (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536))
          (i32.const 1) (i32.const 65536))
        (br $again))"#;
    let texts = [(&*start, ""), (&*initialization, ""), ("", list)];
    thread::scope(|scope| {
        for (items, list) in texts {
            let text = Text {
                items,
                list,
                ..Text::default()
            };
            scope.spawn(move || {
                let cause = "did not list what it offers within 10 s";
                let ended = refused(&text.module(), cause);
                assert!(ended.took > Duration::from_secs(9), "{:?}", ended.took);
            });
        }
    });
}

/// Addresses and lengths as the core module holds them.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A tool at `at`, whose description has this address and length.
fn tool(at: u32, text: u32, length: u32) -> (u32, Vec<u8>) {
    (at, words(&[16, 1, 0, 0, 0, 1, text, length, 32, 17]))
}

#[test]
fn a_catalog_of_200_megabytes() {
    let (at, one) = tool(TOOL, 1 << 16, 200_000_000);
    let data = [(at, &one[..])];
    let text = Text {
        pages: 3_100,
        data: &data,
        ..Text::default()
    };
    refused(&text.module(), "`list-tools` returned more than 8 MB");
}

/// A thousand tools share one text, so that the feature itself is small.
#[test]
fn a_catalog_that_is_larger_than_its_feature() {
    let tools: Vec<u8> = (0..1_000)
        .flat_map(|_| {
            let (_, mut tool) = tool(0, 1 << 20, 10_000_000);
            tool.resize(96, 0);
            tool
        })
        .collect();
    let list = words(&[1 << 16, 1_000]);
    let data = [(1 << 16, &tools[..]), (LIST + 8, &list[..])];
    let text = Text {
        pages: 400,
        data: &data,
        ..Text::default()
    };
    refused(&text.module(), "`list-tools` returned more than 8 MB");
}

/// Each page is small enough.
#[test]
fn a_catalog_of_many_pages() {
    let (at, one) = tool(TOOL, 1 << 16, 5_000_000);
    let cursor = words(&[1, 16, 1]);
    let data = [(at, &one[..]), (LIST + 16, &cursor[..])];
    let text = Text {
        pages: 100,
        data: &data,
        ..Text::default()
    };
    refused(&text.module(), "`list-tools` returned more than 8 MB");
}

#[test]
fn a_list_without_end_in_one_page() {
    let list = words(&[0, u32::MAX / 96]);
    let data = [(LIST + 8, &list[..])];
    let text = Text {
        data: &data,
        ..Text::default()
    };
    refused(
        &text.module(),
        "list pointer/length out of bounds of memory",
    );
}

/// A component whose tools are functions of these types, which are never called.
fn typed(list_tools: &str, more: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (core module $m
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "one") (param i32) (result i32) unreachable)
            (func (export "list") (param i64 i32 i32 i32) (result i32) unreachable))
          (core instance $m (instantiate $m))
          (alias core export $m "memory" (core memory $memory))
          (alias core export $m "realloc" (core func $realloc))
          {list_tools}
          {more}
          (instance $tools (export "list-tools" (func $list)))
          (export "spin-mcp:server/tools@0.1.0" (instance $tools)))"#
    );
    wat::parse_str(text).unwrap()
}

const MISFIT: &str = "it does not fit the contract";

#[test]
fn functions_of_the_right_name_and_another_type() {
    let one = r#"(func $list (param "request" u32) (result string)
      (canon lift (core func $m "one") (memory $memory) (realloc $realloc)))"#;
    refused(&typed(one, ""), MISFIT);
    // Nobody calls it, so nobody sees what it is before it is wired.
    refused_with(
        &typed(one, ""),
        &["--dynamic", "x"],
        "does not fit the contract",
    );
}

#[test]
fn a_resource_where_a_record_should_be() {
    let list = r#"
      (import "spin-mcp:server/types@0.1.0" (instance $types
        (type $error (record
          (field "code" s32) (field "message" string) (field "data" (option string))))
        (export "error" (type (eq $error)))))
      (import "spin-mcp:server/tool-types@0.1.0" (instance $tool-types
        (export "tool-list" (type (sub resource)))))
      (alias export $types "error" (type $error))
      (alias export $tool-types "tool-list" (type $page))
      (func $list (param "request" u64) (param "cursor" (option string))
        (result (result (own $page) (error $error)))
        (canon lift (core func $m "list") (memory $memory) (realloc $realloc)))"#;
    refused(&typed(list, ""), "does not fit the contract");
    refused_with(
        &typed(list, ""),
        &["--dynamic", "x"],
        "does not fit the contract",
    );
}

/// A component that imports this, and would export tools.
fn importing(import: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {import}
          (instance $tools)
          (export "spin-mcp:server/tools@0.1.0" (instance $tools)))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn imports_of_the_contract_that_are_not_what_they_are_called() {
    let request = r#"(import "spin-mcp:server/request@0.1.0" (instance
      (export "progress" (func (param "request" string)))))"#;
    refused(
        &importing(request),
        "does not fit the contract and what hosts have (component imports instance `spin-mcp:server/request@0.1.0`",
    );
    refused_with(
        &importing(request),
        &["--dynamic", "x"],
        "does not fit the contract",
    );
    let types = r#"(import "spin-mcp:server/types@0.1.0" (instance
      (export "error" (type (sub resource)))))"#;
    refused(
        &importing(types),
        "does not fit the contract and what hosts have (component imports instance `spin-mcp:server/types@0.1.0`",
    );
    refused_with(
        &importing(types),
        &["--dynamic", "x"],
        "does not fit the contract",
    );
    let function = r#"(import "spin-mcp:server/request@0.1.0" (func))"#;
    refused(&importing(function), "malformed component");
}

/// Features never see each other, so there is no cycle that they could make.
#[test]
fn features_that_import_what_features_export() {
    for interface in ["tools", "prompts", "handler", "completions-async"] {
        let own = format!(r#"(import "spin-mcp:server/{interface}@0.1.0" (instance))"#);
        refused(
            &importing(&own),
            "which neither the framework nor a host provides",
        );
    }
    let dir = TempDir::new().unwrap();
    for (name, other) in [("x", "acme:y/y@1.0.0"), ("y", "acme:x/x@1.0.0")] {
        let text = format!(
            r#"(component (import "{other}" (instance $other))
              (export "acme:{name}/{name}@1.0.0" (instance $other))
              (instance $tools)
              (export "spin-mcp:server/tools@0.1.0" (instance $tools)))"#
        );
        fs::write(
            dir.path().join(format!("{name}.wasm")),
            wat::parse_str(text).unwrap(),
        )
        .unwrap();
    }
    let mut command = mcp();
    command.args(["compose", "x.wasm", "y.wasm", "-o", "server.wasm"]);
    let ended = watch(&mut command, dir.path());
    let expected =
        "feature `x` (`x.wasm`) imports `acme:y/y@1.0.0`, which neither the framework nor a host";
    assert!(ended.said.contains(expected), "{}", ended.said);
}

/// A number as binaries hold it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A section of a component.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn components_within_components() {
    let feature = typed(
        r#"(func $list (param "request" u32) (result string)
          (canon lift (core func $m "one") (memory $memory) (realloc $realloc)))"#,
        "",
    );
    let feature = &feature[HEADER.len()..];
    // From the inside out: a component ends where the one around it does.
    let (mut around, mut length) = (Vec::new(), HEADER.len());
    for _ in 0..100_000 {
        let start = [HEADER, &[4], &leb(length)].concat();
        length += start.len();
        around.push(start);
    }
    around.reverse();
    let innermost = [around.concat(), HEADER.to_vec()].concat();
    let deep = [HEADER, &section(4, &innermost), feature].concat();
    refused(&deep, "components within components, more than 50 deep");
    let many = section(4, HEADER).repeat(100_000);
    refused(
        &[HEADER, &many, feature].concat(),
        "is damaged or not a valid component",
    );
}

#[test]
fn types_without_number_or_end() {
    // A list of the type before it, over and over.
    let types = (0..100_000).map(|index: usize| match index {
        0 => vec![0x70, 0x7d],
        _ => [&[0x70][..], &leb(index - 1)].concat(),
    });
    let types = [leb(100_000), types.flatten().collect()].concat();
    refused(
        &[HEADER, &section(7, &types)].concat(),
        "is damaged or not a valid component",
    );
    // Each is a pair of the one before it, so that the last has 2^64 fields.
    let pairs: String = (1..64)
        .map(|index| format!("(type $t{index} (tuple $t{} $t{}))", index - 1, index - 1))
        .collect();
    let pairs = importing(&format!("(type $t0 (tuple u8 u8)) {pairs}"));
    refused(&pairs, "is damaged or not a valid component");
}

#[test]
fn memories_and_tables_without_measure() {
    let many = "(memory 160)".repeat(90);
    for (items, cause) in [
        ("(memory $other 65536)", "it cannot start"),
        ("(table 4294967295 funcref)", "it cannot start"),
        (&*many, "it cannot start"),
    ] {
        let text = Text {
            items,
            ..Text::default()
        };
        refused(&text.module(), cause);
    }
}

#[test]
fn a_memory_that_is_as_large_as_can_be() {
    let text = Text {
        pages: 65_536,
        ..Text::default()
    };
    refused(&text.module(), "it cannot start");
}

#[test]
fn files_that_are_no_components() {
    refused(b"", "`x.wasm` is not a WebAssembly component");
    refused(
        b"PK\x03\x04 and so on",
        "`x.wasm` is not a WebAssembly component",
    );
    refused(&HEADER[..6], "`x.wasm` is not a WebAssembly component");
    refused(HEADER, "`x.wasm` exports no interface of a feature");
    let compose = |dir: &TempDir| {
        let mut command = mcp();
        command.args(["compose", "x.wasm", "-o", "server.wasm"]);
        watch(&mut command, dir.path())
    };
    let what_is_no_file: [fn(&Path); 3] = [
        |path| fs::create_dir(path).unwrap(),
        |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        // Nobody ever writes to it.
        |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
    ];
    for make in what_is_no_file {
        let dir = TempDir::new().unwrap();
        make(&dir.path().join("x.wasm"));
        let ended = compose(&dir);
        let expected = "cannot read feature `x` from `x.wasm`\n\nCaused by:\n  it is not a file";
        assert!(ended.said.contains(expected), "{}", ended.said);
        assert!(ended.memory < MEMORY, "{} KB", ended.memory);
    }
    let dir = TempDir::new().unwrap();
    // Takes no room on the disk.
    let file = fs::File::create(dir.path().join("x.wasm")).unwrap();
    file.set_len(3_000_000_000).unwrap();
    let ended = compose(&dir);
    let expected = "cannot read feature `x` from `x.wasm`\n\nCaused by:\n  it has more than 200 MB";
    assert!(ended.said.contains(expected), "{}", ended.said);
    assert!(ended.memory < MEMORY, "{} KB", ended.memory);
}

/// Bytes that a terminal takes for commands, and characters that turn a line around.
const COMMANDS: &str =
    "\u{1b}[31mred\u{1b}]0;title\u{7}\r\u{9b}2J\u{8}\u{202e}txet\u{2066}\u{2028}end";

#[track_caller]
fn assert_plain(shown: &str) {
    let command = shown.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}')
    });
    assert_eq!(command, None, "{}", shown.escape_debug());
}

/// A tool with this name and this description, at addresses that nothing else uses.
fn describing(name: &str, description: &str, list: &str) -> Vec<u8> {
    let (at, behind) = (70_000, 70_000 + name.len() as u32);
    let (_, mut one) = tool(TOOL, behind, description.len() as u32);
    one[..8].copy_from_slice(&words(&[at, name.len() as u32]));
    let data = [
        (at, name.as_bytes()),
        (behind, description.as_bytes()),
        (TOOL, &one),
    ];
    let pages = 2 + (name.len() + description.len()) as u32 / 65_536 + 1;
    Text {
        data: &data,
        pages,
        list,
        ..Text::default()
    }
    .module()
}

#[test]
fn names_that_are_commands_to_a_terminal() {
    for name in [COMMANDS, "two\nlines", "a\u{202e}b", "nul\0"] {
        let ended = refused(&describing(name, "d", ""), "tool");
        assert_plain(&ended.said);
    }
}

#[test]
fn names_of_megabytes() {
    let name = "n".repeat(5_000_000);
    refused(&describing(&name, "d", ""), "tool");
    let name = "\u{1b}".repeat(1_000_000);
    refused(&describing(&name, "d", ""), "tool");
}

#[test]
fn errors_that_are_commands_to_a_terminal() {
    // The answer is an error with the description of the tool as its message.
    let at = 70_001;
    let message = words(&[1, 0, 7, at, COMMANDS.len() as u32]);
    let data = [(at, COMMANDS.as_bytes()), (LIST, &message[..])];
    let text = Text {
        data: &data,
        ..Text::default()
    };
    let ended = refused(&text.module(), "`list-tools` answered with error 7");
    assert_plain(&ended.said);
}

/// What it prints, and what is shown of what it offers.
#[test]
fn descriptions_and_prints_that_are_commands_to_a_terminal() {
    let dir = TempDir::new().unwrap();
    let description = format!("{COMMANDS}\nsecond line");
    fs::write(dir.path().join("x.wasm"), describing("t", &description, "")).unwrap();
    for words in [
        &["compose", "x.wasm", "-o", "server.wasm"][..],
        &["inspect", "server.wasm"],
        &["compose", "x.wasm"],
        &["build"],
    ] {
        let output = mcp().current_dir(dir.path()).args(words).output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(output.status.success(), "{words:?}: {shown}");
        println!("{words:?}: {shown}");
        assert_plain(&shown);
    }
}

/// A server of this feature beside `echo`, in one WASI build after the other.
fn serve(text: &Text<'_>, arguments: &[&str], check: impl Fn(&Server)) {
    for wasi in ["0.2", "0.3"] {
        println!("WASI {wasi}");
        let dir = TempDir::new().unwrap();
        let feature = dir.path().join("x.wasm");
        fs::write(&feature, text.module()).unwrap();
        let component = support::compose(dir.path(), wasi, &[feature, fixture("echo")]);
        let server = Server::mcp(&component, arguments);
        check(&server);
        let echo = rpc::call("echo", json!({"message": "well"}));
        assert_eq!(rpc::text(&server.send(&echo).message()), "well");
    }
}

#[track_caller]
fn assert_fails(server: &Server, message: &str) {
    let answer = server.send(&rpc::call("t", json!({}))).message();
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.contains(message), "{said}");
    assert_eq!(answer["id"], 1);
}

/// What compose cannot know: the start traps or never ends from the second time on, since
/// lists are not read of a feature that is `dynamic`.
#[test]
fn a_server_with_a_start_that_does_harm() {
    for (start, message) in [
        ("unreachable", "could not start for this request"),
        (ENDLESS, "the request took longer than 1 s"),
    ] {
        for wasi in ["0.2", "0.3"] {
            let dir = TempDir::new().unwrap();
            let items = format!("(func $f {start}) (start $f)");
            let text = Text {
                items: &items,
                ..Text::default()
            };
            fs::write(dir.path().join("x.wasm"), text.module()).unwrap();
            let mut command = mcp();
            command.args([
                "compose",
                "--wasi",
                wasi,
                "x.wasm",
                "--dynamic",
                "x",
                "-o",
                "server.wasm",
            ]);
            support::expect_success(command.current_dir(dir.path()));
            let server = Server::mcp(&dir.path().join("server.wasm"), &["--timeout", "1"]);
            for _ in 0..2 {
                assert_fails(&server, message);
            }
        }
    }
}

#[test]
fn a_result_of_200_megabytes() {
    let text = words(&[1 << 16, 200_000_000]);
    let data = [(CONTENT + 8, &text[..])];
    let text = Text {
        pages: 3_100,
        data: &data,
        ..Text::default()
    };
    serve(&text, &[], |server| {
        let answer = server.send(&rpc::call("t", json!({}))).message();
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        let memory = memory(server.pid());
        assert!(memory < 1_500_000, "{memory} KB");
    });
}

/// Its one piece of content is named a thousand times.
#[test]
fn a_result_that_is_larger_than_its_feature() {
    let piece = words(&[0, 0, 1 << 20, 10_000_000]);
    let data = [
        (RESULT + 12, &words(&[1 << 21, 1_000])[..]),
        (1 << 21, &[piece, vec![0; 104]].concat().repeat(1_000)[..]),
    ];
    let text = Text {
        pages: 400,
        data: &data,
        ..Text::default()
    };
    serve(&text, &["--timeout", "10"], |server| {
        let answer = server.send(&rpc::call("t", json!({}))).message();
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        let memory = memory(server.pid());
        assert!(memory < 2_500_000, "{memory} KB");
    });
}

/// A memory of 1.3 GB is one that it does not get, and its neighbour does not feel.
#[test]
fn a_feature_that_wants_all_the_memory() {
    let text = Text {
        call: "(if (i32.ne (i32.const -1) (memory.grow (i32.const 20000))) (then unreachable))",
        ..Text::default()
    };
    serve(&text, &[], |server| {
        let answer = server.send(&rpc::call("t", json!({}))).message();
        assert_eq!(rpc::text(&answer), "done");
    });
}

#[test]
fn json_that_is_none() {
    let broken = br#"{"open":"#;
    let structured = words(&[1, 70_000, broken.len() as u32]);
    let data = [(70_000, &broken[..]), (RESULT + 20, &structured[..])];
    let text = Text {
        data: &data,
        ..Text::default()
    };
    serve(&text, &[], |server| assert_fails(server, ""));
}

/// The most memory that a process had, in kilobytes.
fn memory(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

const PROGRESS: Text<'_> = Text {
    imports: "import spin-mcp:server/request@0.1.0;",
    core_imports: r#"(import "spin-mcp:server/request@0.1.0" "progress"
      (func $progress (param i64 f64 i32 f64 i32 i32 i32)))
      (global $told (mut f64) (f64.const 0))"#,
    items: "",
    list: "",
    call: r#"(loop $again
      (global.set $told (f64.add (global.get $told) (f64.const 1)))
      (call $progress (local.get $request) (global.get $told)
        (i32.const 0) (f64.const 0) (i32.const 1) (i32.const 4096) (i32.const 1000))
      (br_if $again (f64.lt (global.get $told) (f64.const 100000))))"#,
    data: &[(4096, &[b'm'; 1_000])],
    pages: 2,
};

fn with_progress() -> support::Request {
    let params = json!({"name": "t", "arguments": {}, "_meta": {"progressToken": 1}});
    rpc::modern("tools/call", params)
}

/// The server keeps none of them for later, whether the client reads them or not.
#[test]
fn notifications_of_100_megabytes() {
    serve(&PROGRESS, &[], |server| {
        let stalled = with_progress().begin(server.address());
        let mut reads = with_progress().begin(server.address());
        let (start, mut length, mut end) = (Instant::now(), 0, Vec::new());
        let mut buffer = vec![0; 1 << 16];
        while let count @ 1.. = reads.read(&mut buffer).unwrap() {
            length += count;
            end.extend(&buffer[..count]);
            end.drain(..end.len().saturating_sub(2_000));
        }
        let memory = memory(server.pid());
        println!("{length} bytes in {:?}, {memory} KB", start.elapsed());
        let end = String::from_utf8_lossy(&end);
        assert!(end.contains(r#""text":"done""#), "{end}");
        assert!(length > 1_000_000, "{length} bytes");
        assert!(memory < 150_000, "{memory} KB");
        drop(stalled);
        // Nobody asked for them.
        let answer = server.send(&rpc::call("t", json!({}))).message();
        assert_eq!(rpc::text(&answer), "done");
    });
}
