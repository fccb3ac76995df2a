//! The smallest servers that import one interface or another, to see which host has it.

use std::collections::BTreeMap;

/// An interface, and something in it that only a host that has it can provide.
pub struct Probe {
    pub interface: &'static str,
    /// Exports of the instance type; `$x` is the resource that it uses.
    content: &'static str,
    /// A resource of another interface that the content needs.
    uses: Option<(&'static str, &'static str)>,
}

const fn resource(interface: &'static str, content: &'static str) -> Probe {
    Probe {
        interface,
        content,
        uses: None,
    }
}

const fn function(interface: &'static str, content: &'static str) -> Probe {
    resource(interface, content)
}

const fn using(
    interface: &'static str,
    content: &'static str,
    uses: (&'static str, &'static str),
) -> Probe {
    Probe {
        interface,
        content,
        uses: Some(uses),
    }
}

const INPUT: (&str, &str) = ("wasi:io/streams@0.2.5", "input-stream");
const OUTPUT: (&str, &str) = ("wasi:io/streams@0.2.5", "output-stream");

pub const PROBES: &[Probe] = &[
    resource("wasi:io/error@0.2.3", "error"),
    resource("wasi:io/poll@0.2.3", "pollable"),
    resource("wasi:io/streams@0.2.3", "input-stream"),
    function("wasi:clocks/monotonic-clock@0.2.3", "now (result u64)"),
    function("wasi:clocks/monotonic-clock@0.3.1", "now (result u64)"),
    function(
        "wasi:clocks/monotonic-clock@0.3.0-rc-2026-03-15",
        "now (result u64)",
    ),
    function("wasi:random/random@0.2.3", "get-random-u64 (result u64)"),
    function("wasi:random/random@0.3.1", "get-random-u64 (result u64)"),
    function(
        "wasi:random/random@0.3.0-rc-2026-03-15",
        "get-random-u64 (result u64)",
    ),
    function(
        "wasi:random/insecure@0.2.3",
        "get-insecure-random-u64 (result u64)",
    ),
    function(
        "wasi:random/insecure@0.3.1",
        "get-insecure-random-u64 (result u64)",
    ),
    function(
        "wasi:random/insecure-seed@0.2.3",
        "insecure-seed (result (tuple u64 u64))",
    ),
    function(
        "wasi:cli/environment@0.2.3",
        "get-arguments (result (list string))",
    ),
    function(
        "wasi:cli/environment@0.3.1",
        "get-arguments (result (list string))",
    ),
    function("wasi:cli/exit@0.2.3", "exit (param \"status\" (result))"),
    function("wasi:cli/exit@0.3.1", "exit (param \"status\" (result))"),
    using("wasi:cli/stdin@0.2.3", "get-stdin (result (own $x))", INPUT),
    using(
        "wasi:cli/stdout@0.2.3",
        "get-stdout (result (own $x))",
        OUTPUT,
    ),
    using(
        "wasi:cli/stderr@0.2.3",
        "get-stderr (result (own $x))",
        OUTPUT,
    ),
    resource("wasi:cli/terminal-input@0.2.3", "terminal-input"),
    resource("wasi:cli/terminal-input@0.3.1", "terminal-input"),
    resource("wasi:cli/terminal-output@0.2.3", "terminal-output"),
    resource("wasi:filesystem/types@0.2.3", "descriptor"),
    resource("wasi:filesystem/types@0.3.1", "descriptor"),
    using(
        "wasi:filesystem/preopens@0.2.3",
        "get-directories (result (list (tuple (own $x) string)))",
        ("wasi:filesystem/types@0.2.5", "descriptor"),
    ),
    resource("wasi:sockets/tcp@0.2.3", "tcp-socket"),
    resource("wasi:sockets/udp@0.2.3", "udp-socket"),
    resource("wasi:sockets/network@0.2.3", "network"),
    resource(
        "wasi:sockets/ip-name-lookup@0.2.3",
        "resolve-address-stream",
    ),
    resource("wasi:sockets/types@0.3.1", "tcp-socket"),
    using(
        "wasi:sockets/instance-network@0.2.3",
        "instance-network (result (own $x))",
        ("wasi:sockets/network@0.2.5", "network"),
    ),
    resource("wasi:http/types@0.2.3", "fields"),
    resource("wasi:http/types@0.3.1", "fields"),
    resource("wasi:http/types@0.4.0", "fields"),
    resource("wasi:keyvalue/store@0.2.0-draft", "bucket"),
    resource("wasi:keyvalue/store@0.2.0-draft2", "bucket"),
    resource("wasi:blobstore/container@0.2.0-draft", "container"),
    resource("fermyon:spin/key-value@2.0.0", "store"),
    resource("fermyon:spin/mqtt@2.0.0", "connection"),
    resource("fermyon:spin/mysql@2.0.0", "connection"),
    resource("fermyon:spin/postgres@2.0.0", "connection"),
    resource("fermyon:spin/redis@2.0.0", "connection"),
    resource("fermyon:spin/sqlite@2.0.0", "connection"),
    resource("fermyon:spin/blobstore@2.0.0", "connection"),
    resource("spin:key-value/key-value@3.0.0", "store"),
    resource("spin:mqtt/mqtt@3.0.0", "connection"),
    resource("spin:mysql/mysql@3.0.0", "connection"),
    resource("spin:postgres/postgres@3.0.0", "connection"),
    resource("spin:postgres/postgres@4.0.0", "connection"),
    resource("spin:redis/redis@3.0.0", "connection"),
    resource("spin:sqlite/sqlite@3.0.0", "connection"),
    resource("spin:sqlite/sqlite@4.0.0", "connection"),
];

impl Probe {
    /// Its import.
    fn wat(&self) -> String {
        let content = match (self.content.split_once(' '), self.uses) {
            (None, _) => format!("(export \"{}\" (type (sub resource)))", self.content),
            (Some((name, ty)), None) => format!("(export \"{name}\" (func {ty}))"),
            (Some((name, ty)), Some((_, used))) => format!(
                "(alias outer 1 ${used} (type $used))
                 (export \"{used}\" (type $x (eq $used)))
                 (export \"{name}\" (func {ty}))"
            ),
        };
        format!("(import \"{}\" (instance {content}))\n", self.interface)
    }
}

/// A server that traps, imports what the probes do, and holds this further WAT.
pub fn server(probes: &[&Probe], more: &str) -> Vec<u8> {
    let mut used: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (interface, resource) in probes.iter().filter_map(|probe| probe.uses) {
        let resources = used.entry(interface).or_default();
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    let mut imports = String::new();
    for (index, (interface, resources)) in used.iter().enumerate() {
        let types = resources
            .iter()
            .map(|name| format!("(export \"{name}\" (type (sub resource)))"));
        let types: String = types.collect();
        imports += &format!("(import \"{interface}\" (instance $used{index} {types}))\n");
        for name in resources {
            imports += &format!("(alias export $used{index} \"{name}\" (type ${name}))\n");
        }
    }
    imports.extend(probes.iter().map(|probe| probe.wat()));
    wat::parse_str(format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $http
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $http "incoming-request" (type $request))
            (alias export $http "response-outparam" (type $response))
            {imports}
            (core module $code (func (export "handle") (param i32 i32) unreachable))
            (core instance $code (instantiate $code))
            (func $handle (param "request" (own $request)) (param "response-out" (own $response))
                (canon lift (core func $code "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler))
            {more})"#
    ))
    .unwrap()
}

/// Core modules that each hold this, and an instance of each.
pub fn modules(number: usize, content: &str) -> String {
    (0..number)
        .map(|index| {
            format!("(core module $m{index} {content}) (core instance (instantiate $m{index}))\n")
        })
        .collect()
}
