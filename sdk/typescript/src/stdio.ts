/**
 * In place of the official SDK's `…/stdio`: its transport connects a server to the feature, so that
 * a server that was written for stdio is one unchanged.
 */

import type { Json } from "./run.ts";

type Message = Json;

export const link: {
  /** Makes a server, and connects it. */
  factory?: () => Promise<void>;
  /** Of the server that is connected. */
  transport?: StdioServerTransport;
  /** A small server of this package, if that is what was connected. */
  light?: { handle(run: Json, method: string, params: Json): Json };
  /** What the server sends, with what the SDK says of it. */
  receive: (message: Message, options?: Json) => void;
} = { receive() {} };

export class StdioServerTransport {
  onmessage?: (message: Message, extra?: Json) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;

  async start(): Promise<void> {
    link.transport = this;
  }

  async send(message: Message, options?: Json): Promise<void> {
    if (link.transport === this) link.receive(message, options);
  }

  async close(): Promise<void> {}
}

/** The factory makes a server for each request that an instance serves. */
export function serveStdio(factory: (context: Json) => Json): { close(): Promise<void> } {
  link.factory = async () => {
    const server = await factory({ era: "legacy" });
    await server.connect(new StdioServerTransport());
  };
  return { async close() {} };
}
