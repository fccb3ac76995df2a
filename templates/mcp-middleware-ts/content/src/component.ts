/** Makes a link of the chain out of `handle`, which may be `async`, and `Settings`. */

import * as z from "zod";
import * as chain from "spin-mcp:server/handler@0.1.0";
import { get } from "spin-mcp:server/settings@0.1.0";
import * as app from "./app.ts";
import { Refusal } from "./mcp.ts";

const NAME = "{{project-name | kebab_case}}";

export const handler = {
  async handle(request: bigint, method: string, params: string): Promise<string> {
    try {
      return await app.handle(settings(), method, params, (method, params) => {
        try {
          return chain.handle(request, method, params);
        } catch (why) {
          const { code, message, data } = (why as { payload: chain.Error }).payload;
          throw new Refusal(code, message, data);
        }
      });
    } catch (why) {
      throw error(why);
    }
  },

  /** Notifications have no answer. They pass as they are. */
  notify(request: bigint, method: string, params: string): void {
    chain.notify(request, method, params);
  },
};

let parsed: z.infer<typeof app.Settings> | undefined;

/** The settings, which are the same for every request. */
function settings(): z.infer<typeof app.Settings> {
  if (parsed !== undefined) return parsed;
  const found = app.Settings.safeParse(JSON.parse(get()));
  if (!found.success) {
    const whys = found.error.issues.map(({ path, message }) => [...path, message].join(": "));
    throw new Refusal(-32603, `the settings of \`${NAME}\`: ${whys.join("; ")}`);
  }
  return (parsed = found.data);
}

/** What the client sees of what was thrown. What is not a `Refusal` is logged. */
function error(why: unknown): chain.Error {
  if (why instanceof Refusal) {
    const { code, message, data } = why;
    return { code, message, ...(data !== undefined && { data }) };
  }
  console.error(why instanceof Error ? `${why}\n${why.stack}` : why);
  return { code: -32603, message: `middleware \`${NAME}\` failed: ${why}` };
}
