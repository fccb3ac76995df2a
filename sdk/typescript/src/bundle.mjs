/** All code of a feature as one module, and what its world must have. */

import * as fs from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { lower } from "./lower.mjs";

const HERE = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const ours = (name) => join(HERE, name);
const OFFICIAL = /[\\/]node_modules[\\/]@modelcontextprotocol[\\/](sdk|server|core)[\\/]/;

/** What code calls to register a kind, or to ask, in the SDKs' words. */
const REGISTERS = {
  tools: /\bregisterTool\b|\.tool\(|\bCallToolRequestSchema\b|["']tools\/call["']/,
  resources: /\bregisterResource\b|\.resource\(|\bReadResourceRequestSchema\b|["']resources\/read["']/,
  prompts: /\bregisterPrompt\b|\.prompt\(|\bGetPromptRequestSchema\b|["']prompts\/get["']/,
};
const COMPLETES = /\bcompletable\b|\bcomplete\b|\bCompleteRequestSchema\b|\benum\b|["']completion\/complete["']/;
const ASKS =
  /\b(elicitInput|createMessage|requestSampling|listRoots|inputRequired|ElicitResultSchema|CreateMessageResultSchema|ListRootsResultSchema)\b|["'](elicitation\/create|sampling\/createMessage|roots\/list)["']/;
const CHANGES = /\bsend(ResourceUpdated|\w*ListChanged)\b|["']notifications\/\w+\/(updated|list_changed)["']/;

/** In place of modules that need a connection, or code from strings. */
const ALIAS = {
  "spin-mcp": ours("index.ts"),
  "@modelcontextprotocol/server/stdio": ours("stdio.ts"),
  "@modelcontextprotocol/sdk/server/stdio.js": ours("stdio.ts"),
};

/** What programs listen with when they are not started for stdio. */
const LISTENS =
  /^(express(-rate-limit)?|cors|body-parser|helmet|morgan|fastify|koa|@hono\/node-server(\/.*)?|@modelcontextprotocol\/(express|fastify|hono|node)|@modelcontextprotocol\/sdk\/server\/(express|sse|streamableHttp)(\.js)?)$/;

function entryOf(project) {
  const named = project["spin-mcp"]?.entry;
  const entry = [named, "src/app.ts", "src/index.ts", "src/app.js", "src/index.js"].find(
    (path) => path && fs.existsSync(path),
  );
  if (named ? entry !== named : !entry) {
    throw new Error(`there is no \`${named ?? "src/app.ts"}\`; name the module of the server in \`package.json\`: "spin-mcp": { "entry": "…" }`);
  }
  return entry;
}

export async function bundle({ project, quickjs, outfile }) {
  const esbuild = await import("esbuild");
  const entry = entryOf(project);
  const build = (contents, define, write) =>
    esbuild.build({
      stdin: { contents, resolveDir: process.cwd(), sourcefile: "component.ts", loader: "ts" },
      outfile,
      bundle: true,
      write,
      conditions: quickjs ? [] : ["workerd", "browser"],
      alias: { ...ALIAS, "spin-mcp/engine": ours(`engine-${quickjs ? "quickjs" : "starlingmonkey"}.ts`) },
      define: { "self.location": "undefined", ...define },
      inject: quickjs ? [] : [ours("builtins/globals.ts")],
      plugins: [contract, ...(quickjs ? [] : [listeners, builtins, validator, locations])],
      format: "esm",
      mainFields: ["module", "main"],
      metafile: true,
      minifySyntax: true,
      minifyWhitespace: true,
      platform: "neutral",
      target: "es2023",
      logOverride: { "import-is-undefined": "silent" },
      logLevel: write ? "warning" : "error",
    });
  const flags = (asks, changes, packages) => ({
    SPIN_MCP_ASKS: `${asks}`,
    SPIN_MCP_CHANGES: `${changes}`,
    SPIN_MCP_PACKAGES: JSON.stringify(packages),
  });

  const scanned = await build(`import ${JSON.stringify(`./${entry}`)};`, flags(false, false, {}), false);
  const files = Object.keys(scanned.metafile.inputs);
  const official = files.some((file) => OFFICIAL.test(`/${file}`));
  if (official && quickjs) {
    throw new Error(
      "the official SDK does not run in QuickJS: import `McpServer` from `spin-mcp`, or make the feature with `engine=starlingmonkey`",
    );
  }
  const own = sources(files);
  const all = Object.values(own).join("\n");
  let exports = Object.keys(REGISTERS).filter((kind) => REGISTERS[kind].test(all));
  if (exports.length === 0) exports = Object.keys(REGISTERS);
  if (COMPLETES.test(all) && exports.some((kind) => kind !== "tools")) exports.push("completions");

  const define = flags(ASKS.test(all), CHANGES.test(all), packages(files));
  const made = await build(component(entry, exports, official, quickjs), define, true);
  if (!quickjs) fs.writeFileSync(outfile, await lower(fs.readFileSync(outfile, "utf8")));
  const { imports } = made.metafile.outputs[outfile];
  return {
    imports: imports.filter((of) => of.external).map((of) => of.path),
    exports,
    official,
    notes: moduleState(own),
  };
}

function component(entry, exports, official, quickjs) {
  const path = (name) => JSON.stringify(ours(name));
  return [
    quickjs && `import ${path("quickjs.ts")};`,
    `import * as app from ${JSON.stringify(`./${entry}`)};`,
    `import { feature } from ${path("feature.ts")};`,
    `import { host } from ${path("host.ts")};`,
    official
      ? `import { handle, prepare } from ${path("official.ts")};`
      : `import { handler } from ${path("light.ts")};`,
    official && "await prepare(app.server ?? app.default);",
    official || "const handle = handler(app.server ?? app.default);",
    `export const { ${exports.join(", ")} } = feature(handle, host);`,
    quickjs || "spinMcpBuilt();",
  ]
    .filter(Boolean)
    .join("\n");
}

/** The text of the author's modules and packages, without the SDKs and what they are made of. */
function sources(files) {
  const kept = files.filter(
    (file) =>
      fs.existsSync(file) &&
      !resolve(file).startsWith(HERE) &&
      !OFFICIAL.test(`/${file}`) &&
      !/node_modules[\\/](zod|zod-to-json-schema|ajv|ajv-formats)[\\/]/.test(file),
  );
  return Object.fromEntries(kept.map((file) => [file, fs.readFileSync(file, "utf8")]));
}

/** Where the author's modules keep state between calls. */
function moduleState(own) {
  const kept = /^(?:export )?(?:(?:let|var) (\w+)|const (\w+)[^=\n]*= (?:new (?:Map|Set)(?:<.*>)?\(\)|\[\]|\{\});?$)/gm;
  return Object.entries(own)
    .filter(([file]) => !file.includes("node_modules"))
    .flatMap(([file, text]) =>
      [...text.matchAll(kept)].map(({ 1: variable, 2: constant, index }) => {
        const line = text.slice(0, index).split("\n").length;
        return `${file}:${line}: \`${variable ?? constant}\` is gone after each request in a WASI 0.2 build, and shared by all clients in a WASI 0.3 build; keep state in a key-value store`;
      }),
    );
}

/** Where a component says that a file of the project is. Packages can be in a folder above. */
function place(file) {
  return `/${relative(process.cwd(), resolve(file)).replaceAll("\\", "/").replaceAll("../", "")}`;
}

/** Names and versions of packages that read their own `package.json`. */
function packages(files) {
  const found = {};
  for (const file of files) {
    if (!fs.existsSync(file) || !fs.readFileSync(file, "utf8").includes("import.meta.url")) continue;
    for (let folder = dirname(file); folder !== "."; folder = dirname(folder)) {
      const path = join(folder, "package.json");
      if (!fs.existsSync(path)) continue;
      const { name, version } = JSON.parse(fs.readFileSync(path, "utf8"));
      found[place(path)] = { name, version };
      break;
    }
  }
  return found;
}

/** Interfaces stay imports. One that nothing calls is left out. */
const contract = {
  name: "contract",
  setup(build) {
    build.onResolve({ filter: /^(spin-mcp|wasi):/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

/** Modules of Node.js: those that are cheap to have, and an error for others. */
const builtins = {
  name: "builtins",
  setup(build) {
    const names = builtinModules.filter((name) => !name.startsWith("_"));
    const filter = new RegExp(`^(node:.*|${names.join("|").replaceAll("/", "\\/")})$`);
    build.onResolve({ filter }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === "package") return undefined;
      const name = path.replace("node:", "");
      const shim = ours(`builtins/${name}.ts`);
      if (fs.existsSync(shim)) return { path: shim };
      if (!path.startsWith("node:")) {
        // A package of npm can have the name, such as `punycode`.
        const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: "package" });
        if (found.errors.length === 0) return found;
      }
      const [, owner] = /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(importer) ?? [];
      const who = owner ? `the package \`${owner.replace("\\", "/")}\`` : `\`${relative(process.cwd(), importer)}\``;
      const text = `${who} needs \`node:${name}\`, which a component does not have${remedy(name)}`;
      return { errors: [{ text }] };
    });
  },
};

function remedy(name) {
  if (/^(http|https|http2|net|tls)$/.test(name)) return "; use `fetch`, or a package that uses it";
  if (/^fs(\/promises)?$/.test(name)) return "; use a key-value store (`wasi:keyvalue`)";
  return "; use another package, or one with a build for browsers";
}

const listeners = {
  name: "listeners",
  setup(build) {
    build.onResolve({ filter: LISTENS }, () => ({ path: ours("builtins/listens.cjs") }));
  },
};

/** Version 1 of the SDK checks answers with code that is made of strings. */
const validator = {
  name: "validator",
  setup(build) {
    build.onResolve({ filter: /validation\/ajv-provider\.js$/ }, () => ({ path: ours("ajv.ts") }));
  },
};

/** The place of a module, for packages that look for files beside it. */
const locations = {
  name: "locations",
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
      const text = fs.readFileSync(path, "utf8");
      if (!text.includes("import.meta.url")) return undefined;
      const url = JSON.stringify(`file://${place(path)}`);
      const loader = /\.[cm]?ts$/.test(path) ? "ts" : "js";
      return { contents: text.replaceAll("import.meta.url", url), loader, resolveDir: dirname(path) };
    });
  },
};
