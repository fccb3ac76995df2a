"""What a build reads in sources, and what it says when it fails."""

from pathlib import Path

import build
import pytest
from sources import Sources, read

TOOL = "from fastmcp import FastMCP\nmcp = FastMCP()\n@mcp.tool\ndef f() -> None: ...\n"


def sources(folder: Path, **files: str) -> Sources:
    for name, text in files.items():
        path = folder / "own" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return read("app", folder / "own", [folder / "site-packages"])


def test_a_component_has_what_its_sources_use(tmp_path: Path) -> None:
    plain = sources(tmp_path, app=TOOL)
    assert "spin-mcp:server/tools@0.1.0;" in plain.world(False)
    for absent in ("resources", "completions", "request", "input", "keyvalue", "http", "config"):
        assert absent not in plain.world(False)
    assert "tools-async@0.1.0" in plain.world(True) and "poll" not in plain.world(True)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("async def f(ctx):\n    await asyncio.gather(ctx.elicit('x', bool))", "server/input@"),
        ("async def f(c):\n    await c.sample('x')", "server/input@"),
        ("def f(ctx: Context): ...", "server/request@"),
        ("async def f(ctx):\n    await ctx.set_state('a', 1)", "keyvalue/store@"),
        ("from wasi import key_value", "keyvalue/store@"),
        ("import wasi.variables", "config/store@"),
        ("def f():\n    import httpx", "http/outgoing-handler@"),
        ("import other", "http/outgoing-handler@"),
        ("mcp.add_prompt(f)", "server/prompts@"),
    ],
)
def test_a_use_becomes_an_import(tmp_path: Path, code: str, line: str) -> None:
    library = tmp_path / "site-packages/other"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("from .inner import x")
    (library / "inner.py").write_text("import httpx2\nx = 1")
    assert line not in sources(tmp_path, app=TOOL).world(False)
    assert line in sources(tmp_path, app=TOOL + code).world(False)
    assert line in sources(tmp_path, app=TOOL + "from helper import *", helper=code).world(False)


def test_another_sample_asks_nobody(tmp_path: Path) -> None:
    code = "import random\ndef f() -> int:\n    return random.sample([1], 1)[0]\n"
    assert not sources(tmp_path, app=TOOL + code).asks


def test_late_imports_come_early(tmp_path: Path) -> None:
    code = "def f() -> None:\n    import csv\n    from helper import late\n"
    module = sources(tmp_path, app=TOOL + code, helper="late = 1").module()
    assert module.startswith("import app as module\n")
    for name in ("csv", "helper", "_strptime"):
        assert f"    import {name}\n" in module


def test_native_code_is_named(tmp_path: Path) -> None:
    library = tmp_path / "site-packages/fast"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("from ._core import run")
    (library / "_core.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    found = sources(tmp_path, app=TOOL + "import fast")
    assert found.warnings == [
        "`fast` has native code, which a component cannot load: _core.cpython-311-x86_64-linux-gnu.so"
    ]


def test_what_the_sdk_provides_is_not_installed() -> None:
    for line in ("fastmcp>=2", "mcp[cli]==1.2", "Pydantic", "httpx ~= 0.28", "pydantic_core==2"):
        assert build.provided(line), line
    for line in ("", "# mcp", "fastmcp-extras", "jinja2", "mcp_server_time"):
        assert not build.provided(line), line


TOLD = """Traceback (most recent call last):
  File "/x/bin/componentize-py", line 8, in <module>
    sys.exit(script())
AssertionError: Traceback (most recent call last):
  File "/2/spin_mcp_component.py", line 8, in <module>
    import spin_mcp_app
  File "/1/app.py", line 3, in <module>
    @mcp.tool
     ^^^^^^^^
  File "/2/spin_mcp/server.py", line 314, in tool
    return self._mark(name_or_fn, options, self.add_tool)
TypeError: `f`: `a`: `complex` has no JSON Schema

Caused by:
    0: 1: 0xabc - <unknown>!PyErr
"""


def test_a_failed_build_shows_the_author_s_lines() -> None:
    assert build.explained(TOLD).rstrip() == (
        "Traceback (most recent call last):\n"
        '  File "app.py", line 3, in <module>\n'
        "    @mcp.tool\n"
        "     ^^^^^^^^\n"
        "TypeError: `f`: `a`: `complex` has no JSON Schema"
    )
    assert build.explained("error: no such world") == "error: no such world"
