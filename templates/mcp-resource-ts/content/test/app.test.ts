/** Run with `npm test`: resources are plain functions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { note } from "../src/app.ts";

test("finds a note", () => {
  assert.equal(note("travel"), "The train leaves at 9.");
});

test("knows what is not there", () => {
  assert.equal(note("work"), undefined);
});
