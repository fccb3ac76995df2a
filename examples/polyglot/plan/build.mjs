/**
 * Builds the component: `node build.mjs OUTPUT`.
 *
 * Installs what `package-lock.json` says first, whenever it changed; checks the types; and has
 * the component import whatever the code imports of the interfaces in `wit`. What type checkers
 * and editors have to know of those, it writes to `build/types`.
 */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const BUNDLE = "build/component.js";
const INSTALLED = "node_modules/.installed";
const LOCK = "package-lock.json";
const WORLD = { worldName: "component", witPath: "build/wit" };

function install() {
  const wanted = fs.readFileSync(LOCK, "utf8");
  const known = fs.existsSync(INSTALLED) && fs.readFileSync(INSTALLED, "utf8") === wanted;
  if (known && lacking().length === 0) return;
  console.error(`installing ${LOCK} into node_modules`);
  // Here, even inside a workspace, and what builds, even where only servers run.
  const here = ["--no-workspaces", "--include=dev", "--include=optional"];
  run("npm", "install", ...here, "--no-audit", "--no-fund", "--loglevel=error");
  const lacks = lacking();
  if (lacks.length > 0) throw new Error(`npm did not install ${lacks.join(", ")} into node_modules`);
  fs.copyFileSync(LOCK, INSTALLED);
}

/** The packages that are not there. */
function lacking() {
  const { dependencies, devDependencies } = JSON.parse(fs.readFileSync("package.json", "utf8"));
  const names = Object.keys({ ...dependencies, ...devDependencies });
  return names.filter((name) => !fs.existsSync(join("node_modules", name, "package.json")));
}

/** All code as one module. Gives the interfaces that it imports. */
async function bundle() {
  const esbuild = await import("esbuild");
  const built = await esbuild.build({
    entryPoints: ["src/component.ts"],
    outfile: BUNDLE,
    bundle: true,
    external: ["spin-mcp:*", "wasi:*"],
    format: "esm",
    mainFields: ["module", "main"],
    metafile: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "neutral",
    target: "es2023",
  });
  const { imports } = built.metafile.outputs[BUNDLE];
  return imports.filter((of) => of.external).map((of) => of.path);
}

/** The world of `wit/world.wit` with these imports, and its types. */
async function declare(imports) {
  const { types } = await import("@bytecodealliance/jco");
  fs.rmSync("build/wit", { recursive: true, force: true });
  fs.cpSync("wit", "build/wit", { recursive: true });
  const [, name] = /^world (\S+)/m.exec(fs.readFileSync("wit/world.wit", "utf8"));
  const lines = [`include ${name};`, ...imports.map((path) => `import ${path};`)];
  const world = `package local:${name};\n\nworld component {\n    ${lines.join("\n    ")}\n}\n`;
  fs.writeFileSync("build/wit/component.wit", world);

  const files = await types(WORLD.witPath, { ...WORLD, outDir: "build/types", guest: true });
  fs.rmSync("build/types", { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, text);
  }
}

async function component(output) {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const fetches = /\bfetch\b/.test(fs.readFileSync(BUNDLE, "utf8"));
  const built = await componentize({
    ...WORLD,
    sourcePath: BUNDLE,
    disableFeatures: fetches ? ["fetch-event"] : ["fetch-event", "http"],
  });
  fs.writeFileSync(output, built.component);
}

/** Runs a program, whose own output says what went wrong. */
function run(program, ...words) {
  const shell = process.platform === "win32" && program === "npm";
  const { status, error } = spawnSync(program, words, { shell, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

try {
  process.chdir(dirname(fileURLToPath(import.meta.url)));
  install();
  const imports = await bundle();
  await declare(imports);
  for (const project of [".", "test"]) {
    run(process.execPath, join("node_modules", "typescript", "bin", "tsc"), "-p", project);
  }
  await component(process.argv[2]);
} catch (why) {
  // esbuild has told its errors already.
  if (!why.errors) console.error(`error: ${why.message}`);
  process.exit(1);
}
