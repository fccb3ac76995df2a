/** Runs a small server of this package. */

import type { Handle } from "./feature.ts";
import type { Json } from "./run.ts";
import { link } from "./stdio.ts";

export function handler(server: Json): Handle {
  const found = server ?? link.light;
  if (typeof found?.handle !== "function") {
    throw new Error("the module has no server: `export const server = new McpServer(…)`, of `spin-mcp`");
  }
  return (run, method, params) => found.handle(run, method, params);
}
