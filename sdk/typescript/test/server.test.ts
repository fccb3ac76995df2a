/** The small server: registering, listing, checking and answering. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import {
  McpServer,
  RESOURCE_MIME_TYPE,
  ResourceTemplate,
  completable,
  registerAppResource,
  registerAppTool,
  type Context,
} from "../src/index.ts";
import { handler } from "../src/light.ts";
import { Client, text } from "./support.ts";

const made = (register: (server: McpServer) => void) => {
  const server = new McpServer({ name: "test", version: "1" });
  register(server);
  return new Client(handler(server));
};

const Order = z
  .strictObject({
    items: z.array(z.strictObject({ name: z.string(), count: z.int().min(1).default(1) })),
    gift: z.boolean().optional(),
  })
  .refine(({ items, gift }) => !gift || items.length > 0, "a gift has items");

test("what is wrong with arguments is told with its place, for each kind of schema", async () => {
  const json = {
    type: "object",
    properties: { a: { type: "integer" }, b: { enum: ["x", "y"] }, c: { $ref: "#/$defs/C" } },
    required: ["a"],
    additionalProperties: false,
    $defs: { C: { type: "array", items: { type: "string", maxLength: 2 } } },
  } as const;
  const client = made((server) => {
    server.registerTool("order", { inputSchema: Order }, ({ items }) => text(JSON.stringify(items)));
    server.registerTool("json", { inputSchema: json }, ({ a, c }) => text(`${a} ${c}`));
    server.registerTool("shape", { inputSchema: { n: z.int(), s: z.string().default("d") } }, ({ n, s }) => text(`${n} ${s}`));
  });
  assert.equal(await client.says("order", { items: [{ name: "tea" }] }), '[{"name":"tea","count":1}]');
  assert.equal(
    await client.says("order", { items: [{ name: "tea", count: 0 }, {}], gift: "yes", tip: 1 }),
    "failed: invalid arguments: items.0.count: Too small: expected number to be >=1; items.1.name: missing; " +
      "gift: Invalid input: expected boolean, received string; tip: unknown",
  );
  assert.equal(await client.says("order", { items: [], gift: true }), "failed: invalid arguments: a gift has items");
  assert.equal(await client.says("json", { a: 3.0, c: ["ab"] }), "3 ab");
  assert.equal(
    await client.says("json", { b: "z", c: ["abc"], d: 1 }),
    'failed: invalid arguments: a: missing; b: expected one of ["x","y"]; c.0: expected at most 2 characters; d: unknown',
  );
  assert.equal(await client.says("shape", { n: 1 }), "1 d");
  assert.match(await client.says("shape", {}), /^failed: invalid arguments: n: missing/);
});

test("a tool shows all that it was registered with", async () => {
  const client = made((server) => {
    const icons = [{ src: "https://example.com/i.png", sizes: ["48x48"], theme: "dark" as const }];
    const annotations = { readOnlyHint: true, openWorldHint: false, title: "T" };
    const inputSchema = z.object({ a: z.string().nullish(), t: z.tuple([z.string(), z.int()]) });
    const outputSchema = z.object({ n: z.number() });
    const _meta = { k: 1 };
    server.registerTool("full", { title: "Full", description: "D", inputSchema, outputSchema, annotations, icons, _meta }, () => ({
      structuredContent: { n: 1 },
    }));
    server.registerTool("none", {}, () => ({}));
  });
  const [full, none] = await client.tools();
  const { inputSchema, outputSchema, ...rest } = full;
  assert.deepEqual(rest, {
    name: "full",
    title: "Full",
    description: "D",
    annotations: { title: "T", readOnly: true, openWorld: false },
    icons: [{ src: "https://example.com/i.png", sizes: ["48x48"], theme: "dark" }],
    meta: '{"k":1}',
  });
  const input = JSON.parse(inputSchema);
  assert.deepEqual(input.properties.a, { type: "string" });
  assert.equal(input.properties.t.items.anyOf.length, 2);
  assert.equal(input.$schema, undefined);
  assert.equal(JSON.parse(outputSchema).properties.n.type, "number");
  assert.deepEqual(none, { name: "none", icons: [], inputSchema: '{"type":"object","properties":{}}' });
  assert.deepEqual(await client.call("full", { t: ["a", 1] }), {
    content: [{ tag: "text", val: { text: '{"n":1}' } }],
    structuredContent: '{"n":1}',
    isError: false,
  });
  assert.deepEqual(await client.call("none"), { content: [], isError: false });
  assert.equal(await client.call("toString"), undefined);
});

test("structured content that does not fit is the tool's failure", async () => {
  const client = made((server) => {
    const outputSchema = z.object({ n: z.number() });
    server.registerTool("wrong", { outputSchema }, () => ({ structuredContent: { n: "1" } }));
    server.registerTool("none", { outputSchema }, () => text("1"));
    server.registerTool("failed", { outputSchema }, () => ({ ...text("no"), isError: true }));
  });
  assert.match(await client.says("wrong"), /^failed: invalid structured content: n: /);
  assert.match(await client.says("none"), /^failed: `none` has an output schema/);
  assert.equal(await client.says("failed"), "failed: no");
});

test("what a function throws is told in its own words", async (context) => {
  const logged = context.mock.method(console, "error", () => {});
  const told = (why: unknown) =>
    made((server) =>
      server.registerTool("throw", {}, () => {
        throw why;
      }),
    ).says("throw");
  assert.equal(await told(new Error("no tea")), "failed: no tea");
  assert.equal(await told("no tea"), "failed: no tea");
  assert.equal(logged.mock.callCount(), 0);
  assert.equal(await told(new RangeError("no tea")), "failed: RangeError: no tea");
  assert.match(await told(new TypeError("NetworkError when attempting to fetch resource")), /cannot send the HTTP request: /);
  assert.equal(logged.mock.callCount(), 2);
  const refused = Object.assign(new Error("see payload"), { payload: { tag: "other", val: "full" } });
  assert.equal(await told(refused), "failed: the host refused: other: full");
});

test("every kind of content passes", async () => {
  const client = made((server) =>
    server.registerTool("all", {}, () => ({
      content: [
        { type: "text", text: "", _meta: {} },
        { type: "text", text: "t", annotations: { audience: ["user"], priority: 0.5 }, _meta: { a: 1 } },
        { type: "image", data: "AQID", mimeType: "image/png" },
        { type: "audio", data: "__-_", mimeType: "audio/wav" },
        { type: "resource_link", uri: "a:b", name: "b", size: 3 },
        { type: "resource", resource: { uri: "a:c", text: "c" } },
        { type: "resource", resource: { uri: "a:d", blob: "AQ==", mimeType: "x/y" } },
      ],
      _meta: { m: true },
    })),
  );
  assert.deepEqual(await client.call("all"), {
    content: [
      { tag: "text", val: { text: "t", annotations: { audience: ["user"], priority: 0.5 }, meta: '{"a":1}' } },
      { tag: "image", val: { data: Uint8Array.of(1, 2, 3), mimeType: "image/png" } },
      { tag: "audio", val: { data: Uint8Array.of(255, 255, 191), mimeType: "audio/wav" } },
      { tag: "resource-link", val: { uri: "a:b", name: "b", icons: [], size: 3n } },
      { tag: "embedded-resource", val: { contents: { uri: "a:c", body: { tag: "text", val: "c" } } } },
      {
        tag: "embedded-resource",
        val: { contents: { uri: "a:d", mimeType: "x/y", body: { tag: "blob", val: Uint8Array.of(1) } } },
      },
    ],
    isError: false,
    meta: '{"m":true}',
  });
});

test("resources are read by their URI or by a template, which completes its variables", async () => {
  const notes: Record<string, string> = { tea: "hot", "a/b": "slash" };
  const client = made((server) => {
    server.registerResource("index", "notes:///", { mimeType: "text/plain" }, async (uri) => ({
      contents: [{ uri: uri.href, text: Object.keys(notes).join() }],
    }));
    const complete = { name: (typed: string) => Object.keys(notes).filter((name) => name.startsWith(typed)) };
    const list = () => ({ resources: [{ uri: "notes:///tea", name: "tea" }] });
    server.registerResource("note", new ResourceTemplate("notes:///{name}", { list, complete }), { title: "N" }, (uri, { name }) =>
      notes[name] === undefined ? undefined : { contents: [{ uri: uri.href, text: notes[name] }] },
    );
    server.registerResource("file", new ResourceTemplate("file:///{+path}.txt", { list: undefined }), {}, (uri, { path }) => ({
      contents: [{ uri: uri.href, text: path }],
    }));
  });
  assert.deepEqual((await client.resources()).map(({ uri }: any) => uri), ["notes:///", "notes:///tea"]);
  assert.deepEqual((await client.templates()).map(({ uriTemplate, title }: any) => [uriTemplate, title]), [
    ["notes:///{name}", "N"],
    ["file:///{+path}.txt", undefined],
  ]);
  const read = async (uri: string) => (await client.read(uri))?.contents[0].body.val;
  assert.equal(await read("notes:///"), "tea,a/b");
  assert.equal(await read("notes:///tea"), "hot");
  assert.equal(await read("notes:///a%2Fb"), "slash");
  assert.equal(await read("notes:///none"), undefined);
  assert.equal(await read("file:///a/b.txt"), "a/b");
  assert.deepEqual(await client.complete("resource-template", "notes:///{name}", "name", "t"), { values: ["tea"], hasMore: false });
  assert.throws(() => new ResourceTemplate("a:{?q}", { list: undefined }), /has `\{\?q\}`; this server knows/);
});

test("prompts take texts, give messages, and complete what their schema allows", async () => {
  const client = made((server) => {
    const argsSchema = z.object({
      style: z.enum(["long", "short"]).default("short"),
      days: z.int().describe("How many."),
      city: completable(z.string(), (typed) => [`${typed}!`]).optional(),
    });
    server.registerPrompt("plan", { title: "Plan", argsSchema }, ({ style, days }) => ({
      messages: [
        { role: "user", content: { type: "text", text: `${days + 1} ${style}` } },
        { role: "assistant", content: { type: "text", text: "Of course." } },
      ],
    }));
    server.registerPrompt("bare", {}, () => ({ messages: [], description: "D" }));
  });
  const [plan] = await client.prompts();
  assert.deepEqual(plan, {
    name: "plan",
    title: "Plan",
    icons: [],
    arguments: [
      { name: "style", required: false },
      { name: "days", description: "How many.", required: true },
      { name: "city", required: false },
    ],
  });
  const { messages } = await client.get("plan", { days: "2" });
  assert.deepEqual(messages.map(({ role, content }: any) => [role, content.val.text]), [
    ["user", "3 short"],
    ["assistant", "Of course."],
  ]);
  assert.deepEqual(await client.get("bare"), { description: "D", messages: [] });
  await assert.rejects(client.get("plan", { days: "many" }), { code: -32602 });
  assert.deepEqual((await client.complete("prompt", "plan", "style", "l")).values, ["long"]);
  assert.deepEqual((await client.complete("prompt", "plan", "city", "B")).values, ["B!"]);
});

test("names that are registered twice are refused", () => {
  assert.throws(() => made((server) => [1, 2].forEach(() => server.registerTool("a", {}, () => ({})))), /`a` is registered twice/);
});

test("a tool has a page", async () => {
  const uri = "ui://sums/page.html";
  const _meta = { ui: { resourceUri: uri, visibility: ["app" as const] } };
  const csp = { connectDomains: ["https://example.com"] };
  const client = made((server) => {
    registerAppTool(server, "double", { inputSchema: z.object({ n: z.int() }), _meta }, ({ n }) => text(`${2 * n}`));
    registerAppResource(server, "Page", uri, { _meta: { ui: { csp } } }, () => ({ contents: [{ uri, text: "<p>" }] }));
  });
  assert.equal(await client.says("double", { n: 2 }), "4");
  const [tool] = await client.tools();
  assert.deepEqual(JSON.parse(tool.meta), _meta);
  const [page] = await client.resources();
  assert.deepEqual([page.uri, page.mimeType, JSON.parse(page.meta)], [uri, RESOURCE_MIME_TYPE, { ui: { csp } }]);
  assert.equal((await client.read(uri)).contents[0].mimeType, RESOURCE_MIME_TYPE);
});

test("a function says who sees what", async () => {
  const client = made((server) => {
    const enabled = (ctx: Context) => ctx.sessionId === "open";
    server.registerTool("door", { enabled }, () => text("1"));
    server.registerPrompt("ask", { enabled, argsSchema: { kind: z.enum(["front", "back"]) } }, ({ kind }) => ({
      messages: [{ role: "user", content: { type: "text", text: kind } }],
    }));
    server.registerResource("hall", "door://hall", { enabled }, (uri) => ({ contents: [{ uri: uri.href, text: "h" }] }));
    const doors = new ResourceTemplate("door://rooms/{name}", { list: undefined });
    server.registerResource("room", doors, { enabled }, (uri) => ({ contents: [{ uri: uri.href, text: "r" }] }));
  });
  const found = async () => [
    ...[await client.tools(), await client.prompts(), await client.resources(), await client.templates()].map((list) => list.length),
    (await client.complete("prompt", "ask", "kind", ""))?.values.length,
    await client.call("door"),
    await client.get("ask", { kind: "back" }),
    await client.read("door://hall"),
    await client.read("door://rooms/a"),
  ];
  assert.deepEqual(await found(), [0, 0, 0, 0, ...Array(5).fill(undefined)]);
  client.host.sessionId = () => "open";
  assert.ok((await found()).every((one) => one));
});

test("URIs are equal by RFC 3986", async () => {
  const client = made((server) => {
    server.registerResource("one", "notes://café/x", {}, () => ({ contents: [{ uri: "u", text: "one" }] }));
    const template = new ResourceTemplate("notes://größe/{name}", { list: undefined, complete: { name: () => ["a"] } });
    server.registerResource("all", template, {}, (_, { name }) => ({ contents: [{ uri: "u", text: name }] }));
  });
  for (const uri of ["notes://café/x", "notes://caf%C3%A9/x", "NOTES://caf%c3%a9/%78"]) {
    assert.equal((await client.read(uri))?.contents[0].body.val, "one", uri);
  }
  assert.equal(await client.read("notes://CAF%C3%89/x"), undefined);
  assert.equal((await client.read("Notes://GR%C3%B6%c3%9fe/Caf%C3%A9"))?.contents[0].body.val, "Café");
  assert.equal((await client.read("Notes://gr%C3%B6%c3%9fe/caf%C3%A9"))?.contents[0].body.val, "café");
  assert.equal((await client.read("notes://größe/café"))?.contents[0].body.val, "café");
  const completed = await client.complete("resource-template", "NOTES://gr%C3%B6%C3%9Fe/{name}", "name", "");
  assert.deepEqual(completed?.values, ["a"]);
});

test("arguments are taken as clients write them, and results that JSON does not have are refused", async () => {
  const client = made((server) => {
    const inputSchema = z.object({
      n: z.int().optional(),
      none: z.string().nullable().optional(),
      list: z.array(z.object({ deep: z.int().optional() })).default([]),
      map: z.record(z.string(), z.int()).default({}),
    });
    server.registerTool("kind", { inputSchema }, (given) => text(JSON.stringify(given)));
    server.registerTool("endless", {}, () => ({ structuredContent: { a: [1, -Infinity] } }));
  });
  const given = { n: null, none: null, list: '[{"deep":null},{"deep":3.0}]', map: '{"a":1}' };
  assert.equal(await client.says("kind", given), '{"none":null,"list":[{},{"deep":3}],"map":{"a":1}}');
  assert.match(await client.says("kind", { list: "[1" }), /list: Invalid input: expected array, received string/);
  assert.equal(await client.says("endless"), "failed: JSON has no -Infinity");
});
