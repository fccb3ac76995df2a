/** Servers of the official SDK, of both versions, asked by a client that only calls again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { McpServer, ResourceTemplate, completable } from "@modelcontextprotocol/server";
import { McpServer as Older } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";
import { once } from "../src/index.ts";
import { handle, prepare } from "../src/official.ts";
import { link, serveStdio } from "../src/stdio.ts";
import { Client, text } from "./support.ts";

const form = (message: string) => ({
  message,
  requestedSchema: { type: "object" as const, properties: { ok: { type: "boolean" as const } } },
});

async function connect(server: any, answer?: any, host?: any) {
  delete link.factory;
  delete link.transport;
  await prepare(server);
  return new Client(handle, answer, host);
}

function showcase(made: { servers: number }) {
  made.servers++;
  const server = new McpServer({ name: "shop", version: "1" }, { capabilities: { logging: {} } });
  const seen: string[] = [];
  server.registerTool(
    "order",
    { title: "Order", inputSchema: z.object({ item: z.string() }), outputSchema: z.object({ total: z.number() }) },
    async ({ item }, ctx) => {
      seen.push(item);
      const progressToken = ctx.mcpReq._meta!.progressToken!;
      await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: 1, total: 2 } });
      await ctx.mcpReq.log("info", `order of ${item}`);
      const number = await once("number", async () => Math.random());
      const [sure, when] = await Promise.all([
        ctx.mcpReq.elicitInput(form(`${item} ${number}?`)),
        server.server.elicitInput(form("when?")),
      ]);
      if (sure.action !== "accept") throw new Error(`not ordered: ${sure.action} ${when.action}`);
      const { model } = await ctx.mcpReq.requestSampling({ messages: [], maxTokens: 5 });
      return { content: [{ type: "text", text: `${item} by ${model} ${seen.length}` }], structuredContent: { total: 9 } };
    },
  );
  server.registerResource("item", new ResourceTemplate("shop://{name}", { list: undefined }), {}, async (uri, { name }) => ({
    contents: [{ uri: uri.href, text: String(name) }],
  }));
  const item = completable(z.string(), (typed) => [`${typed}!`]);
  server.registerPrompt("sell", { argsSchema: z.object({ item }) }, ({ item }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Sell ${item}.` } }],
  }));
  return server;
}

const answers = ({ method }: any) =>
  method.startsWith("elicitation")
    ? { action: "accept", content: { ok: true } }
    : { role: "assistant", content: { type: "text", text: "y" }, model: "m" };

test("version 2: a tool that asks in parallel and in rounds, with once, progress and log", async () => {
  const made = { servers: 0 };
  const client = await connect(() => showcase(made), answers);
  assert.equal(await client.says("order", { item: "tea" }), "tea by m 3");
  assert.deepEqual(client.asked.map(({ method }) => method), ["elicitation/create", "elicitation/create", "sampling/createMessage"]);
  assert.deepEqual(client.told, [
    ["progress", 1, 2, undefined],
    ["log", "info", undefined, "order of tea"],
  ]);
});

test("version 2: decline reaches the code, and what failed the client", async () => {
  const client = await connect(showcase({ servers: 0 }), () => ({ action: "decline" }));
  assert.equal(await client.says("order", { item: "tea" }), "failed: not ordered: decline decline");
});

test("version 2: a client that cannot be asked", async () => {
  const client = await connect(showcase({ servers: 0 }), undefined, { clientCapabilities: () => ({}) });
  assert.match(await client.says("order", { item: "tea" }), /^failed: .*does not support form elicitation/);
});

test("version 2: lists, resources, prompts and completions", async () => {
  const client = await connect(showcase({ servers: 0 }));
  const [order] = await client.tools();
  assert.equal(order.title, "Order");
  assert.equal(JSON.parse(order.outputSchema).properties.total.type, "number");
  assert.deepEqual(await client.resources(), []);
  assert.equal((await client.templates())[0].uriTemplate, "shop://{name}");
  assert.equal((await client.read("shop://tea")).contents[0].body.val, "tea");
  assert.equal(await client.read("other://tea"), undefined);
  assert.equal((await client.get("sell", { item: "tea" })).messages[0].content.val.text, "Sell tea.");
  assert.deepEqual((await client.complete("prompt", "sell", "item", "t")).values, ["t!"]);
});

test("a factory makes a server for each request", async () => {
  const made = { servers: 0 };
  delete link.factory;
  delete link.transport;
  serveStdio(() => showcase(made));
  await prepare();
  assert.equal(made.servers, 1);
  const client = new Client(handle, answers);
  assert.equal(await client.says("order", { item: "tea" }), "tea by m 1");
  assert.equal(made.servers, client.rounds);
});

test("version 1: the same, with its own names", async () => {
  const server = new Older({ name: "old", version: "1" });
  server.tool("ask", "Asks.", { a: z.string() }, async ({ a }, extra) => {
    const answer = await server.server.elicitInput(form(`${a}?`));
    const roots = await server.server.listRoots();
    await extra.sendNotification({
      method: "notifications/progress",
      params: { progressToken: extra._meta!.progressToken!, progress: 1 },
    });
    return text(`${answer.action} ${roots.roots.length}`);
  });
  const client = await connect(server, ({ method }: any) =>
    method === "roots/list" ? { roots: [{ uri: "file:///a" }] } : { action: "accept", content: { ok: true } },
  );
  assert.deepEqual((await client.tools())[0].description, "Asks.");
  assert.equal(await client.says("ask", { a: "b" }), "accept 1");
  assert.deepEqual(client.told, [["progress", 1, undefined, undefined]]);
  assert.deepEqual(await client.prompts(), []);
});

test("version 2: a tool sees who calls, and the headers that the server passes on", async () => {
  const caller = { subject: "u-17", issuer: "https://auth.example.com", scopes: ["mcp:read"], claims: { client_id: "c" } };
  const host = { identity: () => caller, headers: () => [["x-tenant", "a"], ["x-tenant", "b"]] };
  const two = () => {
    const server = new McpServer({ name: "s", version: "1" });
    server.registerTool("who", {}, async (ctx) => {
      const { clientId, scopes, token } = ctx.http!.authInfo!;
      const tenant = ctx.http!.req!.headers.get("x-tenant");
      return { content: [{ type: "text", text: JSON.stringify([clientId, scopes, token, tenant]) }] };
    });
    return server;
  };
  const client = await connect(two, undefined, host);
  assert.equal(await client.says("who", {}), '["c",["mcp:read"],"","a, b"]');
});

test("URIs are equal by RFC 3986, for both versions", async () => {
  for (const server of [new McpServer({ name: "s", version: "1" }), new Older({ name: "s", version: "1" })] as any[]) {
    server.registerResource("one", "notes://caf%C3%A9/x", {}, async () => ({ contents: [{ uri: "u", text: "one" }] }));
    const client = await connect(server);
    for (const uri of ["notes://caf%C3%A9/x", "NOTES://caf%c3%a9/%78", "notes://café/x"]) {
      assert.equal((await client.read(uri))?.contents[0].body.val, "one", uri);
    }
    assert.equal(await client.read("notes://cafe/x"), undefined);
  }
});

test("arguments are taken as clients write them, for both versions", async () => {
  let ran = 0;
  for (const server of [new McpServer({ name: "s", version: "1" }), new Older({ name: "s", version: "1" })] as any[]) {
    const inputSchema = z.object({ n: z.int().optional(), list: z.array(z.int()).default([]) });
    server.registerTool("kind", { inputSchema }, async (given: any) => (ran++, text(JSON.stringify(given))));
    const client = await connect(server);
    assert.equal(await client.says("kind", { n: null, list: "[1]" }), '{"list":[1]}');
    assert.match(await client.says("kind", { list: "a" }), /^failed: .*expected array, received string/);
  }
  assert.equal(ran, 2);
});
