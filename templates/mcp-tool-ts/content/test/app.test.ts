/** Run with `npm test`: tools are plain functions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { add } from "../src/app.ts";

test("adds", () => {
  assert.equal(add({ a: 2, b: 3 }), 5);
});

test("refuses a sum that does not fit", () => {
  assert.throws(() => add({ a: Number.MAX_SAFE_INTEGER, b: 1 }));
});
