"""MCP Apps: resources whose pages show what tools return."""

from typing import Any, Literal

from .types import Wire

UI_MIME_TYPE = "text/html;profile=mcp-app"


class ResourceCSP(Wire):
    connect_domains: list[str] | None = None
    resource_domains: list[str] | None = None
    frame_domains: list[str] | None = None
    base_uri_domains: list[str] | None = None


class ResourcePermissions(Wire):
    camera: dict[str, Any] | None = None
    microphone: dict[str, Any] | None = None
    geolocation: dict[str, Any] | None = None
    clipboard_write: dict[str, Any] | None = None


class AppConfig(Wire):
    """Of a tool: its page, and who calls it. Of a page: what it may reach."""

    resource_uri: str | None = None
    visibility: list[Literal["app", "model"]] | None = None
    csp: ResourceCSP | None = None
    permissions: ResourcePermissions | None = None
    domain: str | None = None
    prefers_border: bool | None = None


def with_app(meta: dict[str, Any] | None, app: Any) -> dict[str, Any] | None:
    """The `_meta` of a tool or resource with this `app`."""
    if app is None or app is False:
        return meta
    if app is True:
        raise TypeError("`app=True` needs Prefab, which is not here; name a page: `AppConfig(resource_uri=…)`")
    config = AppConfig.model_validate(app) if isinstance(app, dict) else app
    return {**(meta or {}), "ui": config.model_dump(mode="json", by_alias=True, exclude_none=True)}
