/** Runs a server of the official SDK, of version 1 or 2: JSON-RPC in memory instead of a connection. */

import { explain } from "spin-mcp/engine";
import { notify } from "./notify.ts";
import { Refusal, type Json, type Run } from "./run.ts";
import { mended } from "./schema.ts";
import { StdioServerTransport, link } from "./stdio.ts";
import { spellings } from "./uri.ts";

/** The newest revision in which the SDK sends requests to clients. Newer clients are asked by repeated calls. */
const NEWEST = "2025-11-25";
const RESOURCE_NOT_FOUND = -32002;
const INVALID_PARAMS = -32602;

let ready: Promise<void> | undefined;
let fresh = false;
let last = 0;

/** Makes the server, unless the module connected its own, and lets it do what it does once. */
export async function prepare(server?: Json): Promise<void> {
  if (link.factory) await link.factory();
  else if (typeof server === "function") await (await server()).connect(new StdioServerTransport());
  else if (server) await server.connect(new StdioServerTransport());
  // `connect` is called without being waited for, at the end of an async function.
  for (let turn = 0; turn < 100 && !link.transport; turn++) await new Promise((next) => setTimeout(next, 0));
  if (!link.transport) {
    throw new Error(
      "the module connects no server: call `serveStdio`, or `server.connect(new StdioServerTransport())`, or `export const server`",
    );
  }
  ready = Promise.resolve();
  fresh = true;
  // What SDKs and schemas prepare at their first use is then part of the component.
  await request("initialize", { protocolVersion: NEWEST, capabilities: {}, clientInfo: NOBODY });
  for (const method of ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]) {
    await request(method, {}).catch(() => {});
  }
  await request("tools/call", { name: "spin-mcp warms up", arguments: {} }).catch(() => {});
}

const NOBODY = { name: "nobody", version: "0" };

export async function handle(run: Run, method: string, params: Json): Promise<Json> {
  if (!ready) throw new Error("the server was not prepared when the component was built");
  // A server of a factory belongs to one client, as it does on stdio.
  if (!fresh && link.factory) await link.factory();
  fresh = false;
  const { host } = run;
  const version = host.protocolVersion();
  await request("initialize", {
    protocolVersion: version !== "" && version < NEWEST ? version : NEWEST,
    capabilities: host.clientCapabilities(),
    clientInfo: host.clientInfo() ?? NOBODY,
  });
  link.transport!.onmessage!({ jsonrpc: "2.0", method: "notifications/initialized" });
  const meta = host.meta();
  const asked = meta ? { ...params, _meta: meta } : params;
  // The SDK compares the texts of URIs.
  if (method !== "resources/read") return result(run, method, asked);
  for (const uri of spellings(params.uri)) {
    const found = await result(run, method, { ...asked, uri });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function result(run: Run, method: string, params: Json): Promise<Json> {
  try {
    let result = await request(method, params, run);
    let [first] = result.isError ? (result.content ?? []) : [];
    // The tool has not run.
    if (method === "tools/call" && first?.text?.includes("Input validation error")) {
      const { tools } = await request("tools/list", {});
      const { inputSchema } = tools.find((tool: Json) => tool.name === params.name);
      result = await request(method, { ...params, arguments: mended(inputSchema, params.arguments) }, run);
      [first] = result.isError ? (result.content ?? []) : [];
    }
    if (first?.type === "text") first.text = explain(first.text);
    return result;
  } catch (why) {
    return otherwise(method, why);
  }
}

/** What a failure means where the contract has a word for it. */
function otherwise(method: string, why: unknown): Json {
  const { code, message } = why as Refusal;
  if (code === -32601 && method.endsWith("/list")) {
    return { tools: [], prompts: [], resources: [], resourceTemplates: [] };
  }
  if (code === -32601 && method === "completion/complete") return undefined;
  const missing = code === RESOURCE_NOT_FOUND || (code === INVALID_PARAMS && /not found/i.test(message));
  if (missing && method === "resources/read") return undefined;
  throw why;
}

/** One request to the server. What it asks and tells meanwhile goes to the run. */
function request(method: string, params: Json, run?: Run): Promise<Json> {
  const id = ++last;
  const transport = link.transport!;
  return new Promise((resolve, reject) => {
    link.receive = (message, options) => {
      // An earlier call that was given up still runs.
      const of = options?.relatedRequestId;
      if (of !== undefined && of !== id) return;
      if (message.method !== undefined && message.id !== undefined) answer(message);
      else if (message.method !== undefined) tell(message);
      else if (message.id !== id) return;
      else if (message.error) {
        reject(new Refusal(message.error.code, message.error.message, message.error.data));
      } else resolve(message.result);
    };
    const answer = async ({ id, method, params }: Json) => {
      if (method === "ping") return transport.onmessage!({ jsonrpc: "2.0", id, result: {} });
      if (!run) return;
      const result = await run.ask(method, params);
      transport.onmessage!({ jsonrpc: "2.0", id, result });
    };
    const tell = ({ method, params }: Json) => run && notify(run, method, params);
    transport.onmessage!({ jsonrpc: "2.0", id, method, params }, run && sender(run));
  });
}

/** What a transport over HTTP says of the sender of a message. The token stays outside. */
function sender(run: Run): Json {
  const caller = run.host.identity();
  const headers = run.headers();
  const { subject, issuer, scopes, claims } = caller ?? {};
  const clientId = claims?.client_id ?? claims?.azp ?? subject;
  return {
    requestInfo: { headers },
    request: new Request("http://localhost/mcp", { method: "POST", headers }),
    ...(caller && { authInfo: { token: "", clientId, scopes, extra: { subject, issuer, claims } } }),
  };
}
