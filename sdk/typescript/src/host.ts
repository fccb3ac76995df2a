/** The host of a call, by the interfaces of the contract. Only what the code calls is imported. */

import * as changes from "spin-mcp:server/changes@0.1.0";
import * as input from "spin-mcp:server/input@0.1.0";
import * as client from "spin-mcp:server/request@0.1.0";
import type { Host, Json } from "./run.ts";

/** The bundler says whether the author's code asks, and whether it reports changes. */
declare const SPIN_MCP_ASKS: boolean;
declare const SPIN_MCP_CHANGES: boolean;

const parsed = (text: string | null | undefined): Json => (text == null ? undefined : JSON.parse(text));

export function host(request: Json): Host {
  // Id zero stands for no request: compose reads the lists.
  const none = !request;
  return {
    protocolVersion: () => client.protocolVersion(request),
    clientInfo: () => parsed(client.clientInfo(request)),
    clientCapabilities: () => parsed(client.clientCapabilities(request)) ?? {},
    identity() {
      const caller = client.identity(request);
      return caller ? { ...caller, claims: parsed(caller.claims) } : undefined;
    },
    headers: () => client.headers(request),
    sessionId: () => client.sessionId(request) ?? undefined,
    meta: () => parsed(client.meta(request)),
    isCancelled: () => client.isCancelled(request),
    progress: (progress, total, message) => client.progress(request, progress, total, message),
    log: (level, logger, data) =>
      client.log(request, level as Json, logger, JSON.stringify(data) ?? "null"),
    resourceUpdated(uri) {
      if (SPIN_MCP_CHANGES) changes.resourceUpdated(request, uri);
    },
    listChanged(kind) {
      if (SPIN_MCP_CHANGES) changes.listChanged(request, kind);
    },
    responses: () =>
      SPIN_MCP_ASKS && !none
        ? input.responses(request).map(([key, answer]) => [key, parsed(answer)])
        : [],
    state: () => (SPIN_MCP_ASKS && !none ? (input.state(request) ?? undefined) : undefined),
  };
}
