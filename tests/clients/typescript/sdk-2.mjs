// Calls an MCP server with the client package of the TypeScript SDK 2.x: `sdk-2.mjs MODE http
// URL` or `sdk-2.mjs MODE stdio COMMAND…`, where MODE is `default` or a `versionNegotiation` mode.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { elicit, performAll } from "./perform.mjs";

const [mode, kind, target, ...args] = process.argv.slice(2);

const client = new Client(
  { name: "sdk-2", version: "1.0.0" },
  {
    capabilities: { elicitation: {} },
    ...(mode === "default" ? {} : { versionNegotiation: { mode } }),
  },
);
client.setRequestHandler("elicitation/create", elicit);

const transport =
  kind === "stdio"
    ? new StdioClientTransport({ command: target, args })
    : new StreamableHTTPClientTransport(new URL(target));

await client.connect(transport);
await performAll(client, client.getNegotiatedProtocolVersion(), (params, options) => client.callTool(params, options));
await transport.terminateSession?.();
await client.close();
