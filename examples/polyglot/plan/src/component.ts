/** What the server calls. */

import * as app from "./app.ts";
import * as mcp from "./mcp.ts";

export const { prompts, completions } = mcp.exported(app.prompts);
