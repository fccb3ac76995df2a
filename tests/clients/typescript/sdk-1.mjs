// Calls an MCP server with the TypeScript SDK 1.x: `sdk-1.mjs default http URL` or
// `sdk-1.mjs default stdio COMMAND…`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { elicit, performAll } from "./perform.mjs";

const [, kind, target, ...args] = process.argv.slice(2);

const client = new Client({ name: "sdk-1", version: "1.0.0" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, elicit);

const transport =
  kind === "stdio"
    ? new StdioClientTransport({ command: target, args })
    : new StreamableHTTPClientTransport(new URL(target), { fetch: losingStreams });
// The client tells its transport, and nobody else, what was negotiated.
let protocolVersion;
const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  protocolVersion = version;
  setProtocolVersion?.(version);
};

await client.connect(transport);
await performAll(client, protocolVersion, (params, options) => client.callTool(params, undefined, options));
await transport.terminateSession?.();
await client.close();

// Breaks the stream of a call after the server asked the user: the client resumes it.
async function losingStreams(url, options) {
  const response = await fetch(url, options);
  if (options?.method !== "POST" || !response.body) {
    return response;
  }
  let seen = "";
  const decoder = new TextDecoder();
  const broken = new TransformStream({
    transform(chunk, stream) {
      seen += decoder.decode(chunk, { stream: true });
      stream.enqueue(chunk);
      if (seen.includes("elicitation/create")) {
        stream.terminate();
      }
    },
  });
  return new Response(response.body.pipeThrough(broken), response);
}
