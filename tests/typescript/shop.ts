/** A server of the official SDK, as its documentation writes them. */

import { RESOURCE_MIME_TYPE, registerAppResource, registerAppTool } from "@modelcontextprotocol/ext-apps/server";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { McpServer, ResourceTemplate, completable } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { Buffer } from "node:buffer";
import * as z from "zod/v4";

const PRICES: Record<string, number> = { tea: 4.5, book: 12 };
const named = (typed: string) => Object.keys(PRICES).filter((name) => name.startsWith(typed));
const Order = z.object({ item: z.string(), count: z.int(), total: z.number() });

let served = 0;

function build() {
  const server = new McpServer({ name: "shop", version: "1.0.0" }, { capabilities: { logging: {} } });

  server.registerTool(
    "stock",
    {
      title: "Look up stock",
      description: "Says what an item costs.",
      inputSchema: z.object({ item: z.string().regex(/^\p{L}+$/u) }),
      outputSchema: z.object({ price: z.number() }),
      annotations: { readOnlyHint: true },
    },
    async ({ item }) => {
      if (!(item in PRICES)) throw new Error(`there is no ${item}`);
      const structuredContent = { price: PRICES[item]! };
      return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
    },
  );

  server.registerTool("logo", { description: "Shows the logo." }, async () => ({
    content: [
      { type: "image", data: Buffer.from([137, 80, 78, 71]).toString("base64"), mimeType: "image/png" },
      { type: "resource_link", uri: "shop://catalog", name: "catalog" },
    ],
  }));

  server.registerTool(
    "order",
    {
      description: "Orders something, once the user has confirmed.",
      inputSchema: z.object({ item: z.string(), count: z.int().min(1).max(10) }),
      outputSchema: Order,
    },
    async ({ item, count }, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      if (progressToken !== undefined) {
        const params = { progressToken, progress: 1, total: 3, message: "checking" };
        await ctx.mcpReq.notify({ method: "notifications/progress", params });
      }
      const total = PRICES[item]! * count;
      const [sure, paper] = await Promise.all([
        ctx.mcpReq.elicitInput({
          message: `Order ${count} ${item} for ${total}?`,
          requestedSchema: { type: "object", properties: { confirm: { type: "boolean" } }, required: ["confirm"] },
        }),
        server.server.elicitInput({
          message: "Which paper?",
          requestedSchema: { type: "object", properties: { paper: { type: "string" } } },
        }),
      ]);
      if (sure.action !== "accept" || sure.content?.["confirm"] !== true) throw new Error("nothing was ordered");
      const note = await ctx.mcpReq.elicitInput({
        message: `A note, on ${paper.content?.["paper"]} paper?`,
        requestedSchema: { type: "object", properties: { note: { type: "string" } } },
      });
      const structuredContent = { item, count, total };
      const text = `${JSON.stringify(structuredContent)} ${note.action} ${++served}`;
      return { content: [{ type: "text", text }], structuredContent };
    },
  );

  const page = "ui://shop/chart.html";
  const app = { description: "Compares prices.", _meta: { ui: { resourceUri: page } } };
  registerAppTool(server, "chart", app, async () => ({ content: [{ type: "text", text: JSON.stringify(PRICES) }] }));
  registerAppResource(server, "Chart", page, { _meta: { ui: { prefersBorder: true } } }, async () => ({
    contents: [{ uri: page, mimeType: RESOURCE_MIME_TYPE, text: "<!doctype html>" }],
  }));

  server.registerResource("catalog", "shop://catalog", { mimeType: "application/json" }, async (uri) => ({
    contents: [{ uri: uri.href, mimeType: "application/json", text: JSON.stringify(PRICES) }],
  }));
  server.registerResource(
    "item",
    new ResourceTemplate("shop://items/{name}", { list: undefined, complete: { name: named } }),
    { description: "One item.", mimeType: "text/plain" },
    async (uri, { name }) => ({ contents: [{ uri: uri.href, text: `${name}: ${PRICES[String(name)]}` }] }),
  );

  server.registerPrompt(
    "recommend",
    { title: "Recommend", argsSchema: z.object({ item: completable(z.string(), named) }) },
    ({ item }) => ({
      messages: [
        { role: "user", content: { type: "text", text: `What goes with ${item}?` } },
        { role: "assistant", content: { type: "text", text: "Of course. For whom?" } },
      ],
    }),
  );
  return server;
}

// A component has no ports.
if (process.argv.includes("--http")) await build().connect(new StreamableHTTPServerTransport({ sessionIdGenerator: undefined }));
else serveStdio(build);
