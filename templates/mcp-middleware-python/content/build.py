"""Builds the component: `python3 build.py OUTPUT`.

Installs `requirements.txt` into `.venv` first, whenever it changed, and writes to `bindings`
what type checkers and editors have to know of the WIT.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path("requirements.txt")
VENV = Path(".venv")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
WORLD = ["--quiet", "--wit-path", "wit"]
# Interfaces that share a name with another one, and what they are called in Python.
for name in (
    "spin-mcp:server/types@0.1.0=mcp_types",
    "spin-mcp:server/request@0.1.0=mcp_request",
    "wasi:http/types@0.2.0=http_types",
    "wasi:http/types@0.3.0=http_types",
    "wasi:keyvalue/store@0.2.0-draft2=keyvalue_store",
    "wasi:config/store@0.2.0-draft-2024-09-27=config_store",
):
    WORLD += ["--import-interface-name", name]


def install() -> None:
    installed = VENV / REQUIREMENTS
    wanted = REQUIREMENTS.read_bytes()
    if installed.is_file() and installed.read_bytes() == wanted:
        return
    print(f"installing {REQUIREMENTS} into {VENV}", file=sys.stderr)
    venv.create(VENV, clear=True, with_pip=True)
    run("python", "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS))
    installed.write_bytes(wanted)


def run(program: str, *arguments: str) -> None:
    told = {"VIRTUAL_ENV": str(VENV.absolute()), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([str(BIN / program), *arguments], check=True, env=os.environ | told)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    try:
        install()
        shutil.rmtree("bindings", ignore_errors=True)
        run("componentize-py", *WORLD, "bindings", "bindings")
        run("componentize-py", *WORLD, "componentize", "component", "--output", sys.argv[1])
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
