"""What `mcp.py` and `hints.py` of templates/mcp-tool-python make of type hints and arguments."""

import enum
import json
import unittest
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Optional

import mcp


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """Where it is."""

    x: Annotated[float, "How far across."]
    y: float = 0.5


@dataclass
class Node:
    """A tree."""

    name: str
    parts: list["Node"] = field(default_factory=list)


@dataclass
class Forest:
    tree: Node
    near: Optional["Forest"] = None


@dataclass
class Shape:
    points: list[Point]
    tags: dict[str, int] = field(default_factory=dict)


def draw(
    shape: Shape,
    color: Color = Color.RED,
    style: Literal["solid", "dotted"] = "solid",
    label: Optional[str] = None,
    size: int | str = 1,
    extra: Any = None,
) -> dict[str, Any]:
    """Draws."""
    return {"shape": shape, "color": color, "style": style, "label": label, "size": size}


class Schema(unittest.TestCase):
    def test_comes_from_hints(self) -> None:
        point = {
            "type": "object",
            "properties": {
                "x": {"type": "number", "description": "How far across."},
                "y": {"type": "number", "default": 0.5},
            },
            "required": ["x"],
            "additionalProperties": False,
            "description": "Where it is.",
        }
        shape = {
            "type": "object",
            "properties": {
                "points": {"type": "array", "items": point},
                "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
            "required": ["points"],
            "additionalProperties": False,
        }
        properties = {
            "shape": shape,
            "color": {"enum": ["red", "blue"]},
            "style": {"enum": ["solid", "dotted"], "default": "solid"},
            "label": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "size": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 1},
            "extra": {"default": None},
        }
        tool = mcp.Tool(draw)
        self.assertEqual((tool.name, tool.description), ("draw", "Draws."))
        self.assertEqual(
            json.loads(tool.schema),
            {
                "type": "object",
                "properties": properties,
                "required": ["shape"],
                "additionalProperties": False,
            },
        )

    def test_of_a_type_that_holds_itself_has_definitions(self) -> None:
        def walk(tree: Node, forest: Forest) -> None: ...

        tool = mcp.Tool(walk)
        schema = json.loads(tool.schema)
        node, forest = {"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Forest"}
        self.assertEqual(schema["properties"], {"tree": node, "forest": forest})
        self.assertEqual(set(schema["$defs"]), {"Node", "Forest"})
        self.assertEqual(schema["$defs"]["Node"]["properties"]["parts"]["items"], node)
        self.assertEqual(schema["$defs"]["Node"]["description"], "A tree.")
        self.assertEqual(schema["$defs"]["Forest"]["properties"]["tree"], node)
        self.assertNotIn("$defs", schema["$defs"]["Forest"])
        tree = {"name": "a", "parts": [{"name": "b", "parts": []}]}
        parsed = tool.parse(json.dumps({"tree": tree, "forest": {"tree": tree}}))
        self.assertEqual(parsed["tree"], Node("a", [Node("b")]))
        with self.assertRaises(ValueError) as raised:
            tool.parse('{"tree": {"name": "a", "parts": [{"name": 1}]}, "forest": {}}')
        self.assertIn("tree.parts[0].name: expected a string", str(raised.exception))

    def test_refuses_what_has_none(self) -> None:
        def untyped(a) -> None: ...  # type: ignore[no-untyped-def]
        def many(*a: int) -> None: ...
        def positional(a: int, /) -> None: ...
        def strange(a: set[int]) -> None: ...

        for function, why in (
            (untyped, "`untyped`: `a` has no type hint"),
            (many, "`many`: `a` cannot be passed by its name"),
            (positional, "`positional`: `a` cannot be passed by its name"),
            (strange, "`strange`: `a`: `set[int]` cannot be the type of an argument"),
        ):
            with self.assertRaises(TypeError) as raised:
                mcp.Tool(function)
            self.assertIn(why, str(raised.exception))


class Call(unittest.TestCase):
    def call(self, **arguments: object) -> Any:
        tool = mcp.Tool(draw)
        return json.loads(mcp.text(tool.function(**tool.parse(json.dumps(arguments)))))

    def test_arguments_have_the_types_of_their_hints(self) -> None:
        seen = {}

        @mcp.tool
        def keep(point: Point, color: Color, count: int, share: float) -> str:
            seen.update(point=point, color=color, count=count, share=share)
            return "kept"

        arguments = '{"point": {"x": 1}, "color": "blue", "count": 2.0, "share": 3}'
        tool = mcp.TOOLS.pop("keep")
        self.assertEqual(mcp.text(tool.function(**tool.parse(arguments))), "kept")
        expected = {"point": Point(1.0), "color": Color.BLUE, "count": 2, "share": 3.0}
        self.assertEqual(seen, expected)
        self.assertIs(type(seen["count"]), int)
        self.assertIs(type(seen["share"]), float)

    def test_arguments_may_be_as_models_write_them(self) -> None:
        def take(shape: Shape, size: int = 1, words: str | list[str] = "", on: bool = False) -> None: ...

        tool = mcp.Tool(take)
        parsed = tool.parse(
            '{"shape": "{\\"points\\": [], \\"tags\\": null}", "size": -0.0, "words": "[]", "on": null}'
        )
        self.assertEqual(parsed, {"shape": Shape([]), "size": 0, "words": "[]"})
        self.assertIs(type(parsed["size"]), int)
        for arguments, why in (
            ('{"shape": null}', "shape: expected an object, not `null`"),
            ('{"shape": "[1"}', 'shape: expected an object, not `"[1"`'),
            ('{"shape": {"points": []}, "size": 1e999}', "`1e999` is too large for a number"),
        ):
            with self.assertRaises(ValueError) as raised:
                tool.parse(arguments)
            self.assertIn(why, str(raised.exception))

    def test_answers_are_what_json_can_hold(self) -> None:
        self.assertEqual(mcp.text(None), "")
        self.assertEqual(mcp.text(2**60), "1152921504606846976")
        for number in (float("inf"), float("nan")):
            with self.assertRaises(ValueError):
                mcp.text([number])

    def test_answers_are_json(self) -> None:
        answer = self.call(shape={"points": [{"x": 1}]}, size="2")
        shape = {"points": [{"x": 1.0, "y": 0.5}], "tags": {}}
        expected = {"shape": shape, "color": "red", "style": "solid", "label": None, "size": "2"}
        self.assertEqual(answer, expected)

    def test_says_what_is_wrong_and_where(self) -> None:
        none: dict[str, object] = {"shape": {"points": []}}
        for arguments, why in (
            ({}, "missing field `shape`"),
            (none | {"form": 1}, "form: unknown field `form`, expected `shape` or "),
            ({"shape": {"points": [], "x": 1}}, "shape.x: unknown field `x`, expected "),
            ({"shape": 1}, "shape: expected an object, not `1`"),
            ({"shape": {"points": 1}}, "shape.points: expected an array, not `1`"),
            (
                {"shape": {"points": [{"x": 1}, {"x": "1"}]}},
                'shape.points[1].x: expected a number, not `"1"`',
            ),
            ({"shape": {"points": [{}]}}, "shape.points[0]: missing field `x`"),
            (
                {"shape": {"points": [], "tags": {"k": True}}},
                "shape.tags.k: expected an integer, not `true`",
            ),
            (none | {"color": "green"}, 'color: expected "red" or "blue", not `"green"`'),
            (none | {"style": 1}, 'style: expected "solid" or "dotted", not `1`'),
            (none | {"label": 1}, "label: expected a string, not `1`"),
            (
                none | {"size": []},
                "size: expected an integer, not `[]`, or expected a string, not `[]`",
            ),
            (none | {"size": "long" * 30, "color": "long" * 30}, "not `\"long"),
        ):
            with self.assertRaises(ValueError) as raised:
                self.call(**arguments)
            self.assertTrue(str(raised.exception).startswith("invalid arguments: "))
            self.assertIn(why, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
