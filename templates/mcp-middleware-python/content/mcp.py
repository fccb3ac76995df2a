"""What `handle` deals with. Texts of JSON are as the client and the features wrote them."""

from collections.abc import {% if async == "yes" %}Awaitable, {% endif %}Callable

{% if async == "yes" -%}
Next = Callable[[str, str], Awaitable[str]]
{%- else -%}
Next = Callable[[str, str], str]
{%- endif %}
"""Hands a method and its params on, and gives the answer or raises `Error`."""


class Error(Exception):
    """A failure that the client sees. `data` is text of JSON."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
