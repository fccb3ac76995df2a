// An OAuth server for development. Any name and password log in, and everything is forgotten when
// it ends.

import { Provider } from "oidc-provider";

const issuer = "http://127.0.0.1:4000";

const provider = new Provider(issuer, {
  scopes: ["openid", "offline_access", "trips:read", "trips:plan"],
  // For scripts, which have no user to log in.
  clients: [
    {
      client_id: "script",
      client_secret: "not a secret",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    // Clients such as Claude Code and the MCP Inspector register themselves.
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => ({
        audience: resource,
        scope: "trips:read trips:plan",
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
      }),
    },
  },
});

// Some clients register for the scopes of their first login, and then could not ask for more. Some
// forget to say that they run on the user's machine.
provider.use(async (context, next) => {
  if (context.method === "POST" && context.path === "/reg") {
    const parts = await Array.fromAsync(context.req);
    const { scope, ...client } = JSON.parse(Buffer.concat(parts));
    context.req.body = { application_type: "native", ...client };
  }
  await next();
});

provider.listen(4000, "127.0.0.1", () => console.log(`OAuth server at ${issuer}`));
