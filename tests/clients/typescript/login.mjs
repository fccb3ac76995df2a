// What both SDKs' clients do to get at a server that asks for authorization: what to do comes as
// JSON on stdin, and what came of it leaves on stdout; see `tests/authorization/run.py`.

import { execFile } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

export const task = JSON.parse(await text(process.stdin));

// Keeps in memory what an application keeps for its user.
export class Login {
  redirectUrl = task.callback;
  clientMetadataUrl = task.login === "metadata" ? task.metadata : undefined;
  clientMetadata = {
    client_name: "acceptance",
    redirect_uris: [task.callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.saved;
  saveTokens = (tokens) => void (this.saved = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  discoveryState = () => this.discovered;
  saveDiscoveryState = (state) => void (this.discovered = state);
  redirectToAuthorization = (url) => void (this.page = url);
}

const challenges = [];

// Notes the challenges of the server and of nobody else: OAuth servers do not send any.
export async function watch(url, options) {
  const response = await fetch(url, options);
  const challenge = response.headers.get("www-authenticate");
  if (challenge) {
    challenges.push(challenge);
  }
  return response;
}

// Tries it again once the user has logged in, if the server wants that. `finish` takes the
// parameters of the callback.
export async function withLogin(login, attempt, finish) {
  try {
    return await attempt();
  } catch (error) {
    if (!login.page) {
      throw error;
    }
    const asked = Object.fromEntries(login.page.searchParams);
    tell({ login: { client: asked.client_id, scope: asked.scope, resource: asked.resource } });
    const { stdout } = await promisify(execFile)(task.browser, [login.page.href]);
    login.page = undefined;
    await finish(new URL(stdout.trim()).searchParams);
    return await attempt();
  }
}

// `call` takes the params of a call.
export async function useTools(client, protocolVersion, call) {
  tell({ protocolVersion, challenges: challenges.splice(0) });
  tell({ tools: (await client.listTools()).tools.map((tool) => tool.name) });
  for (const name of [task.open, task.guarded]) {
    const { content } = await call({ name, arguments: {} });
    tell({ called: name, text: content[0].text, challenges: challenges.splice(0) });
  }
}

function tell(line) {
  console.log(JSON.stringify(line));
}
