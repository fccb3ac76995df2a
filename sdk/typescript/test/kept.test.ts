/** What builds keep between two edits. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
// @ts-ignore: plain JavaScript.
import { digest, kept, keepEngine } from "../src/kept.mjs";

const dir = fs.mkdtempSync(join(tmpdir(), "kept-"));

test("what was made for a key is made once", () => {
  const file = join(dir, "kept");
  let made = 0;
  const get = (key: string) =>
    kept(file, key, () => ({ wasm: new Uint8Array([++made, 10, 0]), exports: [["a\n", { params: [] }]] }));
  const first = (number: number) => ({ wasm: Buffer.from([number, 10, 0]), exports: [["a\n", { params: [] }]] });
  const seen = (key: string) => ({ ...get(key), wasm: Buffer.from(get(key).wasm) });
  assert.deepEqual(seen("a"), first(1));
  assert.deepEqual(seen("b"), first(2));
  assert.equal(made, 2);
  const whole = fs.readFileSync(file);
  for (const broken of [whole.subarray(0, -1), whole.subarray(0, 5), Buffer.from("null\n"), Buffer.alloc(0)]) {
    fs.writeFileSync(file, broken);
    get("b");
  }
  assert.equal(made, 6);
});

test("a digest changes with names, contents and files that are missing", () => {
  const folder = join(dir, "wit");
  const digests = new Set();
  const more = () => digests.add(digest(folder, join(dir, "more")));
  more();
  fs.mkdirSync(join(folder, "deps"), { recursive: true });
  fs.writeFileSync(join(folder, "deps/a.wit"), "1");
  more();
  more();
  fs.writeFileSync(join(folder, "deps/a.wit"), "2");
  more();
  fs.renameSync(join(folder, "deps/a.wit"), join(folder, "deps/b.wit"));
  more();
  fs.writeFileSync(join(dir, "more"), "1");
  more();
  assert.equal(digests.size, 5);
});

test("the engine is spliced again when the world changes", async () => {
  const tool = join(dir, "tool");
  fs.mkdirSync(join(tool, "lib"), { recursive: true });
  const path = join(tool, "lib/spidermonkey-embedding-splicer.js");
  fs.writeFileSync(join(tool, "package.json"), '{"type": "module"}');
  fs.writeFileSync(path, "export const made = []; export const splicer = { spliceBindings: (...of) => (made.push(of), { wasm: of[0] }) };");
  const world = join(dir, "world.wit");
  fs.writeFileSync(world, "a");
  await keepEngine(tool, join(dir, "engine"), world);
  const { made, splicer } = await import(path);
  const splice = (engine: number, feature: string) => splicer.spliceBindings(new Uint8Array([engine]), [feature]);
  const counts = [splice(1, "http"), splice(1, "http"), splice(2, "http"), splice(2, "clocks")].map(() => made.length);
  fs.writeFileSync(world, "b");
  splice(2, "clocks");
  assert.deepEqual([counts[0], made.length], [3, 4]);
  await keepEngine(join(dir, "none"), join(dir, "engine"));
});
