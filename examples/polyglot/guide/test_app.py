"""Run with `python3 -m unittest`: resources are plain functions."""

import json
import unittest

from app import CITIES, cities, city


class Guide(unittest.TestCase):
    def test_lists_each_city(self) -> None:
        for name in cities().splitlines():
            self.assertEqual(json.loads(city(name) or "")["see"], CITIES[name].see)

    def test_has_no_other_city(self) -> None:
        self.assertIsNone(city("Atlantis"))
