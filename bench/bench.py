#!/usr/bin/env python3
"""Measures composed servers against bare handlers of the same WASI version on the same host.

All targets of a setting run at once and take turns under load, so that what else happens on
the machine happens to all of them. Ratios are medians of the rounds' ratios.

`pass-through` and the targets below it are `1 tool` behind one middleware; `rate-limit` counts
nothing, as its store is another one on each host.

`bare` answers without a look at the request, with Rust's default stack of 1 MB. What a server cannot do without, reading the
request's headers and body, is what `bare, reads` does in addition.

`rmcp, native` is a native server of the official Rust SDK, which serves each request by itself: no
sandbox, and one process for all requests.

`wasmtime as Spin` is the Wasmtime CLI with Spin's settings of the pool. System calls are counted with
strace in a burst of their own, if it is there.

`--beside` measures what large features cost calls of a small one, such as those of
examples/polyglot, once `mcp build` has built them:

    make bench BENCH_FLAGS="--beside examples/polyglot/guide/guide.wasm examples/polyglot/plan/plan.wasm"
"""

import argparse
import contextlib
import json
import shutil
import statistics
from pathlib import Path

import artifacts
import hosts
import load

NATIVE = "rmcp, native"
# Which server a target is, and which of the tools it calls.
TARGETS = {
    "bare": ("bare", 0),
    "bare, small stack": ("bare, small stack", 0),
    "bare, reads": ("bare, reads", 0),
    NATIVE: (NATIVE, 0),
    "1 tool": ("1 tool", 0),
    "10 tools, first": ("10 tools", 0),
    "10 tools, last": ("10 tools", 9),
    "pass-through": ("pass-through", 0),
    "pass-through, async": ("pass-through, async", 0),
    "audit": ("audit", 0),
    "filter": ("filter", 0),
    "rate-limit": ("rate-limit", 0),
    "validate": ("validate", 0),
}
# The settings of each shipped middleware.
SHIPPED = {
    "audit": {},
    "filter": {"tools": {"deny": ["delete_*"]}},
    "rate-limit": {"unavailable": "allow"},
    "validate": {},
}
# The tool of `1 tool`, with the features of `--beside` in the same server.
BESIDE = "1 tool, beside"
# The share of the rate of `1 tool` that it must reach, where instances are reused.
WANTED_BESIDE = 0.95
# The share of the rate of `bare`, in WASI 0.3 of `bare, reads`, that must be reached at 16 connections.
WANTED = {
    ("wasmtime", "0.2", False): {"1 tool": 0.65, "10 tools, first": 0.5, "10 tools, last": 0.5},
    ("wasmtime as Spin", "0.2", False): {"1 tool": 1.0, "10 tools, first": 0.9, "10 tools, last": 0.9},
    ("spin", "0.2", False): {"1 tool": 1.0, "10 tools, first": 0.9, "10 tools, last": 0.9},
    ("wasmtime", "0.3", True): {"1 tool": 0.9, "10 tools, first": 0.88, "10 tools, last": 0.88},
}
# The share of the rate of `1 tool` that one middleware must keep at 16 connections.
WANTED_OF_ONE_TOOL = {"pass-through": 0.85}


def main():
    options = arguments()
    options.scratch.mkdir(parents=True, exist_ok=True)
    components, features, middleware = artifacts.build(options.scratch)
    composed = [describe(*key, component, None) for key, component in components.items()]
    native = artifacts.native(options.scratch)
    servers = {"1 tool": features[:1], "10 tools": features}
    if options.beside:
        servers[BESIDE] = features[:1] + options.beside
        TARGETS[BESIDE] = (BESIDE, 0)
    for wasi in ["0.2", "0.3"]:
        for name, parts in servers.items():
            server = options.scratch / f"server-{wasi}-{name.replace(' ', '-')}.wasm"
            seconds = artifacts.compose(options.mcp, parts, wasi, server)
            components[wasi, name] = server
            composed.append(describe(wasi, name, server, seconds))
        chains = {name: [part] for (of, name), part in middleware.items() if of == wasi}
        for name, settings in SHIPPED.items():
            chains[name] = [name, "--settings", f"{name}={json.dumps(settings)}"]
        for name, chain in chains.items():
            server = options.scratch / f"server-{wasi}-{name.replace(', ', '-')}.wasm"
            seconds = artifacts.compose(options.mcp, features[:1], wasi, server, "--middleware", *chain)
            components[wasi, name] = server
            composed.append(describe(wasi, name, server, seconds))
    print_artifacts(composed)
    measured = []
    for host, wasi, reuse, start in hosts.available(options.wasmtime):
        if options.hosts and f"{host} {wasi}" not in options.hosts:
            continue
        measured += measure(options, host, wasi, reuse, start, components, native)
    if options.json:
        options.json.write_text(json.dumps({"artifacts": composed, "load": measured}, indent=2) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--wasmtime", type=Path, required=True, help="the Wasmtime CLI")
    parser.add_argument("--wrk", required=True, help="the load generator")
    parser.add_argument("--scratch", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), help="which to measure")
    parser.add_argument("--hosts", nargs="+", metavar="HOST", help="such as `wasmtime 0.2`; default: all")
    parser.add_argument("--beside", type=Path, nargs="+", default=[], help="features, see above")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2, help="of each burst")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args()


def describe(wasi, name, component, seconds):
    return {
        "wasi": wasi,
        "server": name,
        "bytes": Path(component).stat().st_size,
        "core_modules": artifacts.core_modules(component),
        "compose_seconds": seconds,
    }


def print_artifacts(composed):
    print(f"\n{'wasi':8}{'server':20}{'KB':>8}{'core modules':>14}{'compose ms':>12}")
    for row in composed:
        seconds = row["compose_seconds"]
        took = "" if seconds is None else f"{seconds * 1000:.0f}"
        print(
            f"{row['wasi']:8}{row['server']:20}{row['bytes'] / 1000:8.0f}"
            f"{row['core_modules']:14}{took:>12}"
        )


def measure(options, host, wasi, reuse, start, components, native):
    """Loads the targets of one setting in turn, and prints a table."""
    wanted = [target for target in TARGETS if target in options.targets or target.startswith("bare")]
    targets = [target for target in wanted if target == NATIVE or (wasi, TARGETS[target][0]) in components]
    bursts = {(count, target): [] for count in options.connections for target in targets}
    with contextlib.ExitStack() as running:
        servers = {}
        for name in dict.fromkeys(TARGETS[target][0] for target in targets):
            serve, program = (hosts.native, native) if name == NATIVE else (start, components[wasi, name])
            servers[name] = running.enter_context(serve(f"{host} {wasi} {name}", program, options.scratch))
        for name, tool in (TARGETS[target] for target in targets):
            servers[name].check(artifacts.TOOLS[tool])
        for round in range(options.rounds + 1):
            for count in options.connections:
                # Another one begins each time.
                first = round % len(targets)
                for target in [*targets, *targets][first : first + len(targets)]:
                    name, tool = TARGETS[target]
                    seconds = options.seconds if round else 1
                    burst = load.run(options.wrk, servers[name], artifacts.TOOLS[tool], count, seconds)
                    if round:  # the first one only warms up
                        bursts[count, target].append(burst)
        calls = {}
        if shutil.which("strace"):
            for target in targets:
                name, tool = TARGETS[target]
                count = min(options.connections[-1], 16)
                calls[target] = load.system_calls(options.wrk, servers[name], artifacts.TOOLS[tool], count)
    rows = []
    for count in options.connections:
        for target in targets:
            rows.append(
                {
                    "host": host,
                    "wasi": wasi,
                    "reuse": reuse,
                    "connections": count,
                    "target": target,
                    **summary(bursts[count, target]),
                    "system_calls_per_request": calls.get(target),
                    "ratio": ratio(bursts[count, target], bursts[count, "bare"]),
                    "ratio_reads": ratio(bursts[count, target], bursts[count, "bare, reads"]),
                    "ratio_one_tool": ratio(bursts[count, target], bursts.get((count, "1 tool"), [])),
                }
            )
    print_table(host, wasi, reuse, rows)
    return rows


def summary(bursts):
    return {
        "requests_per_second": statistics.median(b["requests"] / b["seconds"] for b in bursts),
        "p50_us": statistics.median(b["p50_us"] for b in bursts),
        "p99_us": statistics.median(b["p99_us"] for b in bursts),
        "cpu_us_per_request": 1e6 * sum(b["cpu_seconds"] for b in bursts) / sum(b["requests"] for b in bursts),
        "page_faults_per_request": sum(b["page_faults"] for b in bursts) / sum(b["requests"] for b in bursts),
    }


def ratio(bursts, limits):
    """None if there is nothing to compare with."""
    ratios = [
        (burst["requests"] / burst["seconds"]) / (limit["requests"] / limit["seconds"])
        for burst, limit in zip(bursts, limits)
    ]
    return statistics.median(ratios) if ratios else None


def print_table(host, wasi, reuse, rows):
    setting = f"{host}, {wasi}, {'instances reused' if reuse else 'one instance a request'}"
    print(
        f"\n{setting}\n{'connections':>11}  {'target':20}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}"
        f"{'faults':>9}{'calls':>9}"
    )
    for row in rows:
        print(
            f"{row['connections']:11}  {row['target']:20}{row['requests_per_second']:8.0f}"
            f"{row['p50_us'] / 1000:9.2f}{row['p99_us'] / 1000:9.2f}{row['cpu_us_per_request']:9.0f}"
            f"{row['page_faults_per_request']:9.1f}{row['system_calls_per_request'] or float('nan'):9.1f}"
        )
    for row in rows:
        if row["target"] != "bare":
            wanted = WANTED.get((host, wasi, reuse), {}).get(row["target"])
            wanted = wanted if row["connections"] == 16 else None
            print(
                f"ratio {row['ratio']:.2f}  {setting}, {row['connections']} connections: {row['target']} / bare"
                + (f"; {row['ratio_reads']:.2f} of `bare, reads`" if row["target"] != "bare, reads" else "")
                + (f" (wanted: {wanted:.2f})" if wanted else ""),
                flush=True,
            )
        if row["target"] in (*SHIPPED, *WANTED_OF_ONE_TOOL, "pass-through, async") and row["ratio_one_tool"]:
            wanted = WANTED_OF_ONE_TOOL.get(row["target"]) if row["connections"] == 16 else None
            print(
                f"ratio {row['ratio_one_tool']:.2f}  {setting}, {row['connections']} connections: {row['target']} / 1 tool"
                + (f" (wanted: {wanted:.2f})" if wanted else ""),
            )
        if row["target"] == BESIDE:
            wanted = f" (wanted: {WANTED_BESIDE:.2f})" if reuse else ""
            print(
                f"ratio {row['ratio_one_tool']:.2f}  {setting}, {row['connections']} connections: "
                f"{BESIDE} / 1 tool{wanted}",
                flush=True,
            )


if __name__ == "__main__":
    main()
