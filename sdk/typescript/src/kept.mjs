/** What a build makes of the world, and not of the code, is kept in `build` until the world changes. */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** A hash of the files below these paths. A path that does not exist counts as an empty file. */
export function digest(...paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const folder = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory();
    const names = folder ? fs.readdirSync(path, { recursive: true }).map(String).sort() : [""];
    for (const name of names.map((name) => join(path, name))) {
      const file = fs.statSync(name, { throwIfNoEntry: false })?.isFile();
      const text = file ? fs.readFileSync(name) : Buffer.alloc(0);
      hash.update(JSON.stringify([relative(".", name), text.length])).update(text);
    }
  }
  return hash.digest("hex");
}

/** What `make` returned for this key: an object with `wasm`. The file has that of one key. */
export function kept(file, key, make) {
  const old = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  const end = old.indexOf("\n");
  try {
    const { key: known, size, ...made } = JSON.parse(old.subarray(0, end).toString());
    const wasm = old.subarray(end + 1);
    if (known === key && size === wasm.length) return { ...made, wasm };
  } catch {
    // There is none, or another version of the SDK wrote it.
  }
  const { wasm, ...made } = make();
  const head = JSON.stringify({ key, size: wasm.length, ...made });
  const whole = `${file}.${process.pid}`;
  fs.writeFileSync(whole, Buffer.concat([Buffer.from(`${head}\n`), wasm]));
  fs.renameSync(whole, file);
  return { wasm, ...made };
}

/**
 * Lets componentize-js keep the engine with the bindings of the world, which takes it half of a
 * build. If its files are elsewhere in another version, nothing is kept.
 */
export async function keepEngine(componentizeJs, file, ...inputs) {
  const path = join(componentizeJs, "lib/spidermonkey-embedding-splicer.js");
  if (!fs.existsSync(path)) return;
  const { splicer } = await import(pathToFileURL(fs.realpathSync(path)).href);
  const splice = splicer?.spliceBindings;
  if (!splice) return;
  splicer.spliceBindings = (engine, ...more) => {
    const key = createHash("sha256").update(engine).update(JSON.stringify([more, digest(...inputs)]));
    return kept(file, key.digest("hex"), () => splice(engine, ...more));
  };
}
