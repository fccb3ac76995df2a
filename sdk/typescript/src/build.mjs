#!/usr/bin/env node
/**
 * Builds the component of the feature in this folder: `node spin-mcp/build.mjs OUTPUT`, or
 * `npx spin-mcp-build OUTPUT` where the package is installed.
 *
 * Installs what `package-lock.json` says first, whenever it changed, and checks the types. The
 * component exports what the server registers, and imports what the code calls.
 */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { bundle } from "./bundle.mjs";
import { digest, keepEngine } from "./kept.mjs";

const HERE = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const BUNDLE = "build/component.js";
const INSTALLED = "node_modules/.installed";
const LOCK = "package-lock.json";
const NODE = 20;
const ENGINE = "node_modules/@bytecodealliance/componentize-js";
const WORLD = { worldName: "component", witPath: "build/wit" };

const project = JSON.parse(fs.readFileSync("package.json", "utf8"));
const quickjs = { ...project.dependencies, ...project.devDependencies }["componentize-qjs"] !== undefined;

function install() {
  if (!fs.existsSync(LOCK)) return;
  const wanted = fs.readFileSync(LOCK, "utf8");
  const known = fs.existsSync(INSTALLED) && fs.readFileSync(INSTALLED, "utf8") === wanted;
  if (known && lacking().length === 0) return;
  console.error(`installing ${LOCK} into node_modules, which takes a minute or two`);
  // Here, even inside a workspace, and what builds, even where only servers run.
  const here = ["--no-workspaces", "--include=dev", "--include=optional"];
  run("npm", "install", ...here, "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error");
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

/** The world of the component, and its types for type checkers and editors. */
async function declare({ imports, exports }) {
  fs.rmSync("build/wit", { recursive: true, force: true });
  fs.cpSync(join(HERE, "wit/deps"), "build/wit/deps", { recursive: true });
  if (quickjs) fs.cpSync(join(HERE, "wit/quickjs"), "build/wit/deps", { recursive: true });
  if (fs.existsSync("wit/deps")) fs.cpSync("wit/deps", "build/wit/deps", { recursive: true });
  const lines = [
    ...imports.map((path) => `import ${path};`),
    ...exports.map((name) => `export spin-mcp:server/${name}@0.1.0;`),
  ];
  const world = `package local:feature;\n\nworld component {\n    ${lines.join("\n    ")}\n}\n`;
  fs.writeFileSync("build/wit/component.wit", world);

  const jco = "node_modules/@bytecodealliance/jco";
  const made = digest(WORLD.witPath, `${jco}/package.json`, join(HERE, "build.mjs"));
  if (fs.existsSync("build/types/.made") && fs.readFileSync("build/types/.made", "utf8") === made) return;
  const { types } = await import("@bytecodealliance/jco");
  const files = await types(WORLD.witPath, { ...WORLD, outDir: "build/types", guest: true });
  fs.rmSync("build/types", { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, quickjs ? ofQuickJs(text) : text);
  }
  fs.writeFileSync("build/types/.made", made);
}

/** Types say `bigint` and `undefined` where QuickJS has numbers and `null`. */
function ofQuickJs(types) {
  return new TextDecoder()
    .decode(types)
    .replaceAll(/\bbigint\b/g, "number")
    .replaceAll(/\| undefined\b/g, "| null | undefined")
    .replaceAll(/^( *\w+\?: .*),$/gm, "$1 | null,");
}

async function component(output) {
  const built = await (quickjs ? onQuickJs() : onStarlingMonkey());
  fs.writeFileSync(output, built.component);
}

async function onQuickJs() {
  const { componentize } = await import("componentize-qjs");
  const jsSource = fs.readFileSync(BUNDLE, "utf8");
  const { witPath, worldName: world } = WORLD;
  return componentize({ witPath, world, jsSource, jsPath: BUNDLE, sync: true });
}

async function onStarlingMonkey() {
  await keepEngine(ENGINE, "build/engine", WORLD.witPath, `${ENGINE}/package.json`);
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const fetches = /\bfetch\b/.test(fs.readFileSync(BUNDLE, "utf8"));
  return componentize({
    ...WORLD,
    sourcePath: BUNDLE,
    disableFeatures: fetches ? ["fetch-event"] : ["fetch-event", "http"],
  });
}

/** Runs a program, whose own output says what went wrong. */
function run(program, ...words) {
  const shell = process.platform === "win32" && program === "npm";
  const { status, error } = spawnSync(program, words, { shell, stdio: ["ignore", 2, 2] });
  if (error) throw new Error(`cannot start ${program} (${error.code}); it comes with Node.js ${NODE} or later`);
  if (status !== 0) process.exit(status ?? 1);
}

if (Number.parseInt(process.versions.node, 10) < NODE) {
  console.error(`error: Node.js ${process.versions.node} is too old; build with Node.js ${NODE} or later`);
  process.exit(1);
}
try {
  install();
  const made = await bundle({ project, quickjs, outfile: BUNDLE });
  await declare(made);
  for (const folder of [".", "test"]) {
    if (!fs.existsSync(join(folder, "tsconfig.json"))) continue;
    const tsc = join("node_modules", "typescript", "bin", "tsc");
    // Servers of the SDK use what there is of Node.js.
    run(process.execPath, tsc, "--noEmit", "-p", folder, ...(made.official ? ["--types", "node"] : []));
  }
  for (const note of made.notes) console.error(`note: ${note}`);
  await component(process.argv[2]);
} catch (why) {
  // esbuild has told its errors already.
  if (!why.errors) console.error(`error: ${why.message}`);
  process.exit(1);
}
