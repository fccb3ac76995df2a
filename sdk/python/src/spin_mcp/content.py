"""What functions return, and the content blocks that clients get."""

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import hints
from .types import (
    BLOCKS,
    Annotations,
    AudioContent,
    BlobResourceContents,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    PromptMessage,
    Role,
    TextContent,
    TextResourceContents,
    encoded,
)


class Media:
    """Data, or a file that is read when the module loads: a component has no files later."""

    kind = "application"
    usual = "octet-stream"

    def __init__(
        self,
        path: str | Path | None = None,
        data: bytes | None = None,
        format: str | None = None,
        annotations: Annotations | None = None,
    ) -> None:
        if (path is None) == (data is None):
            raise ValueError("either `path` or `data` must be given, and not both")
        self.path = Path(path) if path is not None else None
        self.data = self.path.read_bytes() if self.path is not None else data or b""
        self.format, self.annotations = format, annotations

    @property
    def mime_type(self) -> str:
        if self.format is not None:
            return self.format if "/" in self.format else f"{self.kind}/{self.format}"
        guessed = mimetypes.guess_type(self.path.name)[0] if self.path is not None else None
        return guessed or f"{self.kind}/{self.usual}"

    def block(self) -> ContentBlock:
        raise NotImplementedError


class Image(Media):
    """An image as a result: `Image(data=…, format="png")`."""

    kind, usual = "image", "png"

    def block(self) -> ImageContent:
        return ImageContent(data=encoded(self.data), mime_type=self.mime_type, annotations=self.annotations)

    to_image_content = block


class Audio(Media):
    """A sound as a result: `Audio(data=…, format="wav")`."""

    kind, usual = "audio", "wav"

    def block(self) -> AudioContent:
        return AudioContent(data=encoded(self.data), mime_type=self.mime_type, annotations=self.annotations)

    to_audio_content = block


class File(Media):
    """A file as a result: an embedded resource."""

    def __init__(
        self,
        path: str | Path | None = None,
        data: bytes | None = None,
        format: str | None = None,
        name: str | None = None,
        annotations: Annotations | None = None,
    ) -> None:
        super().__init__(path, data, format, annotations)
        self.name = name or (self.path.name if self.path is not None else "resource")

    @property
    def mime_type(self) -> str:
        return "text/plain" if self.format in ("plain", "txt", "text") else super().mime_type

    def block(self) -> EmbeddedResource:
        uri = f"file:///{self.name}"
        held: TextResourceContents | BlobResourceContents
        if self.mime_type.startswith("text/"):
            held = TextResourceContents(uri=uri, mime_type=self.mime_type, text=self.data.decode())
        else:
            held = BlobResourceContents(uri=uri, mime_type=self.mime_type, blob=encoded(self.data))
        return EmbeddedResource(resource=held, annotations=self.annotations)

    to_resource_content = block


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else hints.dumps(value)


def block(value: Any) -> ContentBlock:
    """One value as one block."""
    if isinstance(value, BLOCKS):
        return value
    if isinstance(value, Media):
        return value.block()
    return TextContent(text=text_of(value))


def is_content(value: Any) -> bool:
    return isinstance(value, (*BLOCKS, Media))


def blocks(value: Any) -> list[ContentBlock]:
    """A result as content. A list with images or the like is one block for each; any other list
    is one text."""
    if value is None or isinstance(value, str) and not value:
        return []
    if isinstance(value, (list, tuple)) and any(map(is_content, value)):
        return [block(part) for part in value]
    return [block(value)]


class ToolResult:
    """A result with its content and structured content as the author wants them."""

    def __init__(
        self,
        content: Any = None,
        structured_content: Any = None,
        meta: dict[str, Any] | None = None,
        is_error: bool = False,
    ) -> None:
        if content is None and structured_content is None:
            raise ValueError("either `content` or `structured_content` must be given")
        self.structured_content = hints.plain(structured_content)
        value = structured_content if content is None else content
        self.content = [] if isinstance(value, list) and not value else blocks(value)
        self.meta, self.is_error = meta, is_error


class Message:
    """One message of a prompt."""

    def __init__(self, content: Any, role: Role = "user") -> None:
        self.content, self.role = block(content), role


class UserMessage(Message):
    def __init__(self, content: Any, role: Role = "user") -> None:
        super().__init__(content, role)


class AssistantMessage(Message):
    def __init__(self, content: Any, role: Role = "assistant") -> None:
        super().__init__(content, role)


def message(value: Any) -> Message:
    if isinstance(value, Message):
        return value
    if isinstance(value, PromptMessage):
        return Message(value.content, value.role)
    if isinstance(value, dict) and value.keys() >= {"role", "content"}:
        content = value["content"]
        if isinstance(content, dict):
            content = hints.Parser(lax=True).parse(ContentBlock, content, "content")
        return Message(content, value["role"])
    return Message(value)


class PromptResult:
    """A prompt with a description of its own."""

    def __init__(self, messages: Any, description: str | None = None, meta: dict[str, Any] | None = None) -> None:
        self.messages = [message(part) for part in (messages if isinstance(messages, Sequence) and not isinstance(messages, str) else [messages])]
        self.description, self.meta = description, meta


class ResourceContent:
    """One content of a resource."""

    def __init__(self, content: Any, mime_type: str | None = None, meta: dict[str, Any] | None = None) -> None:
        self.content = content if isinstance(content, (str, bytes)) else hints.dumps(content)
        self.mime_type, self.meta = mime_type, meta


class ResourceResult:
    """The contents of a resource."""

    def __init__(self, contents: Any, meta: dict[str, Any] | None = None) -> None:
        parts = contents if isinstance(contents, list) and all(isinstance(part, ResourceContent) for part in contents) else [contents]
        self.contents = [part if isinstance(part, ResourceContent) else ResourceContent(part) for part in parts]
        self.meta = meta
