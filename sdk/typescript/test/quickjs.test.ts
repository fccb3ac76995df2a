/** The small server where nothing can wait: answers come at once, and a question ends the call. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { McpServer, once } from "../src/index.ts";
import { handler } from "../src/light.ts";
import { Client, text } from "./support.ts";

const server = new McpServer({ name: "test", version: "1" });
let done = 0;

test("a call asks in several rounds, although its code catches everything", async () => {
  server.registerTool("ask", { inputSchema: { a: z.int() } }, ({ a }, ctx): any => {
    once("count", () => ++done);
    ctx.mcpReq.log("info", "begins");
    const ask = (message: string): any => ctx.mcpReq.elicitInput({ message, requestedSchema: { type: "object" } });
    try {
      return text(`${a} ${ask("first?").action} ${ask("second?").action} ${done}`);
    } catch {
      return text("swallowed");
    }
  });
  const client = new Client(handler(server), ({ params }) => ({ action: params.message === "first?" ? "accept" : "decline" }));
  assert.equal(await client.says("ask", { a: 1 }), "1 accept decline 1");
  assert.equal(client.rounds, 3);
  assert.deepEqual(client.told, [["log", "info", undefined, "begins"]]);
});

test("a promise is refused by name", async () => {
  server.registerTool("wait", {}, (async () => text("late")) as any);
  await assert.rejects(new Client(handler(server)).call("wait"), { message: "QuickJS cannot wait for a promise, and `tools/call` gave one" });
});

test("formats that QuickJS could not check are refused", () => {
  for (const format of [z.url(), z.ipv6(), z.cidrv6()]) {
    const inputSchema = z.object({ link: format.optional() });
    assert.throws(() => server.registerTool("link", { inputSchema }, () => ({})), /cannot check the format/);
  }
  const inputSchema = z.object({ id: z.uuid(), mail: z.email(), at: z.iso.datetime(), ip: z.ipv4() });
  server.registerTool("checked", { inputSchema }, () => ({}));
});
