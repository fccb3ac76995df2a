"""The component's exports `prompts` and `completions`: every function that `mcp.prompt` marks in
`app`."""

import traceback

import app as app  # marks its functions
import hints
import mcp
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import completion_types, mcp_types, prompt_types


class Prompts(exports.Prompts):
    def list_prompts(self, request: int, cursor: str | None) -> prompt_types.PromptList:
        first_page(cursor)
        prompts = [entry(prompt) for prompt in mcp.PROMPTS.values()]
        return prompt_types.PromptList(prompts, None, None)

    def get_prompt(
        self, request: int, name: str, arguments: list[tuple[str, str]]
    ) -> prompt_types.PromptOutcome | None:
        if (prompt := mcp.PROMPTS.get(name)) is None:
            return None
        try:
            text = prompt.get(arguments)
        except ValueError as why:
            raise Err(mcp_types.Error(-32602, str(why), None)) from None
        except Exception as why:
            traceback.print_exc()
            raise Err(mcp_types.Error(-32603, f"{type(why).__name__}: {why}", None)) from None
        content = mcp_types.ContentBlock_Text(mcp_types.TextContent(text, None, None))
        messages = [prompt_types.PromptMessage(mcp_types.Role.USER, content)]
        return prompt_types.PromptOutcome_Complete(prompt_types.PromptResult(None, messages, None))


class Completions(exports.Completions):
    def complete(
        self,
        request: int,
        reference: completion_types.CompletionReference,
        argument: completion_types.CompletionArgument,
        context: list[tuple[str, str]],
    ) -> completion_types.Completion | None:
        if isinstance(reference, completion_types.CompletionReference_Prompt):
            if (prompt := mcp.PROMPTS.get(reference.value)) is not None:
                return completion(prompt.completions(argument.name), argument.value)
        return None


def entry(prompt: mcp.Prompt) -> prompt_types.Prompt:
    arguments = [
        prompt_types.PromptArgument(
            name=name,
            title=None,
            description=hints.schema(hint).get("description"),
            required=name not in prompt.fields.defaults,
        )
        for name, hint in prompt.fields.hints.items()
    ]
    return prompt_types.Prompt(
        name=prompt.name,
        title=None,
        description=prompt.description,
        arguments=arguments,
        icons=[],
        meta=None,
    )


def completion(values: list[str], typed: str) -> completion_types.Completion:
    """Those of the values that begin with what was typed."""
    fitting = [value for value in values if value.startswith(typed)]
    return completion_types.Completion(fitting, len(fitting), False)


def first_page(cursor: str | None) -> None:
    """Lists have one page, which is asked for without a cursor."""
    if cursor is not None:
        raise Err(mcp_types.Error(-32602, "the list has one page, without a cursor", None))
