"""Run with `.venv/bin/pytest`: prompts are plain functions."""

import pytest

from app import summarize


def test_asks_for_a_paragraph() -> None:
    prompt = summarize("Once upon a time")
    assert prompt.startswith("Summarize this text in one paragraph:")


def test_refuses_an_empty_text() -> None:
    with pytest.raises(ValueError, match="no text"):
        summarize(" ")
