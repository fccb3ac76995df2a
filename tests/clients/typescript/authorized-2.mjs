// Calls an MCP server that asks for authorization with the client package of the TypeScript SDK
// 2.x: `authorized-2.mjs MODE URL`, where MODE is `default` or a `versionNegotiation` mode.

import {
  Client,
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { Login, task, useTools, watch, withLogin } from "./login.mjs";

const [mode, url] = process.argv.slice(2);

const machine = { clientId: task.client, expectedIssuer: task.issuer };
const providers = {
  secret: () => new ClientCredentialsProvider({ ...machine, clientSecret: task.secret }),
  key: () => new PrivateKeyJwtProvider({ ...machine, privateKey: task.key, algorithm: task.key.alg }),
};
const authProvider = (providers[task.login] ?? (() => new Login()))();

let client, transport;
const finish = (callback) => transport.finishAuth(callback);
await withLogin(
  authProvider,
  () => {
    transport = new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: watch });
    client = new Client(
      { name: "authorized-2", version: "1.0.0" },
      mode === "default" ? {} : { versionNegotiation: { mode } },
    );
    return client.connect(transport);
  },
  finish,
);
await useTools(client, client.getNegotiatedProtocolVersion(), (params) => withLogin(authProvider, () => client.callTool(params), finish));
await transport.terminateSession?.();
await client.close();
