/** Schemas in the form that all known clients take. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { jsonSchema, mismatches, tidy } from "../src/schema.ts";

const of = (schema: any) => tidy(jsonSchema(schema, "input"));

test("the forms that clients refuse are not sent", () => {
  assert.deepEqual(of(undefined), { type: "object", properties: {} });
  assert.deepEqual(of({ type: "object" }), { type: "object", properties: {} });
  assert.deepEqual(
    tidy({
      type: "object",
      $schema: "https://json-schema.org/draft/2020-12/schema",
      properties: { a: true, b: { type: "array", items: true }, c: { anyOf: [true, { type: "null" }] } },
      required: ["c"],
      additionalProperties: true,
    }),
    {
      type: "object",
      properties: { a: {}, b: { type: "array", items: {} }, c: { anyOf: [{}, { type: "null" }] } },
      required: ["c"],
      additionalProperties: true,
    },
  );
});

test("zod's kinds", () => {
  const { properties, required } = of(
    z.object({
      kind: z.enum(["a", "b"]),
      literal: z.literal(3),
      optional: z.object({ n: z.number() }).nullish().describe("D"),
      needed: z.string().nullable(),
      tuple: z.tuple([z.string(), z.string()]),
      any: z.any(),
      record: z.record(z.string(), z.unknown()),
    }),
  );
  assert.deepEqual(properties.kind, { type: "string", enum: ["a", "b"] });
  assert.deepEqual(properties.literal, { type: "number", const: 3 });
  assert.equal(properties.optional.type, "object");
  assert.equal(properties.optional.description, "D");
  assert.deepEqual([properties.needed.type].flat().concat(properties.needed.anyOf ?? []).length, 2);
  assert.deepEqual(properties.tuple.items, { type: "string" });
  assert.equal(properties.tuple.maxItems, 2);
  assert.deepEqual(properties.any, {});
  assert.deepEqual(properties.record.additionalProperties, {});
  assert.ok(!required.includes("optional"));
});

test("recursive types have local definitions", () => {
  const Tree = z.object({
    name: z.string(),
    get children() {
      return z.array(Tree);
    },
  });
  const schema = of(z.object({ root: Tree }));
  assert.match(JSON.stringify(schema), /"\$ref":"#\/\$defs\//);
  assert.deepEqual(mismatches(schema, { root: { name: "a", children: [{ name: 1, children: [] }] } }), [
    { path: ["root", "children", 0, "name"], message: "expected string" },
  ]);
});
