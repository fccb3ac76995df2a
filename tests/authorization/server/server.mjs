// An OAuth server: `server.mjs SETTINGS`, where SETTINGS is a JSON object with `issuer`, `resources`
// (the servers that its tokens can be for), and, if needed, `port` (that of the issuer, otherwise)
// and `keys` (what its keys' ids begin with). Its keys are new at every start.
//
// It says that it listens, and the private key of the client `machine-key`, in one line of JSON.

import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";
import { text } from "node:stream/consumers";

const ALGORITHMS = ["ES256", "EdDSA", "RS256"];
// What a client does whose identifier is the address of its metadata. Nobody fetches it: such an
// address must have `https`.
const PUBLISHED = "https://client.example/metadata.json";
const CALLBACK = "http://127.0.0.1/callback";
const SCOPES = ["mcp:read", "mcp:write"];

const { issuer, resources, port = new URL(issuer).port, keys = "a" } = JSON.parse(process.argv[2]);

async function key(alg, kid) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, kid, use: "sig" };
}

const machineKey = await key("ES256", "machine-key");
const { d: _, ...machinePublicKey } = machineKey;

function machine(client_id, more = {}) {
  const secret = { client_secret: "the secret of a machine" };
  return { client_id, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], ...secret, ...more };
}

const native = {
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: [CALLBACK],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};

const provider = new Provider(issuer, {
  jwks: { keys: await Promise.all(ALGORITHMS.map((alg) => key(alg, `${keys}-${alg}`))) },
  clients: [
    // A token is signed by the algorithm in its client's name.
    ...ALGORITHMS.map((alg) => machine(`machine-${alg}`)),
    machine("machine-brief"),
    machine("machine-key", {
      client_secret: undefined,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [machinePublicKey] },
    }),
    { client_id: "desktop", ...native },
  ],
  scopes: ["openid", "offline_access", ...SCOPES],
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
  cookies: { keys: ["cookies of a test"] },
  fetch: (url, options) =>
    String(url) === PUBLISHED
      ? Response.json({ client_id: PUBLISHED, client_name: "published", ...native })
      : fetch(url, options),
  features: {
    clientCredentials: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
    devInteractions: { enabled: true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resources[0],
      useGrantedResource: () => true,
      getResourceServerInfo(_context, resource, { clientId }) {
        if (!resources.includes(resource)) {
          throw new Error(`no tokens for ${resource}`);
        }
        return {
          scope: SCOPES.join(" "),
          accessTokenFormat: "jwt",
          accessTokenTTL: clientId === "machine-brief" ? 3 : 3600,
          jwt: { sign: { alg: ALGORITHMS.find((alg) => clientId.endsWith(alg)) ?? "ES256" } },
        };
      },
    },
  },
});

// The TypeScript SDK registers a client for the scopes of its first login. The provider would
// then refuse it further ones.
provider.use(async (context, next) => {
  if (context.method === "POST" && context.path === "/reg") {
    const { scope, ...metadata } = JSON.parse(await text(context.req));
    context.req.body = { application_type: "native", ...metadata };
  }
  await next();
});

provider.listen(port, "127.0.0.1", () => console.log(JSON.stringify({ listening: issuer, machineKey })));
