#!/usr/bin/env python3
"""Runs parts of the test suite, and says how long each step took and how many tests passed.

    scripts/suite.py PART...

The parts are functions below; `make help` lists the targets that run them. A
tool that is missing skips the tests that need it. With CI=true it is an error, unless
MAY_BE_MISSING names the tool.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
WASM = "wasm32-wasip2"
CLIENT = "tests/clients/rust/Cargo.toml"
RUST_SDK = ["spin-mcp-sdk", "spin-mcp-sdk-macros", "spin-mcp-sdk-tests", "spin-mcp-docs"]
# What makes cargo lint what it builds, if it does.
BUILD_LINTS = []
# What is fetched, each by `scripts/NAME.sh`.
TOOLS = ["wasmtime-cli", "node22", "conformance-suite", "clients", "componentize-py", "docker-registry", "chromium", "typescript", "typescript-sdk"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RESULT = re.compile(r"(?:test result: \w+\. |conformance: |clients: |authorization: |page: )(\d+) passed[;,] (\d+) failed")
SKIPPED = re.compile(r"skipped: (\S.*?) \((.+)\)$")


class Suite:
    """The steps so far."""

    def __init__(self):
        self.times = []
        self.broken = []
        self.passed = self.failed = 0
        self.skipped = {}
        self.lock = threading.Lock()
        # Whether steps run side by side: each then shows its output when it ends.
        self.crowded = False
        self.fetching = threading.Thread(target=fetch, args=[self])

    def step(self, name, *command, **environment):
        """Runs a command and counts its tests; says whether it succeeded."""
        began = time.monotonic()
        crowded = self.crowded
        if not crowded:
            self.show(f"--- {name}\n")
        colour = "always" if sys.stdout.isatty() else "auto"
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env={"CARGO_TERM_COLOR": colour, **os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            if not crowded:
                self.show(line)
        succeeded = process.wait() == 0
        if crowded:
            self.show("".join([f"--- {name}\n", *lines]))
        with self.lock:
            self.count(lines)
            self.times.append((name, time.monotonic() - began))
            if not succeeded:
                self.broken.append(name)
        return succeeded

    def once(self, name, *command, **environment):
        """A step that others may have made already."""
        return self.made(name) or self.step(name, *command, **environment)

    def made(self, name):
        return any(name == other for other, _ in self.times)

    def fetched(self):
        """Waits for what is fetched beside the first steps, if anything is."""
        if self.fetching.is_alive():
            self.fetching.join()

    def side_by_side(self, parts):
        """Runs parts that share no step; much of each waits for others."""
        self.crowded = True
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda part: part(self), parts))
        self.crowded = False

    def show(self, text):
        with self.lock:
            print(text, end="", flush=True)

    def count(self, lines):
        for line in lines:
            plain = COLOUR.sub("", line.rstrip())
            if found := RESULT.match(plain):
                self.passed += int(found[1])
                self.failed += int(found[2])
            elif found := SKIPPED.search(plain):
                self.skip(found[1], found[2])

    def skip(self, name, why):
        # The harness has counted it: it returned early.
        if "::" in name and " " not in name and name not in self.skipped:
            self.passed -= 1
        self.skipped[name] = why

    def tool(self, script, test):
        """What a script provides. If it cannot, a test is skipped."""
        ran = subprocess.run([f"scripts/{script}.sh"], cwd=ROOT, capture_output=True, text=True)
        if ran.returncode == 0:
            return ran.stdout.strip()
        why = ran.stderr.strip().splitlines()
        required = os.environ.get("CI") == "true" and script not in os.environ.get("MAY_BE_MISSING", "").split()
        with self.lock:
            print("\n".join(why), flush=True)
            if required:
                self.broken.append(script)
            elif test:
                self.skip(test, why[-1] if why else f"scripts/{script}.sh failed")
        return None

    def end(self):
        print("---")
        for name, seconds in self.times:
            print(f"{int(seconds) // 60:4}:{int(seconds) % 60:02}  {name}")
        for name in self.broken:
            print(f"failed: {name}")
        if self.skipped:
            print(f"skipped: {len(self.skipped)} ({', '.join(self.skipped)})")
        print(f"{self.passed} passed, {self.failed} failed, {len(self.skipped)} skipped")
        return bool(self.broken)


def cargo(verb, *arguments, packages=()):
    return ["cargo", verb, *BUILD_LINTS, *(f"--package={name}" for name in packages), *arguments]


def lint_while_building():
    """Lets builds report warnings: Clippy compiles, too. By itself it would first check again all that
    the plugin depends on, Wasmtime among it. What an earlier run compiled is not linted again."""
    os.environ["CLIPPY_ARGS"] = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
    # Not by a variable: the tests run cargo for projects of their own.
    BUILD_LINTS.append('--config=build.rustc-workspace-wrapper="clippy-driver"')


def clippy(*arguments, packages=()):
    return ["cargo", "clippy", *(f"--package={name}" for name in packages), *arguments]


def packages():
    """The packages of the workspace, with their folders."""
    command = ["cargo", "metadata", "--no-deps", "--format-version=1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    for package in metadata["packages"]:
        package["folder"] = Path(package["manifest_path"]).parent.relative_to(ROOT)
        package["default"] = package["id"] in metadata["workspace_default_members"]
    return metadata["packages"]


def native():
    """The packages that are tested on this machine: the framework's, and the plugin's."""
    framework, plugin = [], []
    for package in packages():
        if package["default"]:
            of_framework = package["folder"].parts[:1] == ("framework",)
            (framework if of_framework else plugin).append(package["name"])
    return framework, plugin


def names(packages):
    return [package["name"] for package in packages]


def is_component(package):
    """Whether a package becomes part of a component; fuzz targets beside one do not."""
    folders = [Path("bench"), Path("examples"), Path("framework"), Path("tests/fixtures")]
    return bool(set(folders) & set(package["folder"].parents)) and package["folder"].name != "fuzz"


def lint(suite):
    """Part: formats, and warnings in every line. It embeds no components, so it builds none."""
    suite.once("wasm target", "scripts/wasm-target.sh")
    deny = ["--", "-D", "warnings"]
    wasm = f"--target={WASM}"
    steps = [
        ("format", "cargo", "fmt", "--all", "--check"),
        ("format of the client", "cargo", "fmt", "--manifest-path", CLIENT, "--check"),
        ("format of the bench", "cargo", "fmt", "--manifest-path", "bench/rmcp/Cargo.toml", "--check"),
    ]
    if not BUILD_LINTS:
        steps.append(("lint what is native", *clippy("--all-targets", *deny)))
    everything = packages()
    components = [package for package in everything if "wasi-0-2" in package["features"]]
    rest = [package for package in everything if package not in components]
    others = [package for package in rest if is_component(package)]
    # By themselves: they would change the features of what they share with the plugin.
    for name in names(package for package in rest if not package["default"] and package not in others):
        steps.append((f"lint {name}", *clippy("--all-targets", *deny, packages=[name])))
    for wasi in ["wasi-0-2", "wasi-0-3"]:
        command = clippy(wasm, f"--features={wasi}", *deny, packages=names(components))
        steps.append((f"lint {wasi}", *command))
        for package in components:
            # A variant that is part of another one is checked with it.
            parts = {name for features in package["features"].values() for name in features}
            for variant in sorted(package["features"].keys() - {"wasi-0-2", "wasi-0-3", "default"} - parts):
                command = clippy(wasm, f"--features={wasi},{variant}", *deny, packages=[package["name"]])
                steps.append((f"lint {wasi}, {variant}", *command))
    steps.append(("lint other components", *clippy(wasm, "--all-features", *deny, packages=names(others))))
    return all(suite.step(*step, SPIN_MCP_FRAMEWORK="") for step in steps)


def unit(suite):
    """Part: the unit tests of protocol and middleware, and of the SDK for Rust."""
    framework, _ = native()
    suite.step("unit tests", *cargo("test", "--no-fail-fast", packages=framework))
    # By themselves, as they are linted.
    suite.step("SDK for Rust", *cargo("test", "--no-fail-fast", packages=RUST_SDK))


def compose(suite):
    """Part: what is composed, read, checked and edited."""
    build(suite)
    _, plugin = native()
    cases = ["--lib", "--bins", "--test=cases"]
    suite.step("compose: units and cases", *cargo("test", "--no-fail-fast", *cases, packages=plugin))
    whole_programs(suite, "compose")


def hosts(suite):
    """Part: servers on every host."""
    build(suite)
    whole_programs(suite, "hosts")


def languages(suite):
    """Part: templates, pages and examples."""
    build(suite)
    whole_programs(suite, "languages")


def whole_programs(suite, folder):
    command = cargo("test", "--test=it", "--", f"{folder}::", packages=["spin-mcp"])
    suite.step(f"{folder}: whole programs", *command)


def test(suite):
    """Part: every test."""
    unit(suite)
    build(suite)
    _, plugin = native()
    # Tests wait for servers, package managers and the network more than they compute.
    threads = str(2 * (os.cpu_count() or 1))
    suite.step("tests of the plugin", *cargo("test", "--no-fail-fast", packages=plugin), RUST_TEST_THREADS=threads)
    client(suite)
    suite.side_by_side([conformance, clients, authorization, page])


def build(suite):
    """Builds what the tests of the plugin need."""
    suite.once("wasm target", "scripts/wasm-target.sh")
    _, plugin = native()
    suite.once("build the tests", *cargo("test", "--no-run", packages=plugin))
    suite.once("build the fixtures", "scripts/fixtures.sh")
    suite.fetched()


def fetch(suite):
    """Fetches what the parts need. A test reports a failed fetch when it needs the result."""
    began = time.monotonic()
    for tool in TOOLS:
        subprocess.run([f"scripts/{tool}.sh"], cwd=ROOT, capture_output=True)
    suite.times.append(("fetch tools, beside the first steps", time.monotonic() - began))


def conformance(suite):
    """Part: the official conformance suite, whole."""
    found = provided(suite, "conformance", ["wasmtime-cli", "node22", "conformance-suite", "fixtures"])
    if found:
        wasmtime, node, entry, fixtures = found
        command = ["tests/conformance/run.py", "--mcp", TARGET / "debug/mcp", "--wasmtime", wasmtime, "--node", node]
        command += ["--suite", entry, "--fixture", f"{fixtures}/conformance.wasm"]
        command += ["--changes", f"{fixtures}/changes.wasm"]
        if tools := suite.tool("clients", "conformance with authorization"):
            command += ["--tools", tools]
        suite.step("conformance", *command)


def clients(suite):
    """Part: clients of others. CLIENTS_FLAGS has further arguments of `tests/clients/run.py`."""
    with_clients(suite, "clients", "rmcp-client", "CLIENTS_FLAGS")
    command = ["test", "--locked", f"--manifest-path={CLIENT}", f"--target-dir={TARGET}/clients", "--test=served"]
    # With the flags of the build, or cargo would build all again.
    suite.step("servers of rmcp", "cargo", *command, RUSTFLAGS="-D warnings")


def authorization(suite):
    """Part: OAuth with software of others. AUTHORIZATION_FLAGS has further arguments of
    `tests/authorization/run.py`."""
    with_clients(suite, "authorization", "authorized", "AUTHORIZATION_FLAGS")


def page(suite):
    """Part: the page of `mcp serve` in Chromium. PAGE_FLAGS has further arguments of `tests/page/run.mjs`."""
    found = provided(suite, "page", ["node22", "chromium", "fixtures"])
    if found:
        node, chromium, fixtures = found
        command = [node, "tests/page/run.mjs", "--mcp", ROOT / TARGET / "debug/mcp", "--chromium", chromium]
        suite.step("page", *command, "--fixtures", fixtures, *shlex.split(os.environ.get("PAGE_FLAGS", "")))


def client(suite):
    """Builds the clients of rmcp. Clippy would check all that they depend on, for two short files."""
    build = ["build", "--locked", f"--manifest-path={CLIENT}", f"--target-dir={TARGET}/clients"]
    return suite.once("build the client", "cargo", *build, RUSTFLAGS="-D warnings")


def with_clients(suite, part, program, flags):
    found = provided(suite, part, ["node22", "clients", "fixtures"])
    if found and client(suite):
        node, packages, fixtures = found
        command = [f"tests/{part}/run.py", "--mcp", TARGET / "debug/mcp", "--node", node, "--tools", packages]
        command += ["--rmcp", TARGET / "clients/debug" / program, "--fixture", f"{fixtures}/conformance.wasm"]
        suite.step(part, *command, *shlex.split(os.environ.get(flags, "")))


def provided(suite, part, scripts):
    """What scripts provide, once the plugin is built."""
    suite.once("wasm target", "scripts/wasm-target.sh")
    # The tests bring the plugin with them, with other features of what it depends on.
    if not suite.made("build the tests"):
        suite.once("build the plugin", *cargo("build", "--bin=mcp", packages=["spin-mcp"]))
    suite.fetched()
    found = [suite.tool(script, part) for script in scripts]
    return None if None in found else found


PARTS = {part.__name__: part for part in [lint, unit, compose, hosts, languages, conformance, clients, authorization, page, test]}


def main():
    chosen = sys.argv[1:]
    if not chosen or any(part not in PARTS for part in chosen):
        sys.exit(f"usage: scripts/suite.py PART...\nparts: {' '.join(PARTS)}")
    suite = Suite()
    if "test" in chosen:
        suite.fetching.start()
    if {"lint", "test"} <= set(chosen):
        lint_while_building()
    for part in chosen:
        # Code that fails the lint is not tested.
        if PARTS[part](suite) is False:
            break
    sys.exit(suite.end())


if __name__ == "__main__":
    main()
