"""The types of the protocol that authors use. Fields are in snake_case; camelCase works, too, as
the official SDK had it until version 2."""

import base64
from typing import Any, ClassVar, Literal, TypeAlias

from .models import BaseModel, to_camel

Role: TypeAlias = Literal["user", "assistant"]
LoggingLevel: TypeAlias = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603


def wire_name(name: str) -> str:
    return "_meta" if name == "meta" else to_camel(name)


class Wire(BaseModel):
    model_config: ClassVar[dict[str, Any]] = {
        "alias_generator": wire_name,
        "populate_by_name": True,
        "extra": "allow",
    }

    def __getattr__(self, name: str) -> Any:
        for slot in type(self).model_fields:
            if wire_name(slot) == name:
                return getattr(self, slot)
        raise AttributeError(f"`{type(self).__name__}` has no attribute `{name}`")


class Annotations(Wire):
    audience: list[Role] | None = None
    priority: float | None = None
    last_modified: str | None = None


class Icon(Wire):
    src: str
    mime_type: str | None = None
    sizes: list[str] | None = None
    theme: Literal["light", "dark"] | None = None


class ToolAnnotations(Wire):
    title: str | None = None
    read_only_hint: bool | None = None
    destructive_hint: bool | None = None
    idempotent_hint: bool | None = None
    open_world_hint: bool | None = None


class TextContent(Wire):
    type: Literal["text"] = "text"
    text: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None


class ImageContent(Wire):
    type: Literal["image"] = "image"
    data: str
    mime_type: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None


class AudioContent(Wire):
    type: Literal["audio"] = "audio"
    data: str
    mime_type: str
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None


class ResourceLink(Wire):
    type: Literal["resource_link"] = "resource_link"
    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None
    icons: list[Icon] | None = None
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None


class TextResourceContents(Wire):
    uri: str
    mime_type: str | None = None
    text: str
    meta: dict[str, Any] | None = None


class BlobResourceContents(Wire):
    uri: str
    mime_type: str | None = None
    blob: str
    meta: dict[str, Any] | None = None


class EmbeddedResource(Wire):
    type: Literal["resource"] = "resource"
    resource: TextResourceContents | BlobResourceContents
    annotations: Annotations | None = None
    meta: dict[str, Any] | None = None


ContentBlock: TypeAlias = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource
BLOCKS = (TextContent, ImageContent, AudioContent, ResourceLink, EmbeddedResource)


class PromptMessage(Wire):
    role: Role
    content: ContentBlock


class SamplingMessage(Wire):
    role: Role
    content: TextContent | ImageContent | AudioContent | list[Any]


class CreateMessageResult(Wire):
    role: Role
    content: Any
    model: str = ""
    stop_reason: str | None = None


class Root(Wire):
    uri: str
    name: str | None = None


class PromptReference(Wire):
    type: Literal["ref/prompt"] = "ref/prompt"
    name: str


class ResourceTemplateReference(Wire):
    type: Literal["ref/resource"] = "ref/resource"
    uri: str


class CompletionArgument(Wire):
    name: str
    value: str


class CompletionContext(Wire):
    arguments: dict[str, str] | None = None


class Completion(Wire):
    values: list[str]
    total: int | None = None
    has_more: bool | None = None


class ElicitRequestFormParams(Wire):
    mode: Literal["form"] = "form"
    message: str
    requested_schema: dict[str, Any]


class ElicitRequestURLParams(Wire):
    mode: Literal["url"] = "url"
    message: str
    url: str
    elicitation_id: str


class ElicitResult(Wire):
    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any] | None = None


class CallToolResult(Wire):
    content: list[ContentBlock] = []
    structured_content: dict[str, Any] | None = None
    is_error: bool = False
    meta: dict[str, Any] | None = None


class ErrorData(Wire):
    code: int
    message: str
    data: Any = None


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What servers of the low level list.


class Tool(Wire):
    name: str
    title: str | None = None
    description: str | None = None
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None
    annotations: ToolAnnotations | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = None


class PromptArgument(Wire):
    name: str
    title: str | None = None
    description: str | None = None
    required: bool | None = None


class Prompt(Wire):
    name: str
    title: str | None = None
    description: str | None = None
    arguments: list[PromptArgument] | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = None


class GetPromptResult(Wire):
    description: str | None = None
    messages: list[PromptMessage]
    meta: dict[str, Any] | None = None


class Resource(Wire):
    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None
    annotations: Annotations | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = None


class ResourceTemplate(Wire):
    uri_template: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    annotations: Annotations | None = None
    icons: list[Icon] | None = None
    meta: dict[str, Any] | None = None


# Parameters and results of the handlers of the low-level server


class PaginatedRequestParams(Wire):
    cursor: str | None = None


class CallToolRequestParams(Wire):
    name: str
    arguments: dict[str, Any] | None = None


class ReadResourceRequestParams(Wire):
    uri: str


class GetPromptRequestParams(Wire):
    name: str
    arguments: dict[str, str] | None = None


class CompleteRequestParams(Wire):
    ref: PromptReference | ResourceTemplateReference
    argument: CompletionArgument
    context: CompletionContext | None = None


class CompleteResult(Wire):
    completion: Completion


class ListToolsResult(Wire):
    tools: list[Tool]
    next_cursor: str | None = None


class ListPromptsResult(Wire):
    prompts: list[Prompt]
    next_cursor: str | None = None


class ListResourcesResult(Wire):
    resources: list[Resource]
    next_cursor: str | None = None


class ListResourceTemplatesResult(Wire):
    resource_templates: list[ResourceTemplate]
    next_cursor: str | None = None


class ReadResourceResult(Wire):
    contents: list[TextResourceContents | BlobResourceContents]
    meta: dict[str, Any] | None = None
