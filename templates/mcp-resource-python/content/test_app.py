"""Run with `.venv/bin/pytest`: resources are plain functions."""

import pytest
from fastmcp.exceptions import NotFoundError

from app import note


def test_a_note_is_found() -> None:
    assert note("travel") == "The train leaves at 9."


def test_a_note_that_does_not_exist_is_not() -> None:
    with pytest.raises(NotFoundError, match="no note `work`"):
        note("work")
