"""Run with `python3 -m unittest`: prompts are plain functions."""

import unittest

from app import summarize


class Summarize(unittest.TestCase):
    def test_asks_for_a_paragraph(self) -> None:
        prompt = summarize("Once upon a time")
        self.assertTrue(prompt.startswith("Summarize this text in one paragraph:"))

    def test_refuses_an_empty_text(self) -> None:
        with self.assertRaises(ValueError):
            summarize(" ")
