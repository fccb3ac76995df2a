/** Run with `npm test`: prompts are plain functions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { trip } from "../src/app.ts";

test("names the resources of both cities", () => {
  const prompt = trip({ from: "Lisbon", to: "New York", days: 1, pace: "busy" });
  assert.ok(prompt.includes("guide://cities/Lisbon"));
  assert.ok(prompt.includes("guide://cities/New%20York"));
  assert.ok(prompt.includes("lasts 1 day."));
});

test("refuses a trip to where it starts", () => {
  assert.throws(() => trip({ from: "Quito", to: "Quito", days: 2, pace: "slow" }));
});
