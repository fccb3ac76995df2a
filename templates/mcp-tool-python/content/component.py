{%- if async == "yes" -%}
{%- assign class = "ToolsAsync" %}{% assign def = "async def" -%}
{%- else -%}
{%- assign class = "Tools" %}{% assign def = "def" -%}
{%- endif -%}
{%- if async == "yes" -%}
"""The component's export `tools-async`: every function that `mcp.tool` marks in `app`."""
{%- else -%}
"""The component's export `tools`: every function that `mcp.tool` marks in `app`."""
{%- endif %}

import inspect
import traceback

import app as app  # marks its functions
import mcp
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import mcp_types, tool_types


class {{ class }}(exports.{{ class }}):
    {{ def }} list_tools(self, request: int, cursor: str | None) -> tool_types.ToolList:
        first_page(cursor)
        return tool_types.ToolList([entry(tool) for tool in mcp.TOOLS.values()], None, None)

    {{ def }} call_tool(
        self, request: int, name: str, arguments: str
    ) -> tool_types.ToolOutcome | None:
        if (tool := mcp.TOOLS.get(name)) is None:
            return None
        mcp.REQUEST.set(request)
        try:
            answer = tool.function(**tool.parse(arguments))
            {%- if async == "yes" %}
            if inspect.isawaitable(answer):
                answer = await answer
            {%- endif %}
            text, is_error = mcp.text(answer), False
        except ValueError as why:
            text, is_error = str(why), True
        except Exception as why:
            traceback.print_exc()
            text, is_error = f"{type(why).__name__}: {why}", True
        content: list[mcp_types.ContentBlock] = []
        if text:
            content.append(mcp_types.ContentBlock_Text(mcp_types.TextContent(text, None, None)))
        result = tool_types.ToolResult(content, None, is_error, None)
        return tool_types.ToolOutcome_Complete(result)


def entry(tool: mcp.Tool) -> tool_types.Tool:
    return tool_types.Tool(
        name=tool.name,
        title=None,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=None,
        annotations=None,
        icons=[],
        meta=None,
    )


def first_page(cursor: str | None) -> None:
    """Lists have one page, which is asked for without a cursor."""
    if cursor is not None:
        raise Err(mcp_types.Error(-32602, "the list has one page, without a cursor", None))

{%- if async != "yes" %}


for tool in mcp.TOOLS.values():
    if inspect.iscoroutinefunction(tool.function):
        raise TypeError(f"`{tool.name}` is async, but the export `tools` is not")
{%- endif %}
