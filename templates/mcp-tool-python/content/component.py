"""The component's export `tools`: every function that `mcp.tool` marks in `app`."""

import traceback

import app as app  # marks its functions
import mcp
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import mcp_types, tool_types


class Tools(exports.Tools):
    def list_tools(self, request: int, cursor: str | None) -> tool_types.ToolList:
        if cursor is not None:
            raise Err(mcp_types.Error(-32602, "all tools are on the first page", None))
        return tool_types.ToolList([entry(tool) for tool in mcp.TOOLS.values()], None, None)

    def call_tool(
        self, request: int, name: str, arguments: str
    ) -> tool_types.ToolOutcome | None:
        if (tool := mcp.TOOLS.get(name)) is None:
            return None
        try:
            text, is_error = tool.call(arguments), False
        except ValueError as why:
            text, is_error = str(why), True
        except Exception as why:
            traceback.print_exc()
            text, is_error = f"{type(why).__name__}: {why}", True
        content = mcp_types.ContentBlock_Text(mcp_types.TextContent(text, None, None))
        result = tool_types.ToolResult([content], None, is_error, None)
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
