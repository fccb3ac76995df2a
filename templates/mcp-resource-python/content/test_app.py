"""Run with `python3 -m unittest`: resources are plain functions."""

import unittest

from app import note


class Note(unittest.TestCase):
    def test_is_found(self) -> None:
        self.assertEqual(note("travel"), "The train leaves at 9.")

    def test_is_none_where_there_is_none(self) -> None:
        self.assertIsNone(note("work"))
