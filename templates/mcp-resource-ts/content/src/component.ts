/** What the server calls. */

import * as app from "./app.ts";
import * as mcp from "./mcp.ts";

export const { resources, completions } = mcp.exported(app.resources, app.templates);
