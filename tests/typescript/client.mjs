// Orders at the shop with the client of SDK version 1, which speaks 2025-11-25: `client.mjs URL`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const client = new Client({ name: "shop", version: "1.0.0" }, { capabilities: { elicitation: {} } });
const asked = [];
client.setRequestHandler(ElicitRequestSchema, ({ params: { message } }) => {
  asked.push(message);
  if (message.startsWith("Order")) return { action: "accept", content: { confirm: true } };
  return message.startsWith("Which") ? { action: "accept", content: { paper: "red" } } : { action: "decline" };
});
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const progress = [];
const options = { onprogress: (update) => progress.push(update.progress) };
const result = await client.callTool({ name: "order", arguments: { item: "tea", count: 2 } }, undefined, options);
console.log(JSON.stringify({ asked: asked.sort(), progress, text: result.content[0].text, structured: result.structuredContent }));
await client.close();
