/** Tools that show what there is in QuickJS: the request, the host and errors. */

import * as z from "zod";
import { log, meta, progress, protocolVersion, sessionId } from "spin-mcp:server/request@0.1.0";
import { get } from "wasi:config/store@0.2.0-draft-2024-09-27";
import { type Bucket, open } from "wasi:keyvalue/store@0.2.0-draft2";
import { tool } from "./mcp.ts";

const Nothing = z.strictObject({});
const Count = z.strictObject({ to: z.int().max(10) }).describe("Counts.");

function count({ to }: z.infer<typeof Count>, request: number) {
  for (let at = 1; at <= to; at++) progress(request, at, to, `at ${at}`);
  log(request, "info", null, JSON.stringify({ to }));
  const { progressToken } = JSON.parse(meta(request) ?? "{}");
  return [protocolVersion(request), progressToken, sessionId(request)];
}

let store: Bucket | undefined;

function visit(): number {
  store ??= open("default");
  const count = (store.get("visits")?.[0] ?? 0) + 1;
  store.set("visits", Uint8Array.of(count));
  return count;
}

function greeting(): string {
  const found: string | null | undefined = get("greeting");
  return `${found} ${get("none") === null}`;
}

function broken(): number {
  const nobody = undefined as unknown as { name: string };
  return nobody.name.length;
}

function say(): string {
  console.log("héllo 🌍", 1, { a: [true] }, null, new RangeError("far"), "\ud800");
  return "said";
}

export const tools = {
  count: tool(Count, count),
  visit: tool(Nothing, visit),
  greeting: tool(Nothing, greeting),
  broken: tool(Nothing, broken),
  say: tool(Nothing, say),
  random: tool(Nothing, () => Math.random()),
  request: tool(Nothing, () => (globalThis as any).fetch("https://example.com")),
};
