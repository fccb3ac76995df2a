"""Variables of the app, such as keys of web services.

In `spin.toml`, the feature has `allow = ["variables"]`, and `[component.mcp.variables]` names them.
"""

import sys

if sys.platform == "wasi":
    from componentize_py_types import Err
    from wit_world.imports import config_store


class Error(ValueError):
    """There is no value. Says why."""


def get(name: str) -> str:
    """The value of a variable."""
    if sys.platform != "wasi":
        raise RuntimeError("only a component has variables; a test replaces `variables.get`")
    try:
        value = config_store.get(name)
    except Err as why:
        raise Error(f"cannot read the variable `{name}`: {why.value.value}") from None
    if value is None:
        raise Error(
            f"there is no variable `{name}`: in `spin.toml`, declare it in `[variables]` and in"
            ' `[component.mcp.variables]`, and give the feature `allow = ["variables"]`'
        )
    return str(value)
