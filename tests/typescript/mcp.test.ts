/** What `src/mcp.ts` makes of schemas and functions that the example of `mcp-tool-ts` does not have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { exported, tool } from "../src/mcp.ts";

const quickjs = process.env.ENGINE === "quickjs";

const Order = z
  .strictObject({
    items: z.array(z.strictObject({ name: z.string(), count: z.int().min(1).default(1) })),
    gift: z.boolean().optional(),
  })
  .refine(({ items, gift }) => !gift || items.length > 0, "a gift has items");

function of(run: (given: z.infer<typeof Order>, request: bigint) => unknown) {
  const { listTools, callTool } = exported({ order: tool(Order, run) });
  const call = async (given: unknown) => {
    const outcome = await callTool(7n, "order", JSON.stringify(given));
    assert.equal(outcome?.tag, "complete");
    const { content, isError } = outcome.val as { content: any[]; isError: boolean };
    return [content[0]?.val.text, isError];
  };
  return { listTools, callTool, call };
}

test("a default need not be given", async () => {
  const { listTools, call } = of(({ items }) => items);
  const [order] = listTools(0n).tools;
  const { items } = JSON.parse(order!.inputSchema).properties;
  assert.deepEqual(items.items.required, ["name"]);
  assert.equal("description" in order!, false);
  const answer = await call({ items: [{ name: "tea" }] });
  assert.deepEqual(answer, ['[{"name":"tea","count":1}]', false]);
});

test("all that is wrong is told, with its place", async () => {
  const { call } = of(() => assert.fail("called"));
  assert.deepEqual(await call({ items: [{ name: "tea", count: 0 }, {}], gift: "yes", tip: 1 }), [
    "invalid arguments: items.0.count: Too small: expected number to be >=1; " +
      "items.1.name: missing; gift: Invalid input: expected boolean, received string; tip: unknown",
    true,
  ]);
  assert.deepEqual(await call({ items: [], gift: true }), [
    "invalid arguments: a gift has items",
    true,
  ]);
  assert.deepEqual(await call({}), ["invalid arguments: items: missing", true]);
});

test("arguments may be as models write them", async () => {
  const { call } = of((given) => given);
  const tea = '{"items":[{"name":"tea","count":3}]}';
  for (const given of [
    { items: '[{"name":"tea","count":3.0}]', gift: null },
    { items: ['{"name": "tea", "count": 3}'] },
    { items: [{ name: "tea", count: 3 }], gift: null },
  ]) {
    assert.deepEqual(await call(given), [tea, false]);
  }
  for (const [given, why] of [
    [{ items: null }, "items: missing"],
    [{ items: "tea" }, "items: Invalid input: expected array, received string"],
    [{ items: [{ name: null }] }, "items.0.name: missing"],
    [{ items: [null] }, "items.0: Invalid input: expected object, received null"],
  ]) {
    assert.deepEqual(await call(given), [`invalid arguments: ${why}`, true]);
  }
});

test("what a function throws is told in its own words", async (context) => {
  const logged = context.mock.method(console, "error", () => {});
  const told = async (why: unknown) => {
    const failing = of(() => {
      throw why;
    });
    const [text, failed] = await failing.call({ items: [] });
    assert.equal(failed, true);
    return text;
  };
  assert.equal(await told(new Error("no tea")), "no tea");
  assert.equal(await told("no tea"), "no tea");
  assert.equal(logged.mock.callCount(), 0);
  assert.equal(await told(new RangeError("no tea")), "RangeError: no tea");
  if (!quickjs) {
    assert.match(
      await told(new TypeError("NetworkError when attempting to fetch resource")),
      /^cannot send the HTTP request: /,
    );
  }
  assert.equal(logged.mock.callCount(), quickjs ? 1 : 2);
  const refused = (payload: unknown) => Object.assign(new Error("see payload"), { payload });
  assert.equal(await told(refused({ tag: "access-denied" })), "the host refused: access-denied");
  assert.equal(await told(refused({ tag: "other", val: "full" })), "the host refused: other: full");
});

test("a function gets the id of the request", async () => {
  assert.deepEqual(await of((_, request) => `${request}`).call({ items: [] }), ["7", false]);
  for (const nothing of [undefined, null, ""]) {
    assert.deepEqual(await of(() => nothing).call({ items: [] }), [undefined, false]);
  }
});

test("a promise is awaited", { skip: quickjs }, async () => {
  assert.deepEqual(await of(async () => Promise.resolve("tea")).call({ items: [] }), ["tea", false]);
  const failing = of(() => Promise.reject(new Error("no tea")));
  assert.deepEqual(await failing.call({ items: [] }), ["no tea", true]);
});

test("formats that QuickJS could not check are refused", { skip: !quickjs }, () => {
  for (const format of [z.url(), z.ipv6(), z.cidrv6()]) {
    assert.throws(() => tool(z.object({ link: format.optional() }), () => 1), /cannot check the format/);
  }
  tool(z.object({ id: z.uuid(), mail: z.email(), at: z.iso.datetime(), ip: z.ipv4() }), () => 1);
});

test("names that are no tool's, and pages that are none", async () => {
  const { callTool, listTools } = of(() => 1);
  assert.equal(await callTool(0n, "toString", "{}"), undefined);
  assert.throws(() => listTools(0n, "2"), { code: -32602 });
});
