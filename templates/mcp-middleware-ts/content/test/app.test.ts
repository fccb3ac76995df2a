/** Run with `npm test`: `handle` is a plain function. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { handle } from "../src/app.ts";
import { Refusal } from "../src/mcp.ts";

test("passes answers on", () => {
  const next = (method: string, params: string) => {
    assert.deepEqual([method, params], ["ping", "{}"]);
    return '{"a":1}';
  };
  assert.equal(handle({ slow_ms: 0 }, "ping", "{}", next), '{"a":1}');
});

test("passes errors on", () => {
  const next = () => {
    throw new Refusal(-32602, "unknown tool");
  };
  assert.throws(() => handle({ slow_ms: 10 }, "tools/call", "{}", next), { code: -32602 });
});
