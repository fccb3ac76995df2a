/** What the server calls. */

import * as app from "./app.ts";
import * as mcp from "./mcp.ts";

export const tools = mcp.exported(app.tools);
