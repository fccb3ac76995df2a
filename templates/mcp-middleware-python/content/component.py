{%- if async == "yes" -%}
{%- assign class = "HandlerAsync" %}{% assign interface = "handler_async" %}{% assign def = "async def" %}{% assign await = "await " -%}
{%- else -%}
{%- assign class = "Handler" %}{% assign interface = "handler" %}{% assign def = "def" %}{% assign await = "" -%}
{%- endif -%}
"""Makes a link of the chain out of `handle` and `Settings` in `app`."""

import functools
import json
import traceback

import app
import hints
import mcp
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import {{ interface }} as chain
from wit_world.imports import mcp_types
from wit_world.imports import settings as manifest

NAME = "{{project-name | kebab_case}}"


class {{ class }}(exports.{{ class }}):
    {{ def }} handle(self, request: int, method: str, params: str) -> str:
        {{ def }} next(method: str, params: str) -> str:
            try:
                return {{ await }}chain.handle(request, method, params)
            except Err as why:
                error = why.value
                raise mcp.Error(error.code, error.message, error.data) from None

        try:
            answer = {{ await }}app.handle(settings(), method, params, next)
            if not isinstance(answer, str):
                raise TypeError(f"the answer is {type(answer).__name__}, not text of JSON")
            return answer
        except mcp.Error as why:
            raise Err(mcp_types.Error(why.code, why.message, why.data)) from None
        except Exception as why:
            traceback.print_exc()
            message = f"middleware `{NAME}` failed: {type(why).__name__}: {why}"
            raise Err(mcp_types.Error(-32603, message, None)) from None

    {{ def }} notify(self, request: int, method: str, params: str) -> None:
        """Notifications have no answer. They pass as they are."""
        {{ await }}chain.notify(request, method, params)


@functools.cache
def settings() -> app.Settings:
    """The settings, which are the same for every request."""
    try:
        found = hints.fields(app.Settings).parse(json.loads(manifest.get()), "")
    except ValueError as why:
        raise mcp.Error(-32603, f"the settings of `{NAME}`: {why}") from None
    return app.Settings(**found)


hints.fields(app.Settings).schema()  # says which hints cannot be
