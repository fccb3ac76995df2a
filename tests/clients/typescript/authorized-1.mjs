// Calls an MCP server that asks for authorization with the TypeScript SDK 1.x: `authorized-1.mjs
// default URL`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Login, task, useTools, watch, withLogin } from "./login.mjs";

const [, url] = process.argv.slice(2);

const authProvider = new Login();
let client, transport, protocolVersion;
const finish = (callback) => transport.finishAuth(callback.get("code"));
await withLogin(
  authProvider,
  () => {
    transport = new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: watch });
    // The client tells its transport, and nobody else, what was negotiated.
    const setProtocolVersion = transport.setProtocolVersion.bind(transport);
    transport.setProtocolVersion = (version) => setProtocolVersion((protocolVersion = version));
    client = new Client({ name: "authorized-1", version: "1.0.0" });
    return client.connect(transport);
  },
  finish,
);
await useTools(client, protocolVersion, (params) => withLogin(authProvider, () => client.callTool(params), finish));
await transport.terminateSession();
await client.close();
