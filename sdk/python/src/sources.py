"""Reads the sources of an app for what its component imports and exports, without running them."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OWN = ("fastmcp", "mcp", "mcp_types", "pydantic", "httpx", "httpx2", "wasi", "spin_mcp")
# Modules that Python imports when it needs them, which is too late in a component.
LATE = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_8_sig",
)
# Names in the sources, and the interfaces that they need.
ASKS = {"elicit", "elicit_form", "elicit_url", "list_roots", "create_message"}
CHANGES = ("resource_updated", "tool_list_changed", "prompt_list_changed", "resource_list_changed")
STATE = {"get_state", "set_state", "delete_state"}
CONTEXT = {"Context", "get_context", "get_access_token", "CurrentContext", "CurrentAccessToken", "request_context", "ServerRequestContext"}
OFFERS = {
    "tools": {"tool", "add_tool", "Tool", "list_tools", "on_list_tools"},
    "resources": {
        *("resource", "add_resource", "add_template", "Resource", "TextResource", "list_resources"),
        *("list_resource_templates", "on_list_resources", "on_list_resource_templates"),
    },
    "prompts": {"prompt", "add_prompt", "Prompt", "list_prompts", "on_list_prompts"},
}


@dataclass
class Sources:
    app: str
    main: str = ""
    names: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    asks: bool = False
    warnings: list[str] = field(default_factory=list)

    def uses(self, *names: str) -> bool:
        return bool(self.names & set(names))

    def imports(self, module: str) -> bool:
        return any(name == module or name.startswith(f"{module}.") for name in self.modules)

    def world(self, asynchronous: bool) -> str:
        end = "-async@0.1.0" if asynchronous else "@0.1.0"
        lines = [f"export spin-mcp:server/{name}{end};" for name, marks in OFFERS.items() if self.uses(*marks)]
        if self.uses(*OFFERS["resources"], *OFFERS["prompts"]):
            lines.append(f"export spin-mcp:server/completions{end};")
        if self.asks or self.uses(*CONTEXT):
            lines.append("import spin-mcp:server/request@0.1.0;")
        if self.asks:
            lines.append("import spin-mcp:server/input@0.1.0;")
        if any(self.uses(f"send_{what}") for what in CHANGES):
            lines.append("import spin-mcp:server/changes@0.1.0;")
        if self.uses(*STATE) or self.imports("wasi.key_value"):
            lines.append("import wasi:keyvalue/store@0.2.0-draft2;")
        if self.imports("wasi.variables"):
            lines.append("import wasi:config/store@0.2.0-draft-2024-09-27;")
        if self.imports("wasi.http_async") or self.imports("wasi.http") or self.imports("httpx") or self.imports("httpx2"):
            lines.append("import wasi:http/client@0.3.0;" if asynchronous else "import wasi:http/outgoing-handler@0.2.0;")
        if not asynchronous:
            lines += ["import wasi:io/poll@0.2.0;", "import wasi:clocks/monotonic-clock@0.2.0;"]
        body = "".join(f"    {line}\n" for line in lines)
        return "package local:feature;\n\nworld feature {\n" + body + "}\n"

    def module(self) -> str:
        """The module that imports the app, and what a component could not import later."""
        lines = [f"import {self.app} as module"]
        if self.imports("zoneinfo"):
            # Its data are files, which a component does not have later.
            lines.append("from zoneinfo import ZoneInfo, available_timezones\nZONES = [ZoneInfo(name) for name in available_timezones()]")
        if self.main:
            lines.append(f"from spin_mcp.lowlevel import started\nstarted(module.{self.main})")
        for name in sorted({*LATE, *self.late}):
            lines.append(f"try:\n    import {name}\nexcept ImportError:\n    pass")
        return "\n".join(lines) + "\n"


def read(app: str, project: Path, libraries: list[Path]) -> Sources:
    app, _, main = app.partition(":")
    found = Sources(app, main)
    waiting, seen = [app], set()
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if name in seen or top in OWN or top in sys.stdlib_module_names:
            continue
        seen.add(name)
        own = locate(name, [project])
        path = own or locate(name, libraries)
        if path is None:
            continue
        if path.suffix != ".py":
            found.warnings.append(f"`{top}` has native code, which a component cannot load: {path.name}")
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            # A newer Python's; the build of the component says what is wrong.
            continue
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for module, is_late in imports(tree, package):
            found.modules.add(module)
            waiting.append(module)
            if is_late and (own or module.partition(".")[0] in sys.stdlib_module_names):
                found.late.add(module)
        if own:
            look(tree, found)
    if found.imports("zoneinfo") and locate("tzdata", [project, *libraries]) is None:
        found.warnings.append("`zoneinfo` has no time zones: add `tzdata` to `requirements.txt`")
    return found


def locate(name: str, folders: list[Path]) -> Path | None:
    """The file of a module."""
    for folder in folders:
        at = folder.joinpath(*name.split("."))
        for file in (at / "__init__.py", at.with_name(f"{at.name}.py")):
            if file.is_file():
                return file
        if at.parent.is_dir() and (native := next(at.parent.glob(f"{at.name}.*.so"), None) or next(at.parent.glob(f"{at.name}.*.pyd"), None)):
            return native
    return None


def imports(tree: ast.Module, package: str) -> Iterator[tuple[str, bool]]:
    """The modules that a module imports, and whether a function does."""

    def walk(node: ast.AST, late: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, late) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
                base = ".".join([*filter(None, above), *([child.module] if child.module else [])])
                if base:
                    yield base, late
                yield from ((f"{base}.{alias.name}".lstrip("."), False) for alias in child.names if alias.name != "*")
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from walk(child, late or inside)

    yield from walk(tree, False)


def look(tree: ast.Module, found: Sources) -> None:
    """Notes the names that a module uses."""
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.names.add(node.id)
        elif isinstance(node, ast.alias):
            found.names.add(node.name)
        elif isinstance(node, ast.keyword) and node.arg:
            found.names.add(node.arg)
        elif isinstance(node, ast.Attribute):
            found.names.add(node.attr)
            found.asks |= node.attr in ASKS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sample":
            # `random.sample` is another one.
            of = node.func.value
            found.asks |= id(node) in awaited or isinstance(of, ast.Name) and of.id in ("ctx", "context")
