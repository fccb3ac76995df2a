/** What servers import as `spin-mcp`. */

import { running } from "./run.ts";

export { McpServer, ResourceTemplate, completable } from "./server.ts";
export type * from "./server.ts";
export * from "./apps.ts";
export { Refusal } from "./run.ts";
export { serveStdio, StdioServerTransport } from "./stdio.ts";

/**
 * Does work once, although a call that asks the client runs again from its top after each answer.
 * The value is kept as JSON until the call ends.
 */
export function once<T>(key: string, work: () => T): T {
  return running().once(key, work);
}

/** The caller, if the server has authorization. */
export function identity(): { subject: string; issuer: string; scopes: string[]; claims: any } | undefined {
  return running().host.identity();
}

/**
 * The request headers that `headers` of the server in `spin.toml` names, in lower case. The values of
 * a header that occurs more than once are joined.
 */
export function headers(): Record<string, string> {
  return running().headers();
}

/** The revision of MCP that the client speaks. */
export function protocolVersion(): string {
  return running().host.protocolVersion();
}

/** The session of the client. There is none for clients of 2026-07-28, and on stdio. */
export function sessionId(): string | undefined {
  return running().host.sessionId();
}
