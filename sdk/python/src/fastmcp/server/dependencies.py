"""What belongs to the call that is served."""

from typing import Any

from spin_mcp.context import Context
from spin_mcp.functions import Depends as Depends
from spin_mcp.functions import current
from spin_mcp.host import Caller


def get_context() -> Context[Any, Any, Any]:
    return current()


def get_http_headers(include_all: bool = False) -> dict[str, str]:
    """The headers that `headers` of the server in `spin.toml` names: a feature sees no others."""
    return current().headers


def get_http_request() -> Any:
    raise RuntimeError("a component's feature does not see the client's HTTP request")


def get_access_token() -> Caller | None:
    """The caller, with `client_id`, `scopes` and `claims`. The token itself stays outside."""
    return current().identity


def CurrentContext() -> Any:  # noqa: N802
    return Depends(get_context)


def CurrentHeaders() -> Any:  # noqa: N802
    return Depends(get_http_headers)


def CurrentAccessToken() -> Any:  # noqa: N802
    return Depends(get_access_token)
