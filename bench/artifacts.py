"""Builds what is measured, and says how big it is."""

import os
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = [f"tool_{index}" for index in range(10)]
# As the templates link. Bare handlers have Rust's default stack, as other handlers do.
SMALL_STACK = ["--config", 'target.wasm32-wasip2.rustflags=["-Clink-arg=-zstack-size=65536"]']


def build(scratch):
    """The bare handlers by WASI version and name, ten features of one tool each, and the
    middleware that does nothing, by WASI version and name."""
    target = scratch / "target"

    def cargo(name, package, *flags, **env):
        command = ["cargo", "build", "--quiet", "--locked", "--profile", "component"]
        command += ["--target", "wasm32-wasip2", "--target-dir", target, "-p", package, *flags]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=True)
        built = target / "wasm32-wasip2/component" / f"{package.replace('-', '_')}.wasm"
        return Path(shutil.copyfile(built, scratch / f"{name}.wasm"))

    bare = {}
    for wasi, package in [("0.2", "bare-0_2"), ("0.3", "bare-0_3")]:
        bare[wasi, "bare"] = cargo(f"bare-{wasi}", package)
        bare[wasi, "bare, small stack"] = cargo(f"bare-small-{wasi}", package, *SMALL_STACK)
        bare[wasi, "bare, reads"] = cargo(f"bare-reads-{wasi}", package, "--features", "read-request")
    features = [cargo(tool, "echo", *SMALL_STACK, FIXTURE_TOOL=tool) for tool in TOOLS]
    sync = cargo("pass-through", "pass-through", *SMALL_STACK)
    middleware = {
        ("0.2", "pass-through"): sync,
        ("0.3", "pass-through"): sync,
        ("0.3", "pass-through, async"): cargo(
            "pass-through-async", "pass-through", *SMALL_STACK, "--features", "async"
        ),
    }
    return bare, features, middleware


def native(scratch):
    """A server of the official Rust SDK as a program of this machine."""
    target = scratch / "native"
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--target-dir", target]
    subprocess.run(command, cwd=ROOT / "bench/rmcp", check=True)
    return target / "release/bench-rmcp"


def compose(mcp, features, wasi, output, *flags):
    """Composes a server; gives the seconds that it took, the least of three."""
    took = []
    for _ in range(3):
        start = time.monotonic()
        command = [mcp, "compose", *features, "-o", output, "--wasi", wasi, *flags]
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.monotonic() - start)
    return min(took)


def core_modules(component):
    """How many core modules a component holds, in nested components, too."""

    def count(binary, at, end):
        modules, at = 0, at + 8  # the preamble
        while at < end:
            section, (size, at) = binary[at], leb128(binary, at + 1)
            if section == 1:
                modules += 1
            elif section == 4:
                modules += count(binary, at, at + size)
            at += size
        return modules

    binary = Path(component).read_bytes()
    return count(binary, 0, len(binary))


def leb128(binary, at):
    value, shift = 0, 0
    while True:
        byte = binary[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
