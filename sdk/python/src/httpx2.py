"""httpx under the name of its second major version."""

from httpx import *  # noqa: F403
