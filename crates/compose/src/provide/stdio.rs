//! Substitutes for the stdin and stdout of the host. These belong to the server, whose client may be
//! at their other end.
//!
//! The output of a feature goes to stderr. That needs no code: a function of the host is exported
//! under the name of another. Stdin of WASI 0.3 is a stream that has ended; stdin of WASI 0.2 is
//! closed by `close_stdin`.

use spin_mcp_component::Imports;

/// A component, as text, that exports `import` for a feature that imports it.
pub struct Substitute {
    pub import: String,
    pub component: String,
}

/// The substitutes that a feature with these imports needs.
pub fn substitutes(imports: &Imports) -> impl Iterator<Item = Substitute> {
    imports.names().filter_map(|import| {
        let (interface, version) = import.split_once('@')?;
        let component = match (interface, version.starts_with("0.2.")) {
            ("wasi:cli/stdout", true) => {
                let mut others = imports.names();
                let streams = others.find(|other| {
                    other.starts_with("wasi:io/streams@") && imports.uses(import, other)
                })?;
                stdout_0_2(version, streams)
            }
            ("wasi:cli/stdout", false) => stdout_0_3(version),
            ("wasi:cli/stdin", false) => stdin_0_3(version),
            _ => return None,
        };
        let import = import.to_owned();
        Some(Substitute { import, component })
    })
}

fn stdout_0_2(version: &str, streams: &str) -> String {
    format!(
        r#"(component
          (import "{streams}" (instance $streams (export "output-stream" (type (sub resource)))))
          (alias export $streams "output-stream" (type $stream))
          (import "wasi:cli/stderr@{version}" (instance $stderr
            (alias outer 1 $stream (type $stream))
            (export "output-stream" (type $own (eq $stream)))
            (export "get-stderr" (func (result (own $own))))))
          (instance $stdout
            (export "output-stream" (type $stream))
            (export "get-stdout" (func $stderr "get-stderr")))
          (export "wasi:cli/stdout@{version}" (instance $stdout)))"#
    )
}

/// The types of streams of bytes and of their errors.
fn types_0_3(version: &str) -> String {
    format!(
        r#"(import "wasi:cli/types@{version}" (instance $types
             (type $cases (enum "io" "illegal-byte-sequence" "pipe"))
             (export "error-code" (type (eq $cases)))))
           (alias export $types "error-code" (type $code))
           (type $bytes (stream u8))
           (type $end (future (result (error $code))))"#
    )
}

fn stdout_0_3(version: &str) -> String {
    format!(
        r#"(component
          {}
          (import "wasi:cli/stderr@{version}" (instance $stderr
            (alias outer 1 $code (type $outer))
            (export "error-code" (type $code (eq $outer)))
            (type $end (future (result (error $code))))
            (export "write-via-stream" (func (param "data" (stream u8)) (result $end)))))
          (instance $stdout
            (export "error-code" (type $code))
            (export "write-via-stream" (func $stderr "write-via-stream")))
          (export "wasi:cli/stdout@{version}" (instance $stdout)))"#,
        types_0_3(version)
    )
}

/// The future stays with the instance, as it cannot be dropped before it is read.
fn stdin_0_3(version: &str) -> String {
    format!(
        r#"(component
          {}
          (core func $stream (canon stream.new $bytes))
          (core func $over (canon stream.drop-writable $bytes))
          (core func $future (canon future.new $end))
          (core module $memory (memory (export "memory") 1))
          (core instance $memory (instantiate $memory))
          (alias core export $memory "memory" (core memory $at))
          (core func $say (canon future.write $end async (memory $at)))
          (core module $ended
            (import "" "memory" (memory 1))
            (import "" "stream" (func $stream (result i64)))
            (import "" "over" (func $over (param i32)))
            (import "" "future" (func $future (result i64)))
            (import "" "say" (func $say (param i32 i32) (result i32)))
            ;; At zero is what the future holds: no error. At 16 is what is returned.
            (func (export "read") (result i32)
              (local $ends i64)
              (local.set $ends (call $stream))
              (i32.store (i32.const 16) (i32.wrap_i64 (local.get $ends)))
              (call $over (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
              (local.set $ends (call $future))
              (i32.store (i32.const 20) (i32.wrap_i64 (local.get $ends)))
              (drop (call $say
                (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 0)))
              (i32.const 16)))
          (core instance $ended (instantiate $ended (with "" (instance
            (export "memory" (memory $at))
            (export "stream" (func $stream))
            (export "over" (func $over))
            (export "future" (func $future))
            (export "say" (func $say))))))
          (func $read (result (tuple $bytes $end))
            (canon lift (core func $ended "read") (memory $at)))
          (instance $stdin
            (export "error-code" (type $code))
            (export "read-via-stream" (func $read)))
          (export "wasi:cli/stdin@{version}" (instance $stdin)))"#,
        types_0_3(version)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use spin_mcp_component::World;

    #[test]
    fn substitutes_are_components() {
        let (streams, version) = ("wasi:io/streams@0.2.0", "0.3.0");
        for (component, imports) in [
            (
                stdout_0_2("0.2.1", streams),
                vec![streams, "wasi:cli/stderr@0.2.1"],
            ),
            (
                stdout_0_3(version),
                vec!["wasi:cli/types@0.3.0", "wasi:cli/stderr@0.3.0"],
            ),
            (stdin_0_3(version), vec!["wasi:cli/types@0.3.0"]),
        ] {
            let component = wat::parse_str(component).unwrap();
            let world = World::read(&component).unwrap();
            let names: Vec<_> = world.imports.iter().map(|import| &import.name).collect();
            assert_eq!(names, imports);
            assert_eq!(world.exports.len(), 1);
        }
    }
}
