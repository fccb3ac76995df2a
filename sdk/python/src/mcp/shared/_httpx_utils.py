"""The client that servers of the official SDK use."""

from typing import Any

from httpx import AsyncClient


def create_mcp_http_client(headers: dict[str, str] | None = None, timeout: Any = None, auth: Any = None) -> AsyncClient:
    return AsyncClient(headers=headers, timeout=timeout, auth=auth, follow_redirects=True)
