/** Regular expressions without Unicode properties. */

import assert from "node:assert/strict";
import { test } from "node:test";
// @ts-ignore: plain JavaScript.
import { lower } from "../src/lower.mjs";

test("properties become ranges that match the same", async () => {
  const code = [
    "export const letter = /^\\p{L}+$/u, other = /^[^\\p{L}\\d]$/u, not = /^\\P{Lu}$/u;",
    "export const inside = /^[\\P{L}a]$/u, text = new RegExp('^[\\\\p{Emoji}_]$', 'u');",
    "export const untouched = 'a \\\\p{Nothing} b', half = 8 / 2 / 1;",
  ].join("\n");
  const lowered = await lower(code);
  assert.doesNotMatch(lowered, /\\p\{L\}|\\P\{|\\p\{Emoji\}/);
  const load = (text: string) => import(`data:text/javascript,${encodeURIComponent(text)}`);
  const [was, is] = await Promise.all([load(code), load(lowered)]);
  for (const sample of ["a", "ß", "Z", "1", "_", "漢", "🌍", "é", " ", "\u{1e900}"]) {
    for (const name of ["letter", "other", "not", "inside", "text"]) {
      assert.equal(is[name].test(sample), was[name].test(sample), `${name} of ${sample}`);
    }
  }
  assert.deepEqual([is.untouched, is.half], [was.untouched, 4]);
});
