/** Run with `npm test`: prompts are plain functions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { summarize } from "../src/app.ts";

test("asks for a page", () => {
  const prompt = summarize({ text: "Once upon a time", length: "page" });
  assert.ok(prompt.startsWith("Summarize this text in one page:"));
});

test("refuses an empty text", () => {
  assert.throws(() => summarize({ text: " ", length: "page" }));
});
