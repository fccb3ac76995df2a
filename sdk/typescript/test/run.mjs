/**
 * Runs the tests of this package: `node test/run.mjs`, with `esbuild`, `zod`, `acorn` and the
 * official SDKs in a `node_modules` above or in `NODE_PATH`.
 */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const esbuild = createRequire(import.meta.url)("esbuild");
const outdir = join(process.env.OUT ?? join(here, "../build/test"));
const files = fs.readdirSync(here).filter((name) => name.endsWith(".test.ts"));

for (const engine of ["quickjs", "starlingmonkey"]) {
  await esbuild.build({
    entryPoints: files.filter((name) => (name === "quickjs.test.ts") === (engine === "quickjs")).map((name) => join(here, name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    alias: { "spin-mcp/engine": join(here, `../src/engine-${engine}.ts`) },
    // CommonJS packages, and what is loaded late.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    external: ["acorn"],
    logLevel: "warning",
  });
}
const tests = files.map((name) => join(outdir, name.replace(".ts", ".mjs")));
process.exit(spawnSync(process.execPath, ["--test", ...tests], { stdio: "inherit" }).status ?? 1);
