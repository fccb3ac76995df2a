/** What stands in the place of Node.js. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ok, strict } from "../src/builtins/assert.ts";
import { spinMcpBuilt } from "../src/builtins/globals.ts";
// @ts-expect-error It has whatever is asked for.
import express, { Router } from "../src/builtins/listens.cjs";

test("random values are refused until the component is built", () => {
  const while_ = /^Error: `crypto.randomUUID` is called while the component is built/;
  assert.throws(() => crypto.randomUUID(), while_);
  assert.throws(() => crypto.getRandomValues(new Uint8Array(1)));
  spinMcpBuilt();
  assert.match(crypto.randomUUID(), /^[\da-f-]{36}$/);
  assert.equal(crypto.getRandomValues(new Uint8Array(3)).length, 3);
});

test("packages that listen do nothing", async () => {
  const app = express();
  app.use(express.json({ limit: "1mb" }), new Router().get("/", () => assert.fail()));
  await app.listen(3000, () => assert.fail());
});

test("assertions say what failed", () => {
  ok(1);
  strict.equal(1, 1);
  assert.throws(() => strict(0, "no"), /^AssertionError: no$/);
  assert.throws(() => strict.strictEqual(1, 2), /1 is not 2/);
});
