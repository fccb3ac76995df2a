"""What every client does with the conformance fixture, and what must come of it.

A client program gets its steps as one JSON array on stdin. A step has a `method`, its `params`
if it takes any, and the `answer` to give if the server asks the user. It prints one JSON
object a line: first `{"protocolVersion": …}`, then, for each step, `{"error": {"code": …,
"message": …}}` or `{"result": …, "progress": [value…], "asked": [params…]}`, where `asked`
holds the elicitations that came meanwhile.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Step:
    name: str
    method: str
    params: dict = field(default_factory=dict)
    expected: dict = field(default_factory=dict)
    answer: dict = field(default_factory=dict)

    def wire(self):
        return {"method": self.method, "params": self.params, "answer": self.answer}


def text(value):
    return {"type": "text", "text": value}


STEPS = [
    Step(
        "list tools",
        "tools/list",
        expected={"result": {"tools": [{"name": "test_simple_text", "inputSchema": {"type": "object"}}]}},
    ),
    Step(
        "call a tool",
        "tools/call",
        {"name": "test_simple_text", "arguments": {}},
        {"result": {"content": [text("This is a simple text response for testing.")]}},
    ),
    Step(
        "call a tool that fails",
        "tools/call",
        {"name": "test_error_handling", "arguments": {}},
        {
            "result": {
                "isError": True,
                "content": [text("This tool intentionally returns an error for testing")],
            }
        },
    ),
    Step(
        "call no tool",
        "tools/call",
        {"name": "no_such_tool", "arguments": {}},
        {"error": {"code": -32602, "message": re.compile("no_such_tool")}},
    ),
    Step(
        "progress",
        "tools/call",
        {"name": "test_tool_with_progress", "arguments": {}},
        {"result": {"content": [{"type": "text"}]}, "progress": [0, 50, 100]},
    ),
    Step(
        "elicitation",
        "tools/call",
        {"name": "test_elicitation", "arguments": {"message": "Who are you?"}},
        {
            "result": {"content": [text(re.compile("accept.*ada@example.com", re.DOTALL))]},
            "asked": [
                {
                    "message": "Who are you?",
                    "requestedSchema": {"properties": {"username": {"type": "string"}}},
                }
            ],
        },
        {"username": "ada", "email": "ada@example.com"},
    ),
    Step(
        "list resources",
        "resources/list",
        expected={"result": {"resources": [{"uri": "test://static-text"}]}},
    ),
    Step(
        "list resource templates",
        "resources/templates/list",
        expected={"result": {"resourceTemplates": [{"uriTemplate": "test://template/{id}/data"}]}},
    ),
    Step(
        "read a text",
        "resources/read",
        {"uri": "test://static-text"},
        {
            "result": {
                "contents": [
                    {
                        "uri": "test://static-text",
                        "text": "This is the content of the static text resource.",
                    }
                ]
            }
        },
    ),
    Step(
        "read bytes",
        "resources/read",
        {"uri": "test://static-binary"},
        # The first bytes of every PNG.
        {"result": {"contents": [{"mimeType": "image/png", "blob": re.compile("^iVBORw0KGgo")}]}},
    ),
    Step(
        "read by a template",
        "resources/read",
        {"uri": "test://template/123/data"},
        {"result": {"contents": [{"uri": "test://template/123/data", "text": re.compile("123")}]}},
    ),
    Step(
        "list prompts",
        "prompts/list",
        expected={
            "result": {
                "prompts": [
                    {
                        "name": "test_prompt_with_arguments",
                        "arguments": [{"name": "arg1", "required": True}],
                    }
                ]
            }
        },
    ),
    Step(
        "get a prompt",
        "prompts/get",
        {"name": "test_simple_prompt"},
        {
            "result": {
                "messages": [
                    {"role": "user", "content": text("This is a simple prompt for testing.")}
                ]
            }
        },
    ),
    Step(
        "get a prompt with arguments",
        "prompts/get",
        {"name": "test_prompt_with_arguments", "arguments": {"arg1": "hello", "arg2": "world"}},
        {
            "result": {
                "messages": [{"content": text("Prompt with arguments: arg1='hello', arg2='world'")}]
            }
        },
    ),
    Step(
        "complete an argument",
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "test_prompt_with_arguments"},
            "argument": {"name": "arg1", "value": "par"},
        },
        {"result": {"completion": {"values": ["paris"]}}},
    ),
]


def mismatch(expected, actual, path="it"):
    """Why `actual` does not hold what is expected of it, or nothing. An object may have more
    members, a list more items; a pattern is searched for."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return f"{path} is no object: {actual!r}"
        for key, value in expected.items():
            if key not in actual:
                return f"{path} has no `{key}`: {actual!r}"
            if why := mismatch(value, actual[key], f"{path}.{key}"):
                return why
    elif isinstance(expected, list):
        if not isinstance(actual, list):
            return f"{path} is no list: {actual!r}"
        rest = iter(actual)
        for item in expected:
            if all(mismatch(item, candidate) for candidate in rest):
                return f"{path} has no {item!r} where it should: {actual!r}"
    elif isinstance(expected, re.Pattern):
        if not isinstance(actual, str) or not expected.search(actual):
            return f"{path} does not match `{expected.pattern}`: {actual!r}"
    elif expected != actual:
        return f"{path} is not {expected!r}: {actual!r}"
    return None
