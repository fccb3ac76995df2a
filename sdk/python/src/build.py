"""Builds the component: `python3 sdk/build.py OUTPUT [--app MODULE[:FUNCTION]] [--async]`, or `spin-mcp-build OUTPUT`
where the package is installed.

Installs `requirements.txt` into `.venv` whenever it changed, and reads the sources for what the
component has to import and export.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from argparse import ArgumentParser
from pathlib import Path

if sys.version_info < (3, 10):
    sys.exit(f"error: Python {sys.version.split()[0]} is too old; build with Python 3.10 or later")

SDK = Path(__file__).resolve().parent
REQUIREMENTS = Path("requirements.txt")
VENV = Path(".venv")
INSTALLED = VENV / ".installed"
MADE = Path("build/component")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
# Packages that the SDK stands for: their own need native code.
PROVIDED = ("fastmcp", "fastmcp-slim", "httpx", "httpx2", "mcp", "mcp-types", "pydantic", "pydantic-core")
# Interfaces that share a name with another one, and what they are called in Python.
NAMES = (
    "spin-mcp:server/types@0.1.0=mcp_types",
    "spin-mcp:server/request@0.1.0=mcp_request",
    "wasi:http/types@0.2.0=http_types",
    "wasi:http/types@0.3.0=http_types",
    "wasi:keyvalue/store@0.2.0-draft2=keyvalue_store",
    "wasi:config/store@0.2.0-draft-2024-09-27=config_store",
)


def install() -> None:
    needs = REQUIREMENTS.read_text()
    # A virtual environment works in its folder only, and with its Python.
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = f"{needs}\n# Python {python} in {VENV.resolve()}\n"
    known = INSTALLED.is_file() and INSTALLED.read_text() == wanted
    if known and shutil.which("python", path=str(BIN)):
        return
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("error: this Python cannot install pip; on Debian: `apt install python3-venv`")
    print(f"installing {REQUIREMENTS} into {VENV}, which takes a minute or two", file=sys.stderr)
    venv.create(VENV, clear=True, with_pip=True)
    lines = [line for line in needs.splitlines() if not provided(line)]
    needed = VENV / "requirements.txt"
    needed.write_text("\n".join(lines) + "\n")
    run("python", "-m", "pip", "install", "--quiet", "--requirement", str(needed))
    INSTALLED.write_text(wanted)


def provided(line: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]+", line.strip())
    return name is not None and re.sub("[-_.]+", "-", name[0]).lower() in PROVIDED


def run(program: str, *arguments: str, **more: object) -> "subprocess.CompletedProcess[str]":
    told = {"VIRTUAL_ENV": str(VENV.absolute()), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "RUST_BACKTRACE": "0"}
    command = [str(BIN / program), *arguments]
    return subprocess.run(command, check=True, env=os.environ | told, text=True, **more)  # type: ignore[call-overload,no-any-return]


def main() -> None:
    options = ArgumentParser(description="Builds the component.")
    options.add_argument("output")
    options.add_argument("--app", default="app", help="the module with the server, or MODULE:FUNCTION that runs it")
    options.add_argument("--async", dest="asynchronous", action="store_true", help="calls wait side by side, in WASI 0.3")
    given = options.parse_args()
    install()
    from sources import read

    libraries = list((VENV / "lib").glob("python*/site-packages")) + [VENV / "Lib/site-packages"]
    found = read(given.app, Path(), libraries)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    shutil.rmtree(MADE, ignore_errors=True)
    shutil.copytree(SDK / "wit", MADE / "wit")
    (MADE / "wit/world.wit").write_text(found.world(given.asynchronous))
    (MADE / "spin_mcp_app.py").write_text(found.module())
    names = [word for name in NAMES for word in ("--import-interface-name", name)]
    paths = [word for path in (MADE, ".", SDK) for word in ("--python-path", str(path))]
    arguments = ["--quiet", "--wit-path", str(MADE / "wit"), *names, "componentize", *paths, "spin_mcp_component"]
    try:
        run("componentize-py", *arguments, "--output", given.output, stderr=subprocess.PIPE)
    except subprocess.CalledProcessError as failed:
        sys.exit(explained(failed.stderr))


def explained(told: str) -> str:
    """What Python said of the author's own modules, without the frames of the tools around it."""
    at = told.rfind("Traceback (most recent call last)")
    kept, shown = [], True
    for line in told[max(at, 0) :].strip().splitlines():
        if line.startswith(("Caused by", "Stack backtrace", "error while executing at wasm")):
            break
        if line.startswith("  File "):
            # The paths that the component sees, in the order of `--python-path`.
            shown = not line.startswith(('  File "/0/', '  File "/2/', '  File "<frozen'))
        elif not line.startswith(" "):
            shown = True
        if shown:
            kept.append(line.replace('  File "/1/', '  File "'))
    return "\n".join(kept)


def command() -> None:
    sys.path.insert(0, str(SDK))
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
    except OSError as why:
        sys.exit(f"error: {why}")


if __name__ == "__main__":
    command()
