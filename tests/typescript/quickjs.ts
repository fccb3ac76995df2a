/** Tools that show what there is in QuickJS: the request, the host, errors and questions. */

import { type Context, McpServer, protocolVersion } from "spin-mcp";
import * as z from "zod";
import { get } from "wasi:config/store@0.2.0-draft-2024-09-27";
import { type Bucket, open } from "wasi:keyvalue/store@0.2.0-draft2";

export const server = new McpServer({ name: "quickjs", version: "1.0.0" });

const text = (value: unknown) => ({
  content: [{ type: "text" as const, text: typeof value === "string" ? value : JSON.stringify(value) }],
});

function count({ to }: { to: number }, { mcpReq, sessionId }: Context) {
  const progressToken = mcpReq._meta?.["progressToken"];
  for (let progress = 1; progress <= to; progress++) {
    const params = { progressToken, progress, total: to, message: `at ${progress}` };
    mcpReq.notify({ method: "notifications/progress", params });
  }
  mcpReq.log("info", { to });
  return text([protocolVersion(), progressToken, sessionId ?? null]);
}
server.registerTool("count", { inputSchema: z.strictObject({ to: z.int().max(10) }) }, count);

let store: Bucket | undefined;

server.registerTool("visit", {}, () => {
  store ??= open("default");
  const count = (store.get("visits")?.[0] ?? 0) + 1;
  store.set("visits", Uint8Array.of(count));
  return text(count);
});

server.registerTool("greeting", {}, () => {
  const found: string | null | undefined = get("greeting");
  return text(`${found} ${get("none") === null}`);
});

function broken() {
  const nobody = undefined as unknown as { name: string };
  return text(nobody.name.length);
}
server.registerTool("broken", {}, broken);

server.registerTool("say", {}, () => {
  console.log("héllo 🌍", 1, { a: [true] }, null, new RangeError("far"), "\ud800");
  return text("said");
});

server.registerTool("random", {}, () => text(Math.random()));

server.registerTool("request", {}, () => text((globalThis as any).fetch("https://example.com")));

server.registerTool("ask", {}, (ctx) => {
  const drawn = ctx.once("draw", () => Math.random());
  const ask = (message: string) =>
    ctx.mcpReq.elicitInput({
      message,
      requestedSchema: { type: "object", properties: { name: { type: "string" } } },
    });
  const first = ask("Your name?");
  const second = ask(`Sure, ${first.content?.["name"]}?`);
  return text(`${first.content?.["name"]} ${second.action} ${drawn === ctx.once("draw", Math.random)}`);
});
