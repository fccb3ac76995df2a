/**
 * Each request of a client passes through `handle` on its way to the features, and so does the
 * answer on its way back.
 */

import * as z from "zod";
import type { Next } from "./mcp.ts";

/** What `settings` of this middleware in spin.toml may hold. */
export const Settings = z.strictObject({
  /** Requests that take less time are not logged. */
  slow_ms: z.int().default(0),
});

/**
 * Logs how long a request took, to stderr: stdout may belong to the client.
 *
 * `method` is a method of MCP, such as `tools/call`; `params` and the answer are JSON objects.
 * `next` passes a request on, unchanged or changed. A middleware can also answer itself.
 */
export function handle(
  settings: z.infer<typeof Settings>,
  method: string,
  params: string,
  next: Next,
): string {
  const begun = performance.now();
  let outcome = "failed";
  try {
    const answer = next(method, params);
    outcome = "answered";
    return answer;
  } finally {
    const ms = Math.floor(performance.now() - begun);
    if (ms >= settings.slow_ms) console.error(`${JSON.stringify(method)} ${outcome} in ${ms} ms`);
  }
}
